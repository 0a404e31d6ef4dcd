/** The regularised incomplete gamma functions P and Q of two numbers, and their inverses. */

import { log1pRest } from "../scalar/log1p-rest.js";
import { reciprocalGamma1p } from "../scalar/reciprocal-gamma.js";
import { logGamma, stirlingRest } from "../scalar/stirling.js";
import { hurwitz } from "../zeta/scalar.js";
import { temme } from "./temme.js";

const euler = 0.5772156649015329;

/** x^a e^(−x)/Γ(a + 1): for large a as the exponential of its distance from the maximum at x = a. */
export function lead(a: number, x: number): number {
  if (x === 0) return 0;
  if (a < 20) return x ** a * Math.exp(-x) * reciprocalGamma1p(a);
  const mu = (x - a) / a;
  // log λ + 1 − λ for λ = x/a, whose digits 1 + μ would lose far left
  const exponent = mu > -0.5 ? log1pRest(mu) : Math.log(x / a) - mu;
  return Math.exp(a * exponent - stirlingRest(a)) / Math.sqrt(2 * Math.PI * a);
}

/** P and Q, both with all their digits. a > 0, x ≥ 0. */
export function gammaPair(a: number, x: number): readonly [p: number, q: number] {
  if (!(a > 0 && x >= 0)) return [NaN, NaN];
  if (a === Infinity) return x === a ? [NaN, NaN] : [0, 1];
  if (x === 0) return [0, 1];
  if (x === Infinity) return [1, 0];
  if (a >= 20 && Math.abs(x - a) <= 0.4 * a) return temme(a, x);
  if (a < 1 && x < 1) return smallOrder(a, x);
  // For a < 1 and x beyond that Q is small beside P.
  if (a >= 1 && x < a + 1) {
    const p = series(a, x);
    return [p, 1 - p];
  }
  const q = fraction(a, x);
  return [1 - q, q];
}

/** P = x^a e^(−x)/Γ(a + 1)·Σx^k/(a + 1)_k (DLMF 8.7.1). */
function series(a: number, x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) sum += term *= x / (a + k);
  return lead(a, x) * sum;
}

/** Q = x^a e^(−x)/Γ(a)·1/(x + 1 − a − 1·(1 − a)/(x + 3 − a − 2(2 − a)/(x + 5 − a − …))) (DLMF 8.9.2), from the front by Lentz's method. */
function fraction(a: number, x: number): number {
  if (a < 1) return lead(a, x) * a * smallOrderFraction(a, x);
  let b = x + 1 - a;
  let c = 1e300;
  let d = 1 / b;
  let h = d;
  for (let i = 1; i < 10_000; i++) {
    const n = -i * (i - a);
    b += 2;
    d = n * d + b;
    c = b + n / c;
    d = 1 / d;
    const delta = c * d;
    h *= delta;
    if (Math.abs(delta - 1) < 2e-16) break;
  }
  return lead(a, x) * a * h;
}

/** The same fraction from its end: near x = 1 it is long, and Lentz's product of so many factors would lose a digit. */
function smallOrderFraction(a: number, x: number): number {
  // Its n-th part differs from the limit by about exp(−4√(nx)): 1e-21.
  const length = Math.ceil(150 / x) + 4;
  const first = x + 1 - a;
  let rest = first + 2 * length;
  for (let i = length; i > 0; i--) rest = first + 2 * (i - 1) - (i * (i - a)) / rest;
  return 1 / rest;
}

/** ζ(k) − 1, k = 0, 1, …; from 2 on. */
const zetaRest: readonly number[] = /* @__PURE__ */ Array.from({ length: 30 }, (_, k) => (k < 2 ? 0 : hurwitz(k, 2)));

/** log Γ(1 + a) for 0 < a < 1 with all its digits, for tiny a too (DLMF 5.7.3). */
function logGamma1p(a: number): number {
  if (a > 0.5) return -Math.log(reciprocalGamma1p(a));
  let sum = 0;
  for (let k = zetaRest.length - 1; k >= 2; k--) sum = zetaRest[k] / k - a * sum;
  return a * (1 - euler + a * sum) - Math.log1p(a);
}

/** For a < 1 and x < 1, where Q may be small as a: P = x^a/Γ(a + 1)·(1 + r), r = a·Σ_{k≥1}(−x)^k/(k!(a + k)) (DLMF 8.7.1). */
function smallOrder(a: number, x: number): readonly [p: number, q: number] {
  let term = 1;
  let r = 0;
  for (let k = 1; Math.abs(term) > 1e-18; k++) {
    term *= -x / k;
    r += term / (a + k);
  }
  const exponent = a * Math.log(x) - logGamma1p(a);
  const power = Math.exp(exponent);
  return [power * (1 + a * r), -Math.expm1(exponent) - power * a * r];
}

/** Φ⁻¹(p) for p ≤ ½ to three digits (Abramowitz & Stegun 26.2.23). */
export function roughQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  return (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
}

/**
 * x with P(a, x) = p and Q(a, x) = q, p + q = 1: the smaller of the two counts. Newton's method in log x on its logarithm, which is concave
 * in log x; it starts at Wilson and Hilferty's cube or, far left, at the first term of the series.
 */
export function inverseGamma(a: number, p: number, q: number): number {
  if (!(a > 0 && a < Infinity && p >= 0 && q >= 0)) return NaN;
  if (p === 0) return 0;
  if (q === 0) return Infinity;
  const lower = p <= q;
  const firstTerm = (Math.log(p) + logGamma(a + 1)) / a; // log x, if P were x^a/Γ(a + 1)
  if (firstTerm < -40) return Math.exp(firstTerm);
  const z = lower ? roughQuantile(p) : -roughQuantile(q);
  const cube = a * Math.max(0, 1 - 1 / (9 * a) + z / (3 * Math.sqrt(a))) ** 3;
  let x = lower && (a < 1 || !(cube > 0.2 * a)) ? Math.exp(firstTerm) : cube;
  if (!(x > 0)) x = a < 1 ? Math.exp(Math.min(firstTerm, 1)) : 0.5 * a;
  let before = Infinity;
  for (let i = 0; i < 100; i++) {
    const [atP, atQ] = gammaPair(a, x);
    const value = lower ? atP : atQ;
    const wanted = lower ? p : q;
    const slope = (a * lead(a, x)) / value; // of ±log in log x
    const ratio = (value - wanted) / wanted;
    const log = Math.abs(ratio) < 0.5 ? Math.log1p(ratio) : Math.log(value / wanted);
    let step = (lower ? -log : log) / slope;
    if (!(value > 0 && slope > 0)) step = lower ? 1 : -1;
    step = Math.max(-2, Math.min(2, step));
    x *= Math.exp(step);
    const size = Math.abs(step);
    if (size < 2e-16 || (size < 1e-11 && size >= before)) break;
    before = size;
  }
  return x;
}
