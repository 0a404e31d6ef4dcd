/** Kronecker-factored curvature: K-FAC and E-KFAC. */

export {
  updateFactors,
  type CorrectedEigenvalues,
  type Eigenbasis,
  type KfacFactors,
  type LayerFactors,
} from "./factors.js";
export { kfacFactors, type KfacData } from "./kfac-factors.js";
export { kfacFromFactors, kfacOperator, type KfacInverseOptions, type KfacOperator } from "./kfac-operator.js";
export type { KfacOptions } from "./kfac-options.js";
export type { InverseMethod } from "./kronecker-block.js";
export type { TappedModel } from "./tapped-model.js";
