/** The beta distribution. */

import type { Tensor, TensorLike } from "../tensor.js";
import { logGamma } from "./gamma.js";
import { split, type Key } from "./key.js";
import { positive, readParameters, type SampleOptions } from "./parameters.js";

/**
 * Beta on (0, 1): density ∝ x^(a−1) (1 − x)^(b−1), as X/(X + Y) of gamma variables, computed from their logarithms. Differentiable in a
 * and b like {@link gamma}.
 *
 * @param a - > 0.
 * @param b - > 0.
 */
export function beta(k: Key, a: TensorLike, b: TensorLike, options: SampleOptions = {}): Tensor {
  const { shape, dtype, values } = readParameters("beta", k, options, { a: [a, positive], b: [b, positive] });
  const [keyA, keyB] = split(k);
  const logX = logGamma(keyA, values.a, { shape, dtype });
  const logY = logGamma(keyB, values.b, { shape, dtype });
  return logX.sub(logY).sigmoid();
}
