/**
 * Derivatives in the order v, as `scalar/order-derivative.ts` computes them: the expressions of the ladder in Taylor arithmetic, a function
 * for each number of derivatives. In float32 the ladder has one rung, as in `gpu/uniform.ts`.
 */

import { double, type Precision, type SourceFunction } from "../gpu/source.js";
import { smallestRadius } from "../gpu/uniform.js";
import { debyeCoefficients } from "../scalar/debye.js";
import { scaledLadder } from "../scalar/ladder.js";
import { aboutHalf } from "../scalar/reciprocal-gamma.js";
import { onDebye, onHankel } from "./hankel.js";
import { convolution, joined, Statements, withoutUnused, type Series } from "./taylor.js";

/** As many derivatives have functions: third ones are what the curvature of a gradient wants. */
export const mostDerivatives = 3;

/** Terms of Debye's expansion in float32, where the ladder's conditions do not choose. */
const termsInSingle = 10;
const hankelTerms = 20;

/** 1/Γ(1 + z) about z = ½: in the n-th derivative the k-th power counts kⁿ times, so it takes some more of them (mpmath, 60 digits). */
const forDerivatives: readonly number[] = [
  ...aboutHalf, -8.0128070614147184e-12, -8.3823430334518549e-14, 1.6946340904320522e-13, -2.7875756707125752e-14,
  1.8670394695065305e-15, 1.3049499008587987e-16,
]; // prettier-ignore

const upTo = (n: number): number[] => Array.from({ length: n + 1 }, (_, k) => k);
const factorial = (n: number): number => upTo(n).reduce((f, k) => f * Math.max(1, k), 1);

/** Where Debye's expansion holds, as a condition. */
const uniformly = ({ dtype }: Precision): string =>
  dtype === "float64" ? onDebye() : `v * v + x * x >= ${smallestRadius ** 2}.0 || v > 1e18 || x > 1e18`;

/**
 * Adds rows of u_k to the sum s₀…s_n, from row `to` down to `from` + 1: u_k as a series in p² − p₀² by Horner's rule, then of δ by the powers of
 * p² − p₀² (`powers`, from the first on), and the sum times z.
 */
function debyeRows(
  { literal }: Precision,
  n: number,
  from: number,
  to: number,
  powers: readonly Series[],
  z: Series,
): string {
  const s: Series = upTo(n).map((k) => `s${k}`);
  return debyeCoefficients
    .slice(from, to)
    .map((row) => {
      const last = row.length - 1;
      const lines = upTo(n).map((i) => `u${i} = ${i === 0 ? literal(row[last]) : "0.0"};`);
      for (let j = last - 1; j >= 0; j--) {
        // Of a polynomial of degree d there are d derivatives.
        for (let i = Math.min(n, last - j); i > 0; i--) lines.push(`u${i} = u${i} * p + u${i - 1};`);
        lines.push(`u0 = u0 * p + ${literal(row[j])};`);
      }
      upTo(n).forEach((k) => {
        const inDelta = k === 0 ? "u0" : joined(powers.map((power, i) => [power[k], `u${i + 1}`]));
        if (inDelta !== null) lines.push(`s${k} = s${k} + ${inDelta};`);
      });
      for (let k = n; k >= 0; k--) lines.push(`s${k} = ${convolution(s, z, k)};`);
      return lines.join("\n");
    })
    .reverse()
    .join("\n");
}

