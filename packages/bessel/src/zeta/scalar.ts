/** The zeta functions of Riemann and Hurwitz of numbers, and their derivatives in s. */

import { sinCosPi } from "../scalar/sin-cos-pi.js";
import { logGammaTaylor } from "../scalar/log-gamma-taylor.js";
import { reciprocalGamma1p } from "../scalar/reciprocal-gamma.js";
import { logGamma } from "../scalar/stirling.js";
import * as taylor from "../scalar/taylor.js";
import type { Taylor } from "../scalar/taylor.js";

/** B₂ⱼ/(2j)!, j = 1, 2, …: each about −1/(2π)² times the one before. */
const bernoulli: readonly number[] = [
  1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000, 1 / 74724249600,
  -3617 / 10670622842880000, 43867 / 5109094217170944000, -174611 / 802857662698291200000,
  77683 / 14101100039391805440000, -236364091 / 1693824136731743669452800000,
]; // prettier-ignore

/** How many terms stand before the Euler–Maclaurin tail, so that its argument is at least 10 + 0.8s and its terms fall fast. */
function head(s: number, a: number): number {
  return Math.max(0, Math.ceil(10 + 0.8 * Math.min(Math.abs(s), 1000) - a));
}

/**
 * ζ(s, a) = Σ_{k≥0}(a + k)^(−s) for s > 1, a > 0: the first terms one by one, the rest by Euler–Maclaurin's formula,
 * w^(1−s)/(s − 1) + w^(−s)/2 + Σ_j B₂ⱼ/(2j)!·s(s + 1)…(s + 2j − 2)w^(1−s−2j).
 *
 * Source: DLMF 25.11.5; Johansson, Rigorous high-precision computation of the Hurwitz zeta function (2015).
 */
export function hurwitz(s: number, a: number): number {
  if (!(s > 1 && a > 0)) return s === 1 && a > 0 ? Infinity : NaN;
  if (s === Infinity) return a < 1 ? Infinity : a === 1 ? 1 : 0;
  if (a === Infinity) return 0;
  const n = head(s, a);
  let sum = 0;
  for (let k = 0; k < n; k++) {
    const term = (a + k) ** -s;
    sum += term;
    if (term < 1e-18 * sum && s > 40) return sum;
  }
  const w = a + n;
  const power = w ** -s;
  let factor = s / w;
  let rest = 0.5;
  for (let j = 0; j < bernoulli.length; j++) {
    const term = bernoulli[j] * factor;
    rest += term;
    if (Math.abs(term) < 1e-17) break;
    factor *= ((s + 2 * j + 1) / w) * ((s + 2 * j + 2) / w);
  }
  return sum + power * (w / (s - 1) + rest);
}

/** ζ(s + δ, a) to the power n of δ, for s ≠ 1 and s > −1 or so, by the same formula. */
function hurwitzTaylor(n: number, s: number, a: number): Taylor {
  const count = head(s, a);
  const sum = new Float64Array(n + 1);
  // (a + k)^(−s−δ)
  const powerOf = (base: number): Taylor => {
    const log = -Math.log(base);
    const out = new Float64Array(n + 1);
    out[0] = base ** -s;
    for (let k = 1; k <= n; k++) out[k] = (out[k - 1] * log) / k;
    return out;
  };
  for (let k = 0; k < count; k++) for (const [i, t] of powerOf(a + k).entries()) sum[i] += t;
  const w = a + count;
  const rest = taylor.quotient(taylor.affine(n, w, 0), taylor.affine(n, s - 1, 1));
  rest[0] += 0.5;
  const factor = taylor.affine(n, s / w, 1 / w);
  for (let j = 0; j < bernoulli.length; j++) {
    for (let i = 0; i <= n; i++) rest[i] += bernoulli[j] * factor[i];
    taylor.multiplyInto(factor, taylor.affine(n, (s + 2 * j + 1) / w, 1 / w));
    taylor.multiplyInto(factor, taylor.affine(n, (s + 2 * j + 2) / w, 1 / w));
  }
  return taylor.sum(sum, taylor.product(powerOf(w), rest));
}

/** ∂ⁿ/∂sⁿ ζ(s, a) */
export function hurwitzDerivative(n: number, s: number, a: number): number {
  if (!(s > 1 && a > 0 && s < Infinity && a < Infinity)) return NaN;
  return taylor.derivative(hurwitzTaylor(n, s, a));
}

/** Borwein's weights 1 − d_k/d_n, k = 0…n − 1, of the alternating series. */
const borwein: readonly number[] = /* @__PURE__ */ (() => {
  const n = 24;
  const partial: number[] = [];
  let term = 1; // n(n + i − 1)!4^i/((n − i)!(2i)!)
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    partial.push((sum += term));
    term *= (4 * (n + i) * (n - i)) / ((2 * i + 1) * (2 * i + 2));
  }
  return partial.slice(0, n).map((d) => 1 - d / sum);
})();

/**
 * Riemann's ζ(s): for s ≥ 0 from the alternating series η(s) = (1 − 2^(1−s))ζ(s), for s < 0 by reflection.
 *
 * Source: Borwein, An efficient algorithm for the Riemann zeta function (2000), algorithm 2.
 */
export function riemann(s: number): number {
  if (s < 0) return reflected(s);
  if (s === 1) return NaN;
  if (s === Infinity) return 1;
  let eta = 0;
  for (let k = borwein.length - 1; k >= 0; k--) eta += (k % 2 === 0 ? 1 : -1) * borwein[k] * (k + 1) ** -s;
  return eta / -Math.expm1((1 - s) * Math.LN2);
}

/** ζ(s) = 2(2π)^(s−1)sin(πs/2)Γ(1 − s)ζ(1 − s), exactly 0 at −2, −4, … */
function reflected(s: number): number {
  if (s === -Infinity) return NaN;
  const sine = sinCosPi(0.5 * s)[0];
  if (sine === 0) return 0;
  const zeta = riemann(1 - s);
  if (s > -19) return (2 * sine * zeta * (2 * Math.PI) ** (s - 1)) / reciprocalGamma1p(-s);
  return 2 * sine * zeta * Math.exp(logGamma(1 - s) + (s - 1) * Math.log(2 * Math.PI));
}

/** The n-th derivative of Riemann's ζ. */
export function riemannDerivative(n: number, s: number): number {
  if (!(Math.abs(s) < Infinity) || s === 1) return s === Infinity ? 0 : NaN;
  if (s >= 0) return taylor.derivative(hurwitzTaylor(n, s, 1));
  // The reflection in Taylor arithmetic: Γ and ζ at 1 − s − δ, so with the signs of odd powers turned
  const turned = (a: Taylor): Taylor => a.map((t, k) => (k % 2 === 0 ? t : -t));
  const [sin, cos] = sinCosPi(0.5 * s);
  const sine = new Float64Array(n + 1);
  let power = 1;
  for (let k = 0; k <= n; k++) {
    sine[k] = power * [sin, cos, -sin, -cos][k % 4];
    power *= Math.PI / 2 / (k + 1);
  }
  const exponent = turned(logGammaTaylor(n, 1 - s));
  exponent[0] += (s - 1) * Math.log(2 * Math.PI) + Math.LN2;
  exponent[1] += Math.log(2 * Math.PI);
  const zeta = turned(hurwitzTaylor(n, 1 - s, 1));
  return taylor.derivative(taylor.product(taylor.product(taylor.exponential(exponent), sine), zeta));
}
