/** The uniform distribution, from bits by exact arithmetic. */

import { defaultDType, type FloatDType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { bitwiseXor, shiftRight } from "../ops/elementwise.js";
import { castTo, scalar } from "../ops/operands.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { checkKey, words, type Key } from "./key.js";

export interface SampleOptions {
  /** Default: a scalar. */
  readonly shape?: Shape;
  /** Default: the default dtype. */
  readonly dtype?: FloatDType;
}

/** Refuses a dtype that is no float. @internal */
export function checkFloat(dtype: FloatDType, caller: string, integer = "randint"): void {
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`${caller}: dtype ${String(dtype)}; wants float32 or float64 (see ${integer}).`);
  }
}

export interface UniformOptions extends SampleOptions {
  /** Inclusive; default 0. */
  readonly low?: TensorLike;
  /** Exclusive up to rounding; default 1. */
  readonly high?: TensorLike;
}

/**
 * Uniform on [low, high): multiples of 2⁻²³ (float32) or 2⁻⁵² (float64) of the interval; it can be exactly `low`.
 */
export function uniform(k: Key, { shape = [], dtype = defaultDType(), low = 0, high = 1 }: UniformOptions = {}): Tensor {
  checkFloat(dtype, "uniform");
  checkKey(k, "uniform");
  checkShape(shape, "uniform");
  const u = unitUniform(k, shape, dtype);
  if (low === 0 && high === 1) return u;
  // Each operation is rounded to the dtype, as JAX does.
  const from = operand(low, dtype);
  const span = operand(high, dtype).sub(from);
  return u.mul(span).add(from).maximum(from);
}

function operand(x: TensorLike, dtype: FloatDType): Tensor {
  return typeof x === "object" ? castTo(x, dtype) : scalar(x, dtype);
}

/** Uniform on [0, 1). @internal */
export function unitUniform(k: Key, shape: Shape, dtype: FloatDType): Tensor {
  const [high, low] = words(k, shape);
  // The leading mantissa bits, as an exact integer times a power of two.
  if (dtype === "float32") return castTo(shiftRight(bitwiseXor(high, low), 9), "float32").mul(2 ** -23);
  return castTo(high, "float64").mul(2 ** 20).add(castTo(shiftRight(low, 12), "float64")).mul(2 ** -52);
}