/** H = h/h₀, and log(1 + Σ) but for its constant, at the order v + h₀δ; names of v, h and h₀. Assigns s and u, which are declared. */
function debyeParts(precision: Precision, t: Statements, n: number, v: string, h: string, h0: string) {
  const { dtype, literal } = precision;
  const ratio = t.let(`${h} / ${h0}`);
  const slope = t.let(`2.0 * (${v} / ${h0})`);
  const square: Series = upTo(n).map((k) => [`${ratio} * ${ratio}`, slope, "1.0"][k] ?? null);
  const H = t.squareRoot(square);
  const quotient = t.quotient(t.affine(t.let(`${v} / ${h0}`), "1.0"), H);
  const z = t.quotient(t.affine(t.let(`sign / ${h0}`), "0.0"), H);
  const p2 = t.product(quotient, quotient);
  const first: Series = [null, ...p2.slice(1)];
  const powers = [first];
  while (powers.length < n) powers.push(t.product(powers[powers.length - 1], first));
  t.line(`p = ${p2[0]};`);
  for (const k of upTo(n)) t.line(`s${k} = 0.0;`);
  const rows = (from: number, to: number): string => debyeRows(precision, n, from, to, powers, z);
  if (dtype === "float32") t.line(rows(0, termsInSingle));
  else {
    const rungs = scaledLadder.filter(({ expansion }) => expansion === "debye");
    for (let i = rungs.length - 1; i > 0; i--) {
      const { x, v } = rungs[i - 1];
      t.line(`if (${h} < ${literal(Math.hypot(x, v))}) {\n${rows(rungs[i - 1].terms, rungs[i].terms)}\n}`);
    }
    t.line(rows(0, rungs[0].terms));
  }
  const whole: Series = [t.let("1.0 + s0"), ...upTo(n).slice(1).map((k) => `s${k}`)]; // prettier-ignore
  return { H, sum: t.log(whole) };
}

const variables = (names: readonly string[], n: number): string =>
  names.flatMap((name) => upTo(n).map((k) => `let ${name}${k} = 0.0;`)).join(" ");

/** n!·c/unitⁿ, where c is the coefficient of δⁿ in units of a number. */
function derivative({ literal }: Precision, n: number, c: string | null, unit?: string): string {
  const per = unit === undefined ? "" : ` / ${unit}`.repeat(n);
  return c === null ? "0.0" : `${literal(factorial(n))} * ${c}${per}`;
}

/** ±η − ½log h + log(1 + Σ), in units of h₀. */
function debye(precision: Precision, n: number): string {
  const t = new Statements(n);
  t.line(`let h = c_besselRadius(v, x); let p = 0.0; ${variables(["s", "u"], n)}`);
  const { H, sum } = debyeParts(precision, t, n, "v", "h", "h");
  const rest = t.difference(sum, t.scaled(t.log(H), "0.5"));
  if (n === 1) return `${t}\nreturn ${derivative(precision, n, rest[n], "h")} - sign * c_besselAngle(v, x, h);`;
  // ∂²η/∂v² = −1/h, and 1/H is integrated twice.
  const bend = t.integral(t.integral(t.quotient(t.affine("1.0", "0.0"), H)));
  return `${t}\nreturn ${derivative(precision, n, `(${rest[n]} - sign * h * ${bend[n]})`, "h")};`;
}

