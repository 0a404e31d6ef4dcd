/** Student's t distribution. */

import type { Tensor, TensorLike } from "../tensor.js";
import { gamma } from "./gamma.js";
import { split, type Key } from "./key.js";
import { normal } from "./normal.js";
import { positive, readParameters, type SampleOptions } from "./parameters.js";

/**
 * Student's t: n·√(h/g) with n standard normal, g ~ Gamma(h), h = degrees/2. Differentiable like {@link gamma}.
 *
 * @param degrees - Degrees of freedom, > 0. The mean exists above 1, the variance above 2.
 */
export function studentT(k: Key, degrees: TensorLike, options: SampleOptions = {}): Tensor {
  const { shape, dtype, values } = readParameters("studentT", k, options, { degrees: [degrees, positive] });
  const [normalKey, gammaKey] = split(k);
  const half = values.degrees.mul(0.5);
  return normal(normalKey, { shape, dtype }).mul(half.div(gamma(gammaKey, half, { shape, dtype })).sqrt());
}
