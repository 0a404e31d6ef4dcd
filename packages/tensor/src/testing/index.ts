/**
 * Tests for those who write a backend or a primitive. Needs vitest, a peer dependency.
 *
 * @packageDocumentation
 */

export { conformance, type ConformanceOptions } from "./conformance.js";
export { accuracy, type PrimitiveAccuracy } from "./accuracy.js";
export type { Accuracy } from "./example.js";
