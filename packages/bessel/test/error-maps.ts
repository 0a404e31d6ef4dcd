/** Errors of the Bessel functions on the grids of `fixtures/error_maps.py`: what the guide to the special functions shows and tells. */

import { readFileSync } from "node:fs";
import { stack, tensor, zerosLike, type Tensor } from "@curv/tensor";
import { airyAi, airyAiPrime, airyBi, airyBiPrime } from "../src/airy/index.js";
import * as bingham from "../src/bingham/index.js";
import { besselJ, besselY } from "../src/cylinder/index.js";
import { expintE, expintEi } from "../src/exponential-integral/index.js";
import { hyp1f1Ratio, logHyp0f1, logHyp1f1 } from "../src/hypergeometric/index.js";
import { incompleteBeta, inverseIncompleteBeta } from "../src/incomplete-beta/index.js";
import { gammaP, gammaQ, inverseGammaP, inverseGammaQ } from "../src/incomplete-gamma/index.js";
import { besselRatioI, besselRatioK, erfcx, logErfc, logIv, logIve, logKv, logKve, logNdtr } from "../src/index.js";
import { lambertW } from "../src/lambert-w/index.js";
import { log1mexp, logAddExp, logSubExp } from "../src/log-space/index.js";
import { sphericalBesselJ, sphericalBesselK } from "../src/spherical/index.js";
import { hurwitzZeta, zeta } from "../src/zeta/index.js";

/** Errors of a function in units of 2⁻⁵² of a scale, NaN where the result is no number. */
export interface Measured {
  readonly name: string;
  readonly panels: readonly Panel[];
  /** Whether the function has a value at a point that float64 holds. */
  readonly known: (i: number) => boolean;
}

/** A function of one argument at points of an interval. */
export interface ErrorCurve extends Measured {
  readonly at: Float64Array;
}

/** A function on a grid, six points a decade, row by row of v. */
export interface ErrorMap extends Measured {
  /** Decades of v and x: from 10^v[0] to 10^v[1]. */
  readonly v: readonly [low: number, high: number];
  readonly x: readonly [low: number, high: number];
  /** The names of v and of x. */
  readonly axes: readonly [v: string, x: string];
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
  /** Errors of SciPy's function, if it has one. */
  readonly scipy?: string;
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
  readonly gamma: Grid;
  readonly kummer: Grid;
  readonly beta: Grid;
  readonly inverseGamma: Grid;
  readonly inverseBeta: Grid;
  readonly bingham: Grid;
  readonly oneArgument: Readonly<Record<string, Column & { readonly at: string }>>;
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

type OfTwo = (v: number, x: number) => number;
type OfOne = (x: number) => number;

const modified: Readonly<Record<string, typeof logIve>> = { logIv, logKv, logIve, logKve, besselRatioI, besselRatioK };
const oscillating: Readonly<Record<string, OfTwo>> = { besselJ, besselY };
const gamma: Readonly<Record<string, OfTwo>> = { gammaP, gammaQ };
/** ₁F₁ with the first parameter of a Watson distribution, over b and x; I at x = 0.3, over a and b. */
const kummer: Readonly<Record<string, OfTwo>> = {
  logHyp1f1: (b, x) => logHyp1f1(0.5, b, x),
  hyp1f1Ratio: (b, x) => hyp1f1Ratio(0.5, b, x),
  "logHyp1f1-negative": (b, x) => logHyp1f1(0.5, b, -x),
};
const beta: Readonly<Record<string, OfTwo>> = { incompleteBeta: (a, b) => incompleteBeta(a, b, 0.3) };
const inverseGamma: Readonly<Record<string, OfTwo>> = { inverseGammaP, inverseGammaQ };
/** At p = 0.3. */
const inverseBeta: Readonly<Record<string, OfTwo>> = {
  inverseIncompleteBeta: (a, b) => inverseIncompleteBeta(a, b, 0.3),
};
/** The normaliser for p = 3 and the concentrations 0, −a and −b. */
function logBingham(a: Tensor, b: Tensor): Tensor {
  return bingham.logConstant(stack([zerosLike(a), a.neg(), b.neg()], -1));
}
const ofOne: Readonly<Record<string, OfOne>> = {
  erfcx, logErfc, logNdtr, airyAi, airyBi, airyAiPrime, airyBiPrime, lambertW, expintEi, zeta,
  expintE: (x) => expintE(1, x), hurwitzZeta: (s) => hurwitzZeta(s, 2.5), log1mexp,
  logAddExp: (x) => logAddExp(x, 1), logSubExp: (x) => logSubExp(x, 1), logHyp0f1: (z) => logHyp0f1(1.5, z),
  sphericalBesselJ: (x) => sphericalBesselJ(10, x), sphericalBesselK: (x) => sphericalBesselK(10, x),
}; // prettier-ignore

/** The functions of two arguments. */
export function errorMaps(data: Reference): ErrorMap[] {
  const of = (grid: Grid, axes: ErrorMap["axes"], name: string, f?: OfTwo, ofTensor?: typeof logBingham): ErrorMap => {
    const { v, x } = cells(grid);
    const ours: [string, Float64Array][] = [];
    if (f !== undefined) ours.push(["of numbers", v.map((order, i) => f(order, x[i]))]);
    if (ofTensor !== undefined) ours.push(["of a tensor", ofTensor(tensor(v), tensor(x)).dataSync() as Float64Array]);
    return { ...measured(name, ours, grid.functions[name], data.scipy), ...grid.decades, axes };
  };
  const all = (grid: Grid, axes: ErrorMap["axes"], functions: Readonly<Record<string, OfTwo>>): ErrorMap[] =>
    Object.entries(functions).map(([name, f]) => of(grid, axes, name, f));
  return [
    // A tensor of ratios is computed element by element by the function of numbers.
    ...Object.entries(modified).map(([name, f]) =>
      of(data.modified, ["v", "x"], name, f, name.startsWith("log") ? f : undefined),
    ),
    ...all(data.oscillating, ["v", "x"], oscillating),
    ...all(data.gamma, ["a", "x"], gamma),
    ...all(data.inverseGamma, ["a", "p"], inverseGamma),
    ...all(data.kummer, ["b", "x"], kummer),
    ...all(data.beta, ["a", "b"], beta),
    ...all(data.inverseBeta, ["a", "b"], inverseBeta),
    of(data.bingham, ["a", "b"], "logBingham", undefined, logBingham),
  ];
}

/** The functions of one argument. */
export function errorCurves(data: Reference): ErrorCurve[] {
  return Object.entries(ofOne).map(([name, f]) => {
    const column = data.oneArgument[name];
    const at = doubles(column.at);
    return { ...measured(name, [["of numbers", at.map((x) => f(x))]], column, data.scipy), at };
  });
}

function measured(name: string, ours: readonly [string, Float64Array][], column: Column, scipy: string): Measured {
  const wanted = doubles(column.high);
  const panels = ours.map(([title, values]) => ({ title, errors: errors(values, column, name) }));
  const theirs =
    column.scipy === undefined ? [] : [{ title: `SciPy ${scipy}`, errors: Float64Array.from(floats(column.scipy)) }];
  return { name, panels: [...panels, ...theirs], known: (i) => wanted[i] === wanted[i] };
}

/** |got − wanted| in units of 2⁻⁵² of the scale: by default max(1, |wanted|) of logarithms, |wanted| of others. */
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
