/** The operations against NumPy, SciPy, PyTorch and mpmath: every case of fixtures/surface.json. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as curv from "../src/index.js";
import { decode, difference, type Encoded, type Tolerance } from "./reference.js";

interface Case extends Tolerance {
  readonly family: string;
  /** Name of the function. */
  readonly f: string;
  readonly args: readonly Encoded[];
  readonly expected: Encoded;
  readonly title?: string;
  /** Where Curv differs from NumPy on purpose, and how. */
  readonly note?: string;
}

const { cases } = JSON.parse(readFileSync(new URL("fixtures/surface.json", import.meta.url), "utf8")) as {
  cases: readonly Case[];
};
const functions = curv as unknown as Readonly<Record<string, (...args: unknown[]) => unknown>>;

function describeArgument(x: Encoded): string {
  if (typeof x !== "object" || x === null) return String(x);
  if (Array.isArray(x)) return `[${x.map(describeArgument).join(", ")}]`;
  const [[key, value]] = Object.entries(x);
  return /^[fiub]\d$/.test(key)
    ? `${key}[${((value as readonly Encoded[])[0] as readonly number[]).join(",")}]`
    : JSON.stringify(x);
}

describe.each([...new Set(cases.map((c) => c.family))])("%s", (family) => {
  const own = cases.filter((c) => c.family === family);
  it.each(
    own.map(
      (c) =>
        [
          `${c.title ?? `${c.f}(${c.args.map(describeArgument).join(", ")})`}${c.note === undefined ? "" : ` (${c.note})`}`,
          c,
        ] as const,
    ),
  )("%s", (_title, c) => {
    const got = functions[c.f](...c.args.map(decode));
    expect(difference(got, decode(c.expected), c)).toBeNull();
  });
});

it("has at least 250 cases", () => {
  expect(cases.length).toBeGreaterThanOrEqual(250);
});
