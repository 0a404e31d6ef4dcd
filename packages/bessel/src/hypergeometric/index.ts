/**
 * Confluent hypergeometric functions ₀F₁ and ₁F₁, and their logarithms.
 *
 * @packageDocumentation
 */

export { hyp0f1, hyp1f1, hyp1f1Ratio, inverseHyp1f1Ratio, logHyp0f1, logHyp1f1 } from "./hypergeometric.js";
