/**
 * Spherical Bessel functions, modified ones too, of whole order.
 *
 * @packageDocumentation
 */

export { sphericalBesselI, sphericalBesselJ, sphericalBesselK, sphericalBesselY } from "./spherical.js";
export type { BesselOptions } from "../values.js";
