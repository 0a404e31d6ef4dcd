/**
 * Initialisers of weights: functions of a key and a shape. `import * as init from "@curv/nn/init"`.
 *
 * @packageDocumentation
 */

export { constant, ones, zeros } from "./constant.js";
export { fansOf, type Fans, type Initializer, type InitializerOptions } from "./initializer.js";
export { orthogonal } from "./orthogonal.js";
export {
  glorot,
  he,
  lecun,
  varianceScaling,
  type Distribution,
  type DistributionOption,
  type FanMode,
  type HeOptions,
  type VarianceScalingOptions,
} from "./variance-scaling.js";
