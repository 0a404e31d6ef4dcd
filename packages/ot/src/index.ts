/**
 * Optimal transport: exact, entropic and Newton solvers, barycentres, Gromov–Wasserstein, sliced and low-rank forms.
 *
 * @packageDocumentation
 */

export { assignment, type Assignment } from "./assignment.js";
export {
  barycenter,
  barycenterCore,
  gridBarycenter,
  gridBarycenterCore,
  type BarycenterCore,
  type BarycenterCoreOptions,
  type BarycenterOptions,
  type BarycenterResult,
} from "./barycenter.js";
export type { Cost, CostFunction, PointCost } from "./cost.js";
export { costMatrix } from "./cost.js";
export { energyDistance, mmd, type DiscrepancyOptions, type MmdOptions } from "./discrepancy.js";
export type { BlockProgress, Driver } from "./driver.js";
export type { Potentials } from "./dual.js";
export { emd, type EmdOptions, type EmdProgress, type EmdResult, type SparseCost } from "./emd.js";
export { emdCore, type EmdCore, type EmdCoreOptions } from "./emd-core.js";
export {
  entropicPartial,
  entropicPartialCore,
  type EntropicPartialCore,
  type EntropicPartialCoreOptions,
  type EntropicPartialOptions,
  type EntropicPartialResult,
} from "./entropic-partial.js";
export {
  freeSupportBarycenter,
  type FreeSupportOptions,
  type FreeSupportProgress,
  type FreeSupportResult,
  type PointMeasure,
} from "./free-support.js";
export {
  buresWasserstein,
  gaussianBarycenter,
  gaussianMap,
  type AffineMap,
  type Gaussian,
  type GaussianBarycenter,
  type GaussianBarycenterOptions,
} from "./gaussian.js";
export {
  gradientFlow,
  type GradientFlowOptions,
  type GradientFlowProgress,
  type GradientFlowResult,
} from "./gradient-flow.js";
export { greenkhorn, type GreenkhornOptions, type GreenkhornResult } from "./greenkhorn.js";
export {
  gromovBarycenter,
  type GromovBarycenterOptions,
  type GromovBarycenterProgress,
  type GromovBarycenterResult,
  type GromovSpace,
} from "./gromov-barycenter.js";
export {
  gromovCost,
  gromovWasserstein,
  gromovWassersteinCore,
  type GromovCore,
  type GromovCoreOptions,
  type GromovObjective,
  type GromovOptions,
  type GromovResult,
} from "./gromov.js";
export {
  applyLowRank,
  factoredSquares,
  lowRankSinkhorn,
  lowRankSinkhornCore,
  type FactoredCost,
  type LowRankCore,
  type LowRankCoreOptions,
  type LowRankOptions,
  type LowRankPlan,
  type LowRankResult,
} from "./low-rank.js";
export type { Arcs } from "./network-simplex.js";
export {
  partialEmd,
  partialEmdCore,
  type PartialEmdCore,
  type PartialEmdCoreOptions,
  type PartialEmdOptions,
  type PartialEmdResult,
} from "./partial-emd.js";
export type { Penalty } from "./penalty.js";
export { sinkhornCore, type SinkhornCore, type SinkhornCoreOptions } from "./sinkhorn-core.js";
export {
  runSinkhornDivergence,
  sinkhornDivergence,
  type SinkhornDivergence,
  type SinkhornDivergenceOptions,
  type SinkhornDivergenceProgress,
  type SinkhornDivergenceResult,
  type SinkhornDivergenceRunOptions,
} from "./sinkhorn-divergence.js";
export { sinkhorn, type SinkhornOptions, type SinkhornProgress, type SinkhornResult } from "./sinkhorn.js";
export { sinkhornNewtonSparseCore, type SnsCoreOptions } from "./sinkhorn-newton-sparse-core.js";
export { sinkhornNewtonSparse, type SnsIteration, type SnsOptions, type SnsResult } from "./sinkhorn-newton-sparse.js";
export {
  maxSlicedWasserstein,
  sliceDirections,
  slicedWasserstein,
  type MaxSlicedOptions,
  type MaxSlicedWasserstein,
  type SlicedWasserstein,
  type SlicedWassersteinOptions,
  type SliceDirectionsOptions,
} from "./sliced.js";
export {
  hessianApply,
  hessianSolve,
  sparseHessian,
  type HessianSolveOptions,
  type SparseHessian,
  type SparseHessianOptions,
} from "./sparse-hessian.js";
export type { MaskRule, SparsePlan } from "./sparsify.js";
export {
  barycentricProjection,
  domainAdaptation,
  entropicMap,
  type DomainAdaptation,
  type DomainAdaptationOptions,
  type EntropicMapOptions,
} from "./transport-map.js";
export {
  unbalancedEmd,
  unbalancedEmdCore,
  type UnbalancedEmdCore,
  type UnbalancedEmdCoreOptions,
  type UnbalancedEmdOptions,
  type UnbalancedEmdResult,
} from "./unbalanced-emd.js";
export { wasserstein1d, type Wasserstein1dOptions } from "./wasserstein-1d.js";
