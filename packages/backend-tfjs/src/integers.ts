/**
 * int32 on engines whose numbers are all float32: WebGL's textures, and the arithmetic of TensorFlow.js on WebGPU. Beyond
 * 2²⁴ they round integers silently, and some operations from 2²³ on. So every array of int32 has a range that is known to hold its elements, by interval arithmetic (Moore 1966) from what was
 * uploaded; what cannot be proven to stay exact does not run in the engine.
 */

import type { Aval, Shape, TypedArray } from "@curv/tensor";
import { sizeOf } from "./engine.js";

/** Numbers from low to high. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** Of integers of which nothing is known. */
export const everyInt32: Range = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** Shaders round a float by adding a half, and add 1 to integers on the way: from 2²³ on, x + ½ is no float32. */
const largestExact = 2 ** 23 - 1;

export const isExact = ({ low, high }: Range): boolean => low >= -largestExact && high <= largestExact;

export function rangeOf(values: TypedArray): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  return { low, high };
}

/**
 * Ranges of an operation's outputs, then of all else that its kernel forms on the way, from those of its operands. For operands and outputs that
 * are no int32 they mean nothing.
 */
type Rule = (
  ranges: readonly Range[],
  params: never,
  inputs: readonly { readonly shape: Shape }[],
  outs: readonly Aval[],
) => readonly Range[];

const between = (...values: readonly number[]): Range => ({ low: Math.min(...values), high: Math.max(...values) });
const hull = (...ranges: readonly Range[]): Range => between(...ranges.flatMap(({ low, high }) => [low, high]));
const magnitude = ({ low, high }: Range): number => Math.max(-low, high);
const within = (bound: number): Range => between(-bound, bound);
/** Sums of up to n numbers. */
const sumOf = (n: number, { low, high }: Range): Range => between(0, n * low, n * high);
const product = (x: Range, y: Range): Range => between(x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high);
/** Positions among n, −1 for none and n for one behind the last. */
const positions = (n: number): Range => ({ low: -1, high: n });

const first: Rule = ([x]) => [x];
const position: Rule = (_ranges, _params, [x], [out]) => [positions(sizeOf(x.shape) / sizeOf(out.shape))];
const truth: Rule = () => [between(0, 1)];

const quotient =
  (range: (x: Range, y: Range) => Range): Rule =>
  ([x, y]) => [range(x, y), within(magnitude(x) + magnitude(y))];

const rules: Readonly<Record<string, Rule>> = {
  full: (_ranges, { value }: { value: number }) => [between(Math.trunc(value))],
  iota: (_ranges, { length }: { length: number }) => [positions(length)],
  cast: first,
  stopGradient: first,
  reshape: first,
  transpose: first,
  broadcast: first,
  slice: first,
  flip: first,
  max: first,
  min: first,
  concat: (parts) => [hull(...parts)],
  pad: ([x, fill]) => [hull(x, fill)],
  select: ([, x, y]) => [hull(x, y)],
  neg: ([{ low, high }]) => [between(-low, -high)],
  abs: ([x]) => [between(0, magnitude(x))],
  sign: () => [within(1)],
  square: ([x]) => [product(x, x)],
  add: ([x, y]) => [{ low: x.low + y.low, high: x.high + y.high }],
  sub: ([x, y]) => [{ low: x.low - y.high, high: x.high - y.low }],
  mul: ([x, y]) => [product(x, y)],
  maximum: ([x, y]) => [{ low: Math.max(x.low, y.low), high: Math.max(x.high, y.high) }],
  minimum: ([x, y]) => [{ low: Math.min(x.low, y.low), high: Math.min(x.high, y.high) }],
  floorDiv: /* @__PURE__ */ quotient((x) => within(magnitude(x))),
  mod: /* @__PURE__ */ quotient((_x, y) => hull(y, between(0))),
  rem: /* @__PURE__ */ quotient((x, y) => ({
    low: Math.max(Math.min(x.low, 0), -magnitude(y)),
    high: Math.min(Math.max(x.high, 0), magnitude(y)),
  })),
  equal: truth,
  notEqual: truth,
  less: truth,
  lessEqual: truth,
  sum: ([x], _params, [a], [out]) => [sumOf(sizeOf(a.shape) / sizeOf(out.shape), x)],
  cumsum: ([x], { axis }: { axis: number }, [a]) => [sumOf(a.shape[axis], x)],
  windowSum: ([x], { window }: { window: Shape }) => [sumOf(sizeOf(window), x)],
  // y ← a y + b, n times from 0, and the products of up to n of the a.
  linearRecurrence: ([a, b], { axis }: { axis: number }, [{ shape }]) => {
    const [n, factor] = [shape[axis], Math.max(1, magnitude(a))];
    const growth = factor === 1 ? n : (factor ** n - 1) / (factor - 1);
    return [within(growth * magnitude(b)), within(factor ** n)];
  },
  dot: ([x, y], { contract: [axes] }: { contract: readonly [readonly number[], unknown] }, [a]) => [
    sumOf(sizeOf(axes.map((axis) => a.shape[axis])), product(x, y)),
  ],
  argMax: position,
  argMin: position,
  cumArgMax: (_ranges, { axis }: { axis: number }, [x]) => [positions(x.shape[axis])],
  windowArgMax: (_ranges, _params, [x]) => [positions(sizeOf(x.shape))],
  sort: ([x], _params, [{ shape }]) => [x, positions(shape[shape.length - 1]), positions(sizeOf(shape))],
  gather: ([x], { batch, fill }: { batch: number; fill: number }, [{ shape }, indices]) => [
    hull(x, between(0, Math.trunc(fill) || 0)),
    positions(sizeOf(shape.slice(0, batch + indices.shape[indices.shape.length - 1]))),
  ],
  scatterAdd: ([x], { batch, shape }: ScatterParams, [, indices]) => {
    const [groups, count] = [indices.shape.slice(0, batch), indices.shape.slice(batch, -1)].map(sizeOf);
    return [sumOf(count, x), positions(groups * sizeOf(shape))];
  },
  scatterMax: ([x], { batch, shape }: ScatterParams, [, indices]) => [
    hull(x, between(-1)),
    positions(sizeOf(indices.shape.slice(0, batch)) * sizeOf(shape)),
  ],
  dynamicSlice: ([x], _params, [{ shape }]) => [x, positions(Math.max(...shape))],
  dynamicUpdateSlice: ([x, u], _params, [{ shape }]) => [hull(x, u), positions(Math.max(...shape))],
};

