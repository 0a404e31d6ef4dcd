/** Ratios of modified Bessel functions of neighbouring orders, of two numbers: right to a few ulp, however large the functions are. */

import { debyeSum } from "./debye.js";
import { radius } from "./exponent.js";
import { hankelSum } from "./hankel.js";
import { rungAt, scaledLadder } from "./ladder.js";
import { scaledRatio } from "./small-order.js";

/** r = I_{v+1}(x)/I_v(x), v ≥ 0, x ≥ 0. */
export function ratioOfI(v: number, x: number): number {
  if (x === 0) return v >= 0 ? 0 : NaN;
  if (!(v >= 0 && v < Infinity && x >= 0 && x < Infinity))
    return x === Infinity && v >= 0 && v < Infinity ? 1 : v === Infinity && x >= 0 && x < v ? 0 : NaN;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return backwardRecurrence(v, x);
  if (rung.expansion === "hankel") {
    return (1 + hankelSum(rung.terms, v + 1, x, -1)) / (1 + hankelSum(rung.terms, v, x, -1));
  }
  return debyeRatio(v, x, rung.terms, 1);
}

/** q = K_{v+1}(x)/K_v(x), x ≥ 0. */
export function ratioOfK(v: number, x: number): number {
  if (v < -0.5) return 1 / ratioOfK(-v - 1, x); // K_{−v} = K_v; from −½ on all expressions hold as they are
  if (x === 0) return v > -0.5 ? Infinity : v === -0.5 ? 1 : NaN;
  if (!(v < Infinity && x >= 0 && x < Infinity))
    return x === Infinity && v < Infinity ? 1 : v === Infinity && x >= 0 && x < v ? v : NaN;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return scaledRatio(v, x) / x;
  if (rung.expansion === "hankel") {
    return (1 + hankelSum(rung.terms, v + 1, x, 1)) / (1 + hankelSum(rung.terms, v, x, 1));
  }
  return debyeRatio(v, x, rung.terms, -1);
}

/**
 * The quotient of two uniform expansions, for I (`sign` 1) or K (−1). The difference of the exponents η is taken in closed form,
 * η(v + 1) − η(v) = (h₁ − h) − asinh(v/x) − (v + 1)·(asinh((v + 1)/x) − asinh(v/x)), and e^asinh(v/x) = (v + h)/x.
 */
function debyeRatio(v: number, x: number, terms: number, sign: 1 | -1): number {
  const largest = Math.max(v, x);
  if (largest > 1e300) {
    // v + 1 is v, and sums could overflow.
    const lead = v / largest + Math.hypot(v / largest, x / largest);
    return sign > 0 ? x / largest / lead : lead / (x / largest);
  }
  const h = radius(v, x);
  const h1 = radius(v + 1, x);
  const rise = (2 * v + 1) / (h1 + h); // h₁ − h
  const p = v / h;
  const p1 = (v + 1) / h1;
  const sums = (1 + debyeSum(terms, sign / h1, p1 * p1)) / (1 + debyeSum(terms, sign / h, p * p));
  const bend = Math.exp(sign * (rise - (v + 1) * Math.log1p((1 + rise) / (v + h))));
  const lead = sign > 0 ? x / (v + h) : (v + h) / x;
  return lead * Math.sqrt(h / h1) * bend * sums;
}

/** r_{k−1} = x/(2k + x r_k) from an order so large that Amos' upper bound serves as start; every step forgets its error by r². */
function backwardRecurrence(v: number, x: number): number {
  const steps = 12 + Math.ceil(1.5 * x);
  const top = v + steps + 0.5;
  let r = x / (top + Math.sqrt(top * top + x * x));
  for (let j = steps; j >= 1; j--) r = x / (2 * (v + j) + x * r); // v + j anew: counting down would keep the rounding of v + steps
  return r;
}
