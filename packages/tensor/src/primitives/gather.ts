/** Reading and writing rows at computed indices. `gather` and `scatterAdd` are each other's transpose. */

import { gatherRows, scatterAddRows, scatterMaxRows } from "../cpu/kernels/copy.js";
import { coerceElement, type DType, type TypedArray } from "../dtype.js";
import { allocate } from "../memory.js";
import { broadcastTo } from "../ops/movement.js";
import { sizeOf, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind, bind1 } from "../transform/trace.js";
import { aval, definePrimitive, type Aval, type HostArray, type Primitive } from "./primitive.js";

export interface GatherParams {
  /** Leading axes that operand and indices share. */
  readonly batch: number;
  /** What an index outside the operand reads. */
  readonly fill: number;
}

/**
 * gather(x, indices): x of [batch…, n₁…n_k, rest…], int32 indices of [batch…, i…, k], result [batch…, i…, rest…]. Linear in x.
 */
export const gatherPrimitive: Primitive<GatherParams> = /* @__PURE__ */ definePrimitive<GatherParams>({
  name: "gather",
  shape: ([x, indices], { batch }) => {
    const depth = indices.shape[indices.shape.length - 1];
    return [aval([...indices.shape.slice(0, -1), ...x.shape.slice(batch + depth)], x.dtype)];
  },
  jvp: ([, indices], [dx], { batch }) =>
    dx === null ? [null] : bind(gatherPrimitive, [dx, indices], { batch, fill: 0 }),
  transpose: ([ct], [x, indices], _linear, { batch }) => {
    const depth = indices.shape[indices.shape.length - 1];
    return [bind1(scatterAddPrimitive, [ct!, indices], { batch, shape: x.shape.slice(batch, batch + depth) }), null];
  },
  batch: ([x, indices], [xBatched, indicesBatched], { batch, fill }, size) => {
    if (xBatched || batch > 0) {
      const both = [
        xBatched ? x : broadcastTo(x, [size, ...x.shape]),
        indicesBatched ? indices : broadcastTo(indices, [size, ...indices.shape]),
      ];
      return bind(gatherPrimitive, both, { batch: batch + 1, fill });
    }
    return bind(gatherPrimitive, [x, indices], { batch, fill });
  },
  lower: ([x, indices], { batch, fill }, [out]) => {
    const depth = indices.shape[indices.shape.length - 1];
    const row = sizeOf(x.shape.slice(batch + depth));
    const y = allocate(x.dtype, sizeOf(out.shape));
    const offsets = rowOffsets(indices, batch, x.shape.slice(batch, batch + depth), row);
    gatherRows[x.dtype]!(x.buffer, offsets, row, coerceElement(fill, x.dtype), y);
    return [y];
  },
});

export interface ScatterParams {
  readonly batch: number;
  /** Lengths n₁…n_k of the indexed axes of the result. */
  readonly shape: Shape;
}

const scatterShape = ([updates, indices]: readonly Aval[], { batch, shape }: ScatterParams): Aval[] => [
  aval([...updates.shape.slice(0, batch), ...shape, ...updates.shape.slice(indices.shape.length - 1)], updates.dtype),
];

function batchScatter(
  primitive: Primitive<ScatterParams>,
  [updates, indices]: readonly Tensor[],
  [updatesBatched, indicesBatched]: readonly boolean[],
  { batch, shape }: ScatterParams,
  size: number,
): readonly Tensor[] {
  const both = [
    updatesBatched ? updates : broadcastTo(updates, [size, ...updates.shape]),
    indicesBatched ? indices : broadcastTo(indices, [size, ...indices.shape]),
  ];
  return bind(primitive, both, { batch: batch + 1, shape });
}

/**
 * scatterAdd(updates, indices): zeros of [batch…, n₁…n_k, rest…] to which each row of updates [batch…, i…, rest…] is added at its index,
 * in ascending order. Indices outside are dropped. Linear in updates.
 */
export const scatterAddPrimitive: Primitive<ScatterParams> = /* @__PURE__ */ definePrimitive<ScatterParams>({
  name: "scatterAdd",
  shape: scatterShape,
  jvp: ([, indices], [du], params) => (du === null ? [null] : bind(scatterAddPrimitive, [du, indices], params)),
  transpose: ([ct], [, indices], _linear, { batch }) => [
    bind1(gatherPrimitive, [ct!, indices], { batch, fill: 0 }),
    null,
  ],
  batch: (inputs, batched, params, size) => batchScatter(scatterAddPrimitive, inputs, batched, params, size),
  lower: (inputs, params, [out]) => [scatter(scatterAddRows, inputs, params, out, 0)],
});

/** Like scatterAdd, keeping the largest update; −1 (the lowest for floats) where there is none. Not differentiable: for indices. */
export const scatterMaxPrimitive: Primitive<ScatterParams> = /* @__PURE__ */ definePrimitive<ScatterParams>({
  name: "scatterMax",
  shape: scatterShape,
  batch: (inputs, batched, params, size) => batchScatter(scatterMaxPrimitive, inputs, batched, params, size),
  lower: (inputs, params, [out]) => [scatter(scatterMaxRows, inputs, params, out, -1)],
});

function scatter(
  kernels: typeof scatterAddRows,
  [updates, indices]: readonly HostArray[],
  { batch, shape }: ScatterParams,
  out: Aval,
  initial: number,
): TypedArray {
  const row = sizeOf(updates.shape.slice(indices.shape.length - 1));
  const y = allocate(out.dtype, sizeOf(out.shape));
  if (initial !== 0) y.fill(initial);
  kernels[out.dtype as DType]!(updates.buffer, rowOffsets(indices, batch, shape, row), row, y);
  return y;
}

/** Start of each indexed row in the operand, −1 for an index outside. */
function rowOffsets(indices: HostArray, batch: number, lengths: Shape, row: number): Int32Array {
  const depth = lengths.length;
  const groups = sizeOf(indices.shape.slice(0, batch));
  const count = sizeOf(indices.shape.slice(0, -1));
  const perGroup = groups === 0 ? 0 : count / groups;
  const groupSize = sizeOf(lengths) * row;
  const offsets = new Int32Array(count);
  const index = indices.buffer;
  for (let g = 0, i = 0, at = 0; g < groups; g++) {
    for (let j = 0; j < perGroup; j++, i++) {
      let offset = 0;
      for (let d = 0; d < depth; d++, at++) {
        const v = index[at];
        offset = v < 0 || v >= lengths[d] || offset < 0 ? -1 : offset * lengths[d] + v;
      }
      offsets[i] = offset < 0 ? -1 : g * groupSize + offset * row;
    }
  }
  return offsets;
}
