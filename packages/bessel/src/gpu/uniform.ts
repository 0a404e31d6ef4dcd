/**
 * The uniform expansions for large orders. In float32, from h = √(v² + x²) = 12 on, seven terms are right to the last place, whatever the ratio
 * of v and x, so that the ladder of the CPU has one rung here. In float64 there are as many terms as the CPU's ladder has, or more: h alone
 * says how many. They are added from the last one down, so that threads with fewer of them only wait for those with more.
 */

import { debyeCoefficients } from "../scalar/debye.js";
import { evenAboutRoot, oddAboutRoot, rootHigh as root24, rootLow as rootRest } from "../scalar/exponent.js";
import { scaledLadder } from "../scalar/ladder.js";
import type { Precision, SourceFunction } from "./source.js";

export const smallestRadius = 12;
const terms = 7;
/** In derivatives the k-th term counts k times. */
const termsOfSlope = 10;

/** The quotient near the largest number, where v + 1 is v and sums could overflow. */
const leadingRatio = `
  if (v > 1e300 || x > 1e300) {
    let size = v;
    if (x > v) { size = x; }
    let order = v / size;
    let at = x / size;
    let whole = order + Math.sqrt(order * order + at * at);
    if (s > 0.0) { return at / whole; }
    return whole / at;
  }`;

/** Σ_k f(u_k, k)·zᵏ by Horner's rule, the coefficients of u_k being of powers of p. */
function sumOf(
  { polynomial }: Precision,
  terms: number,
  f: (row: readonly number[], k: number) => readonly number[],
): string {
  const rows = debyeCoefficients.slice(0, terms);
  return rows.reduceRight((rest, row, i) => {
    const next = rest === "" ? "" : ` + ${rest}`;
    return `(${polynomial("p", f(row, i + 1))}${next}) * z`;
  }, "");
}

/**
 * The same as statements that add to variables, one for each f, the terms that the ladder has at 1/|z|: a rung holds where x > minX or v > minV,
 * and so where h > √(minX² + minV²).
 */
function addSums(
  { polynomial, literal }: Precision,
  sums: Readonly<Record<string, (row: readonly number[], k: number) => readonly number[]>>,
): string {
  const rungs = scaledLadder.filter(({ expansion }) => expansion === "debye");
  const text = (from: number, to: number, indent: string): string =>
    debyeCoefficients
      .slice(from, to)
      .flatMap((row, i) =>
        Object.entries(sums).map(
          ([name, f]) => `${indent}${name} = (${polynomial("p", f(row, from + i + 1))} + ${name}) * z;`,
        ),
      )
      .reverse()
      .join("\n");
  const parts = rungs.map(({ x, v, terms }, i) => {
    const next = rungs[i + 1] as (typeof rungs)[number] | undefined;
    return next === undefined
      ? ""
      : `  if (size > ${literal(1 / Math.hypot(x, v))}) {\n${text(terms, next.terms, "    ")}\n  }\n`;
  });
  const declared = Object.keys(sums)
    .map((name) => `  let ${name} = 0.0;\n`)
    .join("");
  return `  let size = Math.abs(z);\n${declared}${parts.reverse().join("")}${text(0, rungs[0].terms, "  ")}`;
}

/** ρ, the root of η(ρx, x), in pieces of 12 bits, whose products with as many bits of x are exact. */
const root = 1.50887956153832;
const rootHigh = 3090 / 2 ** 11;
const rootMiddle = 759 / 2 ** 23;
const rootLow = root - rootHigh - rootMiddle;

/** d = v − ρx, with all its digits. */
const fromRoot = ({ dtype, literal }: Precision): string =>
  dtype === "float64"
    ? `
    let d = c_fma(${literal(-rootRest)}, x, c_fma(${literal(-root24)}, x, v));`
    : `
    let t = x * 4097.0;
    let high = t - (t - x);
    let low = x - high;
    let d = v - high * ${literal(rootHigh)};
    d = d - low * ${literal(rootHigh)};
    d = d - high * ${literal(rootMiddle)};
    d = d - low * ${literal(rootMiddle)};
    d = d - x * ${literal(rootLow)};`;

export const uniform = (precision: Precision): readonly SourceFunction[] => {
  const { dtype, literal, polynomial, square, quotient } = precision;
  const exact = dtype === "float64";
  return [
    // √(v² + x²) without overflow.
    [
      "c_besselRadius",
      ["v", "x"],
      `
  let large = v;
  let small = x;
  if (x > v) { large = x; small = v; }
  if (large < ${square}) { return Math.sqrt(v * v + x * x); }
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
  if (t < ${quotient}) { return c_log(t); }
  return c_log(v + h) - c_log(x);`,
    ],
    // η = h − v·asinh(v/x); where its parts nearly cancel, (v − ρx)·P, the difference with all its digits.
    [
      "c_besselExponent",
      ["v", "x", "h"],
      `
  if (v > x && v < 3.0 * x && x < ${exact ? "1e290" : "1e30"}) {${fromRoot(precision)}
    let w = (v - ${literal(Math.sqrt(3))} * x) / (v + ${literal(Math.sqrt(3))} * x);
    let s = w * w;
    let even = ${polynomial("s", exact ? evenAboutRoot : evenAboutRoot.slice(0, 7))};
    let odd = ${polynomial("s", exact ? oddAboutRoot : oddAboutRoot.slice(0, 6))};
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
    Array.from({ length: exact ? 14 : 7 }, (_, k) => 2 / (2 * k + 3)),
  )};
  return -(v * u) * (1.0 + w * rest);`,
    ],
    // Σ u_k(v/h)(±1/h)ᵏ, z = ±1/h, p = (v/h)².
    [
      "c_besselDebye",
      ["z", "p"],
      exact
        ? `${addSums(precision, { sum: (row) => row })}\n  return sum;`
        : `return ${sumOf(precision, terms, (row) => row)};`,
    ],
    // I_{v+1}/I_v (s = 1) and K_{v+1}/K_v (s = −1): the quotient of two expansions, its exponents subtracted in closed form.
    [
      "c_besselUniformRatio",
      ["v", "x", "s"],
      `${exact ? leadingRatio : ""}
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
${
  exact
    ? addSums(precision, { byZ: (row, k) => row.map((c) => k * c), byP: (row) => row.map((c, i) => i * c) })
    : `  let byZ = ${sumOf(precision, termsOfSlope, (row, k) => row.map((c) => k * c))};
  let byP = ${sumOf(precision, termsOfSlope, (row) => row.map((c, i) => i * c))};`
}
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
};
