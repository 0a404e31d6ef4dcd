/** The Gumbel distribution. */

import { smallestNormal } from "../dtype.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { uniformBetween } from "./uniform.js";

/**
 * Standard Gumbel, the limit law of maxima: −log(−log u). The index of the largest of logits + Gumbel noise is a categorical sample
 * ({@link categorical}); the k largest are k categories without replacement.
 */
export function gumbel(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("gumbel", k, options, {});
  return uniformBetween(k, shape, dtype, smallestNormal(dtype), 1).log().neg().log().neg();
}
