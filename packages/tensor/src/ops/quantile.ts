/** Quantiles of samples. */

import { DomainError, ShapeError } from "../errors.js";
import { check } from "../primitives/check.js";
import { formatShape, normalizeAxes, range } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { ceil, clip, floor, isNaN, round, stopGradient } from "./elementwise.js";
import { take } from "./gather.js";
import { at } from "./index.js";
import { reshape, transpose } from "./movement.js";
import { asFloat, castTo, scalar } from "./operands.js";
import type { Axes, ReduceOptions } from "./reduce.js";
import { where } from "./select.js";
import { sort } from "./sort.js";

/** What stands between two neighbouring elements: a line, one of them, or their mean. */
export type QuantileMethod = "linear" | "lower" | "higher" | "nearest" | "midpoint";

const methods: readonly QuantileMethod[] = ["linear", "lower", "higher", "nearest", "midpoint"];

export interface QuantileOptions extends ReduceOptions {
  /** Default "linear" (Hyndman and Fan's type 7). */
  readonly method?: QuantileMethod;
}

/**
 * The q-quantile over axes: the element at place q(n − 1) of the sorted ones. NaN if there is a NaN. Differentiable in x and, with "linear",
 * in q.
 *
 * @param x - Samples.
 * @param q - From 0 to 1: a number, or a tensor of at most one axis.
 * @param axes - Default: all.
 * @returns [...q.shape, ...what is left of x].
 * @throws DomainError for q outside of [0, 1], or without samples.
 */
export function quantile(
  x: Tensor,
  q: number | Tensor,
  axes?: Axes | null,
  { keepDims = false, method = "linear" }: QuantileOptions = {},
): Tensor {
  return along(x, q, axes, keepDims, method, "quantile");
}

/** The 0.5-quantile over axes: the mean of the middle two of an even number. NaN if there is a NaN. */
export function median(x: Tensor, axes?: Axes | null, { keepDims = false }: ReduceOptions = {}): Tensor {
  return along(x, 0.5, axes, keepDims, "linear", "median");
}

function along(
  x: Tensor,
  q: number | Tensor,
  axes: Axes | undefined | null,
  keepDims: boolean,
  method: QuantileMethod,
  caller: string,
): Tensor {
  if (!methods.includes(method)) {
    throw new DomainError(`${caller}: method is ${JSON.stringify(method)}; wants ${methods.join(", ")}.`);
  }
  const samples = asFloat(x, caller);
  const list = normalizeAxes(axes, x.rank, caller).sort((a, b) => a - b);
  const kept = samples.shape.filter((_, i) => !list.includes(i));
  const n = list.reduce((size, axis) => size * samples.shape[axis], 1);
  if (n === 0)
    throw new DomainError(`${caller}: there are no samples over axes ${list.join()} of ${formatShape(x.shape)}.`);
  const front = transpose(samples, [...list, ...range(samples.rank).filter((i) => !list.includes(i))]);
  const sorted = sort(reshape(front, [n, ...kept]), 0);
  const position = asPosition(q, sorted, n, caller);
  const below = floor(position);
  const above = ceil(position);
  const element = (place: Tensor): Tensor => take(sorted, castTo(clip(stopGradient(place), 0, n - 1), "int32"), 0);
  const between = (weight: Tensor): Tensor => {
    const [low, high] = [element(below), element(above)];
    const wide = reshape(weight, [...position.shape, ...kept.map(() => 1)]);
    // From the nearer end, so that both ends are exact; equal ends, infinite ones too, are the value.
    const up = low.add(high.sub(low).mul(wide));
    const down = high.sub(high.sub(low).mul(wide.mul(-1).add(1)));
    return where(low.equal(high), low, where(wide.less(0.5), up, down));
  };
  const values = {
    linear: () => between(position.sub(stopGradient(below))),
    midpoint: () => between(where(position.equal(below), 0, 0.5).cast(position.dtype)),
    lower: () => element(below),
    higher: () => element(above),
    nearest: () => element(round(position)),
  }[method]();
  const result = where(isNaN(at(sorted, n - 1)), NaN, values);
  if (!keepDims) return result;
  return reshape(result, [...position.shape, ...samples.shape.map((m, i) => (list.includes(i) ? 1 : m))]);
}

/** q(n − 1) as a tensor of q's shape. */
function asPosition(q: number | Tensor, like: Tensor, n: number, caller: string): Tensor {
  const wrong = (value: number): DomainError | null =>
    value >= 0 && value <= 1 ? null : new DomainError(`${caller}: q is ${value}; wants numbers from 0 to 1.`);
  if (!isTensor(q)) {
    const error = typeof q === "number" ? wrong(q) : new DomainError(`${caller}: q is ${typeof q}; wants a number.`);
    if (error !== null) throw error;
    return scalar(q * (n - 1), like.dtype);
  }
  if (q.rank > 1) throw new ShapeError(`${caller}: q has shape ${formatShape(q.shape)}; wants at most one axis.`);
  check([stopGradient(q)], [q.rank], (values) => {
    for (const value of values) {
      const error = wrong(value);
      if (error !== null) return error;
    }
    return null;
  });
  return castTo(asFloat(q, caller, "q"), like.dtype).mul(n - 1);
}
