/** ₀F₁(b; z) of numbers, b > 0: Γ(b)z^((1−b)/2)I_{b−1}(2√z), in which the powers and Γ nearly cancel. */

import { jOf } from "../cylinder/bessel-jy.js";
import { debyeSum } from "../scalar/debye.js";
import { hankelSum } from "../scalar/hankel.js";
import { ratioOfI } from "../scalar/ratio.js";
import { logGamma, stirlingRest } from "../scalar/stirling.js";

const halfLogTwoPi = 0.9189385332046727;

/** Σ_{k≥1} z^k/(k!(b)_k) */
function seriesRest(b: number, z: number): number {
  let term = 1;
  let rest = 0;
  for (let k = 0; k < 5000; k++) {
    term *= z / ((k + 1) * (b + k));
    rest += term;
    if (Math.abs(term) < 1e-17 * Math.abs(1 + rest)) break;
  }
  return rest;
}

/** log ₀F₁(b; z), b > 0, z ≥ 0. */
export function logLimit(b: number, z: number): number {
  if (!(b > 0 && z >= 0)) return NaN;
  if (z === Infinity || b === Infinity) return z === b ? NaN : z === Infinity ? Infinity : 0;
  if (z <= 400 || z <= 40 * b) return Math.log1p(seriesRest(b, z));
  const v = b - 1;
  const half = Math.sqrt(z); // x/2
  const x = 2 * half;
  if (v < 12 && v * v < 2 * x) {
    const lead = x + logGamma(b) - v * Math.log(half) - halfLogTwoPi - 0.5 * Math.log(x);
    return lead + Math.log1p(hankelSum(20, v, x, -1));
  }
  // Debye's exponent beside Stirling's formula for Γ(v + 1) (whose rest is that of Γ(v)): h − v − v·log((v + h)/2v) − ½log(h/v), with h − v = rise
  const h = Math.hypot(v, x);
  const rise = (x / (h + v)) * x;
  const p = v / h;
  const sum = Math.log1p(debyeSum(13, 1 / h, p * p));
  return rise - v * Math.log1p(rise / (2 * v)) - 0.5 * Math.log1p(rise / v) + stirlingRest(v) + sum;
}

/** ∂/∂z log ₀F₁(b; z) = 1/(b + z·(the same at b + 1)). */
export function limitRatio(b: number, z: number): number {
  if (!(b > 0 && z >= 0)) return NaN;
  const half = Math.sqrt(z);
  return 1 / (b + half * ratioOfI(b, 2 * half));
}

/** ₀F₁(b; z), b > 0, z real. */
export function limit(b: number, z: number): number {
  if (!(b > 0) || z !== z) return NaN;
  if (z >= 0) return z <= 400 || z <= 40 * b ? 1 + seriesRest(b, z) : Math.exp(logLimit(b, z));
  if (-z <= Math.max(1, b)) return 1 + seriesRest(b, z);
  const half = Math.sqrt(-z);
  const factor = Math.exp(logGamma(b) - (b - 1) * Math.log(half));
  return factor * jOf(b - 1, 2 * half);
}
