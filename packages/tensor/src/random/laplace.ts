/** The Laplace distribution. */

import { log1p } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { aboveMinusOne } from "./normal.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { uniformBetween } from "./uniform.js";

/** Laplace of location 0 and scale 1, density ½ e^(−|x|): sign(v) log(1 − |v|) of a uniform v on (−1, 1). */
export function laplace(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("laplace", k, options, {});
  const v = uniformBetween(k, shape, dtype, aboveMinusOne(dtype), 1);
  return v.sign().mul(log1p(v.abs().neg()));
}
