/** The uniform expansions for large orders, as `scalar/debye.ts` and `scalar/exponent.ts` have them. */

import type { Expression } from "@curv/tensor/kernels";
import { debyeCoefficients } from "../scalar/debye.js";
import { evenAboutRoot, oddAboutRoot, rootHigh, rootLow } from "../scalar/exponent.js";
import { add, constant, div, log, mul, polynomial, sqrt, sub } from "./arithmetic.js";
import type { Formula } from "./interleave.js";

const halfLogTwoPi = 0.9189385332046727;
const halfLogHalfPi = 0.22579135264472744;

/** From the exponent η (or η − x), and h = √(v² + x²). */
export type Exponent = (v: Expression, x: Expression, h: Expression) => Expression;

/** log I (sign 1) or log K (−1): ±η − ½log(2πh) or ½log(π/(2h)), + log(1 + Σ), with one logarithm of h/(1 + Σ)². */
export function debye(terms: number, sign: 1 | -1, exponent: Exponent): Formula {
  return (v, x) => {
    const h = sqrt(add(mul(v, v), mul(x, x)));
    const z = div(constant(sign), h);
    const p = mul(v, z);
    const p2 = mul(p, p);
    let sum = constant(0);
    for (let k = terms; k >= 1; k--) {
      const u = polynomial(p2, debyeCoefficients[k - 1]);
      sum = mul(k === terms ? u : add(sum, u), z);
    }
    const factor = add(constant(1), sum);
    const half = mul(constant(0.5), log(div(h, mul(factor, factor))));
    const eta = exponent(v, x, h);
    return sign > 0 ? sub(eta, add(half, constant(halfLogTwoPi))) : sub(sub(constant(halfLogHalfPi), half), eta);
  };
}

/** v·asinh(v/x). */
function bend(v: Expression, x: Expression, h: Expression): Expression {
  return mul(v, log(div(add(v, h), x)));
}

/** η = h − v·asinh(v/x). */
export const exponent: Exponent = (v, x, h) => sub(h, bend(v, x, h));

/** η about its root v = ρx, for x < v < 3x. */
export const exponentAboutRoot: Exponent = (v, x) => {
  const scaled = mul(constant(134217729), x);
  const high = sub(scaled, sub(scaled, x));
  const products = [mul(constant(rootHigh), high), mul(constant(rootHigh), sub(x, high)), mul(constant(rootLow), x)];
  const d = products.reduce((rest, product) => sub(rest, product), v);
  const centre = mul(constant(1.7320508075688772), x);
  const w = div(sub(v, centre), add(v, centre));
  const s = mul(w, w);
  return mul(d, add(polynomial(s, evenAboutRoot), mul(w, polynomial(s, oddAboutRoot))));
};

/** u of η − x = v(u − 2artanh u). */
const slant: Exponent = (v, x, h) => div(v, add(h, x));

/** η − x, where v is not small beside x. */
export const scaledExponent: Exponent = (v, x, h) => sub(mul(v, slant(v, x, h)), bend(v, x, h));

/** η − x for v < 0.615x, u² < 0.081: by the series of artanh, without its first term. */
export const scaledExponentSmall: Exponent = (v, x, h) => {
  const u = slant(v, x, h);
  const w = mul(u, u);
  const series = Array.from({ length: 14 }, (_, k) => 2 / (2 * k + 3));
  return mul(mul(v, u), sub(constant(-1), mul(w, polynomial(w, series))));
};
