/** Running sums, products and extremes along an axis. */

import { isFloat } from "../dtype.js";
import { ShapeError } from "../errors.js";
import {
  cumArgMaxPrimitive,
  cumsumPrimitive,
  linearRecurrencePrimitive,
  type CumulativeParams,
} from "../primitives/cumulative.js";
import { formatShape, normalizeAxis, sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { takeAlong } from "./gather.js";
import { bitwiseNot, neg, stopGradient } from "./elementwise.js";
import { pad, slice } from "./movement.js";
import { castTo, unify } from "./operands.js";

export interface CumulativeOptions {
  /** From the last element to the first. Default false. */
  readonly reverse?: boolean;
}

function direction(x: Tensor, axis: number, { reverse = false }: CumulativeOptions, caller: string): CumulativeParams {
  return { axis: normalizeAxis(axis, x.rank, caller), reverse };
}

/** Moves the elements one place in scan order; `fill` comes in first, the last drops out. @internal */
export function shiftAlong(x: Tensor, { axis, reverse }: CumulativeParams, fill: number): Tensor {
  if (x.shape[axis] === 0) return x;
  return pad(
    x,
    x.shape.map((_, i) => (i !== axis ? [0, 0] : reverse ? [-1, 1] : [1, -1]) as [number, number]),
    fill,
  );
}

/** Running sum: bools are counted as int32. */
export function cumsum(x: Tensor, axis: number, options: CumulativeOptions = {}): Tensor {
  const source = x.dtype === "bool" ? castTo(x, "int32") : x;
  return bind1(cumsumPrimitive, [source], direction(x, axis, options, "cumsum"));
}

/**
 * z_i = a_i z_(i−1) + b_i along an axis, z_(−1) = 0: discounted returns, moving averages, IIR filters. Derivatives are exact at zeros of a.
 */
export function linearRecurrence(a: Tensor, b: Tensor, axis: number, options: CumulativeOptions = {}): Tensor {
  const [p, q] = unify(a, b, "linearRecurrence");
  if (!sameShape(p.shape, q.shape)) {
    throw new ShapeError(
      `linearRecurrence: a has shape ${formatShape(a.shape)}, b has ${formatShape(b.shape)}; they must be equal.`,
    );
  }
  return bind1(linearRecurrencePrimitive, [p, q], direction(p, axis, options, "linearRecurrence"));
}

/** Running product: z_i = x_i z_(i−1) from z_0 = x_0. Derivatives are exact at zeros. */
export function cumprod(x: Tensor, axis: number, options: CumulativeOptions = {}): Tensor {
  const source = x.dtype === "bool" ? castTo(x, "int32") : x;
  const at = direction(x, axis, options, "cumprod");
  if (source.shape[at.axis] === 0) return source;
  // The first element enters through b alone, so x appears once in each product.
  const n = source.shape[at.axis];
  const first = slice(
    source,
    source.shape.map((_, i) => (i === at.axis && at.reverse ? n - 1 : 0)),
    source.shape.map((m, i) => (i === at.axis && !at.reverse ? 1 : m)),
  );
  const b = pad(
    first,
    source.shape.map((_, i) => (i !== at.axis ? [0, 0] : at.reverse ? [n - 1, 0] : [0, n - 1]) as [number, number]),
  );
  return bind1(linearRecurrencePrimitive, [source, b], at);
}

/** Product of the elements before each along the last axis, and of those after: Π_{j≠i} x_j, without division. @internal */
export function productsOfOthers(x: Tensor): Tensor {
  const forward: CumulativeParams = { axis: x.rank - 1, reverse: false };
  const backward: CumulativeParams = { axis: x.rank - 1, reverse: true };
  const before = shiftAlong(cumprod(x, -1), forward, 1);
  const after = shiftAlong(cumprod(x, -1, { reverse: true }), backward, 1);
  return before.mul(after);
}

/** Running maximum; its derivative goes to the first element that attained it. NaN stays. */
export function cummax(x: Tensor, axis: number, options: CumulativeOptions = {}): Tensor {
  const at = direction(x, axis, options, "cummax");
  if (x.shape[at.axis] === 0) return x;
  if (x.dtype === "bool") return castTo(cummax(castTo(x, "int32"), axis, options), "bool");
  return takeAlong(x, bind1(cumArgMaxPrimitive, [stopGradient(x)], at), at.axis, { mode: "clip" });
}

/** Running minimum; its derivative goes to the first element that attained it. NaN stays. */
export function cummin(x: Tensor, axis: number, options: CumulativeOptions = {}): Tensor {
  const at = direction(x, axis, options, "cummin").axis;
  // Both reverse the order; ~x is −x − 1 without overflow, and 2³² − 1 − x for uint32.
  const reversed = isFloat(x.dtype) ? neg : bitwiseNot;
  return reversed(cummax(reversed(x), at, options));
}
