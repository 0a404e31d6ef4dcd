/**
 * Exponential integrals E_n and Ei.
 *
 * @packageDocumentation
 */

export { expintE, expintEi } from "./exponential-integral.js";
