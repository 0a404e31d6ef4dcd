/**
 * Elementary functions in the subset of JavaScript that gpu.js compiles for every mode, from + − × ÷ √ ⌊⌋ and comparisons alone.
 *
 * A GPU's own exp, log, tanh, sin lose up to half of their digits and turn NaN and infinities into numbers, and WGSL allows it. These are
 * the polynomials of the CPU backend's float32 functions (see `cpu/math` of @curv/tensor), rounded by the hardware at each step instead of
 * by Math.fround; what there is read from the bits of a number is found here by comparisons.
 *
 * Nothing is said of the sign of zero; NaN stays NaN because it fails every comparison.
 */

import { bits } from "./math/bits.js";
import { comparison } from "./math/comparison.js";
import { division } from "./math/division.js";
import { errorFunction } from "./math/error-function.js";
import { exponential } from "./math/exponential.js";
import { gamma } from "./math/gamma.js";
import { hyperbolic } from "./math/hyperbolic.js";
import { inverseTrigonometric } from "./math/inverse-trigonometric.js";
import { logarithm } from "./math/logarithm.js";
import { power } from "./math/power.js";
import { root } from "./math/root.js";
import { trigonometric } from "./math/trigonometric.js";
import type { Definition } from "./source-functions.js";

/** All of them. */
export const portableMath: readonly (readonly Definition[])[] = [
  exponential,
  logarithm,
  root,
  power,
  hyperbolic,
  trigonometric,
  inverseTrigonometric,
  errorFunction,
  gamma,
  comparison,
  division,
  bits,
];
