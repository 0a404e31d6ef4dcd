/**
 * log K, and the ratio of neighbouring orders with its slope, in float64. Below the expansions, as in `vector/small-order.ts`: v = n + μ with
 * |μ| ≤ ½, and from K_μ and K_{μ+1} by the recurrence, whose terms are positive.
 */

import { borderOfLogK, borderOfRatioK, borderOfSlopeK, ratioK, slopeK } from "../gpu/domain.js";
import { double, type SourceFunction } from "../gpu/source.js";
import { aboutZero } from "../scalar/reciprocal-gamma.js";
import { fractionTable } from "../vector/fraction-tables.js";
import { onDebye, onHankel, onHankelSlope } from "./hankel.js";

const halfLogHalfPi = 0.22579135264472744;
const { literal, polynomial } = double;

const parts = `
  let n = Math.floor(v + 0.5);
  let mu = v - n;`;

/** Terms of Temme's series for x < ½; the first few of them are enough for x < 0.08. */
const [temmeTerms, fewTerms, few] = [8, 5, 0.08];

const temmeSteps = (from: number, to: number, indent: string): string =>
  Array.from({ length: to - from + 1 }, (_, i) => {
    const k = literal(from + i);
    return `${indent}step = ${literal((from + i) ** 2)} - m;
${indent}f = ${k} * f + (p + q);
${indent}p = p * (${k} + mu);
${indent}q = q * (${k} - mu);
${indent}weight = weight * (y * ${literal(1 / (from + i))});
${indent}here = here * step + weight * f;
${indent}next = next * step + weight * (p - ${k} * f);
${indent}divisor = divisor * step;`;
  }).join("\n");

/**
 * Temme's series, x < ½: K_{μ+n}(x/2)^n = here/divisor, and next/divisor of the order above. All is multiplied by 2μ/(πμ/sin πμ), and by
 * (1 − μ²)(4 − μ²)… step by step; so there is one division, and nothing overflows however small x is.
 */
const temme = (): string => `${parts}
  // Small enough to be 0, and nothing is divided by 0.
  if (Math.abs(mu) < 1e-30) { mu = 1e-30; }
  let m = mu * mu;
  let logHalf = c_log(x) - ${literal(Math.LN2)};
  let y = 0.25 * x * x;
  let even = ${polynomial(
    "m",
    aboutZero.filter((_, k) => k % 2 === 0),
  )};
  let slanted = mu * (${polynomial(
    "m",
    aboutZero.filter((_, k) => k % 2 === 1),
  )});
  // 2 sinh σ, e^σ and e^(−σ), σ = μ·log(2/x); 1/Γ(1 ± μ) = even ± slanted.
  let sigma = -mu * logHalf;
  let rise = c_expm1(Math.abs(sigma));
  let up = 1.0 + rise;
  let down = 1.0 / up;
  let sinh = rise + rise * down;
  if (sigma < 0.0) { sinh = -sinh; down = up; up = 1.0 / down; }
  let f = sinh * even - (up + down) * slanted;
  let p = up * mu * (even - slanted);
  let q = down * mu * (even + slanted);
  let divisor = 2.0 * mu * (even * even - slanted * slanted);
  let here = f;
  let next = p;
  let weight = 1.0;
  let step = 0.0;
${temmeSteps(1, fewTerms, "  ")}
  if (x > ${literal(few)}) {
${temmeSteps(fewTerms + 1, temmeTerms, "    ")}
  }
  let j = 1.0;
  while (j < n + 0.5) {
    let above = (mu + j) * next + y * here;
    here = next;
    next = above;
    j = j + 1.0;
  }`;

/** Arguments at which one table of Temme's fraction gives way to the next. */
const edges = [0.5, 1, 2, 5, 11, 28];

/** S or H of `vector/fraction-tables.ts`, from rows of powers of u that are multiplied by powers of w. */
function fraction(which: "S" | "H"): string {
  const branches = edges.slice(1).map((to, i) => {
    const { middle, half, [which]: rows } = fractionTable(edges[i], to);
    const sums = rows
      .map((row) => `sum = sum * w + (${polynomial("u", row)});`)
      .reverse()
      .join("\n    ");
    const condition = i === edges.length - 2 ? "" : `if (x < ${literal(to)}) `;
    return `${condition}{
    let u = (1.0 / x - ${literal(middle)}) * ${literal(1 / half)};
    ${sums}
  }`;
  });
  return `
  let w = 8.0 * mu * mu - 1.0;
  let sum = 0.0;
  ${branches.join(" else ")}
  return (0.25 - mu * mu) * sum;`;
}

