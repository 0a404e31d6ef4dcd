/**
 * The Watson distribution of axes on the unit sphere of ℝᵖ: density ∝ exp(κ(μᵀx)²). `import * as watson from "@curv/bessel/watson"`.
 *
 * @packageDocumentation
 */

export { entropy, kl, logNormalizer, logProb, meanSquare, type Watson } from "./density.js";
export { fit, type FitOptions, type WatsonFit } from "./fit.js";
export { sample, type SampleOptions } from "./sample.js";
