/** The normal distribution. */

import type { FloatDType } from "../dtype.js";
import { erfinv } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import type { Key } from "./key.js";
import { readParameters, type SampleOptions } from "./parameters.js";
import { uniformBetween } from "./uniform.js";

/**
 * Standard normal: √2 erf⁻¹(u) of a uniform u on (−1, 1). It reaches ±5.42 in float32, ±8.21 in float64.
 *
 * @example
 * random.normal(key, { shape: [100] }).mul(2).add(5); // mean 5, standard deviation 2
 */
export function normal(k: Key, options: SampleOptions = {}): Tensor {
  const { shape, dtype } = readParameters("normal", k, options, {});
  return erfinv(uniformBetween(k, shape, dtype, aboveMinusOne(dtype), 1)).mul(Math.SQRT2);
}

/** The smallest value above −1. @internal */
export function aboveMinusOne(dtype: FloatDType): number {
  return dtype === "float32" ? -1 + 2 ** -24 : -1 + 2 ** -53;
}
