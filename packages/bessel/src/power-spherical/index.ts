/**
 * The power spherical distribution on the unit sphere of ℝᵖ: density ∝ (1 + μᵀx)^κ. Like von Mises–Fisher in shape, with elementary
 * functions only and samples that are differentiable in κ. `import * as powerSpherical from "@curv/bessel/power-spherical"`.
 *
 * Source: De Cao & Aziz, The power spherical distribution (2020).
 *
 * @packageDocumentation
 */

export { entropy, logProb, sample, type PowerSpherical, type SampleOptions } from "./power-spherical.js";