/** r = r₀·exp(log r − log r₀), the logarithm as in `debyeRatio` of `scalar/ratio.ts`. */
function debyeRatio(precision: Precision, n: number): string {
  const t = new Statements(n);
  t.line(`let h = c_besselRadius(v, x); let p = 0.0; ${variables(["s", "u"], n)}`);
  t.line(`let order = v; let g = h; ${variables(["here", "next", "sum", "ahead"], n)}`);
  // The order above first; what it gave moves on while that of v is computed.
  const body = new Statements(n, "b");
  const parts = debyeParts(precision, body, n, "order", "g", "h");
  const keep = upTo(n).map(
    (k) => `here${k} = ${parts.H[k] ?? "0.0"};${k === 0 ? "" : ` sum${k} = ${parts.sum[k] ?? "0.0"};`}`,
  );
  t.line(`let turn = 0.0;
while (turn < 1.5) {
if (turn < 0.5) { order = v + 1.0; g = c_besselRadius(order, x); } else { order = v; g = h; }
${upTo(n).map((k) => `next${k} = here${k};${k === 0 ? "" : ` ahead${k} = sum${k};`}`).join(" ")}
${body}
${keep.join(" ")}
turn = turn + 1.0;
}`); // prettier-ignore
  const named = (name: string): Series => upTo(n).map((k) => `${name}${k}`);
  const [here, next] = [named("here"), named("next")];
  const one = t.affine("1.0", "0.0");
  const order = t.affine(t.let("v / h"), "1.0");
  // In units of h: rise = h₁ − h, and (1 + rise)/(v + h).
  const rise = t.quotient(t.affine(t.let("(2.0 * v + 1.0) / h"), "2.0"), t.sum(next, here));
  const step = t.quotient(t.sum(rise, one), t.scaled(t.sum(order, here), "h"));
  const log = t.log(t.sum(step, one));
  const bend = t.product(t.affine(t.let("v + 1.0"), "h"), [t.let(`c_log1p(${step[0]})`), ...log.slice(1)]);
  const lead = t.integral(t.quotient(one, here)); // log((v + h)/x) less its constant
  const exponent = t.difference(t.difference(rise, bend), lead);
  const roots = t.scaled(t.difference(t.log(here), t.log(next)), "0.5");
  const sums = t.difference([null, ...named("ahead").slice(1)], [null, ...named("sum").slice(1)]);
  const logs = t.sum(t.sum(t.scaled(exponent, "sign"), roots), sums);
  const ratio = t.exponential([null, ...logs.slice(1)]);
  return `${t}\nreturn c_besselUniformRatio(v, x, sign) * (${derivative(precision, n, ratio[n], "h")});`;
}

/** Σ of Hankel's expansion at the order v + δ by Horner's rule, for I with alternating signs; log(1 + Σ) but for its constant. */
function hankelLog({ literal }: Precision, t: Statements, n: number, v: string): Series {
  const z = t.let("-0.125 * sign / x");
  const mu = t.let(`4.0 * ${v} * ${v}`);
  const slope = t.let(`8.0 * ${v} * ${z}`);
  const bend = t.let(`4.0 * ${z}`);
  let sum: Series = t.affine("0.0", "0.0");
  for (let k = hankelTerms; k >= 1; k--) {
    const inverse = literal(1 / k);
    const factor = [
      `(${mu} - ${literal((2 * k - 1) ** 2)}) * ${z} * ${inverse}`,
      `${slope} * ${inverse}`,
      `${bend} * ${inverse}`,
    ];
    const f = upTo(n).map((j) => (j < 3 ? t.let(factor[j]) : null)); // prettier-ignore
    const one = k === hankelTerms ? t.affine("1.0", "0.0") : [t.let(`1.0 + ${sum[0]}`), ...sum.slice(1)];
    sum = t.product(f, one);
  }
  return t.log([t.let(`1.0 + ${sum[0]}`), ...sum.slice(1)]);
}

function hankel(n: number): string {
  const t = new Statements(n);
  const log = hankelLog(double, t, n, "v");
  return `${t}\nreturn ${derivative(double, n, log[n])};`;
}

function hankelRatio(n: number): string {
  const t = new Statements(n);
  const above = hankelLog(double, t, n, t.let("v + 1.0"));
  const ratio = t.exponential(t.difference(above, hankelLog(double, t, n, "v")));
  const value = "(1.0 + c_besselHankel(v + 1.0, x, -sign)) / (1.0 + c_besselHankel(v, x, -sign))";
  return `${t}\nreturn ${value} * (${derivative(double, n, ratio[n])});`;
}

/**
 * log(x/2)^v/Γ(v + 1)·Σ: the series of `scalar/series.ts`, and 1/Γ(1 + v) as in `scalar/reciprocal-gamma.ts`, whose
 * factors f from v down to 1 are log(f + δ) = log f − Σ (−δ/f)ᵏ/k.
 */
