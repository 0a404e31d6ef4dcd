/** The exponential distribution. */

import { log1p } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { unitUniform } from "./uniform.js";

/** Exponential of rate 1: −log(1 − u), in [0, ∞). For another rate divide by it. */
export function exponential(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("exponential", k, options, {});
  return log1p(unitUniform(k, shape, dtype).neg()).neg();
}
