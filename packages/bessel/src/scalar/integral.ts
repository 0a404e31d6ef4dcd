/**
 * The integral of K at orders v ≥ 0: K_v(x) = ½ ∫ exp(−x cosh t + v t) dt over the real line, by the trapezoid rule, which converges
 * exponentially. Its integrand is a distribution of t whose moments are the derivatives of K in v.
 *
 * About the maximum t₀ = asinh(v/x), with t = t₀ + d, the exponent is −η − ½(h + v)(e^d − 1) − ½(h − v)(e^(−d) − 1) + vd, where
 * h − v = x²/(h + v): no digits are lost for v ≫ x either.
 * Source: paper 27's default in place of Rothwell's integral; Trefethen & Weideman (2014) for the rule.
 */

import type { Taylor } from "./taylor.js";

export interface IntegralTaylor {
  /** K_{v+δ}e^{−δt₀} up to a factor: the integrand times e^{δd}. */
  readonly plain: Taylor;
  /** K_{v+1+δ}e^{−(1+δ)t₀} up to the same factor. */
  readonly shifted: Taylor;
}

/** Both series to the power n of δ; h = √(v² + x²). */
export function integralTaylor(n: number, v: number, x: number, h: number): IntegralTaylor {
  const step = Math.min(0.45 / Math.sqrt(h + n + 1), 0.2); // the integrand is no narrower than 1/√h, and analytic for |Im t| < π/2
  const plus = h + v;
  const slant = x / plus; // h − v = x·slant, a product that may underflow
  const plain = new Float64Array(n + 1);
  const shifted = new Float64Array(n + 1);
  plain[0] = shifted[0] = 1;
  for (let j = 1; ; j++) {
    const d = j * step;
    const f = Math.exp(0.5 * d); // not by repeated products, whose errors all go one way
    const g = 1 / f;
    const s = 0.5 * (f - g);
    // ½(h − v)(e^d − 1); for tiny x, where x/plus is subnormal and d may reach 1500, from its logarithm
    const rise = x > 1e-290 ? x * f * (slant * s) : 0.5 * Math.exp(2 * Math.log(x) - Math.log(plus) + d);
    const below = s * (plus * g) - rise - v * d;
    const above = v * d - s * (plus * f) + x * g * (slant * s);
    const left = Math.exp(below);
    const right = above > -800 ? Math.exp(above) : 0; // e^(d/2) may overflow
    const [leftShifted, rightShifted] = [left * g * g, right > 0 ? right * f * f : 0];
    let power = 1; // dᵏ/k!
    let sign = 1;
    for (let k = 0; k <= n; k++) {
      plain[k] += power * (right + sign * left);
      shifted[k] += power * (rightShifted + sign * leftShifted);
      power *= d / (k + 1);
      sign = -sign;
    }
    if (!(left + right + rightShifted > 1e-19)) break;
  }
  return { plain, shifted };
}
