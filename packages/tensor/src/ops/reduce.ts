/** Reductions: sums, products, extremes, moments. Without axes they reduce all. */

import { floatDTypeOf, isFloat } from "../dtype.js";
import { DTypeError, DomainError } from "../errors.js";
import {
  argMaxPrimitive,
  argMinPrimitive,
  maxPrimitive,
  minPrimitive,
  prodPrimitive,
  sumPrimitive,
  type ReduceParams,
} from "../primitives/reduce.js";
import type { Primitive } from "../primitives/primitive.js";
import { normalizeAxes, normalizeAxis, range, sameShape, sizeOf, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { castTo } from "./operands.js";
import { expandAxes, reshape } from "./movement.js";
import { logicalNot, sqrt, square, stopGradient } from "./elementwise.js";
import { where } from "./select.js";

/** One axis or several, negative ones counted from the end. */
export type Axes = number | readonly number[];

export interface ReduceOptions {
  /** Keep the reduced axes with length 1. Default false. */
  readonly keepDims?: boolean;
}

function reduce(
  primitive: Primitive<ReduceParams>,
  x: Tensor,
  axes: Axes | undefined | null,
  { keepDims = false }: ReduceOptions,
  caller = primitive.name,
): Tensor {
  const list = normalizeAxes(axes, x.rank, caller).sort((a, b) => a - b);
  const y = list.length === 0 ? x : bind1(primitive, [x], { axes: list });
  return keepDims ? expandAxes(y, list) : y;
}

/** Sum over axes; bools are counted as int32. The empty sum is 0. */
export function sum(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  return reduce(sumPrimitive, x.dtype === "bool" ? castTo(x, "int32") : x, axes, options);
}

/** Product over axes; the empty product is 1. Derivatives are exact at zeros. */
export function prod(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  return reduce(prodPrimitive, x.dtype === "bool" ? castTo(x, "int32") : x, axes, options);
}

/** Mean over axes; of nothing NaN. Integers give the default float. */
export function mean(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  const real = isFloat(x.dtype) ? x : castTo(x, floatDTypeOf(x.dtype));
  const count = reducedCount(x, axes, "mean");
  return sum(real, axes, options).div(count);
}

function reducedCount(x: Tensor, axes: Axes | undefined | null, caller: string): number {
  return sizeOf(normalizeAxes(axes, x.rank, caller).map((axis) => x.shape[axis]));
}

function nonEmpty(x: Tensor, axes: Axes | undefined | null, caller: string): void {
  for (const axis of normalizeAxes(axes, x.rank, caller)) {
    if (x.shape[axis] === 0)
      throw new DomainError(`${caller}: axis ${axis} has length 0 and ${caller} has no identity.`);
  }
}

/** Largest element over axes; NaN wins. Elements that attain it share the derivative equally. */
export function max(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  nonEmpty(x, axes, "max");
  return reduce(maxPrimitive, x, axes, options);
}

/** Smallest element over axes; NaN wins. */
export function min(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  nonEmpty(x, axes, "min");
  return reduce(minPrimitive, x, axes, options);
}

function argExtreme(primitive: Primitive<ReduceParams>, x: Tensor, axis: number | undefined): Tensor {
  const source = axis === undefined ? reshape(x, [-1]) : x;
  const at = normalizeAxis(axis ?? 0, source.rank, primitive.name);
  nonEmpty(source, at, primitive.name);
  return bind1(primitive, [source], { axes: [at] });
}

/** Index (int32) of the first largest element along an axis, or of the flat tensor; the first NaN wins. */
export function argMax(x: Tensor, axis?: number): Tensor {
  return argExtreme(argMaxPrimitive, x, axis);
}

/** Index (int32) of the first smallest element along an axis, or of the flat tensor; the first NaN wins. */
export function argMin(x: Tensor, axis?: number): Tensor {
  return argExtreme(argMinPrimitive, x, axis);
}

function checkBool(x: Tensor, caller: string): void {
  if (x.dtype !== "bool") throw new DTypeError(`${caller}: x is ${x.dtype}; wants bool (x.notEqual(0)).`);
}

/** Whether any element is true; of nothing false. */
export function any(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  checkBool(x, "any");
  return reduce(maxPrimitive, x, axes, options, "any");
}

/** Whether all elements are true; of nothing true. */
export function all(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  checkBool(x, "all");
  return reduce(minPrimitive, x, axes, options, "all");
}

export interface VarianceOptions extends ReduceOptions {
  /** Divide by n − correction: 0 (default) for the mean square deviation, 1 for the unbiased estimate. */
  readonly correction?: number;
}

/** Mean square deviation from the mean, by two passes. */
export function variance(x: Tensor, axes?: Axes | null, options: VarianceOptions = {}): Tensor {
  return meanSquareDeviation(x, axes, options, "variance");
}

function meanSquareDeviation(
  x: Tensor,
  axes: Axes | undefined | null,
  { keepDims = false, correction = 0 }: VarianceOptions,
  caller: string,
): Tensor {
  const count = Math.max(0, reducedCount(x, axes, caller) - correction);
  const real = isFloat(x.dtype) ? x : castTo(x, floatDTypeOf(x.dtype));
  const deviation = real.sub(mean(real, axes, { keepDims: true }));
  return sum(square(deviation), axes, { keepDims }).div(count);
}

/** Square root of {@link variance}. */
export function standardDeviation(x: Tensor, axes?: Axes | null, options: VarianceOptions = {}): Tensor {
  return sqrt(meanSquareDeviation(x, axes, options, "standardDeviation"));
}

/** log Σ eˣ over axes, without overflow; of nothing −∞. */
export function logSumExp(x: Tensor, axes?: Axes | null, { keepDims = false }: ReduceOptions = {}): Tensor {
  const real = isFloat(x.dtype) ? x : castTo(x, floatDTypeOf(x.dtype));
  const list = normalizeAxes(axes, x.rank, "logSumExp").sort((a, b) => a - b);
  if (sizeOf(list.map((axis) => x.shape[axis])) === 0) return sum(real, list, { keepDims }).log();
  const top = stopGradient(max(real, list, { keepDims: true }));
  const shift = where(isFiniteMask(top), top, 0);
  const y = sum(real.sub(shift).exp(), list, { keepDims: true }).log().add(shift);
  return keepDims
    ? y
    : reshape(
        y,
        x.shape.filter((_, axis) => !list.includes(axis)),
      );
}

function isFiniteMask(x: Tensor): Tensor {
  return x.sub(x).equal(0);
}

/** eˣ / Σ eˣ along an axis (default the last). */
export function softmax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.rank, "softmax");
  const e = belowMax(x, at).exp();
  return e.div(sum(e, at, { keepDims: true }));
}

/** x minus its largest along an axis, which changes neither softmax nor its derivatives. */
function belowMax(x: Tensor, axis: number): Tensor {
  return x.shape[axis] === 0 ? x : x.sub(stopGradient(max(x, axis, { keepDims: true })));
}

/** log softmax along an axis (default the last), without cancellation. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  const at = normalizeAxis(axis, x.rank, "logSoftmax");
  const shifted = belowMax(x, at);
  return shifted.sub(sum(shifted.exp(), at, { keepDims: true }).log());
}

/** Sum over the axes that broadcasting added or repeated, back to `shape`. @internal */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const lead = x.rank - shape.length;
  const axes = range(x.rank).filter((axis) => axis < lead || (shape[axis - lead] === 1 && x.shape[axis] !== 1));
  return reshape(sum(x, axes), shape);
}

/** Number of elements that are not zero or false, as int32. */
export function countNonZero(x: Tensor, axes?: Axes | null, options: ReduceOptions = {}): Tensor {
  return reduce(sumPrimitive, castTo(logicalNot(x.equal(0)), "int32"), axes, options, "countNonZero");
}
