/**
 * Bessel functions in log scale, special functions and directional distributions.
 *
 * @packageDocumentation
 */

export { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "./modified-bessel.js";
export { besselBranch, type BesselBranch } from "./scalar/ladder.js";
