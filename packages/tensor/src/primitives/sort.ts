/** Sorting along the last axis: stable, NaN after every number, −0 equal to +0. */

import { allocate } from "../memory.js";
import { takeAlong } from "../ops/gather.js";
import { bind } from "../transform/trace.js";
import { argSortRow } from "../cpu/kernels/sort.js";
import { aval, definePrimitive, type HostArray, type Primitive } from "./primitive.js";
import type { TypedArray } from "../dtype.js";

export interface SortParams {
  readonly descending: boolean;
  /** How many of the first to keep. */
  readonly count: number;
}

/**
 * sort(x): [values, int32 indices] of the first `count` along the last axis in order. The tangent of the values follows the indices.
 * With `count` = k and descending it is topK.
 */
export const sortPrimitive: Primitive<SortParams> = /* @__PURE__ */ definePrimitive<SortParams>({
  name: "sort",
  shape: ([x], { count }) => {
    const shape = [...x.shape.slice(0, -1), count];
    return [aval(shape, x.dtype), aval(shape, "int32")];
  },
  jvp: (_primals, [dx], _params, [, indices]) => [takeAlong(dx!, indices, -1, { mode: "clip" }), null],
  batch: ([x], _batched, params) => bind(sortPrimitive, [x], params),
  lower: ([x], params) => sortRows(x, params),
});

function sortRows(x: HostArray, { descending, count }: SortParams): TypedArray[] {
  const n = x.shape[x.shape.length - 1];
  const rows = n === 0 ? 0 : x.buffer.length / n;
  const values = allocate(x.dtype, rows * count);
  const indices = allocate("int32", rows * count);
  for (let r = 0; r < rows; r++) {
    const row = x.buffer.subarray(r * n, (r + 1) * n);
    const order = argSortRow(row, descending);
    for (let i = 0; i < count; i++) {
      values[r * count + i] = row[order[i]];
      indices[r * count + i] = order[i];
    }
  }
  return [values, indices];
}
