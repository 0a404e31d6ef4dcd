/**
 * Bessel functions of the first and second kind, of real order.
 *
 * @packageDocumentation
 */

export { besselJ, besselY } from "./cylinder.js";
