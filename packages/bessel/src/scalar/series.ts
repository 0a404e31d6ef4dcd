/** The power series of I, for small orders and arguments. */

import { reciprocalGamma1p } from "./reciprocal-gamma.js";
import { affine, quotient, type Taylor } from "./taylor.js";

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

/** I_v(x) = (x/2)^v/Γ(v + 1)·Σ. */
export function valueBySeries(v: number, x: number): number {
  return (0.5 * x) ** v * reciprocalGamma1p(v) * seriesSum(v, x);
}

/**
 * log(I_v(x)·e^(−shift)) = log((x/2)^v/Γ(v + 1)·Σ·e^(−shift)), as the logarithm of one product: its error is a few ulp of 1, not of the
 * logarithms of the factors. For x ≤ 2 these have one sign, and the power, which is slow, is not needed.
 */
export function logSeries(v: number, x: number, shift: number): number {
  const scale = reciprocalGamma1p(v);
  const sum = shift === 0 ? seriesSum(v, x) : seriesSum(v, x) * Math.exp(-shift);
  if (x <= 2) return v * (Math.log(x) - Math.LN2) + Math.log(scale * sum);
  return Math.log((0.5 * x) ** v * scale * sum);
}

/** {@link seriesSum} at the order v + δ, to the power n of δ. */
export function seriesTaylor(n: number, v: number, x: number): Taylor {
  const y = 0.25 * x * x;
  const sum = affine(n, 1, 0);
  // The terms are nothing beside 1 and beside what Γ changes, and 1/y would overflow.
  if (y < 1e-300) return sum;
  let term = affine(n, 1, 0);
  for (let k = 1; ; k++) {
    term = quotient(term, affine(n, (k * (k + v)) / y, k / y));
    for (let j = 0; j <= n; j++) sum[j] += term[j];
    if (term.every((t, j) => Math.abs(t) <= 1e-18 * Math.abs(sum[j]))) return sum;
  }
}
