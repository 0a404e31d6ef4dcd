/** The command line. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fullSettings, parts, quickSettings, type Part, type Settings } from "./settings.js";

export const help: string = `Trains classifiers on environments in which a shortcut tells the label, by ten methods, and measures them where the
shortcut misleads. Prints tables and writes one HTML page.

Usage: npm start -- [options]

  --only <parts>     some of ${parts.join(", ")}; separated by commas (default all)
  --seed <integer>   of everything random; the same seed gives the same numbers (default 0)
  --out <file>       where to write the page (default domain-generalisation.html)
  --quick            a little of everything in seconds; its numbers mean nothing
  --help             this text

Exit code: 0 when all went well, 1 when something failed or a full run misses a claim that it checks, 2 for wrong
options, 130 when interrupted.
`;

/** Options that cannot be understood; the message says which, and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export type Command =
  { readonly kind: "help" } | { readonly kind: "run"; readonly settings: Settings; readonly out: string };

/**
 * Reads the options.
 *
 * @param directory - Against which a relative --out is resolved.
 * @throws UsageError
 */
export function readOptions(args: readonly string[], directory: string): Command {
  const { seed, only, out, quick, help: wantsHelp } = parse(args);
  if (wantsHelp) return { kind: "help" };
  const settings: Settings = {
    ...(quick ? quickSettings : fullSettings),
    seed: seed === undefined ? 0 : readSeed(seed),
    parts: only === undefined ? parts : readParts(only),
  };
  return { kind: "run", settings, out: outputPath(out ?? "domain-generalisation.html", directory) };
}

function parse(args: readonly string[]): {
  seed?: string;
  only?: string;
  out?: string;
  quick?: boolean;
  help?: boolean;
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: "string" },
        only: { type: "string" },
        out: { type: "string" },
        quick: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    // Node's text goes on to explain conventions of the shell.
    const [message] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(message);
  }
}

function readSeed(text: string): number {
  const seed = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(seed)) return seed;
  throw new UsageError(`--seed is "${text}"; wants a safe integer`);
}

function readParts(text: string): readonly Part[] {
  const wanted = text.split(",");
  const unknown = wanted.find((name) => !(parts as readonly string[]).includes(name));
  if (unknown !== undefined) throw new UsageError(`--only has "${unknown}"; wants some of ${parts.join(", ")}`);
  return parts.filter((part) => wanted.includes(part));
}

/** Refused now rather than after minutes of work. */
function outputPath(out: string, directory: string): string {
  if (out === "") throw new UsageError(`--out is empty; wants the name of a file`);
  const path = resolve(directory, out);
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`--out ${out} is a folder; wants a file`);
  if (!existsSync(dirname(path))) throw new UsageError(`--out ${out}: the folder ${dirname(path)} does not exist`);
  return path;
}
