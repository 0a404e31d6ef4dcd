/** The command: reads its options, makes the study, prints its tables and writes the page. */

import { writeFile } from "node:fs/promises";
import { help, readOptions, UsageError, type Command } from "./options.js";
import { reportPage } from "./report.js";
import { checksOf, study } from "./study.js";
import { digitsTable, knownTable, othersTable, strangersTable, type Table } from "./tables.js";

export interface Surroundings {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
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
    stderr.write(`directions: ${error.message}. See --help.\n`);
    return exitCodes.usage;
  }
  if (command.kind === "help") {
    stdout.write(help);
    return exitCodes.success;
  }
  const { settings, out } = command;
  try {
    const results = await study(settings, { signal, onProgress: (line) => stdout.write(`${line}\n`) });
    await writeFile(out, reportPage(results));
    const checks = checksOf(results);
    for (const table of [knownTable, digitsTable, strangersTable, othersTable])
      stdout.write(`\n${asText(table(results))}\n`);
    if (checks.length > 0) stdout.write("\n");
    for (const { claim, holds } of checks) stdout.write(`${holds ? "✓" : "✗ MISSED:"} ${claim}\n`);
    stdout.write(`\nPage: ${out}\n`);
    return checks.every(({ holds }) => holds) ? exitCodes.success : exitCodes.failure;
  } catch (error) {
    if (signal?.aborted) {
      stderr.write("\nStopped; no page was written.\n");
      return exitCodes.interrupted;
    }
    stderr.write(`\ndirections: ${error instanceof Error ? error.message : String(error)}\n`);
    return exitCodes.failure;
  }
}

/** The first column stands left, the others right. */
function asText({ heads, rows }: Table): string {
  const widths = heads.map((head, k) => Math.max(head.length, ...rows.map((row) => row[k].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join("  ");
  return [line(heads), ...rows.map(line)].map((l) => `  ${l.trimEnd()}`).join("\n");
}
