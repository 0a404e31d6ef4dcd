/**
 * Optimal transport: exact, entropic and Newton solvers.
 *
 * @packageDocumentation
 */

export { assignment, type Assignment } from "./assignment.js";
export type { Cost, CostFunction, PointCost } from "./cost.js";
export { costMatrix } from "./cost.js";
export type { Driver } from "./driver.js";
export type { Potentials } from "./dual.js";
export { emd, type EmdOptions, type EmdProgress, type EmdResult, type SparseCost } from "./emd.js";
export { emdCore, type EmdCore, type EmdCoreOptions } from "./emd-core.js";
export { greenkhorn, type GreenkhornOptions, type GreenkhornResult } from "./greenkhorn.js";
export type { Arcs } from "./network-simplex.js";
export {
  partialEmd,
  partialEmdCore,
  type PartialEmdCore,
  type PartialEmdCoreOptions,
  type PartialEmdOptions,
  type PartialEmdResult,
} from "./partial-emd.js";
export { sinkhornDivergence, type SinkhornDivergence, type SinkhornDivergenceOptions } from "./sinkhorn-divergence.js";
export { sinkhornCore, type SinkhornCore, type SinkhornCoreOptions } from "./sinkhorn-core.js";
export { sinkhorn, type SinkhornOptions, type SinkhornProgress, type SinkhornResult } from "./sinkhorn.js";
export { sinkhornNewtonSparse, type SnsIteration, type SnsOptions, type SnsResult } from "./sinkhorn-newton-sparse.js";
export { type MaskRule } from "./sparsify.js";
export { wasserstein1d, type Wasserstein1dOptions } from "./wasserstein-1d.js";
