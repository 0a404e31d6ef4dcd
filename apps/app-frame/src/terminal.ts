/** What the terminal shows: progress while the work is done, and tables at the end. */

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** How far a stage of the work is. */
export interface Step {
  /** The stage, as it stands at the beginning of the line. */
  readonly label: string;
  /** Of the stage, in [0, 1]; 1 once, at its end. */
  readonly fraction: number;
  readonly text: string;
  /** Whether the line is kept although the stage goes on. */
  readonly milestone?: boolean;
}

/** Something that a run promises. */
export interface Check {
  readonly claim: string;
  readonly holds: boolean;
}

/** The first column is words, the others are numbers. */
export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const redrawEvery = 100;
/** Where lines cannot be redrawn, a long stage still shows that it lives. */
const lineEvery = 10_000;

/** Shows progress: one line that changes on a terminal; elsewhere a line for each end and milestone, and every ten seconds. */
export function progressPrinter(output: Output): (step: Step) => void {
  let stage: string | undefined;
  let startedAt = 0;
  let shownAt = 0;
  return ({ label, fraction, text, milestone = false }) => {
    const now = performance.now();
    if (label !== stage) {
      stage = label;
      startedAt = now;
      shownAt = output.isTTY ? -Infinity : now;
    }
    const ends = fraction === 1;
    const stays = ends || milestone;
    if (ends) stage = undefined;
    if (!stays && now - shownAt < (output.isTTY ? redrawEvery : lineEvery)) return;
    shownAt = now;
    const percent = `${Math.floor(100 * fraction)} %`.padStart(5);
    const seconds = `${((now - startedAt) / 1000).toFixed(1)} s`.padStart(8);
    const line = `${label} ${percent} ${seconds}  ${text}`;
    if (!output.isTTY) output.write(`${line}\n`);
    else output.write(`\r\x1b[2K${fit(line, output.columns)}${stays ? "\n" : ""}`);
  };
}

function fit(line: string, width: number | undefined): string {
  // Some terminals do not say how wide they are, some say 0.
  const columns = width || 80;
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}

export function textTable({ heads, rows }: Table): string {
  const widths = heads.map((head, k) => Math.max(head.length, ...rows.map((row) => row[k].length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, k) => (k === 0 ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join("  ");
  return [line(heads), ...rows.map(line)].map((l) => `  ${l.trimEnd()}`).join("\n");
}

export function checkList(checks: readonly Check[]): string {
  return checks.map(({ claim, holds }) => `${holds ? "✓" : "✗ MISSED:"} ${claim}`).join("\n");
}

/** Text in lines of at most `width` characters, where its words are no longer. */
export function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
