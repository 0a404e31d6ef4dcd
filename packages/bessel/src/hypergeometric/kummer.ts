/** log ₁F₁(a; b; x) of numbers, in the parameters α = a > 0, β = b − a > 0. */

import { centralMoment, leastParameter, logNormalizer, mean } from "./tilted-beta.js";

/** Whether the power series has not too many terms: its terms are positive. */
function inReach(alpha: number, beta: number, x: number): boolean {
  const b = alpha + beta;
  return x <= 600 || (x <= 0.5 * b && x * (alpha / b) <= 600);
}

/** Σ_{k≥1} (α)_k x^k/((α + β)_k k!) */
function seriesRest(alpha: number, b: number, x: number): number {
  let term = 1;
  let rest = 0;
  for (let k = 0; k < 10_000; k++) {
    term *= ((alpha + k) / (b + k)) * (x / (k + 1));
    rest += term;
    if (Math.abs(term) < 1e-17 * Math.abs(rest)) break;
  }
  return rest;
}

/** log ₁F₁(α; α + β; x). */
export function logKummer(alpha: number, beta: number, x: number): number {
  if (!(alpha > 0 && beta > 0) || x !== x) return NaN;
  const b = alpha + beta;
  if (x === Infinity) return Infinity;
  if (x === -Infinity) return -Infinity;
  if (x >= 0 && inReach(alpha, beta, x)) return Math.log1p(seriesRest(alpha, b, x));
  if (x < 0 && -x * alpha <= 0.5 * b && -x <= 0.5 * b) return Math.log1p(seriesRest(alpha, b, x));
  // ₁F₁(a; b; x) = e^x ₁F₁(b − a; b; −x), as long as x is not far larger than the result
  if (x < 0 && (x > -5 || (alpha < leastParameter && inReach(beta, alpha, -x))))
    return x + Math.log1p(seriesRest(beta, b, -x));
  return logNormalizer(alpha, beta, x);
}

/** ∂/∂x of the same: (α/b)₁F₁(α + 1; b + 1; x)/₁F₁(α; b; x), the mean of the tilted beta distribution. */
export function kummerRatio(alpha: number, beta: number, x: number): number {
  if (!(alpha > 0 && beta > 0) || x !== x) return NaN;
  if (Math.abs(x) === Infinity) return x > 0 ? 1 : 0;
  const b = alpha + beta;
  if (x >= 0 && inReach(alpha, beta, x)) {
    return ((alpha / b) * (1 + seriesRest(alpha + 1, b + 1, x))) / (1 + seriesRest(alpha, b, x));
  }
  // ₁F₁(α + 1; b + 1; x) = e^x ₁F₁(β; b + 1; −x)
  if (x < 0 && inReach(beta, alpha, -x)) {
    return ((alpha / b) * (1 + seriesRest(beta, b + 1, -x))) / (1 + seriesRest(beta, b, -x));
  }
  return mean(0, alpha, beta, x);
}

export function kummerMean(of: 0 | 1 | 2, alpha: number, beta: number, x: number): number {
  if (of === 0) return kummerRatio(alpha, beta, x);
  return alpha > 0 && beta > 0 && Math.abs(x) < Infinity ? mean(of, alpha, beta, x) : NaN;
}

export function kummerMoment(powers: readonly [number, number, number], alpha: number, beta: number, x: number): number {
  return alpha > 0 && beta > 0 && Math.abs(x) < Infinity ? centralMoment(powers, alpha, beta, x) : NaN;
} // prettier-ignore