function series(precision: Precision, n: number): string {
  const { dtype, literal } = precision;
  const t = new Statements(n);
  const named = (name: string): Series => upTo(n).map((k) => `${name}${k}`);
  const assign = (name: string, f: (k: number) => string): string =>
    upTo(n).reverse().map((k) => `${name}${k} = ${f(k)};`).join(" "); // prettier-ignore
  // The k-th term is the one before by y/(k(k + v) + kδ).
  const steps = upTo(n).map((k) => `term${k} = (y * term${k}${k === 0 ? "" : ` - k * term${k - 1}`}) * share;`);
  const coefficients = dtype === "float64" ? forDerivatives : aboutHalf.slice(0, 15);
  t.line(`let y = 0.25 * x * x;
${variables(["sum", "term", "poly", "gamma"], n)}
sum0 = 1.0; term0 = 1.0;
let last = Math.floor(12.0 + 1.4 * x);
let k = 1.0;
while (k < last + 0.5) {
  let share = 1.0 / (k * (k + v));
  ${steps.join(" ")}
  ${upTo(n).map((j) => `sum${j} = sum${j} + term${j};`).join(" ")}
  k = k + 1.0;
}
let f = v;
while (f >= 1.0) {
  let minus = -1.0 / f;
  let power = 1.0;
  ${upTo(n).slice(1).map((j) => `power = power * minus; gamma${j} = gamma${j} - power * ${literal(1 / j)};`).join(" ")}
  f = f - 1.0;
}
let d = f - 0.5;
${[...coefficients].reverse().map((c) => assign("poly", (j) => (j === 0 ? `poly0 * d + ${literal(c)}` : `poly${j} * d + poly${j - 1}`))).join("\n")}`); // prettier-ignore
  const logs = t.sum(t.log(named("sum")), t.difference(t.log(named("poly")), [null, ...named("gamma").slice(1)]));
  const rest = derivative(precision, n, logs[n]);
  return `${t}\nreturn ${n === 1 ? `c_log(x) - ${literal(Math.LN2)} + ` : ""}${rest};`;
}

/** r_{k−1} = x/(2k + x·r_k) from Amos' upper bound at a large order, of which its derivatives are forgotten too. */
function recurrence(precision: Precision, n: number): string {
  const t = new Statements(n);
  const r = upTo(n).map((k) => `r${k}`);
  const below: Series = upTo(n).map((k) => ["b0", "b1"][k] ?? `x * r${k}`);
  const next = upTo(n).slice(1).map((k) => `let n${k} = -(${joined(upTo(k - 1).map((j) => [j === 0 ? "n0" : `n${j}`, below[k - j]]))}) * share;`); // prettier-ignore
  t.line(`${variables(["r"], n)}
let j = ${16 + 4 * n}.0 + Math.floor(1.5 * x + 1.0);
let top = v + j + 0.5;
r0 = x / (top + Math.sqrt(top * top + x * x));
while (j > 0.5) {
  let b0 = 2.0 * (v + j) + x * r0;
  let b1 = 2.0 + x * r1;
  let share = 1.0 / b0;
  let n0 = x * share;
  ${next.join(" ")}
  ${r.map((name, k) => `${name} = n${k};`).join(" ")}
  j = j - 1.0;
}`);
  return `${t}\nreturn ${derivative(precision, n, r[n])};`;
}

/**
 * The integral of `scalar/integral.ts`, whose integrand's moments are the derivatives; of the order v alone, or of v + 1 (`shifted`) too. Takes
 * v and x, declares h and the series `plain` and `shifted`.
 */
