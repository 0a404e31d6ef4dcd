/** Arrays that are too long for one launch: where they are cut into blocks of rows. */

import type { DType, Shape } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { limits } from "./limits.js";
import { partsOf } from "./value.js";

/** Rows of an array along the axis on which it is cut. */
export interface Rows {
  readonly start: number;
  readonly count: number;
}

/** Whether an array is kept as several. */
export function isLong({ shape, dtype }: { readonly shape: Shape; readonly dtype: DType }): boolean {
  return sizeOf(shape) * partsOf(dtype) > limits.longestArray;
}

/** The axis on which an array is cut: the first that is not of length 1, so that blocks lie one after the other in it. */
export function cutAxis(shape: Shape): number {
  return Math.max(
    0,
    shape.findIndex((n) => n !== 1),
  );
}

/** The blocks of an array of a shape; one that is all of it if it is short; null if one row is too long already. */
export function blocksOf(shape: Shape): Rows[] | null {
  const axis = cutAxis(shape);
  const rows = Math.floor(limits.blockLength / Math.max(1, sizeOf(shape.slice(axis + 1))));
  const length = shape.length === 0 ? 1 : shape[axis];
  if (rows === 0) return null;
  const blocks: Rows[] = [];
  for (let start = 0; start < length; start += rows) blocks.push({ start, count: Math.min(rows, length - start) });
  return blocks;
}

/** The shape with another length of one axis. */
export function withLength(shape: Shape, axis: number, length: number): Shape {
  return shape.map((n, i) => (i === axis ? length : n));
}
