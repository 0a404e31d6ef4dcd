/**
 * The von Mises–Fisher distribution on the unit sphere of ℝᵖ: density c_p(κ)exp(κμᵀx). `import * as vonMisesFisher from
 * "@curv/bessel/von-mises-fisher"`.
 *
 * @packageDocumentation
 */

export { entropy, kl, logNormalizer, logProb, meanLength, type VonMisesFisher } from "./density.js";
export {
  fit,
  fitCore,
  type FitMethod,
  type FitOptions,
  type VonMisesFisherFit,
  type VonMisesFisherFitCore,
} from "./fit.js";
export { sample, type SampleOptions } from "./sample.js";
export {
  fitMixture,
  mixtureLogProb,
  type MixtureFit,
  type MixtureFitOptions,
  type MixtureProgress,
  type VonMisesFisherMixture,
} from "./mixture.js";
