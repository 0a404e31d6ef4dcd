/** Piecewise linear interpolation in one dimension. */

import { DomainError, ShapeError } from "../errors.js";
import { check } from "../primitives/check.js";
import { formatShape } from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { clip, stopGradient } from "./elementwise.js";
import { searchSorted, take } from "./gather.js";
import { at } from "./index.js";
import { asFloat, promote } from "./operands.js";
import { where } from "./select.js";

export interface InterpOptions {
  /** Value for x below the first point. Default: that of the first point. */
  readonly left?: number;
  /** Value for x beyond the last point. Default: that of the last point. */
  readonly right?: number;
}

/**
 * The piecewise linear function through the points (xp, fp), at x. Differentiable in all three; at a point the derivative in x is that of the
 * interval to the right.
 *
 * @param x - Any shape, which the result has.
 * @param xp - Ascending [n], n ≥ 1. Of equal ones the last counts: the function jumps there.
 * @param fp - [n].
 * @throws DomainError if xp does not ascend or holds NaN.
 */
export function interp(x: TensorLike, xp: Tensor, fp: Tensor, { left, right }: InterpOptions = {}): Tensor {
  if (xp.rank !== 1 || fp.rank !== 1 || xp.shape[0] !== fp.shape[0] || xp.shape[0] === 0) {
    throw new ShapeError(
      `interp: xp and fp have shapes ${formatShape(xp.shape)} and ${formatShape(fp.shape)}; wants one axis of the same length >= 1.`,
    );
  }
  check([stopGradient(xp)], [1], (values) => {
    for (let i = 0; i < values.length; i++) {
      if (Number.isNaN(values[i])) return new DomainError(`interp: xp has NaN at [${i}].`);
      if (i > 0 && values[i] < values[i - 1]) {
        return new DomainError(
          `interp: xp is ${values[i - 1]}, ${values[i]} at [${i - 1}], [${i}]; wants it ascending.`,
        );
      }
    }
    return null;
  });
  const [points, values] = promote(asFloat(xp, "interp", "xp"), asFloat(fp, "interp", "fp"), "interp");
  const [xs, places] = promote(asFloat(x, "interp"), points, "interp");
  const n = places.shape[0];
  const upper = clip(searchSorted(places, xs, "right"), Math.min(1, n - 1), n - 1);
  const lower = clip(upper.sub(1), 0, n - 1);
  const [x0, x1, f0, f1] = [take(places, lower), take(places, upper), take(values, lower), take(values, upper)];
  const width = x1.sub(x0);
  const flat = width.equal(0);
  const inside = f0.add(f1.sub(f0).mul(xs.sub(x0).div(where(flat, 1, width))));
  const [first, last] = [at(places, 0), at(places, n - 1)];
  const beyond = right === undefined ? at(values, n - 1) : right;
  return where(
    xs.less(first),
    left === undefined ? at(values, 0) : left,
    where(xs.greater(last), beyond, where(xs.equal(last), at(values, n - 1), inside)),
  );
}
