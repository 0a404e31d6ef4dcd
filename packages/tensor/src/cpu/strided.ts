/** Walking several arrays in step over one index space. */

import type { DType, TypedArray } from "../dtype.js";
import { allocate } from "../memory.js";
import { broadcastStrides, sizeOf, stridesOf, type Shape } from "../shape.js";
import { copyStrided } from "./kernels/copy.js";

export interface Walk {
  readonly shape: readonly number[];
  /** For each array its stride along each axis of `shape`. */
  readonly strides: readonly (readonly number[])[];
}

/** Drops axes of length 1 and merges neighbours that every array walks with compatible strides: fewer, longer inner loops. */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): Walk {
  const outShape: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue;
    const last = outShape.length - 1;
    if (last >= 0 && strides.every((s, a) => out[a][last] === s[i] * shape[i])) {
      outShape[last] *= shape[i];
      strides.forEach((s, a) => (out[a][last] = s[i]));
    } else {
      outShape.push(shape[i]);
      strides.forEach((s, a) => out[a].push(s[i]));
    }
  }
  if (outShape.length === 0) {
    outShape.push(1);
    for (const s of out) s.push(0);
  }
  return { shape: outShape, strides: out };
}

/** Copies from strided `src` to strided `dst` over `shape`. */
export function copy(
  dtype: DType,
  src: TypedArray,
  srcOffset: number,
  srcStrides: readonly number[],
  dst: TypedArray,
  dstOffset: number,
  dstStrides: readonly number[],
  shape: Shape,
): void {
  if (sizeOf(shape) === 0) return;
  const walk = collapse(shape, [srcStrides, dstStrides]);
  copyStrided[dtype]!(src, srcOffset, walk.strides[0], dst, dstOffset, walk.strides[1], walk.shape, 0);
}

/** A fresh row-major array of what is read with `strides` from `offset`. */
export function gatherStrided(
  dtype: DType,
  src: TypedArray,
  offset: number,
  strides: readonly number[],
  shape: Shape,
): TypedArray {
  const out = allocate(dtype, sizeOf(shape));
  copy(dtype, src, offset, strides, out, 0, stridesOf(shape), shape);
  return out;
}

/** The array with its axes permuted, row-major; the array itself if nothing moves. */
export function permute(dtype: DType, src: TypedArray, shape: Shape, axes: readonly number[]): TypedArray {
  const strides = stridesOf(shape);
  // Only the order of axes longer than 1 matters.
  let last = -1;
  if (axes.every((axis) => shape[axis] === 1 || (axis > last && ((last = axis), true)))) return src;
  return gatherStrided(
    dtype,
    src,
    0,
    axes.map((axis) => strides[axis]),
    axes.map((axis) => shape[axis]),
  );
}

/** Calls `body(x offset, x step, y offset, y step, out offset, n)` for each innermost run of a broadcast of two shapes. */
export function broadcastRuns(
  xShape: Shape,
  yShape: Shape,
  outShape: Shape,
  body: (xo: number, xs: number, yo: number, ys: number, oo: number, n: number) => void,
): void {
  if (sizeOf(outShape) === 0) return;
  const walk = collapse(outShape, [broadcastStrides(xShape, outShape), broadcastStrides(yShape, outShape)]);
  const { shape } = walk;
  const [xs, ys] = walk.strides;
  const last = shape.length - 1;
  let oo = 0;
  const visit = (axis: number, xo: number, yo: number): void => {
    if (axis === last) {
      body(xo, xs[last], yo, ys[last], oo, shape[last]);
      oo += shape[last];
      return;
    }
    for (let i = 0; i < shape[axis]; i++) visit(axis + 1, xo + i * xs[axis], yo + i * ys[axis]);
  };
  visit(0, 0, 0);
}

/** Moves `axes` to the end, keeping the order of the others; with them the shape is [kept…, reduced…]. */
export function axesLast(rank: number, axes: readonly number[]): number[] {
  const kept: number[] = [];
  for (let i = 0; i < rank; i++) if (!axes.includes(i)) kept.push(i);
  return [...kept, ...axes];
}
