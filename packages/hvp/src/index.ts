/**
 * Curvature of models: Hessian, Gauss-Newton and Fisher operators, spectra, traces and inverse products.
 *
 * @packageDocumentation
 */

export { fromLoader, inBatches, type Batches, type Data } from "./data.js";
export { gaussNewtonDiagonal } from "./gauss-newton-diagonal.js";
export { type LossFunction, type LossOptions } from "./loss-function.js";
export {
  empiricalFisherOperator,
  fisherOperator,
  gaussNewtonOperator,
  gradientCovarianceOperator,
  type FisherOptions,
  type Model,
  type Supervised,
} from "./operators/gauss-newton.js";
export { hessianOperator, inputHessianOperator, type HessianOptions } from "./operators/hessian.js";
export { jacobianOperator } from "./operators/jacobian.js";
export { binaryCrossEntropyOutput, crossEntropyOutput, squaredErrorOutput, type OutputLoss } from "./output-loss.js";
export {
  perSampleGaussNewtonProducts,
  perSampleGradientRows,
  perSampleGradients,
  perSampleHessianProducts,
  type PerSampleProducts,
} from "./per-sample.js";
export { layersOf, selectParameters, type SelectedParameters } from "./select-parameters.js";
