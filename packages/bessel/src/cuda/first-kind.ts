/** log I, and the ratio of neighbouring orders with its slope, in float64. Below the expansions: the power series, and the recurrence. */

import { borderOfLogI, borderOfRatioI, borderOfSlopeI } from "../gpu/domain.js";
import { double, type SourceFunction } from "../gpu/source.js";
import { aboutHalf } from "../scalar/reciprocal-gamma.js";
import { onDebye, onHankel, onHankelSlope } from "./hankel.js";

const halfLogTwoPi = 0.9189385332046727;
const { literal, polynomial } = double;

/**
 * log I_v(x), and log I_v(x) − x. On the ladder η − ½log(2πh/(1 + Σ)²), with h = η = x for Hankel's expansion, so that threads on different
 * rungs share the logarithm.
 */
const logI = (scaled: boolean): string => `${borderOfLogI(double, scaled ? "-x" : "x")}
  let h = x;
  let sum = 0.0;
  let lead = ${scaled ? "0.0" : "x"};
  if (${onHankel()}) {
    sum = c_besselHankel(v, x, -1.0);
  } else if (${onDebye()}) {
    h = c_besselRadius(v, x);
    let p = v / h;
    sum = c_besselDebye(1.0 / h, p * p);
    lead = ${scaled ? "c_besselScaledExponent" : "c_besselExponent"}(v, x, h);
  } else {
    return ${scaled ? "c_besselSeriesScaled" : "c_besselSeries"}(v, x);
  }
  let whole = 1.0 + sum;
  return lead - (${literal(halfLogTwoPi)} + 0.5 * c_log(h / (whole * whole)));`;

/**
 * (x/2)^v/Γ(v + 1)·Σ y^k/(k!(v + 1)_k), y = x²/4, as in `vector/series.ts`: with v = n + f, 0 ≤ f < 1, its logarithm is f·log(x/2) + log of a
 * quotient that has the size of the result; for x ≤ 2 the n factors x/2 go into the first logarithm too, which then has the sign of the rest.
 */
const series = (scaled: boolean): string => `
  let half = 0.5 * x;
  let y = half * half;
  // Σ = 1 + y/a₁·(1 + y/a₂·(1 + …)), a_k = k(k + v), from the inside out; as many terms as v = 0 needs.
  let sum = 1.0;
  let divisor = 1.0;
  let k = Math.floor(9.0 + 1.4 * x);
  while (k > 0.5) {
    divisor = divisor * (k * (k + v));
    sum = divisor + y * sum;
    k = k - 1.0;
  }
  // Γ(1 + v) = v(v − 1)…(f + 1)Γ(1 + f)
  let f = v;
  let power = 1.0;
  while (f >= 1.0) {
    divisor = divisor * f;
    power = power * half;
    f = f - 1.0;
  }
  let t = f - 0.5;
  sum = sum * (${polynomial("t", aboutHalf)});
  let logHalf = c_log(x) - ${literal(Math.LN2)};
  if (x <= 2.0) { return v * logHalf + c_log(sum / divisor)${scaled ? " - x" : ""}; }
  return f * logHalf + c_log((power * sum)${scaled ? " * c_exp(-x)" : ""} / divisor);`;

/**
 * r_{k−1} = x/(2k + x·r_k) from Amos' bound at an order from which its error is forgotten, without its divisions: r = a/b with
 * a ← x·b, b ← 2k·b + x·a. Both grow to 10¹²⁰ at most.
 */
const recurrence = `
  let j = 12.0 + Math.floor(1.5 * x + 1.0);
  let top = v + j + 0.5;
  let a = x;
  let b = top + Math.sqrt(top * top + x * x);
  while (j > 0.5) {
    let next = 2.0 * (v + j) * b + x * a;
    a = x * b;
    b = next;
    j = j - 1.0;
  }
  return a / b;`;

/** The same with the derivative (2k − x²·r′_k)/(2k + x·r_k)², which does not cancel; here each step divides. */
const recurrenceOfSlope = `
  let j = 12.0 + Math.floor(1.5 * x + 1.0);
  let top = v + j + 0.5;
  let root = Math.sqrt(top * top + x * x);
  let r = x / (top + root);
  let d = top / (root * (top + root));
  while (j > 0.5) {
    let k = 2.0 * (v + j);
    let share = 1.0 / (k + x * r);
    d = (k - x * x * d) * (share * share);
    r = x * share;
    j = j - 1.0;
  }
  return d;`;

export const firstKind = (): readonly SourceFunction[] => [
  ["c_besselSeries", ["v", "x"], series(false)],
  ["c_besselSeriesScaled", ["v", "x"], series(true)],
  ["c_besselLogI", ["v", "x"], logI(false)],
  ["c_besselLogScaledI", ["v", "x"], logI(true)],
  [
    "c_besselRatioI",
    ["v", "x"],
    `${borderOfRatioI(double)}
  if (${onHankel()}) { return (1.0 + c_besselHankel(v + 1.0, x, -1.0)) / (1.0 + c_besselHankel(v, x, -1.0)); }
  if (${onDebye()}) { return c_besselUniformRatio(v, x, 1.0); }${recurrence}`,
  ],
  // r·(log r)′ on the ladder: 1 − r² − (2v + 1)r/x would cancel.
  [
    "c_besselSlopeI",
    ["v", "x"],
    `${borderOfSlopeI(double)}
  if (${onHankelSlope()}) {
    return c_besselRatioI(v, x) / x * (c_besselHankelSlope(v + 1.0, x, -1.0) - c_besselHankelSlope(v, x, -1.0));
  }
  if (${onDebye()}) { return c_besselRatioI(v, x) / x * c_besselUniformSlope(v, x, 1.0); }${recurrenceOfSlope}`,
  ],
];
