/** The command: reads its options, runs the experiments, prints the tables and writes the page. */

import { writeFile } from "node:fs/promises";
import { runExperiments, type Results } from "./experiment.js";
import { checks } from "./findings.js";
import { help, readOptions, UsageError, type Command } from "./options.js";
import { reportPage } from "./report.js";
import { analysisTable, checkList, experimentTable, progressPrinter, type Output } from "./terminal.js";

export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Where the command was given; a relative --out starts there. */
  readonly directory: string;
  readonly signal?: AbortSignal;
}

export const exitCodes = { success: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** Runs the command and returns its exit code. */
export async function main(
  args: readonly string[],
  { stdout, stderr, directory, signal }: Surroundings,
): Promise<number> {
  let command: Command;
  try {
    command = readOptions(args, directory);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    stderr.write(`domain-generalisation: ${error.message}. See --help.\n`);
    return exitCodes.usage;
  }
  if (command.kind === "help") {
    stdout.write(help);
    return exitCodes.success;
  }
  const { settings, out } = command;
  const start = performance.now();
  try {
    const results = await runExperiments(settings, { signal, onProgress: progressPrinter(stdout) });
    const seconds = (performance.now() - start) / 1000;
    await writeFile(out, reportPage(results, seconds));
    stdout.write(`\n${summary(results)}\n\n${seconds.toFixed(0)} seconds. Page: ${out}\n`);
    return checks(results).every(({ holds }) => holds) ? exitCodes.success : exitCodes.failure;
  } catch (error) {
    if (signal?.aborted) {
      stderr.write("\nStopped; no page was written.\n");
      return exitCodes.interrupted;
    }
    stderr.write(`\ndomain-generalisation: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

function summary(results: Results): string {
  const { experiments, analyses } = results;
  const list = checks(results);
  return [
    ...experiments.map(experimentTable),
    ...(analyses.length > 0 ? [analysisTable(analyses)] : []),
    ...(list.length > 0 ? [checkList(list)] : []),
  ].join("\n\n");
}
