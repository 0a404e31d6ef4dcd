/**
 * Derivatives of the ratios in x. r′ = 1 − r² − (2v + 1)r/x cancels for large x, where r′ ≈ (v + ½)/x²; on the ladder r′/r is taken term
 * by term from the logarithm of r instead.
 */

import { debyeTaylor } from "./debye.js";
import { radius } from "./exponent.js";
import { hankelSlope } from "./hankel.js";
import { rungAt, scaledLadder } from "./ladder.js";
import { ratioOfI, ratioOfK } from "./ratio.js";
import { affine } from "./taylor.js";

/** ∂/∂x I_{v+1}(x)/I_v(x), v ≥ 0, x ≥ 0. */
export function slopeOfRatioI(v: number, x: number): number {
  if (!(v >= 0 && v < Infinity && x >= 0)) return NaN;
  if (x === 0) return 0.5 / (v + 1);
  if (x === Infinity) return 0;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return backwardSlope(v, x);
  const r = ratioOfI(v, x);
  return r * (rung.expansion === "hankel" ? hankelSlope(v, x, -1) : debyeSlope(v, x, rung.terms, 1));
}

/** ∂/∂x K_{v+1}(x)/K_v(x), x ≥ 0. */
export function slopeOfRatioK(v: number, x: number): number {
  if (v < -0.5) {
    const q = ratioOfK(-v - 1, x); // of which it is the reciprocal
    return -slopeOfRatioK(-v - 1, x) / q / q;
  }
  if (!(v < Infinity && x >= 0)) return NaN;
  if (x === 0) return v === -0.5 ? 0 : -Infinity;
  if (x === Infinity) return 0;
  const q = ratioOfK(v, x);
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return q * (q - (2 * v + 1) / x) - 1;
  return q * (rung.expansion === "hankel" ? hankelSlope(v, x, 1) : debyeSlope(v, x, rung.terms, -1));
}

/** The recurrence of r (ratio.ts) and its derivative, r′_{k−1} = (2k − x²r′_k)/(2k + x r_k)²: here r′ would cancel where v is large beside x. */
function backwardSlope(v: number, x: number): number {
  const steps = 12 + Math.ceil(1.5 * x);
  const top = v + steps + 0.5;
  const root = Math.sqrt(top * top + x * x);
  let r = x / (top + root);
  let slope = top / root / (top + root);
  for (let j = steps; j >= 1; j--) {
    const twice = 2 * (v + j);
    const share = 1 / (twice + x * r);
    slope = (twice - x * x * slope) * share * share;
    r = x * share;
  }
  return slope;
}

/**
 * ∂ log r/∂x of the uniform expansion (`debyeRatio` in ratio.ts), h₁ = √((v + 1)² + x²):
 * ±(v/(xh) + (2v + 1)x/(h(h + h₁)(vh₁ + (v + 1)h))) + ½x(2v + 1)/(hh₁)², and what the sums give.
 */
function debyeSlope(v: number, x: number, terms: number, sign: 1 | -1): number {
  const h = radius(v, x);
  const h1 = radius(v + 1, x);
  const odd = 2 * v + 1;
  const lead = v / x / h + (odd / (h + h1)) * (x / h / (v * h1 + (v + 1) * h));
  const root = (0.5 * (x / h) * (odd / h)) / h1 / h1;
  return sign * lead + root + logSlope(v + 1, x, h1, terms, sign) - logSlope(v, x, h, terms, sign);
}

/** ∂/∂x log(1 + Σ). */
function logSlope(v: number, x: number, h: number, terms: number, sign: 1 | -1): number {
  const p2 = (v / h) ** 2;
  const rate = -x / h / h; // of 1/h, relative
  const sum = debyeTaylor(terms, affine(1, sign / h, (sign / h) * rate), affine(1, p2, 2 * p2 * rate));
  return sum[1] / (1 + sum[0]);
}
