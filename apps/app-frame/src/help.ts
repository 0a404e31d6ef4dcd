/** The text of --help, from the declaration of an app. */

import type { Options } from "./options.js";
import { wrap } from "./terminal.js";

export interface Described {
  readonly name: string;
  /** What it does, in lines of at most 120 characters. */
  readonly description: string;
  /** How it is started, without options; `pnpm --filter name start` by default. */
  readonly usage?: string;
  readonly options: Options;
  /** What makes the exit code 1 although nothing failed; a full run that misses a claim by default. */
  readonly misses?: string;
}

/** Options that are longer than this have a line of their own. */
const widest = 20;
const lineWidth = 113;

export function helpText({
  name,
  description,
  usage = `pnpm --filter ${name} start`,
  options,
  misses = "a full run misses a claim that it checks",
}: Described): string {
  const rows = Object.entries(options).map(([option, { placeholder, help, heading }]) => ({
    left: placeholder === null ? `--${option}` : `--${option} <${placeholder}>`,
    help,
    heading,
  }));
  const firstHeading = rows.findIndex(({ heading }) => heading !== undefined);
  const own = { left: "--help", help: "this text", heading: undefined };
  rows.splice(firstHeading === -1 ? rows.length : firstHeading, 0, own);

  const column = 3 + Math.max(...rows.map(({ left }) => left.length).filter((length) => length <= widest));
  const lines = rows.flatMap(({ left, help, heading }) => {
    const [first, ...more] = [...(left.length > widest ? [""] : []), ...help.split("\n")];
    return [
      ...(heading === undefined ? [] : ["", heading]),
      `  ${left.padEnd(column)}${first}`.trimEnd(),
      ...more.map((line) => " ".repeat(column + 2) + line),
    ];
  });
  const codes =
    `Exit code: 0 when all went well, 1 when something failed or ${misses}, ` +
    `2 for wrong options, 130 when interrupted.`;
  return [description, "", `Usage: ${usage} [options]`, "", ...lines, "", ...wrap(codes, lineWidth), ""].join("\n");
}
