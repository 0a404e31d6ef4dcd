/** The Pareto distribution. */

import type { Tensor, TensorLike } from "../tensor.js";
import { exponential } from "./exponential.js";
import type { Key } from "./key.js";
import { positive, readParameters, type SampleOptions } from "./parameters.js";

/**
 * Pareto of minimum 1, P(X > x) = x^(−exponent) for x ≥ 1. Differentiable in the exponent.
 *
 * @param exponent - > 0. The mean is infinite for an exponent ≤ 1.
 */
export function pareto(k: Key, exponent: TensorLike, options: SampleOptions = {}): Tensor {
  const { shape, dtype, values } = readParameters("pareto", k, options, { exponent: [exponent, positive] });
  return exponential(k, { shape, dtype }).div(values.exponent).exp();
}
