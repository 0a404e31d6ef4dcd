/** Errors of the Bessel functions on the grids of `fixtures/error_maps.py`: what the guide to the special functions shows and tells. */

import { readFileSync } from "node:fs";
import { tensor } from "@curv/tensor";
import { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "../src/index.js";
import { besselJ, besselY } from "../src/cylinder/index.js";

/** A function on a grid, six points a decade, row by row of v; errors are in units of 2⁻⁵² of a scale, NaN where the result is no number. */
export interface ErrorMap {
  readonly name: string;
  /** Decades of v and x: from 10^v[0] to 10^v[1]. */
  readonly v: readonly [low: number, high: number];
  readonly x: readonly [low: number, high: number];
  readonly panels: readonly Panel[];
  /** Whether the function has a value at a point that float64 holds. */
  readonly known: (i: number) => boolean;
}

export interface Panel {
  readonly title: string;
  readonly errors: Float64Array;
}

export const perDecade = 6;

interface Column {
  readonly high: string;
  readonly low: string;
  readonly scale?: string;
  readonly scipy: string;
}
interface Grid {
  readonly decades: Pick<ErrorMap, "v" | "x">;
  readonly v: string;
  readonly x: string;
  readonly functions: Readonly<Record<string, Column>>;
}
export interface Reference {
  readonly scipy: string;
  readonly modified: Grid;
  readonly oscillating: Grid;
  /** Rows [order, x, J, Y, I, K, the same of SciPy], null where a value is no ordinary number. */
  readonly integers: readonly (readonly [n: number, x: number, ...values: (number | null)[]])[];
}

export const reference = (): Reference =>
  JSON.parse(readFileSync(new URL("../src/fixtures/error-maps.json", import.meta.url), "utf8")) as Reference;

/** The centres of the cells, row by row of v. */
export function cells(grid: Pick<Grid, "v" | "x">): { v: Float64Array; x: Float64Array } {
  const [v, x] = [doubles(grid.v), doubles(grid.x)];
  const along = (f: (row: number, column: number) => number): Float64Array =>
    Float64Array.from({ length: v.length * x.length }, (_, i) => f(Math.floor(i / x.length), i % x.length));
  return { v: along((row) => v[row]), x: along((_, column) => x[column]) };
}

type OfNumbers = (v: number, x: number) => number;
type LogFunction = typeof logIve;

const modified: Readonly<Record<string, LogFunction>> = { logIv, logKv, logIve, logKve, besselRatioI, besselRatioK };
const oscillating: Readonly<Record<string, OfNumbers>> = { besselJ, besselY };

export function errorMaps({ scipy, modified: first, oscillating: second }: Reference): ErrorMap[] {
  const title = `SciPy ${scipy}`;
  const of = (grid: Grid, name: string, panels: (points: ReturnType<typeof cells>) => [string, Float64Array][]): ErrorMap => {
    const column = grid.functions[name];
    const ours = panels(cells(grid)).map(([of, values]) => ({ title: of, errors: errors(values, column, name) }));
    const wanted = doubles(column.high);
    const panel = { title, errors: Float64Array.from(floats(column.scipy)) };
    return { name, ...grid.decades, panels: [...ours, panel], known: (i) => wanted[i] === wanted[i] };
  };
  return [
    ...Object.entries(modified).map(([name, f]) =>
      of(first, name, ({ v, x }) => [
        ["of numbers", v.map((order, i) => f(order, x[i]))],
        // A tensor of ratios is computed element by element by the same function.
        ...(name.startsWith("log") ? [["of a tensor", f(tensor(v), tensor(x)).dataSync()] as [string, Float64Array]] : []),
      ]),
    ),
    ...Object.entries(oscillating).map(([name, f]) => of(second, name, ({ v, x }) => [["of numbers", v.map((order, i) => f(order, x[i]))]])),
  ];
} // prettier-ignore

/** |got − wanted| in units of 2⁻⁵² of the scale: by default max(1, |wanted|) of logarithms, |wanted| of ratios. */
function errors(got: Float64Array, { high, low, scale }: Column, name: string): Float64Array {
  const [wanted, rest, scales] = [
    doubles(high),
    new Int8Array(bytes(low)),
    scale === undefined ? null : doubles(scale),
  ];
  return got.map((y, i) => {
    const size = scales?.[i] ?? Math.max(name.startsWith("log") ? 1 : 0, Math.abs(wanted[i]));
    return Math.abs(y - wanted[i] - (rest[i] / 256) * ulp(wanted[i])) / (size * 2 ** -52);
  });
}

/** The distance of neighbouring numbers at y. */
const ulp = (y: number): number => {
  let e = Math.floor(Math.log2(Math.abs(y)));
  if (2 ** e > Math.abs(y)) e--;
  else if (2 ** (e + 1) <= Math.abs(y)) e++;
  return 2 ** (e - 52);
};

function bytes(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, "base64")).buffer;
}
const doubles = (base64: string): Float64Array => new Float64Array(bytes(base64));
const floats = (base64: string): Float32Array => new Float32Array(bytes(base64));

export interface Summary {
  /** Shares of the points, the ones that are no numbers among them. */
  readonly withinOne: number;
  readonly withinFour: number;
  readonly notFinite: number;
  /** The largest error where the result is a number, and there is a reference. */
  readonly worst: number;
}

/** What a panel says in numbers; `known` leaves out the points that have no reference. */
export function summary(errors: Float64Array, known: (i: number) => boolean): Summary {
  const all = Array.from(errors).filter((_, i) => known(i));
  const share = (test: (e: number) => boolean): number => all.filter(test).length / all.length;
  return {
    withinOne: share((e) => e <= 1),
    withinFour: share((e) => e <= 4),
    notFinite: share((e) => e !== e),
    worst: all.reduce((most, e) => (e > most ? e : most), 0),
  };
}
