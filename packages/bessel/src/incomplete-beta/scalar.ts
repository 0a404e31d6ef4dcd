/** The regularised incomplete beta function of numbers, and its inverse. */

import { log1pRest } from "../scalar/log1p-rest.js";
import { logBeta, stirlingRest } from "../scalar/stirling.js";
import { digamma, polygamma } from "../zeta/polygamma.js";
import { roughQuantile } from "../incomplete-gamma/scalar.js";

/**
 * x^a y^b/B(a, b), y = 1 − x: by its distance from the maximum at x₀ = a/(a + b), with μ = x/x₀ − 1 and ν = y/y₀ − 1, aμ + bν = 0.
 *
 * Source: Loader, Fast and accurate computation of binomial probabilities (2000), with the linear terms taken off.
 */
export function lead(a: number, b: number, x: number, y: number): number {
  if (x === 0 || y === 0) return 0;
  const d = x * b - a * y;
  const from = (ratio: number, rest: number): number => (rest > -0.5 ? log1pRest(rest) : Math.log(ratio) - rest);
  const exponent = a * from((x * (a + b)) / a, d / a) + b * from((y * (a + b)) / b, -d / b);
  const stirling = stirlingRest(a + b) - stirlingRest(a) - stirlingRest(b);
  return Math.sqrt((a / (a + b)) * (b / (2 * Math.PI))) * Math.exp(exponent + stirling);
}

/** (I_x(a, b), I_y(b, a)): they add up to 1. y = 1 − x is given beside x because one of the two may have more digits. */
export function betaPair(a: number, b: number, x: number, y: number): readonly [lower: number, upper: number] {
  if (!(a > 0 && b > 0 && x >= 0 && y >= 0 && a < Infinity && b < Infinity)) return [NaN, NaN];
  if (x === 0) return [0, 1];
  if (y === 0) return [1, 0];
  if (b * x <= a * y) {
    const lower = fraction(a, b, x, y);
    return [lower, 1 - lower];
  }
  const upper = fraction(b, a, y, x);
  return [1 - upper, upper];
}

/**
 * I_x(a, b) = x^a y^b/B(a, b)·1/(β₁ + α₁/(β₂ + α₂/(β₃ + …))) with λ = ay − bx ≥ 0, that is below the mean, where nothing cancels and some
 * √max(a, b) terms do: by Lentz's method.
 *
 * Source: DiDonato & Morris, Algorithm 708 (1992), equation 9.
 */
function fraction(a: number, b: number, x: number, y: number): number {
  const front = lead(a, b, x, y);
  if (front === 0) return 0;
  const lambda = a * y - b * x;
  let f = (a / (a + 1)) * (lambda + 1);
  let c = f;
  let d = 0;
  for (let n = 1; n < 100_000; n++) {
    const odd = a + 2 * n - 1;
    const q = (n * (b - n) * x) / odd;
    const alpha = q * x * ((a + n - 1) / odd) * (a + b + n - 1);
    const beta = n + q + ((a + n) / (odd + 2)) * (lambda + 1 + n * (1 + y));
    d = 1 / (beta + alpha * d);
    c = beta + alpha / c;
    const delta = c * d;
    f *= delta;
    if (Math.abs(delta - 1) < 2e-16) break;
  }
  return front / f;
}

/**
 * (x, 1 − x) with I_x(a, b) = p and its complement q, p + q = 1: the smaller of the two counts. Newton's method in the log-odds of x on its
 * logarithm, which is concave there; it starts at the normal quantile of the log-odds or, far left, at the first term of the series.
 */
export function inverseBeta(a: number, b: number, p: number, q: number): readonly [x: number, y: number] {
  if (!(a > 0 && b > 0 && p >= 0 && q >= 0 && a < Infinity && b < Infinity)) return [NaN, NaN];
  if (p === 0) return [0, 1];
  if (q === 0) return [1, 0];
  if (q < p) {
    const [y, x] = inverseBeta(b, a, q, p);
    return [x, y];
  }
  const firstTerm = (Math.log(p) + Math.log(a) + logBeta(a, b)) / a; // log x, if I were x^a/(a·B)
  if (firstTerm < -40 - Math.log(Math.max(1, b))) return [Math.exp(firstTerm), 1];
  const spread = Math.sqrt(polygamma(1, a) + polygamma(1, b));
  const odds = digamma(a) - digamma(b) + roughQuantile(p) * spread;
  const far = firstTerm < Math.log((0.3 * a) / (a + b)) && firstTerm < 0;
  let x = far ? Math.exp(firstTerm) : 1 / (1 + Math.exp(-odds));
  let y = far ? 1 - x : 1 / (1 + Math.exp(odds));
  let before = Infinity;
  for (let i = 0; i < 200; i++) {
    const [value] = betaPair(a, b, x, y);
    const slope = lead(a, b, x, y) / value; // of the logarithm in the log-odds
    const ratio = (value - p) / p;
    const log = Math.abs(ratio) < 0.5 ? Math.log1p(ratio) : Math.log(value / p);
    let step = -log / slope;
    if (!(value > 0 && slope > 0)) step = 1;
    step = Math.max(-2, Math.min(2, step));
    const factor = Math.exp(step);
    const sum = y + x * factor;
    x = (x * factor) / sum;
    y /= sum;
    const size = Math.abs(step);
    if (size < 2e-16 || (size < 1e-11 && size >= before)) break;
    before = size;
  }
  return [x, y];
}
