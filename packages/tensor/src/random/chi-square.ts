/** The χ² distribution. */

import type { Tensor, TensorLike } from "../tensor.js";
import { gamma } from "./gamma.js";
import type { Key } from "./key.js";
import { positive, readParameters, type SampleOptions } from "./parameters.js";

/**
 * χ²: the law of a sum of `degrees` squared standard normal variables, 2·Gamma(degrees/2). Differentiable like {@link gamma}.
 *
 * @param degrees - Degrees of freedom, > 0, not necessarily an integer.
 */
export function chiSquare(k: Key, degrees: TensorLike, options: SampleOptions = {}): Tensor {
  const { shape, dtype, values } = readParameters("chiSquare", k, options, { degrees: [degrees, positive] });
  return gamma(k, values.degrees.mul(0.5), { shape, dtype }).mul(2);
}
