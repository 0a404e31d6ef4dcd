/** The command: reads its options, runs the experiment, prints the table and writes the report. */

import { writeFile } from "node:fs/promises";
import { runExperiment, runModel, type Experiment } from "./experiment.js";
import { checks, findings, networkFindings } from "./findings.js";
import { saveModels } from "./models.js";
import { help, readOptions, UsageError, type Command } from "./options.js";
import { modelPage, reportPage } from "./report.js";
import { fullSettings } from "./settings.js";
import { checkList, progressPrinter, table, type Output } from "./terminal.js";

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
    stderr.write(`curvature-report: ${error.message}. See --help.\n`);
    return exitCodes.usage;
  }
  if (command.kind === "help") {
    stdout.write(help);
    return exitCodes.success;
  }
  const { settings, out } = command;
  const watch = { signal, onProgress: progressPrinter(stdout) };
  try {
    if (command.kind === "model") {
      const results = await runModel(settings, command, watch);
      await writeFile(out, modelPage(results));
      stdout.write(`\n${table(networkFindings(results.network), widthOf(stdout))}\n\nReport: ${out}\n`);
      return exitCodes.success;
    }
    const experiment = await runExperiment(settings, watch);
    await writeFile(out, reportPage(experiment));
    if (command.save !== null) {
      for (const file of await saveModels(command.save, experiment.models)) stdout.write(`Saved ${file}\n`);
    }
    return conclude(experiment, out, stdout);
  } catch (error) {
    if (signal?.aborted) {
      stderr.write("\nStopped; no report was written.\n");
      return exitCodes.interrupted;
    }
    stderr.write(`\ncurvature-report: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

function widthOf({ columns }: Output): number {
  return Math.min(columns || 160, 200);
}

function conclude({ results, seconds }: Experiment, out: string, stdout: Output): number {
  const total = Object.values(seconds).reduce((a, b) => a + b, 0);
  const list = checks(results);
  stdout.write(`\n${table(findings(results), widthOf(stdout))}\n\n`);
  if (list.length > 0) stdout.write(`${checkList(list)}\n\n`);
  stdout.write(`${total.toFixed(0)} seconds. Report: ${out}\n`);
  // Who asks for other epochs than the default ones was promised nothing.
  const promised = results.settings.epochs === fullSettings.epochs;
  return promised && list.some(({ holds }) => !holds) ? exitCodes.failure : exitCodes.success;
}
