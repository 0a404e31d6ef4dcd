/**
 * Arguments that make no sense, for every export of a package: each must be taken, or refused by a typed error that names the function and
 * the argument. TypeScript keeps them from its users; nothing keeps them from those of JavaScript.
 */

import { CurvError, ones } from "@curv/tensor";
import { describe, expect, test } from "vitest";

/** A call that makes sense: values by the names of the parameters, in their order. Members of `options` are put to the test as well. */
export type Call = Readonly<Record<string, unknown>>;

/** How a function is called. */
export interface Sweep {
  /**
   * A sensible call of each function; with all of its options but flags, of which anything is true or
   * false, so that each is put to the test.
   */
  readonly calls: Readonly<Record<string, () => Call>>;
  /** Functions in whose place others may speak, which their documentation refers to. */
  readonly by?: Readonly<Record<string, readonly string[]>>;
  /** What the calls hand over as if it were the user's own code, which speaks for itself. */
  readonly users?: readonly string[];
  /** Functions that can be called without anything. Others refuse that, and null. */
  readonly lenient?: readonly string[];
}

const nonsense: readonly (readonly [name: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["NaN", NaN],
  ["-1.5", -1.5],
  ["a text", "nonsense"],
  ["a big integer", 3n],
  ["an empty object", {}],
  ["an empty array", []],
  ["a function", () => "nonsense"],
  ["a matrix of bool", ones([2, 3], { dtype: "bool" })],
];

/** One test for each function of a module; one more fails for a function without a call, or a call of no function. */
export function sweepArguments(module: object, { calls, by = {}, users = [], lenient = [] }: Sweep): void {
  const functions = Object.entries(module).filter(([, f]) => typeof f === "function") as [string, Callable][];
  test("each has a call", () => {
    expect(Object.keys(calls).sort()).toEqual(functions.map(([name]) => name).sort());
  });

  describe("every function takes, or refuses by name,", () => {
    test.each(functions.filter(([name]) => name in calls))("what %s is given", async (name, f) => {
      const sensible = calls[name];
      expect(await outcome(f, sensible()), `${name}, called with sense`).toBeUndefined();
      const speakers = [name, name.replace(/Core$/, ""), ...(by[name] ?? [])];
      const wrong: string[] = [];
      for (const args of lenient.includes(name) ? [] : [{}, { "the first argument": null }]) {
        const error = await outcome(f, args);
        if (!isRefusal(error, [speakers, []], ["\\w+"]))
          wrong.push(`${name}(${Object.keys(args).join()}): ${String(error)}`);
      }
      for (const path of places(sensible())) {
        // Defaults stand in for all members that are undefined at once.
        for (const [what, value] of path.length === 1 ? nonsense : nonsense.slice(1)) {
          const error = await outcome(f, replaced(sensible(), path, value));
          if (error !== undefined && !isRefusal(error, [speakers, users], namesOf(path, sensible()))) {
            wrong.push(`${name}, ${path.join(".")} = ${what}: ${String(error)}`);
          }
        }
      }
      expect(wrong).toEqual([]);
    });
  });
}

type Callable = ((...args: unknown[]) => unknown) & (new (...args: unknown[]) => unknown);

/** What a call throws, now or later. */
async function outcome(f: Callable, call: Call): Promise<unknown> {
  const args = Object.values(call);
  try {
    const isClass = /^class/.test(Function.prototype.toString.call(f));
    const result: unknown = isClass ? new f(...args) : await f(...args);
    // What comes lazily comes now.
    if (isIterator(result)) for (const _ of result);
  } catch (error) {
    return error ?? "nothing";
  }
  return undefined;
}

function isIterator(x: unknown): x is IterableIterator<unknown> {
  return typeof x === "object" && x !== null && "next" in x && Symbol.iterator in x;
}

/** Every parameter, and every member of a plain object that is one. */
function places(call: Call): string[][] {
  return Object.entries(call).flatMap(([name, value]) => [
    [name],
    ...(name === "options" || name.endsWith("Options") ? Object.keys(value as object).map((key) => [name, key]) : []),
  ]);
}

function replaced(call: Call, [name, key]: readonly string[], value: unknown): Call {
  if (name === "options" && key === undefined && value === undefined) {
    return { ...call, options: Object.fromEntries(Object.keys(call[name] as object).map((member) => [member, value])) };
  }
  return { ...call, [name]: key === undefined ? value : { ...(call[name] as object), [key]: value } };
}

/** What an error may call the argument: options that are empty lack one of their members. */
function namesOf([name, key]: readonly string[], call: Call): readonly string[] {
  if (key !== undefined) return [key];
  return name === "options" ? [name, ...Object.keys(call[name] as object)] : [name];
}

/** `function: … argument …`. */
function isRefusal(
  error: unknown,
  [speakers, users]: readonly [readonly string[], readonly string[]],
  names: readonly string[],
): boolean {
  if (!(error instanceof CurvError)) return false;
  const [speaker, ...rest] = error.message.split(": ");
  if (users.includes(speaker)) return true;
  return speakers.includes(speaker) && new RegExp(`\\b(${names.join("|")})\\b`, "i").test(rest.join(": "));
}
