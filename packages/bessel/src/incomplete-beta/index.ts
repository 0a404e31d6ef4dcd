/**
 * The regularised incomplete beta function and its inverse.
 *
 * @packageDocumentation
 */

export { incompleteBeta, inverseIncompleteBeta } from "./incomplete-beta.js";
