/** The Bernoulli distribution. */

import type { Tensor, TensorLike } from "../tensor.js";
import type { ShapeOption } from "./bits.js";
import type { Key } from "./key.js";
import { probability, readParameters } from "./parameters.js";
import { unitUniform } from "./uniform.js";

/**
 * true with probability p, as bool: u < p for a uniform u of p's dtype, a multiple of 2⁻²³ or 2⁻⁵².
 *
 * @param p - In [0, 1]; default ½.
 */
export function bernoulli(k: Key, p: TensorLike = 0.5, options: ShapeOption = {}): Tensor {
  const { shape, dtype, values } = readParameters("bernoulli", k, options, { p: [p, probability] });
  return unitUniform(k, shape, dtype).less(values.p);
}
