/**
 * Regularised incomplete gamma functions and their inverses.
 *
 * @packageDocumentation
 */

export { gammaP, gammaQ, inverseGammaP, inverseGammaQ } from "./incomplete-gamma.js";
