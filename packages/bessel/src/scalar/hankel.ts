/** Hankel's expansion: the sum that multiplies the leading terms for large arguments. */

import { affine, multiplyInto, type Taylor } from "./taylor.js";

/**
 * Σ_{k=1}^{terms} Π_{j=1}^{k} (μ − (2j − 1)²)·sᵏ/(k!(8x)ᵏ) with μ = 4v².
 *
 * @param sign - s: −1 for I, 1 for K.
 * Source: DLMF 10.40.1–2; (E1) of Plesner et al.
 */
export function hankelSum(terms: number, v: number, x: number, sign: 1 | -1): number {
  const mu = 4 * v * v;
  const z = sign / (8 * x);
  let term = 1;
  let sum = 0;
  for (let k = 1; k <= terms; k++) {
    const odd = 2 * k - 1;
    term *= ((mu - odd * odd) * z) / k;
    sum += term;
    if (Math.abs(term) < 1e-18) break;
  }
  return sum;
}

/** {@link hankelSum} at the order v + δ, to the power n of δ; of 20 terms at most, for derivatives are small where few terms suffice for the sum. */
export function hankelTaylor(n: number, v: number, x: number, sign: 1 | -1): Taylor {
  const z = sign / (8 * x);
  const sum = new Float64Array(n + 1);
  const term = affine(n, 1, 0);
  for (let k = 1; k <= 20; k++) {
    const odd = 2 * k - 1;
    const factor = affine(n, ((4 * v * v - odd * odd) * z) / k, (8 * v * z) / k);
    if (n >= 2) factor[2] = (4 * z) / k;
    multiplyInto(term, factor);
    for (let j = 0; j <= n; j++) sum[j] += term[j];
    if (term.every((t, j) => Math.abs(t) <= 1e-18 * Math.abs(sum[j]))) break;
  }
  return sum;
}

/** ∂/∂x log((1 + Σ_{v+1})/(1 + Σ_v)): the k-th terms fall like x⁻ᵏ. */
export function hankelSlope(v: number, x: number, sign: 1 | -1): number {
  return logSlope(v + 1, x, sign) - logSlope(v, x, sign);
}

function logSlope(v: number, x: number, sign: 1 | -1): number {
  const mu = 4 * v * v;
  const z = sign / (8 * x);
  let term = 1;
  let sum = 1;
  let slope = 0;
  for (let k = 1; k <= 20; k++) {
    const odd = 2 * k - 1;
    term *= ((mu - odd * odd) * z) / k;
    sum += term;
    slope -= k * term;
    if (k * Math.abs(term) <= 1e-18 * Math.abs(slope)) break;
  }
  return slope / (x * sum);
}
