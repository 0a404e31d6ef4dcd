/** What the terminal shows: progress while the work is done, and the tables at the end. */

import type { Analysis, ExperimentResult, Progress } from "./experiment.js";
import { finalOf, titles, type Check } from "./findings.js";

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const redrawEvery = 200;

/** One line for each training; on a terminal it changes while the training runs. */
export function progressPrinter(output: Output): (progress: Progress) => void {
  let shownAt = -Infinity;
  return ({ part, method, fraction, text }) => {
    const now = performance.now();
    const ends = fraction === 1;
    if (!ends && (!output.isTTY || now - shownAt < redrawEvery)) return;
    shownAt = now;
    const percent = `${Math.floor(100 * fraction)} %`.padStart(5);
    const line = `${titles[part].padEnd(19)} ${method.padEnd(28)} ${percent}  ${text}`;
    // Some terminals do not say how wide they are, some say 0.
    const columns = output.columns || 80;
    if (!output.isTTY) output.write(`${line}\n`);
    else output.write(`\r\x1b[2K${line.slice(0, columns - 1)}${ends ? "\n" : ""}`);
  };
}

/** Accuracies of the last step, one row for each method. */
export function experimentTable({ part, rows }: ExperimentResult): string {
  const width = Math.max(...rows.map(({ method }) => method.length));
  const lines = rows.map((row) => {
    const { train, test } = finalOf(row);
    const each = row.runs.length > 1 ? `  (${row.runs.map(lastTest).join(", ")})` : "";
    return `  ${row.method.padEnd(width)}  ${train.toFixed(3)}  ${test.toFixed(3)}${each}`;
  });
  return `${titles[part]}\n  ${"".padEnd(width)}  train  test\n${lines.join("\n")}`;
}

function lastTest({ points, failed }: ExperimentResult["rows"][number]["runs"][number]): string {
  return failed ? "failed" : points[points.length - 1].test.toFixed(3);
}

/** Relative gaps between the training environments, for each method that was looked at. */
export function analysisTable(analyses: readonly Analysis[]): string {
  const [first] = analyses;
  const width = Math.max(...first.rows.map(({ quantity }) => quantity.length));
  const head = `  ${"".padEnd(width)}  ${analyses.map(({ method }) => method.padStart(8)).join("  ")}`;
  const lines = first.rows.map(({ quantity }, i) => {
    const gaps = analyses.map(({ rows }) => rows[i].relativeGap.toFixed(4).padStart(8));
    return `  ${quantity.padEnd(width)}  ${gaps.join("  ")}`;
  });
  return `Relative gaps between the training environments\n${head}\n${lines.join("\n")}`;
}

export function checkList(checks: readonly Check[]): string {
  return checks.map(({ claim, holds }) => `${holds ? "✓" : "✗ MISSED:"} ${claim}`).join("\n");
}
