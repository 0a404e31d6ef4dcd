/** Rearranging, choosing and converting elements. */

import type { DType } from "../../dtype.js";
import { fullPrimitive, iotaPrimitive } from "../../primitives/constant.js";
import * as movement from "../../primitives/movement.js";
import { bitcastPrimitive, castPrimitive, selectPrimitive } from "../../primitives/select.js";
import type { Shape } from "../../shape.js";
import { entry, everything, floats, numbers, type Entry } from "../example.js";
import { cycle, flag, index, real, word } from "../operand.js";

const rank6: Shape = [1, 2, 1, 3, 2, 2];

const slices = [
  { shape: [5], start: [1], stop: [4], step: [1] },
  { shape: [7], start: [1], stop: [7], step: [3] },
  { shape: [3, 4], start: [0, 3], stop: [3, 4], step: [2, 1] },
  { shape: [3], start: [2], stop: [2], step: [1] },
  { shape: [0, 3], start: [0, 1], stop: [0, 3], step: [1, 2] },
  { shape: rank6, start: [0, 1, 0, 0, 0, 1], stop: [1, 2, 1, 3, 2, 2], step: [1, 1, 1, 2, 1, 1] },
];

const pads = [
  { shape: [3], low: [1], high: [2], interior: [0] },
  { shape: [3], low: [-1], high: [2], interior: [0] },
  { shape: [4], low: [0], high: [-2], interior: [0] },
  { shape: [3], low: [-2], high: [-1], interior: [2] },
  { shape: [3], low: [-4], high: [3], interior: [1] },
  { shape: [3], low: [-5], high: [0], interior: [0] },
  { shape: [3], low: [2], high: [-7], interior: [0] },
  { shape: [2, 3], low: [1, -1], high: [-1, 1], interior: [1, 0] },
  { shape: [0], low: [2], high: [1], interior: [3] },
  { shape: [], low: [], high: [], interior: [] },
  { shape: rank6, low: [0, 1, 0, -1, 0, 1], high: [1, 0, 0, 0, 0, -1], interior: [0, 0, 1, 1, 0, 0] },
];

const selections: readonly (readonly [Shape, Shape, Shape])[] = [
  [[2, 3], [2, 3], [2, 3]],
  [[2, 1], [3], [2, 3]],
  [[3], [2, 1], []],
  [[], [3], [3]],
  [[0], [1], []],
  [[3, 1], [], [1, 2]],
  [[1, 2, 1, 2, 1, 2], [2, 1, 2], [3, 1]],
]; // prettier-ignore

const casts: readonly (readonly [from: DType, to: DType])[] = everything.flatMap((from) =>
  everything.filter((to) => to !== from).map((to) => [from, to] as const),
);

