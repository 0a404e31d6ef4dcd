/** What the terminal shows: progress while the work is done, and the table at the end. */

import type { Progress } from "./experiment.js";
import type { Check, Finding } from "./findings.js";

/** The part of a stream that is written to. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

const redrawEvery = 100;
/** Where lines cannot be redrawn, a long stage still shows that it lives. */
const lineEvery = 10_000;

/** Shows progress: one line that changes on a terminal; elsewhere a line for each milestone, and every ten seconds. */
export function progressPrinter(output: Output): (progress: Progress) => void {
  let stageStart = performance.now();
  let shownAt = -Infinity;
  let stage = "";
  return (progress) => {
    const now = performance.now();
    if (progress.stage !== stage) {
      stage = progress.stage;
      stageStart = now;
      shownAt = output.isTTY ? -Infinity : now;
    }
    const line = progressLine(progress, (now - stageStart) / 1000);
    if (output.isTTY) {
      if (!progress.milestone && now - shownAt < redrawEvery) return;
      output.write(`\r\x1b[2K${fit(line, output.columns)}${progress.milestone ? "\n" : ""}`);
    } else {
      if (!progress.milestone && now - shownAt < lineEvery) return;
      output.write(`${line}\n`);
    }
    shownAt = now;
  };
}

function progressLine({ stage, step, steps, fraction, text }: Progress, seconds: number): string {
  const percent = `${Math.floor(100 * fraction)} %`.padStart(5);
  return `[${step}/${steps}] ${stage.padEnd(16)} ${percent} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${text}`;
}

function fit(line: string, width: number | undefined): string {
  // Some terminals do not say how wide they are, some say 0.
  const columns = width || 80;
  return line.length < columns ? line : `${line.slice(0, columns - 2)}…`;
}

/** The table of the numbers with their meanings, the latter wrapped to the width. */
export function table(findings: readonly Finding[], width: number): string {
  const first = Math.max(...findings.map(({ quantity }) => quantity.length));
  const second = Math.max(...findings.map(({ value }) => value.length));
  const left = first + second + 4;
  const room = width - left;
  // A narrow terminal gets the meaning on lines of its own.
  const indent = room >= 40 ? left : 4;
  return findings
    .map(({ quantity, value, meaning }) => {
      const head = `${quantity.padEnd(first)}  ${value.padStart(second)}`;
      const lines = wrap(meaning, Math.max(20, width - indent)).map((line) => " ".repeat(indent) + line);
      if (indent === left) return [head + lines[0].slice(head.length), ...lines.slice(1)].join("\n");
      return [head, ...lines].join("\n");
    })
    .join("\n");
}

function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1];
    if (line !== "" && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}

export function checkList(checks: readonly Check[]): string {
  return checks.map(({ claim, holds }) => `${holds ? "✓" : "✗ MISSED:"} ${claim}`).join("\n");
}
