/** The Cauchy distribution. */

import { epsilon } from "../dtype.js";
import { tan } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { uniformBetween } from "./uniform.js";

/** Cauchy of location 0 and scale 1: tan π(u − ½), u ≥ ε. It has no mean. */
export function cauchy(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("cauchy", k, options, {});
  const u = uniformBetween(k, shape, dtype, epsilon(dtype), 1);
  return tan(u.sub(0.5).mul(Math.PI));
}
