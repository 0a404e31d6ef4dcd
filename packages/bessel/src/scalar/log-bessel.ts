/** Logarithms of the modified Bessel functions of two numbers. */

import { debyeSum } from "./debye.js";
import { exponent, radius, scaledExponent } from "./exponent.js";
import { hankelSum } from "./hankel.js";
import { ladder, rungAt, scaledLadder } from "./ladder.js";
import { logSeries } from "./series.js";
import { logScaledSmallOrder } from "./small-order.js";

const halfLogTwoPi = 0.9189385332046727;
const halfLogHalfPi = 0.22579135264472744;

/** log I_v(x), v ≥ 0, x ≥ 0. NaN for NaN. */
export function logI(v: number, x: number): number {
  if (!(v > 0 && v < Infinity && x > 0 && x < Infinity)) {
    if (x === 0) return v === 0 ? 0 : v > 0 ? -Infinity : NaN;
    if (x === Infinity) return v >= 0 && v < Infinity ? Infinity : NaN;
    if (v === Infinity) return x > 0 ? -Infinity : NaN;
    if (!(v === 0 && x > 0)) return NaN;
  }
  const rung = rungAt(ladder, v, x);
  if (rung === null) return logSeries(v, x, 0);
  if (rung.expansion === "hankel") {
    return x - (halfLogTwoPi + 0.5 * Math.log(x) - logOnePlus(hankelSum(rung.terms, v, x, -1)));
  }
  const h = radius(v, x);
  const p = v / h;
  return exponent(v, x, h) - (halfLogTwoPi + 0.5 * Math.log(h) - logOnePlus(debyeSum(rung.terms, 1 / h, p * p)));
}

/** log K_v(x), x ≥ 0. NaN for NaN. */
export function logK(order: number, x: number): number {
  const v = Math.abs(order);
  if (!(v > 0 && v < Infinity && x > 0 && x < Infinity)) {
    if (x === 0) return v >= 0 ? Infinity : NaN;
    if (x === Infinity) return v < Infinity ? -Infinity : NaN;
    if (v === Infinity) return x > 0 ? Infinity : NaN;
    if (!(v === 0 && x > 0)) return NaN;
  }
  const rung = rungAt(ladder, v, x);
  if (rung !== null && rung.expansion === "hankel") {
    return halfLogHalfPi - 0.5 * Math.log(x) + logOnePlus(hankelSum(rung.terms, v, x, 1)) - x;
  }
  if (rung === null) return logScaledSmallOrder(v, x) - x;
  const h = radius(v, x);
  const p = v / h;
  return halfLogHalfPi - 0.5 * Math.log(h) + logOnePlus(debyeSum(rung.terms, -1 / h, p * p)) - exponent(v, x, h);
}

/** log(I_v(x)e^(−x)), v ≥ 0, x ≥ 0. NaN for NaN. */
export function logScaledI(v: number, x: number): number {
  if (!(v > 0 && v < Infinity && x > 0 && x < Infinity)) {
    if (x === 0) return v === 0 ? 0 : v > 0 ? -Infinity : NaN;
    if (x === Infinity) return v >= 0 && v < Infinity ? -Infinity : NaN;
    if (v === Infinity) return x > 0 ? -Infinity : NaN;
    if (!(v === 0 && x > 0)) return NaN;
  }
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return logSeries(v, x, x);
  if (rung.expansion === "hankel") {
    return logOnePlus(hankelSum(rung.terms, v, x, -1)) - (halfLogTwoPi + 0.5 * Math.log(x));
  }
  const h = radius(v, x);
  const p = v / h;
  const rest = logOnePlus(debyeSum(rung.terms, 1 / h, p * p)) - (halfLogTwoPi + 0.5 * Math.log(h));
  return scaledExponent(v, x, h) + rest;
}

/** log(K_v(x)e^x), x ≥ 0. NaN for NaN. */
export function logScaledK(order: number, x: number): number {
  const v = Math.abs(order);
  if (!(v > 0 && v < Infinity && x > 0 && x < Infinity)) {
    if (x === 0) return v >= 0 ? Infinity : NaN;
    if (x === Infinity) return v < Infinity ? -Infinity : NaN;
    if (v === Infinity) return x > 0 ? Infinity : NaN;
    if (!(v === 0 && x > 0)) return NaN;
  }
  const rung = rungAt(scaledLadder, v, x);
  if (rung !== null && rung.expansion === "hankel") {
    return halfLogHalfPi - 0.5 * Math.log(x) + logOnePlus(hankelSum(rung.terms, v, x, 1));
  }
  if (rung === null) return logScaledSmallOrder(v, x);
  const h = radius(v, x);
  const p = v / h;
  const rest = halfLogHalfPi - 0.5 * Math.log(h) + logOnePlus(debyeSum(rung.terms, -1 / h, p * p));
  return rest - scaledExponent(v, x, h);
}

/** log(1 + s) for the sums of the expansions, which mostly are small: then without a call. */
function logOnePlus(s: number): number {
  if (Math.abs(s) > 1e-3) return Math.log1p(s);
  return s - s * s * (0.5 - s * (1 / 3 - s * (0.25 - 0.2 * s)));
}
