/** Which minima SGD can stop at: sharpness, exact stability, and what stability says about shallow models. */

export {
  diagonalLinearNet,
  effectiveWeights,
  traceDiagonalLinear,
  type DiagonalLinearNet,
} from "./diagonal-linear-net.js";
export { interpolant, interpolantOf, type Interpolant, type InterpolantOptions } from "./interpolant.js";
export { meanSquareThreshold, type MeanSquareOptions, type MeanSquareThreshold } from "./mean-square-threshold.js";
export { type ChainOptions } from "./monte-carlo.js";
export { noiseAlignment, type NoiseAlignmentOptions } from "./noise-alignment.js";
export { lrForTargetTrace, normCertificate, type NormCertificate } from "./norm-certificate.js";
export { sharpness, type Sharpness, type SharpnessOptions } from "./sharpness.js";
export { stabilityReport, type StabilityOptions, type StabilityReport } from "./stability-report.js";
export {
  initTwoLayerRelu,
  pathNorm,
  traceTwoLayer,
  twoLayerRelu,
  type TwoLayerRelu,
  type TwoLayerReluOptions,
} from "./two-layer-relu.js";
