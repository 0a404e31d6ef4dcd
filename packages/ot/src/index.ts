/**
 * Optimal transport: exact, entropic and Newton solvers, barycentres and distances.
 *
 * @packageDocumentation
 */

export type { Cost, CostFunction, PointCost } from "./cost.js";
export { costMatrix } from "./cost.js";
export type { Potentials } from "./dual.js";
export { sinkhornCore, type SinkhornCore, type SinkhornCoreOptions } from "./sinkhorn-core.js";
