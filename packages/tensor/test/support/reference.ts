/** Reference values on file: from JSON to tensors, how results are compared with them, and the tests that do it. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { isTensor, tensor, type DType, type Tensor } from "../../src/index.js";

/** `{f8: [shape, elements]}` is a tensor, `{n: "inf"}` a number that JSON lacks; all else is itself. */
export type Encoded = null | boolean | number | string | readonly Encoded[] | { readonly [key: string]: Encoded };

const dtypeOf: Readonly<Record<string, DType>> = {
  f8: "float64",
  f4: "float32",
  i4: "int32",
  u4: "uint32",
  b1: "bool",
};
const numbers: Readonly<Record<string, number>> = { nan: NaN, inf: Infinity, "-inf": -Infinity, "-0": -0 };

function decodeNumber(x: Encoded): number {
  return typeof x === "string" ? numbers[x] : (x as number);
}

/** What an encoded value stands for. */
export function decode(x: Encoded): unknown {
  if (typeof x !== "object" || x === null) return x;
  if (Array.isArray(x)) return x.map(decode);
  const [[key, value], ...rest] = Object.entries(x);
  if (rest.length === 0 && key === "n" && typeof value === "string") return decodeNumber(value);
  if (rest.length === 0 && key in dtypeOf) {
    const [shape, elements] = value as readonly [readonly number[], readonly Encoded[]];
    return tensor(Float64Array.from(elements, decodeNumber), { shape, dtype: dtypeOf[key] });
  }
  return Object.fromEntries(Object.entries(x).map(([k, v]) => [k, decode(v)]));
}

export interface Tolerance {
  /** 0 (default): the same bits. */
  readonly tol?: number;
  /** What `tol` is relative to: each element (default), or the largest. */
  readonly by?: "max";
}

/** Null if `got` is what `want` says, else what differs first. */
export function difference(got: unknown, want: unknown, tolerance: Tolerance, place = "result"): string | null {
  if (isTensor(want)) return isTensor(got) ? tensorDifference(got, want, tolerance, place) : `${place} is no tensor`;
  if (Array.isArray(want)) {
    if (!Array.isArray(got) || got.length !== want.length) return `${place} is no array of ${want.length}`;
    return want.reduce<string | null>(
      (found, w, i) => found ?? difference(got[i], w, tolerance, `${place}[${i}]`),
      null,
    );
  }
  if (typeof want === "object" && want !== null) {
    return Object.entries(want).reduce<string | null>(
      (found, [key, w]) => found ?? difference((got as Record<string, unknown>)[key], w, tolerance, `${place}.${key}`),
      null,
    );
  }
  return Object.is(got, want) ? null : `${place} is ${String(got)}; wants ${String(want)}`;
}

function tensorDifference(got: Tensor, want: Tensor, { tol = 0, by }: Tolerance, place: string): string | null {
  if (got.dtype !== want.dtype) return `${place} is ${got.dtype}; wants ${want.dtype}`;
  if (got.shape.join() !== want.shape.join())
    return `${place} has shape [${got.shape.join()}]; wants [${want.shape.join()}]`;
  const a = got.dataSync();
  const b = want.dataSync();
  const finite = Array.from(b as ArrayLike<number>, Math.abs).filter(Number.isFinite);
  const largest = by === "max" ? finite.reduce((x, y) => Math.max(x, y), 0) : 0;
  for (let i = 0; i < b.length; i++) {
    if (Object.is(a[i], b[i])) continue;
    // A zero keeps its sign unless it stands for a sum that rounding may leave anywhere near 0.
    const exact = tol === 0 || !Number.isFinite(b[i]) || (by !== "max" && b[i] === 0);
    // The last bit of a subnormal number is worth more than any relative tolerance.
    const smallest = want.dtype === "float32" ? 2 ** -149 : 2 ** -1074;
    const allowed = Math.max(tol * (by === "max" ? largest : Math.abs(b[i])), smallest);
    if (exact || !(Math.abs(a[i] - b[i]) <= allowed)) {
      return `${place} at ${i} is ${show(a[i])}; wants ${show(b[i])}${tol === 0 ? "" : `, off by ${Math.abs(a[i] - b[i]) / (allowed / tol)} relative, ${tol} allowed`}`;
    }
  }
  return null;
}

function show(x: number): string {
  return Object.is(x, -0) ? "-0" : String(x);
}

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

function describeArgument(x: Encoded): string {
  if (typeof x !== "object" || x === null) return String(x);
  if (Array.isArray(x)) return `[${x.map(describeArgument).join(", ")}]`;
  const [[key, value]] = Object.entries(x);
  return key in dtypeOf
    ? `${key}[${((value as readonly Encoded[])[0] as readonly number[]).join(",")}]`
    : JSON.stringify(x);
}

function titleOf({ f, args, title, note }: Case): string {
  return `${title ?? `${f}(${args.map(describeArgument).join(", ")})`}${note === undefined ? "" : ` (${note})`}`;
}

/** Runs every case of fixtures/`file` on `functions`. */
export function testCases(file: string, functions: object): void {
  const text = readFileSync(new URL(`../fixtures/${file}`, import.meta.url), "utf8");
  const { cases } = JSON.parse(text) as { cases: readonly Case[] };
  const table = functions as Readonly<Record<string, (...args: unknown[]) => unknown>>;
  describe.each([...new Set(cases.map((c) => c.family))])("%s", (family) => {
    const own = cases.filter((c) => c.family === family);
    it.each(own.map((c) => [titleOf(c), c] as const))("%s", (_title, c) => {
      expect(difference(table[c.f](...c.args.map(decode)), decode(c.expected), c)).toBeNull();
    });
  });
}
