/** The normal distribution. */

import { defaultDType } from "../dtype.js";
import { erfinv } from "../ops/elementwise.js";
import { checkShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkKey, type Key } from "./key.js";
import { checkFloat, uniform, type SampleOptions } from "./uniform.js";

/** Standard normal: √2 erf⁻¹(u) of a uniform u on (−1, 1). In float32 it reaches ±5.42. */
export function normal(k: Key, { shape = [], dtype = defaultDType() }: SampleOptions = {}): Tensor {
  checkFloat(dtype, "normal");
  checkKey(k, "normal");
  checkShape(shape, "normal");
  // The smallest value above −1.
  const low = dtype === "float32" ? -1 + 2 ** -24 : -1 + 2 ** -53;
  return erfinv(uniform(k, { shape, dtype, low, high: 1 })).mul(Math.SQRT2);
}
