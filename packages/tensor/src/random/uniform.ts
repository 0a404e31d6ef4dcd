/** The uniform distribution, from bits by exact arithmetic. */

import type { FloatDType } from "../dtype.js";
import { bitwiseXor, maximum, shiftRight } from "../ops/elementwise.js";
import { castTo, scalar } from "../ops/operands.js";
import type { Shape } from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { words, type Key } from "./key.js";
import { checkPair, finite, readParameters, type SampleOptions } from "./parameters.js";

export interface UniformOptions extends SampleOptions {
  /** Inclusive; default 0. */
  readonly low?: TensorLike;
  /** Exclusive up to rounding; default 1. */
  readonly high?: TensorLike;
}

/**
 * Uniform on [low, high): low + u·(high − low), where u is a multiple of 2⁻²³ (float32) or 2⁻⁵² (float64) and may be exactly 0.
 *
 * On [0, 1) the same bits on every backend. Differentiable in `low` and `high`.
 *
 * @throws DTypeError for a dtype that is no float; DomainError unless low ≤ high, both finite.
 *
 * @example
 * random.uniform(key, { shape: [2, 3], low: -1, high: 1 });
 */
export function uniform(k: Key, options: UniformOptions = {}): Tensor {
  const { low = 0, high = 1 } = options;
  const bounds = { low: [low, finite], high: [high, finite] } as const;
  const { shape, dtype, values } = readParameters("uniform", k, options, bounds, " (see randint)");
  const u = unitUniform(k, shape, dtype);
  if (low === 0 && high === 1) return u;
  checkPair(
    values.high,
    values.low,
    "uniform",
    (h, l) => h >= l,
    (h, l) => `high ${h} is below low ${l}`,
  );
  return onInterval(u, values.low, values.high);
}

/** Uniform on [low, high) for constants. @internal */
export function uniformBetween(k: Key, shape: Shape, dtype: FloatDType, low: number, high: number): Tensor {
  return onInterval(unitUniform(k, shape, dtype), scalar(low, dtype), scalar(high, dtype));
}

/** u from [0, 1) to [low, high), each operation rounded to the dtype. @internal */
export function onInterval(u: Tensor, low: Tensor, high: Tensor): Tensor {
  return maximum(u.mul(high.sub(low)).add(low), low);
}

/** Uniform on [0, 1); elements `first`, `first` + 1, … of a longer array. @internal */
export function unitUniform(k: Key, shape: Shape, dtype: FloatDType, first = 0): Tensor {
  const [high, low] = words(k, shape, first);
  // The leading mantissa bits, as an exact integer times a power of two.
  if (dtype === "float32") return castTo(shiftRight(bitwiseXor(high, low), 9), "float32").mul(2 ** -23);
  return castTo(high, "float64")
    .mul(2 ** 20)
    .add(castTo(shiftRight(low, 12), "float64"))
    .mul(2 ** -52);
}
