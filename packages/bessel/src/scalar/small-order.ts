/**
 * K at orders |μ| ≤ ½ and below the ladder, from which orders below 18 follow: the recurrence K_{v+1} = (2v/x)K_v + K_{v−1} has
 * positive terms only.
 */

import { expNegative } from "./exp-table.js";
import { gammaParts } from "./reciprocal-gamma.js";

export interface SmallOrder {
  /** K_μ(x)e^x. */
  readonly scaled: number;
  /** x·K_{μ+1}(x)/K_μ(x): finite for every x. */
  readonly ratio: number;
}

/** Temme's series loses digits as x grows (its terms cancel from x = ½ on), the integral needs more nodes as x shrinks. */
export function smallOrder(mu: number, x: number): SmallOrder {
  return x < 0.5 ? temme(mu, x) : evenIntegral(mu, x);
}

/** x·K_{v+1}/K_v, v = μ + n, from Q_{v+1} = 2(v + 1) + x²/Q_v: every step forgets some of its error. */
export function scaledRatio(v: number, x: number): number {
  const n = Math.round(v);
  const mu = v - n;
  let { ratio } = smallOrder(mu, x);
  for (let j = 1; j <= n; j++) ratio = 2 * (mu + j) + (x / ratio) * x;
  return ratio;
}

/** log(K_v(x)e^x), v < 20. */
export function logScaledSmallOrder(v: number, x: number): number {
  const { value, power } = scaledSmallOrder(v, x);
  return power === 0 ? Math.log(value) : Math.log(value) - power * Math.log(x);
}

/** K_v(x)e^x = value·x^(−power), v < 20: the power is 0 where the product does not overflow. */
export function scaledSmallOrder(v: number, x: number): { readonly value: number; readonly power: number } {
  const n = Math.round(v);
  const mu = v - n;
  const start = smallOrder(mu, x);
  let ratio = start.ratio;
  let product = start.scaled;
  const divisor = x > 1e-10 ? x : 1;
  for (let j = 1; j <= n; j++) {
    product *= ratio / divisor;
    ratio = 2 * (mu + j) + (x / ratio) * x;
  }
  return { value: product, power: divisor === x ? 0 : n };
}

/**
 * Temme's series: K_μ = Σ c_k f_k and K_{μ+1} = (2/x)Σ c_k(p_k − k f_k), c_k = (x²/4)^k/k!.
 *
 * Source: Temme, On the numerical evaluation of the modified Bessel function of the third kind (1975).
 */
function temme(mu: number, x: number): SmallOrder {
  const { odd, even } = gammaParts(mu); // 1/Γ(1 ± μ) = even ∓ μ·odd
  const log = Math.LN2 - Math.log(x);
  const sigma = mu * log;
  // e^σ; by a power where rounding σ would show.
  const power = Math.abs(sigma) < 1 ? Math.exp(sigma) : x > 1e-300 ? (0.5 * x) ** -mu : x ** -mu * 2 ** mu;
  const sinc = mu === 0 ? 1 : (Math.PI * mu) / Math.sin(Math.PI * mu);
  const cosh = 0.5 * (power + 1 / power);
  const sinhc = Math.abs(sigma) < 0.5 ? sinhOver(sigma * sigma) : (0.5 * (power - 1 / power)) / sigma;
  let f = sinc * (cosh * odd + sinhc * log * even);
  let p = (0.5 * power) / (even - mu * odd);
  let q = 0.5 / (power * (even + mu * odd));
  const y = 0.25 * x * x;
  let c = 1;
  let sum = f;
  let next = p;
  for (let k = 1; ; k++) {
    f = (k * f + p + q) / (k * k - mu * mu);
    p /= k - mu;
    q /= k + mu;
    c *= y / k;
    sum += c * f;
    next += c * (p - k * f);
    if (c * (f + Math.abs(p - k * f)) <= 1e-17 * Math.min(sum, next)) break;
  }
  return { scaled: sum * Math.exp(x), ratio: (2 * next) / sum };
}

/** sinh(s)/s from s² < ¼. */
function sinhOver(s2: number): number {
  return 1 + (s2 / 6) * (1 + (s2 / 20) * (1 + (s2 / 42) * (1 + (s2 / 72) * (1 + (s2 / 110) * (1 + s2 / 156)))));
}

interface Nodes {
  readonly step: number;
  /** cosh t − 1, e^t and e^(−t) at t = j·step. */
  readonly bend: Float64Array;
  readonly up: Float64Array;
  readonly down: Float64Array;
}

function nodesOf(step: number, count: number): Nodes {
  const at = (f: (t: number) => number): Float64Array => Float64Array.from({ length: count }, (_, j) => f(j * step));
  return { step, bend: at((t) => 2 * Math.sinh(0.5 * t) ** 2), up: at(Math.exp), down: at((t) => Math.exp(-t)) };
}

/** Until x(cosh t − 1) > 44: for x ≥ ½, and for x ≥ 8. */
const coarse = /* @__PURE__ */ nodesOf(0.2, 30);
const fine = /* @__PURE__ */ nodesOf(0.1, 40);

/** K_μ e^x = ∫₀^∞ exp(−x(cosh t − 1))cosh(μt)dt by the trapezoid rule, and the same with μ + 1. */
function evenIntegral(mu: number, x: number): SmallOrder {
  const { step, bend, up, down } = x < 8 ? coarse : fine;
  const growth = Math.exp(mu * step);
  const decay = 1 / growth;
  let a = 1; // e^(μt)
  let b = 1; // e^(−μt)
  let sum = 0;
  let next = 0;
  for (let j = 1; j < bend.length; j++) {
    const exponent = x * bend[j];
    if (exponent > 44) break;
    a *= growth;
    b *= decay;
    const weight = expNegative(exponent);
    sum += weight * (a + b);
    next += weight * (a * up[j] + b * down[j]);
  }
  return { scaled: step * (0.5 + 0.5 * sum), ratio: (x * (1 + next)) / (1 + sum) };
}
