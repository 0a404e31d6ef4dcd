/**
 * The zeta functions of Riemann and Hurwitz.
 *
 * @packageDocumentation
 */

export { hurwitzZeta, zeta } from "./zeta.js";
