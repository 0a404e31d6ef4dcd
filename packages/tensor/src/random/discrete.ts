/** Two-valued distributions. */

import { defaultDType } from "../dtype.js";
import { DomainError } from "../errors.js";
import { checkShape, type Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkKey, type Key } from "./key.js";
import { unitUniform, type SampleOptions } from "./uniform.js";

/** ±1 with probability ½ each. The draws are the same at every dtype. */
export function rademacher(k: Key, { shape = [], dtype = defaultDType() }: SampleOptions = {}): Tensor {
  checkKey(k, "rademacher");
  checkShape(shape, "rademacher");
  const one = unitUniform(k, shape, "float32").less(0.5).cast(dtype);
  return one.mul(2).sub(1);
}

/** true with probability p. */
export function bernoulli(k: Key, p: number | Tensor = 0.5, { shape }: { readonly shape?: Shape } = {}): Tensor {
  checkKey(k, "bernoulli");
  if (typeof p === "number" && !(p >= 0 && p <= 1)) throw new DomainError(`bernoulli: p is ${p}; wants 0 <= p <= 1.`);
  const size = shape ?? (typeof p === "number" ? [] : p.shape);
  const dtype = typeof p === "object" && p.dtype === "float64" ? "float64" : "float32";
  return unitUniform(k, size, dtype).less(p);
}