export const movementEntries: readonly Entry[] = [
  entry(fullPrimitive, [], {}, [
    ...everything.map((dtype) => ({
      title: dtype,
      params: { shape: [2, 3], dtype, value: 1.5 },
      operands: [],
      dtypes: [dtype],
    })),
    {
      title: "scalar −0",
      params: { shape: [], dtype: "float32" as const, value: -0 },
      operands: [],
      dtypes: ["float32"],
    },
    {
      title: "empty",
      params: { shape: [2, 0], dtype: "float32" as const, value: 1 },
      operands: [],
      dtypes: ["float32"],
    },
  ]),
  entry(iotaPrimitive, [], {}, [
    ...numbers.map((dtype) => ({ title: dtype, params: { length: 5, dtype }, operands: [], dtypes: [dtype] })),
    { title: "empty", params: { length: 0, dtype: "int32" as const }, operands: [], dtypes: ["int32"] },
  ]),
  entry(
    movement.reshapePrimitive,
    everything,
    {},
    [
      [[2, 3], [6]],
      [[6], [3, 2]],
      [[1], []],
      [[], [1, 1]],
      [
        [0, 3],
        [2, 0],
      ],
      [rank6, [4, 6]],
    ].map(([from, to]) => ({
      params: { shape: to },
      operands: [real(from)],
    })),
  ),
  entry(
    movement.transposePrimitive,
    everything,
    {},
    [
      { shape: [2, 3], permutation: [1, 0] },
      { shape: [2, 3, 4], permutation: [2, 0, 1] },
      { shape: [2, 0, 3], permutation: [1, 2, 0] },
      { shape: [], permutation: [] },
      { shape: rank6, permutation: [5, 3, 1, 0, 2, 4] },
    ].map(({ shape, permutation }) => ({ params: { permutation }, operands: [real(shape)] })),
  ),
  entry(
    movement.broadcastPrimitive,
    everything,
    {},
    [
      { from: [], shape: [3], axes: [] },
      { from: [3], shape: [2, 3], axes: [1] },
      { from: [3], shape: [3, 2], axes: [0] },
      { from: [2, 1], shape: [2, 4, 3], axes: [0, 2] },
      { from: [1], shape: [0], axes: [0] },
      { from: [2, 0], shape: [3, 2, 0], axes: [1, 2] },
      { from: [2, 1, 2], shape: [2, 3, 3, 1, 2, 1], axes: [0, 2, 4] },
    ].map(({ from, shape, axes }) => ({ params: { shape, axes }, operands: [real(from)] })),
  ),
  entry(
    movement.slicePrimitive,
    everything,
    {},
    slices.map(({ shape, ...params }) => ({
      title: `${params.start.join()}:${params.stop.join()}:${params.step.join()} of [${shape.join(", ")}]`,
      params,
      operands: [real(shape)],
    })),
  ),
  entry(
    movement.padPrimitive,
    everything,
    {},
    pads.map(({ shape, ...params }) => ({
      title: `[${shape.join(", ")}] by ${params.low.join()} and ${params.high.join()}, ${params.interior.join()} between`,
      params,
      operands: [real(shape), real([])],
    })),
  ),
  entry(movement.concatPrimitive, everything, {}, [
    { params: { axis: 0 }, operands: [real([2]), real([3])] },
    { params: { axis: 1 }, operands: [real([2, 1]), real([2, 3]), real([2, 2])] },
    { params: { axis: 0 }, operands: [real([0, 3]), real([2, 3])] },
    { params: { axis: 3 }, operands: [real(rank6), real([1, 2, 1, 1, 2, 2])] },
  ]),
  entry(
    movement.flipPrimitive,
    everything,
    {},
    [
      { shape: [3], axes: [0] },
      { shape: [2, 3], axes: [1] },
      { shape: [2, 3], axes: [0, 1] },
      { shape: [0, 2], axes: [0] },
      { shape: rank6, axes: [1, 3, 5] },
    ].map(({ shape, axes }) => ({
      title: `[${shape.join(", ")}] along ${axes.join()}`,
      params: { axes },
      operands: [real(shape)],
    })),
  ),
  entry(movement.dynamicSlicePrimitive, everything, {}, [
    { params: { sizes: [2] }, operands: [real([5]), index([1], 4)] },
    { title: "starts that clamp", params: { sizes: [2, 3] }, operands: [real([3, 4]), index([2], 9, -5)] },
    { params: { sizes: [] }, operands: [real([]), index([0], 1)] },
    { params: { sizes: [0, 2] }, operands: [real([2, 3]), index([2], 2)] },
  ]),
  entry(movement.dynamicUpdateSlicePrimitive, everything, {}, [
    { params: null, operands: [real([5]), real([2]), index([1], 4)] },
    { title: "starts that clamp", params: null, operands: [real([3, 4]), real([2, 3]), index([2], 9, -5)] },
    { params: null, operands: [real([]), real([]), index([0], 1)] },
    { params: null, operands: [real([2, 3]), real([0, 2]), index([2], 2)] },
  ]),
  entry(selectPrimitive, everything, {}, [
    ...selections.map(([c, x, y]) => ({ params: null, operands: [flag(c), real(x), real(y)] })),
    {
      title: "special values",
      params: null,
      operands: [cycle([6], [0, 1]), cycle([6], [NaN, -0, Infinity]), cycle([6], [1, NaN, -Infinity])].map((o, i) =>
        i === 0 ? { ...o, dtype: "bool" as const } : o,
      ),
      dtypes: floats,
      smooth: null,
    },
  ]),
  // The condition of a cast: tangents are rounded to float32, too.
  entry(castPrimitive, everything, { ulps: 1 }, [
    ...casts.flatMap(([from, to]) => [
      {
        title: `${from} to ${to}`,
        params: { dtype: to },
        operands: [real([2, 3])],
        dtypes: [from],
        smooth: false,
        condition: 1e5,
      },
      {
        title: `${from} to ${to}, scalar`,
        params: { dtype: to },
        operands: [real([])],
        dtypes: [from],
        smooth: false,
        condition: 1e5,
      },
      { title: `${from} to ${to}, empty`, params: { dtype: to }, operands: [real([0])], dtypes: [from], smooth: false },
    ]),
    ...(["int32", "uint32", "bool"] as const).map((to) => ({
      title: `special values to ${to}`,
      params: { dtype: to },
      operands: [cycle([10], [NaN, Infinity, -Infinity, -0, 3e9, -3e9, 5e9, 0.9, -0.9, 2147483648])],
      dtypes: floats,
      smooth: null,
    })),
  ]),
  entry(bitcastPrimitive, [], {}, [
    {
      title: "float32 to int32",
      params: { dtype: "int32" as const },
      operands: [{ ...real([2, 3]), dtype: "float32" as const }],
      dtypes: ["float32"],
      smooth: false,
    },
    {
      title: "float32 to uint32",
      params: { dtype: "uint32" as const },
      operands: [{ ...real([]), dtype: "float32" as const }],
      dtypes: ["float32"],
      smooth: false,
    },
    {
      title: "int32 to float32",
      params: { dtype: "float32" as const },
      operands: [index([3], 1 << 30)],
      dtypes: ["float32"],
      smooth: false,
    },
    {
      title: "uint32 to int32",
      params: { dtype: "int32" as const },
      operands: [word([2, 2])],
      dtypes: ["uint32"],
      smooth: false,
    },
  ]),
];