function integral({ dtype, literal }: Precision, n: number, shifted: boolean): string {
  const tiny = dtype === "float64" ? "1e-290" : "1e-35";
  const add = (name: string, left: string, right: string): string =>
    upTo(n).map((k) => `${name}${k} = ${name}${k} + ${k === 0 ? "" : `power${k} * `}(${right} ${k % 2 === 0 ? "+" : "-"} ${left});`).join(" "); // prettier-ignore
  return `let large = v;
let small = x;
if (x > v) { large = x; small = v; }
let slope = small / large;
// √(v² + x²) of orders and arguments whose squares are 0, too: a sum about h = 0 would not end.
let h = large * Math.sqrt(1.0 + slope * slope);
let step = 0.45 / Math.sqrt(h + ${n + 1}.0);
if (step > 0.2) { step = 0.2; }
let plus = h + v;
let slant = x / plus;
${variables(shifted ? ["plain", "shifted"] : ["plain"], n)}
plain0 = 1.0;
${shifted ? "shifted0 = 1.0;" : ""}
let j = 1.0;
while (j > 0.0) {
  let d = j * step;
  let f = c_exp(0.5 * d);
  let g = 1.0 / f;
  let s = 0.5 * (f - g);
  let rise = x * f * (slant * s);
  if (x <= ${tiny}) { rise = 0.5 * c_exp(2.0 * c_log(x) - c_log(plus) + d); }
  let left = c_exp((0.5 - 0.5 * g * g) * plus - rise - v * d);
  let above = v * d - s * (plus * f) + x * g * (slant * s);
  let right = 0.0;
  if (above > -800.0) { right = c_exp(above); }
  ${upTo(n).slice(1).map((k) => `let power${k} = ${k === 1 ? "d" : `power${k - 1} * d * ${literal(1 / k)}`};`).join(" ")}
  ${add("plain", "left", "right")}
  ${shifted ? `let rightAbove = 0.0; if (right > 0.0) { rightAbove = right * f * f; }
  let leftAbove = left * g * g;
  ${add("shifted", "leftAbove", "rightAbove")}` : ""}
  j = j + 1.0;
  if (!(left + right${shifted ? " + rightAbove" : ""} > 1e-19)) { j = -1.0; }
}`; // prettier-ignore
}

const plain = (n: number): Series => upTo(n).map((k) => `plain${k}`);

/** K_{v+δ}/K_v is the mean of e^{δt} over the integrand; t = asinh(v/x) + d. */
function mean(precision: Precision, n: number): string {
  const t = new Statements(n);
  t.line(integral(precision, n, false));
  const log = t.log(plain(n));
  return `${t}\nreturn ${derivative(precision, n, log[n])}${n === 1 ? " + c_besselAngle(v, x, h)" : ""};`;
}

function meanRatio(precision: Precision, n: number): string {
  const t = new Statements(n);
  t.line(integral(precision, n, true));
  const ratio = t.quotient(
    upTo(n).map((k) => `shifted${k}`),
    plain(n),
  );
  return `${t}\nreturn ${derivative(precision, n, ratio[n])} * ((v + h) / x);`;
}

/** Of negative orders, where K_{v+1} and K_v are K of positive orders, by the logarithms of both. */
function ratioOfNegative(precision: Precision, n: number): string {
  const t = new Statements(n);
  const logs = t.series((k) =>
    k === 0 ? null : `(c_besselOrderK${k}(v + 1.0, x) - c_besselOrderK${k}(v, x)) * ${precision.literal(1 / factorial(k))}`,
  ); // prettier-ignore
  const ratio = t.exponential(logs);
  return `${t}\nreturn c_besselRatioK(v, x) * (${derivative(precision, n, ratio[n])});`;
}

const hankels = (n: number): readonly SourceFunction[] => [
  [`c_besselOrderHankel${n}`, ["v", "x", "sign"], hankel(n)],
  [`c_besselOrderHankelRatio${n}`, ["v", "x", "sign"], hankelRatio(n)],
];

