/**
 * Tests for those who write a backend or a primitive. Needs vitest, a peer dependency.
 *
 * @packageDocumentation
 */

export { conformance, type ConformanceOptions } from "./conformance.js";
