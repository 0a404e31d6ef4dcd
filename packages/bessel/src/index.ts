/**
 * Bessel functions in log scale, special functions and directional distributions.
 *
 * @packageDocumentation
 */

export { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve, type LogBesselOptions } from "./modified-bessel.js";
export { besselBranch, type BesselBranch } from "./scalar/ladder.js";
export { inverseBesselRatioI } from "./inverse-ratio.js";
export { besselI, besselK, type BesselOptions } from "./values.js";
export { erfcx, logErfc, logNdtr } from "./error-functions.js";
