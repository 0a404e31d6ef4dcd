/** The power series of I, for small orders and arguments. */

import { reciprocalGamma1p } from "./reciprocal-gamma.js";

/** Σ_k (x²/4)ᵏ/(k!(v + 1)_k): all terms are positive. */
export function seriesSum(v: number, x: number): number {
  const y = 0.25 * x * x;
  let term = 1;
  let rest = 0;
  for (let k = 1; ; k++) {
    term *= y / (k * (k + v));
    rest += term;
    if (term < 1e-17 * (1 + rest)) return 1 + rest;
  }
}

/**
 * log(I_v(x)·e^(−shift)) = log((x/2)^v/Γ(v + 1)·Σ·e^(−shift)), as the logarithm of one product: its error is a few ulp of 1, not of the
 * logarithms of the factors.
 */
export function logSeries(v: number, x: number, shift: number): number {
  const half = 0.5 * x;
  const power = half ** v;
  const scale = reciprocalGamma1p(v);
  const sum = seriesSum(v, x) * Math.exp(-shift);
  if (power > 1e-280) return Math.log(power * scale * sum);
  return v * Math.log(half) + Math.log(scale * sum);
}
