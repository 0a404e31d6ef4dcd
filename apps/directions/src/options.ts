/** The command line. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fullSettings, quickSettings, type Settings } from "./settings.js";

export const help: string = `Mixtures of von Mises-Fisher distributions in 784 to 32,768 dimensions: clusters of digits, how narrow they are, and
pictures that do not belong. Writes one page.

Usage: pnpm --filter directions start [options]

  --components <count>  of the mixtures of digits, 1 to 100 (default ${fullSettings.components})
  --starts <count>      of each mixture, of which the likeliest end is kept, 1 to 100 (default ${fullSettings.starts})
  --seed <integer>      of everything random; the same seed gives the same numbers (default 0)
  --out <file>          where to write (default directions.html)
  --quick               a little of everything in seconds; its numbers mean little
  --help                this text

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
  const given = parse(args);
  if (given.help) return { kind: "help" };
  const base = given.quick ? quickSettings : fullSettings;
  const settings: Settings = {
    ...base,
    seed: integer("seed", given.seed, 0, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    components: integer("components", given.components, base.components, 1, 100),
    starts: integer("starts", given.starts, base.starts, 1, 100),
  };
  return { kind: "run", settings, out: outputFile(given.out ?? "directions.html", directory) };
}

type Values = Partial<Record<"components" | "starts" | "seed" | "out", string>> & { quick?: boolean; help?: boolean };

function parse(args: readonly string[]): Values {
  const text = { type: "string" } as const;
  // pnpm hands on the "--" of `start -- --quick`.
  const own = args[0] === "--" ? args.slice(1) : [...args];
  try {
    return parseArgs({
      args: own,
      options: {
        components: text,
        starts: text,
        seed: text,
        out: text,
        quick: { type: "boolean" },
        help: { type: "boolean", short: "h" },
      },
    }).values;
  } catch (error) {
    // Node's text goes on to explain conventions of the shell.
    const [message] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(message.replace(/\.$/, ""));
  }
}

function integer(name: string, text: string | undefined, usual: number, least: number, most: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= least && value <= most) return value;
  const range = least === Number.MIN_SAFE_INTEGER ? "a safe integer" : `an integer from ${least} to ${most}`;
  throw new UsageError(`--${name} is "${text}"; wants ${range}`);
}

/** Refused now rather than after a minute of work. */
function outputFile(out: string, directory: string): string {
  if (out === "") throw new UsageError("--out is empty; wants the name of a file");
  const path = resolve(directory, out);
  if (existsSync(path) && statSync(path).isDirectory()) throw new UsageError(`--out ${out} is a folder; wants a file`);
  if (!existsSync(dirname(path))) throw new UsageError(`--out ${out}: the folder ${dirname(path)} does not exist`);
  return path;
}
