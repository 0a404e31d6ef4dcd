/** Learning rates as a function of batch size, from measured curvature and its noise. */

export {
  batchEdges,
  crossoverBatch,
  type BatchEdges,
  type BatchNoise,
  type BatchOptions,
  type MarchenkoPasturNoise,
  type MeasuredCurvature,
  type WignerNoise,
} from "./batch-edges.js";
export { curvatureNoise, type CurvatureNoise, type CurvatureNoiseOptions } from "./curvature-noise.js";
export { effectiveBatch } from "./effective-batch.js";
export {
  maxLearningRate,
  scaleDamping,
  scaleLearningRate,
  type DampingOptions,
  type PreconditionedCurvature,
  type ScaledLearningRate,
  type ScaledMethod,
  type ScaleOptions,
  type StepMethod,
} from "./learning-rate.js";
export {
  spectralLearner,
  spectralRates,
  spectralRatesAt,
  type ScheduledOptions,
  type SpectralLearnerOptions,
  type SpectralRateOptions,
  type SpectralRates,
  type TrainBatch,
} from "./spectral-learner.js";
export { spikedCovariance, type SpikedCovariance, type SpikedCovarianceOptions } from "./spiked-covariance.js";
