/** Resampling of images and other arrays on regular grids. */

import { fromTypedArray } from "../create.js";
import { isFloat, type FloatDType } from "../dtype.js";
import { DomainError, ShapeError } from "../errors.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { tensordot } from "./dot.js";
import { take } from "./gather.js";
import { moveAxis } from "./movement.js";
import { asFloat } from "./operands.js";

/** The element at the nearest place, or a filter: a triangle, Keys' cubic (a = −1/2), or Lanczos' of radius 3. */
export type ResizeMethod = "nearest" | "linear" | "cubic" | "lanczos3";

export interface ResizeOptions {
  /** Default "linear". */
  readonly method?: ResizeMethod;
  /** Widen the filter where an axis shrinks, so that what is finer than the new grid is averaged away. Default true. */
  readonly antialias?: boolean;
}

const filters: Readonly<Record<Exclude<ResizeMethod, "nearest">, (distance: number) => number>> = {
  linear: (x) => Math.max(0, 1 - x),
  cubic: (x) => {
    if (x >= 2) return 0;
    return x >= 1 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : (1.5 * x - 2.5) * x * x + 1;
  },
  lanczos3: (x) => {
    if (x >= 3) return 0;
    const y = Math.PI * x;
    return x < 1e-3 ? 1 : (3 * Math.sin(y) * Math.sin(y / 3)) / (y * y);
  },
};

/**
 * x on a grid of another shape that covers the same box: element i of n stands at (i + ½)/n. Each axis is a linear map, so the result is
 * linear in x and differentiable. At the ends the filter takes what there is, its weights divided by their sum.
 *
 * @param x - Any shape; integers are taken as floats, unless `method` is "nearest".
 * @param shape - As many axes as x; those that keep their length are left alone.
 */
export function resize(
  x: Tensor,
  shape: readonly number[],
  { method = "linear", antialias = true }: ResizeOptions = {},
): Tensor {
  if (method !== "nearest" && !(method in filters)) {
    throw new DomainError(
      `resize: method is ${JSON.stringify(method)}; wants "nearest", "linear", "cubic" or "lanczos3".`,
    );
  }
  const wrong = (n: number, i: number): boolean => !Number.isInteger(n) || n < 0 || (n > 0 && x.shape[i] === 0);
  if (shape.length !== x.rank || shape.some(wrong)) {
    throw new ShapeError(
      `resize: shape is [${shape.join(", ")}]; wants ${x.rank} lengths >= 0 for x of ${formatShape(x.shape)}, 0 where x has none.`,
    );
  }
  let y = method === "nearest" || isFloat(x.dtype) ? x : asFloat(x, "resize");
  shape.forEach((length, axis) => {
    const n = x.shape[axis];
    if (length === n) return;
    if (method === "nearest") {
      y = take(
        y,
        Array.from({ length }, (_, i) => Math.floor(((i + 0.5) * n) / length)),
        axis,
      );
      return;
    }
    const weights = fromTypedArray(
      resamplingWeights(n, length, filters[method], antialias),
      [length, n],
      y.dtype as FloatDType,
    );
    y = moveAxis(tensordot(y, weights, [[axis], [1]]), -1, axis);
  });
  return y;
}

/** The matrix [length, n] of the filter: row i has the weights of the elements around (i + ½)n/length. */
function resamplingWeights(n: number, length: number, filter: (x: number) => number, antialias: boolean): Float64Array {
  const weights = new Float64Array(length * n);
  const spacing = n / length;
  const width = antialias ? Math.max(spacing, 1) : 1;
  for (let i = 0; i < length; i++) {
    const row = weights.subarray(i * n, (i + 1) * n);
    const centre = (i + 0.5) * spacing - 0.5;
    let total = 0;
    for (let j = 0; j < n; j++) total += row[j] = filter(Math.abs(centre - j) / width);
    for (let j = 0; j < n; j++) row[j] /= total;
  }
  return weights;
}
