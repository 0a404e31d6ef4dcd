/** The tables that the terminal shows at the end. */

import type { Analysis, ExperimentResult } from "./experiment.js";
import { finalOf, titles } from "./findings.js";

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