/** The n-th derivatives: what holds where, and the four functions, by names that end in n. */
function ofOrder(precision: Precision, n: number): readonly SourceFunction[] {
  const { dtype, largest } = precision;
  const exact = dtype === "float64";
  const large = uniformly(precision);
  const ladder = (name: string, sign: string, below: string): string => `
  ${exact ? `if (${onHankel()}) { return c_besselOrderHankel${name}${n}(v, x, ${sign}); }` : ""}
  if (${large}) { return c_besselOrderDebye${name}${n}(v, x, ${sign}); }
  return c_besselOrder${below}${n}(v, x);`;
  const refused = "{ let z = v - v; return z / z; }";
  return [
    [`c_besselOrderDebye${n}`, ["v", "x", "sign"], debye(precision, n)],
    [`c_besselOrderDebyeRatio${n}`, ["v", "x", "sign"], debyeRatio(precision, n)],
    ...(exact ? hankels(n) : []),
    [`c_besselOrderSeries${n}`, ["v", "x"], series(precision, n)],
    [`c_besselOrderRecurrence${n}`, ["v", "x"], recurrence(precision, n)],
    [`c_besselOrderMean${n}`, ["v", "x"], mean(precision, n)],
    [`c_besselOrderMeanRatio${n}`, ["v", "x"], meanRatio(precision, n)],
    // log I = v log(x/2) − log Γ(v + 1) + O(x²), and x − ½log(2πx) + O(v²/x).
    [
      `c_besselOrderI${n}`,
      ["v", "x"],
      `if (!(v >= 0.0 && v <= ${largest} && x >= 0.0)) ${refused}
  if (x > ${largest}) { return 0.0; }
  ${n === 1 ? "if (x === 0.0) { return -1.0 / (x * x); }" : ""}${ladder("", "1.0", "Series")}`,
    ],
    // Of v ≥ 0, and log K is even.
    [
      `c_besselOrderPositiveK${n}`,
      ["v", "x"],
      `if (x === 0.0) { return ${n === 1 ? "v / (x * x)" : "x / x"}; }
  if (!(v <= ${largest} && x > 0.0)) ${refused}
  if (x > ${largest}) { return 0.0; }${ladder("", "(-1.0)", "Mean")}`,
    ],
    [
      `c_besselOrderK${n}`,
      ["v", "x"],
      `let derivative = c_besselOrderPositiveK${n}(Math.abs(v), x);
  ${n % 2 === 0 ? "" : "if (v < 0.0) { return -derivative; }"}
  return derivative;`,
    ],
    [
      `c_besselOrderRatioI${n}`,
      ["v", "x"],
      `if (!(v >= 0.0 && v <= ${largest} && x >= 0.0)) ${refused}
  if (x === 0.0 || x > ${largest}) { return 0.0; }${ladder("Ratio", "1.0", "Recurrence")}`,
    ],
    [`c_besselOrderNegativeRatioK${n}`, ["v", "x"], ratioOfNegative(precision, n)],
    [
      `c_besselOrderRatioK${n}`,
      ["v", "x"],
      `if (!(Math.abs(v) <= ${largest} && x > 0.0)) ${refused}
  if (x > ${largest}) { return 0.0; }
  if (v < 0.0) { return c_besselOrderNegativeRatioK${n}(v, x); }${ladder("Ratio", "(-1.0)", "MeanRatio")}`,
    ],
  ];
}

export const orderDerivatives = (precision: Precision): readonly SourceFunction[] =>
  upTo(mostDerivatives)
    .slice(1)
    .flatMap((n) => ofOrder(precision, n))
    .map(([name, parameters, body]) => [name, parameters, withoutUnused(body)]);

const names: Readonly<Record<string, string>> = {
  logIv: "I",
  logIve: "I",
  paperI: "I",
  logKv: "K",
  logKve: "K",
  paperK: "K",
  besselRatioI: "RatioI",
  besselRatioK: "RatioK",
};

/** The function that is ∂ⁿ/∂vⁿ; null if there is none. */
export function nameOfOrderDerivative(name: string, n: number): string | null {
  return n <= mostDerivatives && name in names ? `c_besselOrder${names[name]}${n}` : null;
}
