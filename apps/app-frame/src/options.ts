/** Options of a command line: each says what --help tells of it, and reads its own value. */

import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";

/** Options that cannot be understood; the message says which, and what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Option<T> {
  /** What --help calls the value; null for an option without one. */
  readonly placeholder: string | null;
  /** What --help says; may have several lines. */
  readonly help: string;
  /** Stands above the option in --help. */
  readonly heading?: string;
  /**
   * The value of what was given; of `undefined`, the default.
   *
   * @param directory - Where relative paths start.
   * @throws UsageError
   */
  readonly read: (given: string | undefined, name: string, directory: string) => T;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of options, by their names. */
export type ValuesOf<O extends Options> = { readonly [K in keyof O]: O[K] extends Option<infer T> ? T : never };

/**
 * Reads the arguments of a command; null when they ask for help.
 *
 * @throws UsageError for what is unknown, misses its value or is refused by its option.
 */
export function readOptions<O extends Options>(
  options: O,
  args: readonly string[],
  directory: string,
): ValuesOf<O> | null {
  const given = parse(options, args);
  if (given["help"]) return null;
  const values = Object.entries(options).map(([name, { read }]) => {
    const value = given[name];
    return [name, read(typeof value === "boolean" ? "" : value, name, directory)];
  });
  return Object.fromEntries(values) as ValuesOf<O>;
}

function parse(options: Options, args: readonly string[]): Record<string, string | boolean | undefined> {
  const own = Object.entries(options).map(([name, { placeholder }]) => [
    name,
    { type: placeholder === null ? "boolean" : "string" } as const,
  ]);
  try {
    return parseArgs({
      // pnpm hands on the "--" of `start -- --quick`.
      args: args[0] === "--" ? args.slice(1) : [...args],
      options: { ...Object.fromEntries(own), help: { type: "boolean", short: "h" } },
    }).values as Record<string, string | boolean | undefined>;
  } catch (error) {
    // Node's text goes on to explain conventions of the shell.
    const [message] = (error as Error).message.split(/\. |\n/);
    throw new UsageError(message.replace(/\.$/, ""));
  }
}

/** Options under a heading of --help. */
export function section<O extends Options>(heading: string, options: O): O {
  const [first] = Object.keys(options);
  return { ...options, [first]: { ...options[first], heading } };
}

/** An option without a value. */
export function flag(help: string): Option<boolean> {
  return { placeholder: null, help, read: (given) => given !== undefined };
}

/** Any text. */
export function text(placeholder: string, help: string): Option<string | undefined> {
  return { placeholder, help, read: (given) => given };
}

/** An integer in a range. */
export function integer(
  placeholder: string,
  help: string,
  { least, most }: { readonly least: number; readonly most: number },
): Option<number | undefined> {
  return numeric(placeholder, help, Number.isInteger, { least, most }, `an integer from ${least} to ${most}`);
}

/** A number in a range. */
export function number(
  placeholder: string,
  help: string,
  { least, most }: { readonly least: number; readonly most: number },
): Option<number | undefined> {
  return numeric(placeholder, help, () => true, { least, most }, `a number from ${least} to ${most}`);
}

function numeric(
  placeholder: string,
  help: string,
  takes: (value: number) => boolean,
  { least, most }: { readonly least: number; readonly most: number },
  wants: string,
): Option<number | undefined> {
  return {
    placeholder,
    help,
    read: (given, name) => {
      if (given === undefined) return undefined;
      const value = Number(given);
      if (given.trim() !== "" && takes(value) && value >= least && value <= most) return value;
      throw new UsageError(`--${name} is "${given}"; wants ${wants}`);
    },
  };
}

const anySeed = numeric(
  "integer",
  "of everything random; the same seed gives the same numbers (default 0)",
  Number.isSafeInteger,
  { least: -Infinity, most: Infinity },
  "a safe integer",
);

/** The seed of a run, 0 by default. */
export const seed: Option<number> = { ...anySeed, read: (...given) => anySeed.read(...given) ?? 0 };

/** Some of these words, separated by commas; in this order, all by default. */
export function someOf<const T extends string>(
  placeholder: string,
  help: string,
  known: readonly T[],
): Option<readonly T[]> {
  return {
    placeholder,
    help,
    read: (given, name) => {
      if (given === undefined) return known;
      const wanted = given.split(",");
      const unknown = wanted.find((word) => !(known as readonly string[]).includes(word));
      if (unknown === undefined) return known.filter((word) => wanted.includes(word));
      throw new UsageError(`--${name} has "${unknown}"; wants some of ${known.join(", ")}`);
    },
  };
}

/** One of these words. */
export function oneOf<const T extends string>(
  placeholder: string,
  help: string,
  known: readonly T[],
): Option<T | undefined> {
  return {
    placeholder,
    help,
    read: (given, name) => {
      const found = known.find((word) => word === given);
      if (given === undefined || found !== undefined) return found;
      throw new UsageError(`--${name} has "${given}"; wants one of ${known.join(", ")}`);
    },
  };
}

/** The path of a file that is there. `what`: "a PNG or JPEG". */
export function inputFile(placeholder: string, help: string, what: string): Option<string | undefined> {
  return {
    placeholder,
    help,
    read: (given, name, directory) => {
      if (given === undefined) return undefined;
      const path = resolve(directory, given);
      const kind = kindOf(path);
      if (given === "" || kind === undefined) throw new UsageError(`--${name} ${given}: there is no such file`);
      if (kind === "folder") throw new UsageError(`--${name} ${given} is a folder; wants ${what}`);
      return path;
    },
  };
}

/** The path of a file to write. That it cannot be written is told now rather than after minutes of work. */
export function outputFile(placeholder: string, help: string, usual: string): Option<string> {
  return { placeholder, help, read: (given = usual, ...where) => output(given, "file", ...where) };
}

/** The path of a folder to write into, there or not; its parent must be there. Without `usual` there may be none. */
export function outputFolder(placeholder: string, help: string, usual: string): Option<string>;
export function outputFolder(placeholder: string, help: string): Option<string | undefined>;
export function outputFolder(placeholder: string, help: string, usual?: string): Option<string | undefined> {
  return {
    placeholder,
    help,
    read: (given = usual, ...where) => (given === undefined ? undefined : output(given, "folder", ...where)),
  };
}

function output(given: string, wanted: "file" | "folder", name: string, directory: string): string {
  if (given === "") throw new UsageError(`--${name} is empty; wants the name of a ${wanted}`);
  const path = resolve(directory, given);
  const found = kindOf(path) ?? wanted;
  if (found !== wanted) throw new UsageError(`--${name} ${given} is a ${found}; wants a ${wanted}`);
  const parent = dirname(path);
  if (kindOf(parent) !== "folder") throw new UsageError(`--${name} ${given}: the folder ${parent} does not exist`);
  return path;
}

function kindOf(path: string): "file" | "folder" | undefined {
  if (!existsSync(path)) return undefined;
  return statSync(path).isDirectory() ? "folder" : "file";
}
