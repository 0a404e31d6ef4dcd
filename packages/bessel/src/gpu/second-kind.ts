/**
 * log K, and the ratio of neighbouring orders with its slope, in float32. Below the uniform expansion: from an order |μ| ≤ ½ by the recurrence,
 * whose terms are positive.
 */

import { aboutZero } from "../scalar/reciprocal-gamma.js";
import { borderOfLogK, borderOfRatioK, borderOfSlopeK, ratioK, slopeK } from "./domain.js";
import { single, type SourceFunction } from "./source.js";
import { smallestRadius } from "./uniform.js";

const large = `v * v + x * x >= ${smallestRadius ** 2}.0 || v > 1e18 || x > 1e18`;
const { literal, polynomial } = single;
const parts = (parity: number): number[] => aboutZero.slice(0, 12).filter((_, k) => k % 2 === parity);

/** The trapezoid rule on [0, 17·step], right to the last place for ½ ≤ x < 12. */
const step = 0.28;
const nodes = 17;

/**
 * K_μ =: k0 (from x = ½ on times eˣ), ratio = x·K_{μ+1}/K_μ, and fall = ∂/∂x log(K_{μ+1}/K_μ), for v = n + μ. Temme's series and the integral of
 * `scalar/small-order.ts`, of K_{μ+1} only what it is more than K_μ: nearly equal means are not subtracted.
 */
export const startOfK = (slope: boolean): string => `
  let n = Math.floor(v + 0.5);
  let mu = v - n;
  let k0 = 0.0;
  let ratio = 0.0;
  ${slope ? "let fall = 0.0;" : ""}
  if (x < 0.5) {
    let m = mu * mu;
    let odd = -(${polynomial("m", parts(1))});
    let even = ${polynomial("m", parts(0))};
    let l = 0.6931471824645996 - c_log(x);
    let sigma = mu * l;
    let up = c_exp(sigma);
    let sinhc = (0.5 * (up - 1.0 / up)) / sigma;
    let s = sigma * sigma;
    if (s < 0.25) { sinhc = ${polynomial("s", [1, 1 / 6, 1 / 120, 1 / 5040])}; }
    let a = even - mu * odd;
    let b = even + mu * odd;
    let f = ((0.5 * (up + 1.0 / up)) * odd + sinhc * l * even) / (a * b);
    let p = 0.5 * up / a;
    let q = 0.5 / (up * b);
    let y = 0.25 * x * x;
    let c = 1.0;
    k0 = f;
    let next = p;
    let k = 1.0;
    for (let i = 0; i < 5; i++) {
      f = (k * f + p + q) / (k * k - m);
      p = p / (k - mu);
      q = q / (k + mu);
      c = c * (y / k);
      k0 = k0 + c * f;
      next = next + c * (p - k * f);
      k = k + 1.0;
    }
    ratio = 2.0 * next / k0;
    ${slope ? "fall = (ratio - (2.0 * mu + 1.0)) / x - x / ratio;" : ""}
  } else {
    let growth = c_exp(mu * ${literal(step)});
    let a = 1.0;
    let b = 1.0;
    let e = 1.0;
    let sum = 1.0;
    let more = 0.0;
    ${slope ? "let sumBend = 0.0;\n    let moreBend = 0.0;" : ""}
    for (let i = 0; i < ${nodes}; i++) {
      e = e * ${literal(Math.exp(step))};
      a = a * growth;
      b = b / growth;
      let bend = (e - 1.0) * (e - 1.0) / (2.0 * e);
      let w = c_exp(-x * bend);
      let u = w * (a + b);
      sum = sum + u;
      let d = w * ((e - 1.0) * (a - b / e));
      more = more + d;
      ${slope ? "sumBend = sumBend + bend * u;\n      moreBend = moreBend + bend * d;" : ""}
    }
    k0 = ${literal(0.5 * step)} * sum;
    ratio = x + x * (more / sum);
    ${slope ? "fall = (sumBend * (more / sum) - moreBend) / (sum + more);" : ""}
  }`;

/** log K_v(x), and log K_v(x) + x. */
const logK = (scaled: boolean): string => `${borderOfLogK(single)}
  if (${large}) {
    let h = c_besselRadius(v, x);
    let p = v / h;
    let rest = 0.22579135264472744 - 0.5 * c_log(h) + c_log1p(c_besselDebye(-1.0 / h, p * p));
    return rest - ${scaled ? "c_besselScaledExponent" : "c_besselExponent"}(v, x, h);
  }${startOfK(false)}
  let divisor = x;
  if (x < 0.5) { divisor = 1.0; }
  let j = 1.0;
  for (let i = 0; i < ${smallestRadius}; i++) {
    if (j < n + 0.5) {
      k0 = k0 * (ratio / divisor);
      ratio = 2.0 * (mu + j) + (x / ratio) * x;
    }
    j = j + 1.0;
  }
  let y = c_log(k0);
  if (x < 0.5) { return y - n * c_log(x)${scaled ? " + x" : ""}; }
  return y${scaled ? "" : " - x"};`;

export const secondKind = (): readonly SourceFunction[] => [
  ["c_besselLogK", ["order", "x"], logK(false)],
  ["c_besselLogScaledK", ["order", "x"], logK(true)],
  [
    "c_besselRatioOfK",
    ["v", "x"],
    `${borderOfRatioK(single)}
  if (${large}) { return c_besselUniformRatio(v, x, -1.0); }${startOfK(false)}
  let j = 1.0;
  for (let i = 0; i < ${smallestRadius}; i++) {
    if (j < n + 0.5) { ratio = 2.0 * (mu + j) + (x / ratio) * x; }
    j = j + 1.0;
  }
  return ratio / x;`,
  ],
  ["c_besselRatioK", ["v", "x"], ratioK()],
  // q_v = 2v/x + 1/q_{v−1} and q′_v = −2v/x² − q′_{v−1}/q²_{v−1}.
  [
    "c_besselSlopeOfK",
    ["v", "x"],
    `${borderOfSlopeK(single)}
  if (${large}) { return c_besselUniformRatio(v, x, -1.0) / x * c_besselUniformSlope(v, x, -1.0); }${startOfK(true)}
  let y = ratio / x;
  let d = y * fall;
  let j = 1.0;
  for (let i = 0; i < ${smallestRadius}; i++) {
    if (j < n + 0.5) {
      let twice = 2.0 * (mu + j) / x;
      d = -twice / x - d / y / y;
      y = twice + 1.0 / y;
    }
    j = j + 1.0;
  }
  return d;`,
  ],
  ["c_besselSlopeK", ["v", "x"], slopeK(single)],
];
