/**
 * Curvature of models: Hessian, Gauss-Newton and Fisher operators, spectra, traces and inverse products.
 *
 * @packageDocumentation
 */

export * from "./batch-size/index.js";
export {
  curvatureReport,
  type CurvatureReport,
  type CurvatureReportOptions,
  type Eigenvalue,
  type LayerCurvature,
} from "./curvature-report.js";
export { fromLoader, inBatches, type Batches, type Data } from "./data.js";
export {
  conditionNumber,
  spectralNorm,
  type ConditionNumber,
  type ExtremeOptions,
  type SpectralNorm,
} from "./estimators/extremes.js";
export {
  hutchPlusPlus,
  type HutchPlusPlusOptions,
  type HutchPlusPlusSketch,
  type HutchPlusPlusTrace,
  type LowRankTrace,
  type LowRankTraceOptions,
} from "./estimators/hutch-plus-plus.js";
export {
  frobeniusNorm,
  hutchinsonDiagonal,
  hutchinsonTrace,
  type DiagonalEstimate,
  type FrobeniusEstimate,
  type FrobeniusOptions,
  type HutchinsonDiagonal,
  type HutchinsonDiagonalOptions,
  type HutchinsonOptions,
  type TraceEstimate,
  type TraceOptions,
} from "./estimators/hutchinson.js";
export { type ProbeDistribution } from "./estimators/probes.js";
export { type ProductOptions } from "./estimators/products.js";
export { spectralDensity, type SpectralDensity, type SpectralDensityOptions } from "./estimators/spectral-density.js";
export {
  effectiveDimension,
  logDeterminant,
  negativeFraction,
  spectralMeasure,
  traceOf,
  type FunctionTrace,
  type SpectralMeasure,
  type SpectralMeasureOptions,
  type SpectralRun,
} from "./estimators/spectral-measure.js";
export {
  traceByLayer,
  type BlockTrace,
  type TraceByLayer,
  type TraceByLayerOptions,
} from "./estimators/trace-by-layer.js";
export {
  xDiagonal,
  xTrace,
  type XDiagonalEstimate,
  type XDiagonalOptions,
  type XTraceEstimate,
  type XTraceOptions,
} from "./estimators/x-trace.js";
export type { RangeSketch } from "./estimators/range-sketch.js";
export { gaussNewtonDiagonal } from "./gauss-newton-diagonal.js";
export { gradientNoiseScale, type GradientNoise } from "./gradient-noise-scale.js";
export { influence, type InfluenceOptions } from "./influence.js";
export { inverseProduct, type InverseProductOptions } from "./inverse-product.js";
export { lissa, type LissaOptions, type LissaResult, type OperatorList } from "./lissa.js";
export { type LossFunction, type LossOptions } from "./loss-function.js";
export * from "./kfac/index.js";
export { lossSurface, type LossSurface, type LossSurfaceOptions } from "./loss-surface.js";
export {
  empiricalFisherOperator,
  fisherOperator,
  gaussNewtonOperator,
  gradientCovarianceOperator,
  type FisherOptions,
} from "./operators/gauss-newton.js";
export { type Model, type ModelOptions, type Supervised } from "./operators/model.js";
export { hessianOperator, inputHessianOperator, type HessianOptions } from "./operators/hessian.js";
export { jacobianOperator } from "./operators/jacobian.js";
export { binaryCrossEntropyOutput, crossEntropyOutput, squaredErrorOutput, type OutputLoss } from "./output-loss.js";
export * from "./m-fac/index.js";
export {
  perSampleGaussNewtonProducts,
  perSampleGradientRows,
  perSampleGradients,
  perSampleHessianProducts,
  type PerSampleProducts,
} from "./per-sample.js";
export { layersOf, selectParameters, type SelectedParameters } from "./select-parameters.js";
export * from "./stability/index.js";
