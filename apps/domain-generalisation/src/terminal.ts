/** The tables that the terminal shows at the end. */

import { textTable } from "app-frame";
import type { Analysis, ExperimentResult } from "./experiment.js";
import { finalTable, titles } from "./findings.js";

/** Accuracies of the last step, one row for each method. */
export function experimentTable(experiment: ExperimentResult, quick: boolean): string {
  return `${titles[experiment.part]}\n${textTable(finalTable(experiment, quick))}`;
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
