/** What the terminal shows: progress while the work is done, and tables at the end. */

import type { Check } from "./chapter.js";
import type { Progress } from "./progress.js";

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const redrawEvery = 100;
/** Where lines cannot be redrawn, a long stage still shows that it lives. */
const lineEvery = 10_000;

/** One line for each stage: it changes on a terminal; elsewhere there is a line at the end, and every ten seconds. */
export function progressPrinter(output: Output): (progress: Progress) => void {
  let shownAt = performance.now();
  let startedAt = shownAt;
  return ({ part, stage, fraction, text }) => {
    const now = performance.now();
    if (fraction === 0 && text === "") startedAt = shownAt = now;
    const ends = fraction === 1;
    if (!ends && now - shownAt < (output.isTTY ? redrawEvery : lineEvery)) return;
    shownAt = now;
    const percent = `${Math.floor(100 * fraction)} %`.padStart(5);
    const seconds = `${((now - startedAt) / 1000).toFixed(1)} s`.padStart(8);
    const line = `${part.padEnd(11)} ${stage.padEnd(20)} ${percent} ${seconds}  ${text}`;
    // Some terminals do not say how wide they are, some say 0.
    const columns = output.columns || 80;
    if (!output.isTTY) output.write(`${line}\n`);
    else output.write(`\r\x1b[2K${line.slice(0, columns - 1)}${ends ? "\n" : ""}`);
  };
}

/** The first column is words, the others are numbers. */
export function textTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, k) => Math.max(head.length, ...rows.map((row) => row[k].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join("  ");
  return [line(heads), ...rows.map(line)].map((l) => `  ${l.trimEnd()}`).join("\n");
}

export function checkList(checks: readonly Check[]): string {
  return checks.map(({ claim, holds }) => `${holds ? "✓" : "✗ MISSED:"} ${claim}`).join("\n");
}
