/**
 * The von Mises distribution of angles: density exp(κ cos(θ − μ))/(2πI₀(κ)). `import * as vonMises from "@curv/bessel/von-mises"`.
 *
 * @packageDocumentation
 */

export {
  circularMean,
  entropy,
  fitCore,
  kl,
  logProb,
  sample,
  type CircularMean,
  type SampleOptions,
  type VonMises,
} from "./von-mises.js";
