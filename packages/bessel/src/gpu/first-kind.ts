/** log I, and the ratio of neighbouring orders with its slope, in float32. Below the uniform expansion: the power series, and the recurrence. */

import { aboutHalf } from "../scalar/reciprocal-gamma.js";
import { borderOfLogI, borderOfRatioI, borderOfSlopeI } from "./domain.js";
import { single, type SourceFunction } from "./source.js";
import { smallestRadius } from "./uniform.js";

const { polynomial } = single;
const large = `v * v + x * x >= ${smallestRadius ** 2}.0 || v > 1e18 || x > 1e18`;
/** log I_v(x), and log I_v(x) − x. */
const logI = (scaled: boolean): string => `${borderOfLogI(single, scaled ? "-x" : "x")}
  if (${large}) {
    let h = c_besselRadius(v, x);
    let p = v / h;
    let rest = c_log1p(c_besselDebye(1.0 / h, p * p)) - (0.9189385332046727 + 0.5 * c_log(h));
    return ${scaled ? "c_besselScaledExponent" : "c_besselExponent"}(v, x, h) + rest;
  }
  let sum = c_besselSeries(v, x) * c_besselReciprocalGamma(v);
  if (x <= 2.0) { return v * (c_log(x) - 0.6931471824645996) + c_log(sum)${scaled ? " - x" : ""}; }
  let m = Math.floor(v);
  let power = c_powerBySquaring(0.5 * x, m) * c_exp((v - m) * c_log(0.5 * x));
  return c_log(power * sum${scaled ? " * c_exp(-x)" : ""});`;

/** r_{k−1} = x/(2k + x·r_k) from Amos' bound, and its derivative (2k − x²·r′_k)/(2k + x·r_k)². */
const recurrence = (slope: boolean): string => `
  let j = 24.0;
  let t = v + 24.5;
  let r = x / (t + Math.sqrt(t * t + x * x));
  ${slope ? "let d = t / (Math.sqrt(t * t + x * x) * (t + Math.sqrt(t * t + x * x)));" : ""}
  for (let i = 0; i < 24; i++) {
    let k = v + j;
    let below = 2.0 * k + x * r;
    ${slope ? "d = (2.0 * k - x * x * d) / below / below;" : ""}
    r = x / below;
    j = j - 1.0;
  }
  return ${slope ? "d" : "r"};`;

export const firstKind = (): readonly SourceFunction[] => [
  // Σ_k (x²/4)ᵏ/(k!(v + 1)_k), x < 12.
  [
    "c_besselSeries",
    ["v", "x"],
    `
  let y = 0.25 * x * x;
  let term = 1.0;
  let rest = 0.0;
  let k = 1.0;
  for (let i = 0; i < 22; i++) {
    term = term * (y / (k * (k + v)));
    rest = rest + term;
    k = k + 1.0;
  }
  return 1.0 + rest;`,
  ],
  // 1/Γ(1 + v), 0 ≤ v < 12.
  [
    "c_besselReciprocalGamma",
    ["v"],
    `
  let product = 1.0;
  let z = v;
  for (let i = 0; i < 12; i++) {
    if (z >= 1.0) { product = product * z; z = z - 1.0; }
  }
  let t = z - 0.5;
  return (${polynomial("t", aboutHalf.slice(0, 12))}) / product;`,
  ],
  ["c_besselLogI", ["v", "x"], logI(false)],
  ["c_besselLogScaledI", ["v", "x"], logI(true)],
  [
    "c_besselRatioI",
    ["v", "x"],
    `${borderOfRatioI(single)}
  if (${large}) { return c_besselUniformRatio(v, x, 1.0); }${recurrence(false)}`,
  ],
  [
    "c_besselSlopeI",
    ["v", "x"],
    `${borderOfSlopeI(single)}
  if (${large}) { return c_besselUniformRatio(v, x, 1.0) / x * c_besselUniformSlope(v, x, 1.0); }${recurrence(true)}`,
  ],
];