/** For ½ ≤ x ≤ 28: K_{μ+n}/K_μ = here, K_{μ+n+1}/K_μ = next. */
const byFraction = (): string => `${parts}
  let inverse = 1.0 / x;
  let slope = inverse + inverse;
  let here = 1.0;
  let next = (mu + x + 0.5 - c_besselFractionH(mu, x)) * inverse;
  let j = 1.0;
  while (j < n + 0.5) {
    let above = (mu + j) * slope * next + here;
    here = next;
    next = above;
    j = j + 1.0;
  }`;

/** log K_v(x), and log K_v(x) + x: on the ladder as log I. */
const logK = (scaled: boolean): string => `${borderOfLogK(double)}
  let h = x;
  let sum = 0.0;
  let lead = ${scaled ? "0.0" : "x"};
  if (${onHankel()}) {
    sum = c_besselHankel(v, x, 1.0);
  } else if (${onDebye()}) {
    h = c_besselRadius(v, x);
    let p = v / h;
    sum = c_besselDebye(-1.0 / h, p * p);
    lead = ${scaled ? "c_besselScaledExponent" : "c_besselExponent"}(v, x, h);
  } else if (x < 0.5) {
    return c_besselTemme(v, x)${scaled ? " + x" : ""};
  } else {
    // √(2x/π)·K_v(x)·eˣ = K_v/K_μ/(1 + (¼ − μ²)S)
    sum = c_besselGrowth(v, x) - 1.0;
  }
  let whole = 1.0 + sum;
  return ${literal(halfLogHalfPi)} - 0.5 * c_log(h / (whole * whole)) - lead;`;

export const secondKind = (): readonly SourceFunction[] => [
  ["c_besselFractionS", ["mu", "x"], fraction("S")],
  ["c_besselFractionH", ["mu", "x"], fraction("H")],
  ["c_besselGrowth", ["v", "x"], `${byFraction()}\n  return here / (1.0 + c_besselFractionS(mu, x));`],
  ["c_besselTemme", ["v", "x"], `${temme()}\n  return c_log(here / divisor) - n * logHalf;`],
  ["c_besselLogK", ["order", "x"], logK(false)],
  ["c_besselLogScaledK", ["order", "x"], logK(true)],
  ["c_besselTemmeRatio", ["v", "x"], `${temme()}\n  return 2.0 * (next / here) / x;`],
  ["c_besselFractionRatio", ["v", "x"], `${byFraction()}\n  return next / here;`],
  [
    "c_besselRatioOfK",
    ["v", "x"],
    `${borderOfRatioK(double)}
  if (${onHankel()}) { return (1.0 + c_besselHankel(v + 1.0, x, 1.0)) / (1.0 + c_besselHankel(v, x, 1.0)); }
  if (${onDebye()}) { return c_besselUniformRatio(v, x, -1.0); }
  if (x < 0.5) { return c_besselTemmeRatio(v, x); }
  return c_besselFractionRatio(v, x);`,
  ],
  ["c_besselRatioK", ["v", "x"], ratioK()],
  // q′ of order μ, where W = (¼ − μ²)H, is −(2W + ((μ + ½)² − W²)/x)/x; then q_v = 2v/x + 1/q_{v−1}, differentiated.
  [
    "c_besselFractionSlope",
    ["v", "x"],
    `${parts}
  let inverse = 1.0 / x;
  let w = c_besselFractionH(mu, x);
  let q = (mu + x + 0.5 - w) * inverse;
  let d = -(2.0 * w + ((mu + 0.5) * (mu + 0.5) - w * w) * inverse) * inverse;
  let j = 1.0;
  while (j < n + 0.5) {
    let twice = 2.0 * (mu + j) * inverse;
    let below = 1.0 / q;
    d = -twice * inverse - d * (below * below);
    q = twice + below;
    j = j + 1.0;
  }
  return d;`,
  ],
  // q·(log q)′ on the ladder, where q′ = q² − (2v + 1)q/x − 1 would cancel; for x < ½ it does not.
  [
    "c_besselSlopeOfK",
    ["v", "x"],
    `${borderOfSlopeK(double)}
  if (!(${onDebye()}) && x >= 0.5) { return c_besselFractionSlope(v, x); }
  let q = c_besselRatioOfK(v, x);
  if (${onHankelSlope()}) { return q / x * (c_besselHankelSlope(v + 1.0, x, 1.0) - c_besselHankelSlope(v, x, 1.0)); }
  if (${onDebye()}) { return q / x * c_besselUniformSlope(v, x, -1.0); }
  return q * (q - (2.0 * v + 1.0) / x) - 1.0;`,
  ],
  ["c_besselSlopeK", ["v", "x"], slopeK(double)],
];
