/** The command line. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { planKinds } from "./colour-map.js";
import { fullSettings, largeSizes, parts, quickSettings, type Settings } from "./settings.js";

const { colour, morph, convergence } = fullSettings;

export const help: string = `Optimal transport to look at: the colours of one picture carried to another, points and digits that turn into each
other, and how fast Sinkhorn-Newton-Sparse converges. Writes pages and pictures into a folder.

Usage: pnpm --filter transport start [options]

  --only <parts>       some of ${parts.join(", ")}; separated by commas (default all)
  --out <folder>       where to write (default transport; made if it is not there)
  --seed <integer>     of everything random; the same seed gives the same numbers (default 0)
  --quick              a little of everything in seconds; its numbers mean little
  --help               this text

Colour
  --source <file>      the picture to recolour, PNG or JPEG
  --target <file>      the picture with the colours that are wanted (default: two generated landscapes)
  --plan <kinds>       some of ${planKinds.join(", ")} (default all)
  --palette <method>   kmeans, or sample: pixels drawn at random (default ${colour.palette})
  --colours <count>    colours of a palette, 1 to 2000 (default ${colour.colours})
  --epsilon <share>    strength of the entropy, as a share of the mean squared distance (default ${colour.epsilon})
  --rho <share>        price of proportions that are not met, likewise (default ${colour.rho})

Morph
  --digits <a,b>       two digits, 0 to 9 (default ${morph.digits.join(",")})
  --points <count>     points of a cloud, 2 to 5000 (default ${morph.points})

Convergence
  --sweeps <count>     of Sinkhorn, at most (default ${convergence.sweeps})
  --clock <kind>       wall, or cpu: processor time, for busy machines (default wall)
  --large              Sinkhorn-Newton-Sparse with ${largeSizes.full} points on each side, too

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
 * @param directory - Against which relative paths are resolved.
 * @throws UsageError
 */
export function readOptions(args: readonly string[], directory: string): Command {
  const given = parse(args);
  if (given.help) return { kind: "help" };
  const base = given.quick ? quickSettings : fullSettings;
  const number = (name: "epsilon" | "rho", usual: number): number => positive(name, given[name], usual);
  const count = (name: "seed" | "colours" | "points" | "sweeps", usual: number, least: number, most: number): number =>
    integer(name, given[name], usual, least, most);
  const settings: Settings = {
    ...base,
    seed: count("seed", 0, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    parts: some("only", given.only, parts),
    colour: {
      ...base.colour,
      files: files(given.source, given.target, directory),
      palette: some("palette", given.palette, ["kmeans", "sample"] as const, base.colour.palette)[0],
      colours: count("colours", base.colour.colours, 1, 2000),
      plans: some("plan", given.plan, planKinds),
      epsilon: number("epsilon", base.colour.epsilon),
      rho: number("rho", base.colour.rho),
    },
    morph: {
      ...base.morph,
      digits: given.digits === undefined ? base.morph.digits : twoDigits(given.digits),
      points: count("points", base.morph.points, 2, 5000),
    },
    convergence: {
      ...base.convergence,
      sweeps: count("sweeps", base.convergence.sweeps, 100, 10_000_000),
      clock: some("clock", given.clock, ["wall", "cpu"] as const, base.convergence.clock)[0],
      large: given.large ? largeSizes[given.quick ? "quick" : "full"] : null,
    },
  };
  return { kind: "run", settings, out: outputFolder(given.out ?? "transport", directory) };
}

type Values = Partial<
  Record<
    | "only"
    | "out"
    | "seed"
    | "source"
    | "target"
    | "plan"
    | "palette"
    | "colours"
    | "epsilon"
    | "rho"
    | "digits"
    | "points"
    | "sweeps"
    | "clock",
    string
  >
> & { quick?: boolean; large?: boolean; help?: boolean };

function parse(args: readonly string[]): Values {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  // pnpm hands on the "--" of `start -- --quick`.
  const own = args[0] === "--" ? args.slice(1) : [...args];
  try {
    return parseArgs({
      args: own,
      options: {
        only: text,
        out: text,
        seed: text,
        source: text,
        target: text,
        plan: text,
        palette: text,
        colours: text,
        epsilon: text,
        rho: text,
        digits: text,
        points: text,
        sweeps: text,
        clock: text,
        quick: flag,
        large: flag,
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

function positive(name: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const value = Number(text);
  if (text.trim() !== "" && value >= 1e-4 && value <= 1e4) return value;
  throw new UsageError(`--${name} is "${text}"; wants a number from 0.0001 to 10000`);
}

/** Words separated by commas, in the order of `known`; without `usual` all of them are the default, with it one is wanted. */
function some<T extends string>(name: string, text: string | undefined, known: readonly T[], usual?: T): readonly T[] {
  if (text === undefined) return usual === undefined ? known : [usual];
  const wanted = text.split(",");
  const unknown = wanted.find((word) => !(known as readonly string[]).includes(word));
  if (unknown === undefined && (usual === undefined || wanted.length === 1)) {
    return known.filter((word) => wanted.includes(word));
  }
  const few = usual === undefined ? "some" : "one";
  throw new UsageError(`--${name} has "${unknown ?? text}"; wants ${few} of ${known.join(", ")}`);
}

function twoDigits(text: string): readonly [number, number] {
  const match = /^(\d),(\d)$/.exec(text);
  if (match === null) throw new UsageError(`--digits is "${text}"; wants two digits such as 2,7`);
  return [Number(match[1]), Number(match[2])];
}

function files(
  source: string | undefined,
  target: string | undefined,
  directory: string,
): { readonly source: string; readonly target: string } | null {
  if (source === undefined && target === undefined) return null;
  if (source === undefined) throw new UsageError("--target was given without --source");
  if (target === undefined) throw new UsageError("--source was given without --target");
  const path = (name: string, file: string): string => {
    const full = resolve(directory, file);
    if (file === "" || !existsSync(full)) throw new UsageError(`--${name} ${file}: there is no such file`);
    if (statSync(full).isDirectory()) throw new UsageError(`--${name} ${file} is a folder; wants a PNG or JPEG`);
    return full;
  };
  return { source: path("source", source), target: path("target", target) };
}

/** Refused now rather than after minutes of work. */
function outputFolder(out: string, directory: string): string {
  if (out === "") throw new UsageError("--out is empty; wants the name of a folder");
  const path = resolve(directory, out);
  if (existsSync(path) && !statSync(path).isDirectory()) throw new UsageError(`--out ${out} is a file; wants a folder`);
  if (!existsSync(dirname(path))) throw new UsageError(`--out ${out}: the folder ${dirname(path)} does not exist`);
  return path;
}