interface ScatterParams {
  readonly batch: number;
  readonly shape: Shape;
}

/** Which operand holds indices, of which those outside of the array, however large, are all alike. */
const indicesAt: Readonly<Record<string, number>> = {
  gather: 1,
  scatterAdd: 1,
  scatterMax: 1,
  dynamicSlice: 1,
  dynamicUpdateSlice: 2,
};

const comparisons: ReadonlySet<string> = /* @__PURE__ */ new Set(["equal", "notEqual", "less", "lessEqual"]);

/** Operations that give one of their operands' elements in each place, or compare them: right for all numbers that are a float32. */
const choices: ReadonlySet<string> = /* @__PURE__ */ new Set([
  ...comparisons,
  ...["cast", "stopGradient", "reshape", "transpose", "broadcast", "slice", "flip", "concat", "select"],
  ...["maximum", "minimum", "max", "min"],
]);

/** An operand: its range means nothing if it is no int32. */
export interface Integers extends Pick<Aval, "shape" | "dtype"> {
  readonly range: Range;
  /** Whether every element is a float32, and held as one. */
  readonly isFloat: boolean;
}

/**
 * How an operation on or to int32 is exact in an engine that rounds integers to float32: as it is ("integers"), on the operands as floats, which then are
 * what its results are held as ("floats"), or not for certain ("no"); with ranges of the outputs.
 */
export function exactly(
  name: string,
  inputs: readonly Integers[],
  params: unknown,
  outs: readonly Aval[],
): { readonly as: "integers" | "floats" | "no"; readonly ranges: readonly Range[] } {
  const rangesOfInputs = inputs.map(({ range }) => range);
  const ranges = rules[name]?.(rangesOfInputs, params as never, inputs, outs);
  if (ranges === undefined) return { as: "no", ranges: [] };
  const data = inputs.filter(({ dtype }, i) => dtype === "int32" && i !== indicesAt[name]);
  const small = data.filter(({ range }) => isExact(range));
  const formed = ranges.filter((_, i) => i >= outs.length || outs[i].dtype === "int32");
  if (small.length === data.length && formed.every(isExact)) return { as: "integers", ranges };
  // What is rounded is rounded to something that is still beyond: it compares with the exact ones as it should.
  const isCompared = comparisons.has(name) && small.length > 0;
  const isChosen = choices.has(name) && data.every(({ range, isFloat }) => isFloat || isExact(range));
  return { as: isCompared || isChosen ? "floats" : "no", ranges };
}
