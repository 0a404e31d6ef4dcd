/**
 * For those who write a backend: what every planner of graphs needs, and the parameters of the primitives that carry graphs. A backend itself
 * is a `Backend` of the main entry, registered by `registerBackend`.
 *
 * @packageDocumentation
 */

export { openGraph, removeDead } from "../transform/simplify.js";
export { constantsOf } from "../transform/graph.js";
export { paramsKey } from "./params-key.js";
export { firstError, type CheckParams } from "../primitives/check.js";
export type { ConvParams } from "../primitives/conv.js";
export type { CondParams } from "../transform/cond.js";
export type { ScanParams } from "../transform/scan.js";
export type { WhileParams } from "../transform/while-loop.js";
export { sizeOf, stridesOf } from "../shape.js";
