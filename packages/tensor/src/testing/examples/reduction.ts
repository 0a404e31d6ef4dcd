/** Reductions, running sums and sliding windows. */

import * as cumulative from "../../primitives/cumulative.js";
import type { CumulativeParams } from "../../primitives/cumulative.js";
import type { Primitive } from "../../primitives/primitive.js";
import * as reduce from "../../primitives/reduce.js";
import type { ReduceParams } from "../../primitives/reduce.js";
import { windowArgMaxPrimitive, windowSumPrimitive, type WindowParams } from "../../primitives/windows.js";
import type { Shape } from "../../shape.js";
import { entry, everything, floats, numbers, type Accuracy, type Entry, type Example } from "../example.js";
import { cycle, distinct, real, type Operand } from "../operand.js";

const reductions: readonly { shape: Shape; axes: readonly number[] }[] = [
  { shape: [4], axes: [0] },
  { shape: [2, 3], axes: [0] },
  { shape: [2, 3], axes: [1] },
  { shape: [2, 3], axes: [0, 1] },
  { shape: [2, 3, 4], axes: [0, 2] },
  { shape: [0, 3], axes: [1] },
  { shape: [37], axes: [0] },
  { shape: [1, 2, 1, 3, 2, 2], axes: [1, 3, 4] },
];
const emptyReductions: typeof reductions = [
  { shape: [0], axes: [0] },
  { shape: [2, 0], axes: [1] },
];

function over(list: typeof reductions, operand: (shape: Shape) => Operand, smooth = true): Example<ReduceParams>[] {
  return list.map(({ shape, axes }) => ({
    title: `[${shape.join(", ")}] over ${axes.join()}`,
    params: { axes },
    operands: [operand(shape)],
    smooth,
  }));
}

const withNaN: Example<ReduceParams> = {
  title: "NaN and infinities",
  params: { axes: [1] },
  operands: [cycle([5, 3], [1, NaN, 2, Infinity, -1, -Infinity, -0, 0, -0, 3, 3, 3, NaN, Infinity, NaN])],
  dtypes: floats,
  smooth: null,
};

const ties: Example<ReduceParams> = {
  title: "ties",
  params: { axes: [1] },
  operands: [cycle([2, 4], [1, 3, 3, 0, 2, 2, 2, 2])],
  smooth: false,
};

function extreme(primitive: Primitive<ReduceParams>, single: boolean): Entry {
  const list = single ? reductions.filter(({ axes }) => axes.length === 1) : reductions;
  return entry(primitive, everything, {}, [...over(list, distinct), ties, withNaN]);
}

const lines: readonly { shape: Shape; axis: number }[] = [
  { shape: [5], axis: 0 },
  { shape: [2, 3], axis: 0 },
  { shape: [2, 3], axis: 1 },
  { shape: [1], axis: 0 },
  { shape: [0, 2], axis: 0 },
  { shape: [2, 0], axis: 0 },
  { shape: [1, 2, 1, 3, 2, 2], axis: 3 },
];

function along(operands: (shape: Shape) => readonly Operand[], smooth = true): Example<CumulativeParams>[] {
  return lines.flatMap(({ shape, axis }) =>
    [false, true].map((reverse) => ({
      title: `[${shape.join(", ")}] along ${axis}${reverse ? ", backwards" : ""}`,
      params: { axis, reverse },
      operands: operands(shape),
      smooth,
    })),
  );
}

const windows: readonly (WindowParams & { shape: Shape })[] = [
  { shape: [5], window: [2], stride: [1], padding: [[0, 0]], dilation: [1] },
  { shape: [7], window: [3], stride: [2], padding: [[1, 1]], dilation: [1] },
  { shape: [7], window: [2], stride: [2], padding: [[2, 0]], dilation: [3] },
  { shape: [6], window: [2], stride: [1], padding: [[-1, -2]], dilation: [1] },
  { shape: [4], window: [1], stride: [3], padding: [[0, 0]], dilation: [1] },
  { shape: [2, 4, 5], window: [1, 2, 3], stride: [1, 2, 1], padding: [[0, 0], [0, 1], [1, 1]], dilation: [1, 1, 2] },
  { shape: [0, 3], window: [1, 2], stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] },
  { shape: [2, 1], window: [1, 2], stride: [1, 1], padding: [[0, 0], [0, 0]], dilation: [1, 1] },
  { shape: [], window: [], stride: [], padding: [], dilation: [] },
]; // prettier-ignore

function slid(operand: (shape: Shape) => Operand): Example<WindowParams>[] {
  return windows.map(({ shape, ...params }) => ({
    title: `[${shape.join(", ")}], window ${params.window.join()}, stride ${params.stride.join()}, padding ${params.padding.join(" ")}, dilation ${params.dilation.join()}`,
    params,
    operands: [operand(shape)],
  }));
}

const anywhere = (shape: Shape): Operand => real(shape);
const sums: Accuracy = { sums: 8 };

export const reductionEntries: readonly Entry[] = [
  entry(reduce.sumPrimitive, numbers, sums, [...over([...reductions, ...emptyReductions], anywhere), withNaN]),
  entry(reduce.prodPrimitive, numbers, { ulps: 20 }, [
    ...over([...reductions, ...emptyReductions], (shape) => real(shape, 0.5, 1.5)),
    { title: "zeros", params: { axes: [1] }, operands: [cycle([3, 4], [2, 0, 3, 1, 0, 2, 0, 3, 1, 2, 3, 4])] },
    withNaN,
  ]),
  extreme(reduce.maxPrimitive, false),
  extreme(reduce.minPrimitive, false),
  extreme(reduce.argMaxPrimitive, true),
  extreme(reduce.argMinPrimitive, true),
  entry(
    cumulative.cumsumPrimitive,
    numbers,
    sums,
    along((shape) => [real(shape)]),
  ),
  entry(cumulative.linearRecurrencePrimitive, numbers, sums, [
    ...along((shape) => [real(shape), real(shape)]),
    { title: "zeros", params: { axis: 0, reverse: false }, operands: [cycle([5], [0, 2, 0]), real([5])] },
  ]),
  entry(cumulative.cumArgMaxPrimitive, numbers, {}, [
    ...along((shape) => [distinct(shape)]),
    { title: "ties", params: { axis: 0, reverse: false }, operands: [cycle([6], [1, 1, 3, 2, 3])] },
    {
      title: "NaN",
      params: { axis: 0, reverse: true },
      operands: [cycle([5], [1, NaN, 3, NaN, 4])],
      dtypes: floats,
      smooth: null,
    },
  ]),
  entry(windowSumPrimitive, floats, sums, slid(anywhere)),
  entry(windowArgMaxPrimitive, floats, {}, [
    ...slid(distinct),
    {
      title: "ties and NaN",
      params: { window: [2], stride: [1], padding: [[1, 1]], dilation: [1] },
      operands: [cycle([7], [1, 1, NaN, 2, NaN, 0, 0])],
      smooth: null,
    },
  ]),
];
