/** The inverse of the ratio ₁F₁′/₁F₁ in x, of numbers. */

import { kummerMoment, kummerRatio } from "./kummer.js";

/**
 * x with kummerRatio(α, β, x) = r, 0 < r < 1: Newton's method on the log-odds of the ratio, whose error at the start, a bound that is exact to first order
 * at both ends, is small.
 *
 * Source: Sra & Karp, The multivariate Watson distribution: maximum-likelihood estimation and other aspects (2013), theorem 3.2.
 */
export function inverseKummerRatio(alpha: number, beta: number, r: number): { x: number; path: readonly number[] } {
  if (!(alpha > 0 && beta > 0 && r >= 0 && r <= 1)) return { x: NaN, path: [] };
  if (r === 0 || r === 1) return { x: r === 0 ? -Infinity : Infinity, path: [] };
  const c = alpha + beta;
  const rest = 1 - r;
  const excess = r * beta - rest * alpha; // rc − α
  let x = (excess / (2 * r * rest)) * (1 + Math.sqrt(1 + (4 * (c + 1) * r * rest) / (alpha * beta)));
  const path = [x];
  if (x === 0) return { x, path };
  let before = Infinity;
  for (let i = 0; i < 50; i++) {
    const [g, h] = [kummerRatio(alpha, beta, x), kummerRatio(beta, alpha, -x)];
    const error = Math.log(g / r) - Math.log(h / rest);
    const step = (-error * g * h) / kummerMoment([2, 0, 0], alpha, beta, x);
    const next = x + step;
    x = next * x > 0 ? next : 0.1 * x; // the sign is that of the excess
    path.push(x);
    const size = Math.abs(step);
    if (size <= 2e-16 * Math.abs(x) || (size < 1e-12 * Math.abs(x) && size >= before)) break;
    before = size;
  }
  return { x, path };
}
