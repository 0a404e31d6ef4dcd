/** Random orders. */

import { arange } from "../create.js";
import { DomainError } from "../errors.js";
import { take, takeAlong } from "../ops/gather.js";
import { argSort } from "../ops/sort.js";
import { normalizeAxis, sizeOf, type Shape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { bitsFrom } from "./bits.js";
import { checkKey, split, type Key } from "./key.js";
import { checkCount } from "./parameters.js";

export interface PermutationOptions {
  /** Along which to permute. Default 0. */
  readonly axis?: number;
  /** Whether each vector along the axis gets an order of its own, instead of one order for all. Default false. */
  readonly independent?: boolean;
}

/**
 * The numbers 0 … x − 1 (int32), or the slices of x along an axis, in random order: every order is equally likely. The same on every
 * backend.
 *
 * Stable sorts by random words, in so many rounds that two elements that had equal words in each of them are most unlikely; it has no
 * loop that could not run in parallel. Linear in a float x.
 *
 * @param x - A count ≥ 0 or a tensor.
 *
 * @example
 * const order = random.permutation(key, xs.shape[0]); // one order for inputs and labels
 */
export function permutation(
  k: Key,
  x: number | Tensor,
  { axis = 0, independent = false }: PermutationOptions = {},
): Tensor {
  checkKey(k, "permutation");
  if (!isTensor(x)) {
    checkCount("permutation", "x", x, 0);
    return shuffledOrder(k, [x], 0);
  }
  if (x.rank === 0) throw new DomainError("permutation: x is a scalar tensor; wants a number or at least one axis.");
  const at = normalizeAxis(axis, x.rank, "permutation");
  if (independent && x.rank > 1) return takeAlong(x, shuffledOrder(k, x.shape, at), at);
  return take(x, shuffledOrder(k, [x.shape[at]], 0), at);
}

/** Indices along `axis` of `shape` in random order, each vector for itself. */
function shuffledOrder(k: Key, shape: Shape, axis: number): Tensor {
  const size = sizeOf(shape);
  const place = arange(shape[axis], { dtype: "int32" });
  let order = place.reshape(shape.map((n, i) => (i === axis ? n : 1))).broadcastTo(shape);
  const rounds = Math.ceil((3 * Math.log(Math.max(1, size))) / Math.log(2 ** 32 - 1));
  let next = k;
  for (let round = 0; round < rounds; round++) {
    const [rest, subkey] = split(next);
    next = rest;
    order = takeAlong(order, argSort(bitsFrom(subkey, shape, 0), axis), axis);
  }
  return order;
}
