/** J and Y for small orders and moderate arguments. */

import { gammaParts, reciprocalGamma1p } from "../scalar/reciprocal-gamma.js";

/** (x/2)^v/Γ(v + 1)·Σ(−x²/4)^k/(k!(v + 1)_k), for x ≤ 2 and v < 20. */
export function seriesOfJ(v: number, x: number): number {
  const y = -0.25 * x * x;
  let term = 1;
  let sum = 1;
  for (let k = 1; Math.abs(term) > 1e-18; k++) sum += term *= y / (k * (k + v));
  return (0.5 * x) ** v * reciprocalGamma1p(v) * sum;
}

/**
 * Y for 0 < x ≤ 2: at orders |μ| ≤ ½ by Temme's series, upwards by recurrence, along which Y grows.
 *
 * Source: Temme, On the numerical evaluation of the ordinary Bessel function of the second kind (1976).
 */
export function temmeY(v: number, x: number): number {
  const n = Math.round(v);
  const mu = v - n;
  const { odd, even } = gammaParts(mu); // 1/Γ(1 ± μ) = even ∓ μ·odd
  const log = Math.LN2 - Math.log(x);
  const sigma = mu * log;
  const power = Math.exp(sigma);
  const sinc = mu === 0 ? 1 : (Math.PI * mu) / Math.sin(Math.PI * mu);
  const sinhc = Math.abs(sigma) < 1e-3 ? 1 + (sigma * sigma) / 6 : Math.sinh(sigma) / sigma;
  const half = 0.5 * Math.PI * mu;
  const r = mu === 0 ? 0 : (2 * Math.sin(half) ** 2) / mu; // (2/μ)sin²(πμ/2)
  let f = (2 / Math.PI) * sinc * (Math.cosh(sigma) * odd + sinhc * log * even);
  let p = power / (Math.PI * (even - mu * odd));
  let q = 1 / (Math.PI * power * (even + mu * odd));
  const y = -0.25 * x * x;
  let c = 1;
  let sum = f + r * q;
  let next = p;
  for (let k = 1; ; k++) {
    f = (k * f + p + q) / (k * k - mu * mu);
    p /= k - mu;
    q /= k + mu;
    c *= y / k;
    const term = c * (f + r * q);
    sum += term;
    next += c * p - k * term;
    if (Math.abs(c) * (Math.abs(f) + p + q) <= 1e-17 * Math.abs(next)) break;
  }
  return upwards(mu, n, x, -sum, (-2 * next) / x);
}

/** Y_{μ+n} from Y_μ and Y_{μ+1}: Y_{v+1} = (2v/x)Y_v − Y_{v−1}. */
function upwards(mu: number, n: number, x: number, at: number, above: number): number {
  let [y, next] = [at, above];
  for (let j = 1; j <= n; j++) {
    if (next === -Infinity) return next;
    [y, next] = [next, ((2 * (mu + j)) / x) * next - y];
  }
  return y;
}

/**
 * J and Y for x ≥ 2 by two continued fractions: J′/J at v, and p + iq = (J′ + iY′)/(J + iY) at an order μ below the turning point. The first
 * is carried down to μ by recurrence, there the Wronskian joins them, and Y is carried up again.
 *
 * Source: Steed's method; Barnett, Feng, Steed & Goldfarb, Coulomb wave functions for all real η and ρ (1974); Press et al., Numerical
 * Recipes, section 6.7.
 */
export function steed(v: number, x: number): readonly [j: number, y: number] {
  const n = Math.max(0, Math.trunc(v - x + 1.5));
  const mu = v - n;
  let { slope, sign } = logSlope(v, x);
  // Downwards, in units of J_v
  let j = 1;
  let dj = slope;
  for (let k = n; k >= 1; k--) {
    const order = mu + k;
    const below = (order / x) * j + dj; // J_{v−1} = (v/x)J_v + J_v′
    dj = ((order - 1) / x) * below - j;
    j = below;
  }
  slope = dj / (j === 0 ? 1e-300 : j);
  if (j < 0) sign = -sign as 1 | -1;
  const { p, q } = secondFraction(mu, x);
  const gamma = (p - slope) / q;
  const atMu = sign * Math.sqrt(2 / (Math.PI * x) / ((p - slope) * gamma + q));
  const y = atMu * gamma;
  const dy = y * p + atMu * q;
  return [atMu / j, upwards(mu, n, x, y, (mu / x) * y - dy)];
}

/** J_v′/J_v, and the sign of J_v, by the continued fraction from orders far above, where J is positive (Lentz). */
function logSlope(v: number, x: number): { slope: number; sign: 1 | -1 } {
  const tiny = 1e-300;
  let sign: 1 | -1 = 1;
  let h = Math.max(v / x, tiny);
  let d = 0;
  let c = h;
  for (let k = 1; k < 100_000; k++) {
    const b = (2 * (v + k)) / x;
    d = b - d;
    if (Math.abs(d) < tiny) d = tiny;
    c = b - 1 / c;
    if (Math.abs(c) < tiny) c = tiny;
    d = 1 / d;
    const delta = c * d;
    h *= delta;
    if (d < 0) sign = -sign as 1 | -1;
    if (Math.abs(delta - 1) < 1e-16) break;
  }
  return { slope: h, sign };
}

/** p + iq = −1/(2x) + i + (i/x)·((½)² − μ²)/(2(x + i) + ((3/2)² − μ²)/(2(x + 2i) + …)) by Lentz's method in complex numbers. */
function secondFraction(mu: number, x: number): { p: number; q: number } {
  let a = 0.25 - mu * mu;
  let p = -0.5 / x;
  let q = 1;
  if (a === 0) return { p, q };
  let bi = 2;
  const br = 2 * x;
  const first = a / x / (p * p + q * q);
  let cr = br + q * first;
  let ci = bi + p * first;
  let norm = br * br + bi * bi;
  let dr = br / norm;
  let di = -bi / norm;
  let er = cr * dr - ci * di;
  let ei = cr * di + ci * dr;
  [p, q] = [p * er - q * ei, p * ei + q * er];
  for (let k = 2; k < 10_000; k++) {
    a += 2 * (k - 1);
    bi += 2;
    dr = a * dr + br;
    di = a * di + bi;
    const scale = a / (cr * cr + ci * ci);
    cr = br + cr * scale;
    ci = bi - ci * scale;
    norm = dr * dr + di * di;
    dr /= norm;
    di /= -norm;
    er = cr * dr - ci * di;
    ei = cr * di + ci * dr;
    [p, q] = [p * er - q * ei, p * ei + q * er];
    if (Math.abs(er - 1) + Math.abs(ei) < 1e-16) break;
  }
  return { p, q };
}
