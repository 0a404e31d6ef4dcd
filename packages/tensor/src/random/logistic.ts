/** The logistic distribution. */

import { smallestNormal } from "../dtype.js";
import { log1p } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { uniformBetween } from "./uniform.js";

/** Logistic of location 0 and scale 1: log u − log(1 − u). */
export function logistic(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("logistic", k, options, {});
  const u = uniformBetween(k, shape, dtype, smallestNormal(dtype), 1);
  return u.log().sub(log1p(u.neg()));
}
