/**
 * The uniform expansions for large orders in float32. From h = √(v² + x²) = 12 on, seven terms are right to the last place, whatever the ratio
 * of v and x, so that the ladder of the CPU has one rung here.
 */

import { debyeCoefficients } from "../scalar/debye.js";
import { evenAboutRoot, oddAboutRoot } from "../scalar/exponent.js";
import { literal, polynomial, type SourceFunction } from "./source.js";

export const smallestRadius = 12;
const terms = 7;
/** In derivatives the k-th term counts k times. */
const termsOfSlope = 10;

/** Σ_k f(u_k, k)·zᵏ by Horner's rule, the coefficients of u_k being of powers of p. */
function sumOf(terms: number, f: (row: readonly number[], k: number) => readonly number[]): string {
  const rows = debyeCoefficients.slice(0, terms);
  return rows.reduceRight((rest, row, i) => {
    const next = rest === "" ? "" : ` + ${rest}`;
    return `(${polynomial("p", f(row, i + 1))}${next}) * z`;
  }, "");
}

/** ρ, the root of η(ρx, x), in pieces of 12 bits. */
const root = 1.50887956153832;
const rootHigh = 3090 / 2 ** 11;
const rootMiddle = 759 / 2 ** 23;
const rootLow = root - rootHigh - rootMiddle;

export const uniform = (): readonly SourceFunction[] => [
  // √(v² + x²) without overflow.
  [
    "c_besselRadius",
    ["v", "x"],
    `
  let large = v;
  let small = x;
  if (x > v) { large = x; small = v; }
  if (large < 1e18) { return Math.sqrt(v * v + x * x); }
  let t = small / large;
  return large * Math.sqrt(1.0 + t * t);`,
  ],
  // asinh(v/x).
  [
    "c_besselAngle",
    ["v", "x", "h"],
    `
  if (v < x) { return c_log1p((v + v * (v / (x + h))) / x); }
  let t = (v + h) / x;
  if (t < 1e37) { return c_log(t); }
  return c_log(v + h) - c_log(x);`,
  ],
  // η = h − v·asinh(v/x); where its parts nearly cancel, (v − ρx)·P, the difference with all its digits.
  [
    "c_besselExponent",
    ["v", "x", "h"],
    `
  if (v > x && v < 3.0 * x && x < 1e30) {
    let t = x * 4097.0;
    let high = t - (t - x);
    let low = x - high;
    let d = v - high * ${literal(rootHigh)};
    d = d - low * ${literal(rootHigh)};
    d = d - high * ${literal(rootMiddle)};
    d = d - low * ${literal(rootMiddle)};
    d = d - x * ${literal(rootLow)};
    let w = (v - 1.7320507764816284 * x) / (v + 1.7320507764816284 * x);
    let s = w * w;
    let even = ${polynomial("s", evenAboutRoot.slice(0, 7))};
    let odd = ${polynomial("s", oddAboutRoot.slice(0, 6))};
    return d * (even + w * odd);
  }
  return h - v * c_besselAngle(v, x, h);`,
  ],
  // η − x = v(u − 2artanh u), u = v/(h + x).
  [
    "c_besselScaledExponent",
    ["v", "x", "h"],
    `
  let u = v / (h + x);
  let w = u * u;
  if (w > 0.08) { return v * u - v * c_besselAngle(v, x, h); }
  let rest = ${polynomial(
    "w",
    Array.from({ length: 7 }, (_, k) => 2 / (2 * k + 3)),
  )};
  return -(v * u) * (1.0 + w * rest);`,
  ],
  // Σ u_k(v/h)(±1/h)ᵏ, z = ±1/h, p = (v/h)².
  ["c_besselDebye", ["z", "p"], `return ${sumOf(terms, (row) => row)};`],
  // I_{v+1}/I_v (s = 1) and K_{v+1}/K_v (s = −1): the quotient of two expansions, its exponents subtracted in closed form.
  [
    "c_besselUniformRatio",
    ["v", "x", "s"],
    `
  let h = c_besselRadius(v, x);
  let g = c_besselRadius(v + 1.0, x);
  let rise = (v / (g + h)) * 2.0 + 1.0 / (g + h);
  let a = v / h;
  let b = (v + 1.0) / g;
  let sums = (1.0 + c_besselDebye(s / g, b * b)) / (1.0 + c_besselDebye(s / h, a * a));
  let bend = c_exp(s * (rise - (v + 1.0) * c_log1p((1.0 + rise) / (v + h))));
  let lead = (v + h) / x;
  if (s > 0.0) { lead = x / (v + h); }
  return lead * Math.sqrt(h / g) * bend * sums;`,
  ],
  // x·∂/∂x log(1 + Σ): ∂h/∂x = x/h.
  [
    "c_besselSumSlope",
    ["v", "x", "h", "s"],
    `
  let z = s / h;
  let a = v / h;
  let p = a * a;
  let b = x / h;
  let byZ = ${sumOf(termsOfSlope, (row, k) => row.map((c) => k * c))};
  let byP = ${sumOf(termsOfSlope, (row) => row.map((c, i) => i * c))};
  return -(b * b) * (byZ + 2.0 * byP) / (1.0 + c_besselDebye(z, p));`,
  ],
  // x·∂/∂x log of the ratio, from the same expansion.
  [
    "c_besselUniformSlope",
    ["v", "x", "s"],
    `
  let h = c_besselRadius(v, x);
  let g = c_besselRadius(v + 1.0, x);
  let odd = 2.0 * v + 1.0;
  let b = x / h;
  let lead = v / h + (odd / (h + g)) * (b * (x / (v * g + (v + 1.0) * h)));
  let root = 0.5 * b * b * (odd / g) / g;
  return s * lead + root + (c_besselSumSlope(v + 1.0, x, g, s) - c_besselSumSlope(v, x, h, s));`,
  ],
];
