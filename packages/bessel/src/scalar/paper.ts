/**
 * The expressions of the paper as they stand there: its table of regions, its sums of logarithms for the series of I, and Rothwell's integral
 * for K. For comparison; what the package computes by default is more accurate and, for K, several times faster.
 *
 * Source: Plesner, Sørensen & Hauberg (2024), sections 3 and 4; Rothwell, Computation of the logarithm of Bessel functions of complex
 * argument and fractional order (2008), for the integral.
 */

import { debyeSum } from "./debye.js";
import { hankelSum } from "./hankel.js";
import { paperLadder, rungAt } from "./ladder.js";
import { logGammaTaylor } from "./log-gamma-taylor.js";
import { logI, logK } from "./log-bessel.js";

const halfLogTwoPi = 0.9189385332046727;
const halfLogHalfPi = 0.22579135264472744;
const logGamma = (z: number): number => logGammaTaylor(0, z)[0];

/** log I_v(x). */
export function paperLogI(v: number, x: number): number {
  if (!(v >= 0 && v < Infinity && x > 0 && x < Infinity)) return logI(v, x);
  const rung = rungAt(paperLadder, v, x);
  if (rung === null) return logSumOfSeries(v, x);
  if (rung.expansion === "hankel") {
    return x - 0.5 * Math.log(2 * Math.PI * x) + Math.log1p(hankelSum(rung.terms, v, x, -1));
  }
  const h = Math.hypot(v, x);
  const eta = h + v * Math.log(x / (v + h));
  return -halfLogTwoPi - 0.5 * Math.log(h) + eta + Math.log1p(debyeSum(rung.terms, 1 / h, (v / h) ** 2));
}

/** log K_v(x). */
export function paperLogK(order: number, x: number): number {
  const v = Math.abs(order);
  if (!(v < Infinity && x > 0 && x < Infinity)) return logK(v, x);
  const rung = rungAt(paperLadder, v, x);
  if (rung === null) return rothwell(v, x);
  if (rung.expansion === "hankel") {
    return -x + 0.5 * Math.log(Math.PI / (2 * x)) + Math.log1p(hankelSum(rung.terms, v, x, 1));
  }
  const h = Math.hypot(v, x);
  const eta = h + v * Math.log(x / (v + h));
  return halfLogHalfPi - 0.5 * Math.log(h) - eta + Math.log1p(debyeSum(rung.terms, -1 / h, (v / h) ** 2));
}

/** The power series as log Σ e^{a_k}: from its largest term outward, by ratios of neighbours. */
function logSumOfSeries(v: number, x: number): number {
  const peak = Math.max(0, Math.round(0.5 * (Math.hypot(x, v) - v)));
  const y = 0.25 * x * x;
  let sum = 1;
  for (let k = peak + 1, term = 1; term > 2 ** -60; k++) sum += term *= y / (k * (k + v));
  for (let k = peak, term = 1; k > 0 && term > 2 ** -60; k--) sum += term *= (k * (k + v)) / y;
  return (2 * peak + v) * Math.log(0.5 * x) - logGamma(peak + 1) - logGamma(peak + v + 1) + Math.log(sum);
}

/** Simpson's rule on Rothwell's integral: 600 intervals, n = 8, β = 2n/(2v + 1). */
function rothwell(v: number, x: number): number {
  const intervals = 600;
  const n = 8;
  const beta = (2 * n) / (2 * v + 1);
  const logs: number[] = [];
  for (let i = 1; i <= intervals; i++) {
    const u = i / intervals; // both integrands are 0 at u = 0
    const power = u ** beta;
    const weight = Math.log(i === intervals ? 1 : i % 2 === 1 ? 4 : 2);
    const logU = Math.log(u);
    logs.push(weight + Math.log(beta) - power + (v - 0.5) * Math.log(2 * x + power) + (n - 1) * logU);
    logs.push(weight - 1 / u - (2 * v + 1) * logU + (v - 0.5) * Math.log1p(2 * x * u));
  }
  const largest = Math.max(...logs);
  let sum = 0;
  for (const a of logs) sum += Math.exp(a - largest);
  const logIntegral = largest + Math.log(sum / (3 * intervals));
  return 0.5 * Math.log(Math.PI) - logGamma(v + 0.5) - v * Math.log(2 * x) - x + logIntegral;
}
