/** Random bits: what every sampler is made of. */

import { bitwiseXor } from "../ops/elementwise.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkKey, words, type Key } from "./key.js";

export interface ShapeOption {
  /** Default: a scalar. */
  readonly shape?: Shape;
}

/**
 * Uniform 32-bit words, uint32. Element i is x₀ ⊕ x₁ of threefry(key, i), on every backend.
 *
 * Source: Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3; layout of JAX ≥ 0.5.
 */
export function bits(k: Key, { shape = [] }: ShapeOption = {}): Tensor {
  checkKey(k, "bits");
  checkShape(shape, "bits");
  return bitsFrom(k, shape, 0);
}

/** Elements `first`, `first` + 1, … of the bits of a longer array. @internal */
export function bitsFrom(k: Key, shape: Shape, first: number): Tensor {
  const [high, low] = words(k, shape, first);
  return bitwiseXor(high, low);
}

/** Uniform 64-bit words, high·2³² + low, as two uint32 tensors. */
export function bits64(k: Key, { shape = [] }: ShapeOption = {}): { readonly high: Tensor; readonly low: Tensor } {
  checkKey(k, "bits64");
  checkShape(shape, "bits64");
  const [high, low] = words(k, shape);
  return { high, low };
}
