/**
 * The Bingham distribution of axes on the unit sphere of ℝᵖ: density ∝ exp(Σκᵢ(aᵢᵀx)²). `import * as bingham from "@curv/bessel/bingham"`.
 *
 * @packageDocumentation
 */

export { entropy, kl, logConstant, logProb, meanSquares, type Bingham } from "./density.js";
export { fit, type BinghamFit, type FitOptions } from "./fit.js";
export { sample, type SampleOptions } from "./sample.js";
