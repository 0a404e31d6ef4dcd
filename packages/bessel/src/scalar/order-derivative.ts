/**
 * Derivatives in the order v: the expressions of the ladder, evaluated in Taylor arithmetic. ∂ⁿ/∂vⁿ of log I, log K and of the ratios, for any
 * n ≥ 1.
 */

import { debyeTaylor } from "./debye.js";
import { angle, radius } from "./exponent.js";
import { hankelTaylor } from "./hankel.js";
import { integralTaylor } from "./integral.js";
import { rungAt, scaledLadder } from "./ladder.js";
import { logGammaTaylor } from "./log-gamma-taylor.js";
import { ratioOfI, ratioOfK } from "./ratio.js";
import { seriesTaylor } from "./series.js";
import * as taylor from "./taylor.js";
import type { Taylor } from "./taylor.js";

/** ∂ⁿ log I_v(x)/∂vⁿ, v ≥ 0, x ≥ 0. */
export function derivativeOfLogI(n: number, v: number, x: number): number {
  if (!(v >= 0 && v < Infinity && x >= 0)) return NaN;
  // log I = v log(x/2) − log Γ(v + 1) + O(x²), and x − ½log(2πx) + O(v²/x).
  if (x === 0) return n === 1 ? -Infinity : taylor.derivative(taylor.scaled(logGammaTaylor(n, v + 1), -1));
  if (x === Infinity) return 0;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) {
    const logs = taylor.sum(taylor.affine(n, 0, Math.log(x) - Math.LN2), taylor.log(seriesTaylor(n, v, x)));
    return taylor.derivative(taylor.difference(logs, logGammaTaylor(n, v + 1)));
  }
  if (rung.expansion === "hankel") return taylor.derivative(taylor.log1p(hankelTaylor(n, v, x, -1)));
  return debyeDerivative(n, v, x, rung.terms, 1);
}

/** ∂ⁿ log K_v(x)/∂vⁿ, x ≥ 0: log K is even in v. */
export function derivativeOfLogK(n: number, v: number, x: number): number {
  if (v < 0) return (n % 2 === 0 ? 1 : -1) * derivativeOfLogK(n, -v, x);
  if (!(v < Infinity && x > 0)) return v >= 0 && x === 0 && n === 1 ? Infinity * v : NaN;
  if (x === Infinity) return 0;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) {
    // K_{v+δ}/K_v is the mean of e^{δt} over the integrand; t = t₀ + d.
    const h = radius(v, x);
    const logs = taylor.log(integralTaylor(n, v, x, h).plain);
    return taylor.derivative(logs) + (n === 1 ? angle(v, x, h) : 0);
  }
  if (rung.expansion === "hankel") return taylor.derivative(taylor.log1p(hankelTaylor(n, v, x, 1)));
  return debyeDerivative(n, v, x, rung.terms, -1);
}

/** ∂ⁿ(I_{v+1}/I_v)/∂vⁿ, v ≥ 0, x ≥ 0. */
export function derivativeOfRatioI(n: number, v: number, x: number): number {
  if (!(v >= 0 && v < Infinity && x >= 0)) return NaN;
  if (x === 0 || x === Infinity) return 0;
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) return taylor.derivative(recurrenceTaylor(n, v, x));
  if (rung.expansion === "debye") return debyeRatioDerivative(n, v, x, rung.terms, 1, ratioOfI(v, x));
  return hankelRatioDerivative(n, v, x, -1, ratioOfI(v, x));
}

/** ∂ⁿ(K_{v+1}/K_v)/∂vⁿ, x ≥ 0. */
export function derivativeOfRatioK(n: number, v: number, x: number): number {
  if (!(Math.abs(v) < Infinity && x > 0)) return NaN;
  if (x === Infinity) return 0;
  if (v < 0) {
    const logs = new Float64Array(n + 1);
    for (let k = 1, factorial = 1; k <= n; factorial *= ++k) {
      logs[k] = (derivativeOfLogK(k, v + 1, x) - derivativeOfLogK(k, v, x)) / factorial;
    }
    return ratioOfK(v, x) * taylor.derivative(taylor.exponential(logs));
  }
  const rung = rungAt(scaledLadder, v, x);
  if (rung === null) {
    const h = radius(v, x);
    const { plain, shifted } = integralTaylor(n, v, x, h);
    return taylor.derivative(taylor.quotient(shifted, plain)) * ((v + h) / x);
  }
  if (rung.expansion === "debye") return debyeRatioDerivative(n, v, x, rung.terms, -1, ratioOfK(v, x));
  return hankelRatioDerivative(n, v, x, 1, ratioOfK(v, x));
}

/**
 * ±η − ½log h + log1p(Σ) with v = h₀(p₀ + δ), all in units of h₀ so that nothing overflows: h = h₀H, H² = 1 + 2p₀δ + δ², and
 * ∂η/∂v = −asinh(v/x), ∂²η/∂v² = −1/h.
 */
function debyeDerivative(n: number, v: number, x: number, terms: number, sign: 1 | -1): number {
  const h = radius(v, x);
  const { H, sum } = debyeParts(n, v, h, h, terms, sign);
  const bend = taylor.integral(taylor.quotient(taylor.affine(n, 1, 0), H)); // asinh(v/x) − asinh(v₀/x)
  const rest = taylor.difference(sum, taylor.scaled(taylor.log(H), 0.5));
  const minusEta = taylor.integral(bend); // without its linear part, in units of h₀
  const all = taylor.difference(rest, taylor.scaled(minusEta, sign * h));
  return taylor.derivative(all, h) - (n === 1 ? sign * angle(v, x, h) : 0);
}

/** H = h/h₀ and log1p(Σ) at the order v + h₀δ. */
function debyeParts(
  n: number,
  v: number,
  h: number,
  h0: number,
  terms: number,
  sign: 1 | -1,
): { readonly H: Taylor; readonly sum: Taylor } {
  const square = taylor.affine(n, (h / h0) ** 2, (2 * v) / h0);
  if (n >= 2) square[2] = 1;
  const H = taylor.squareRoot(square);
  const p = taylor.quotient(taylor.affine(n, v / h0, 1), H);
  const z = taylor.quotient(taylor.affine(n, sign / h0, 0), H);
  return { H, sum: taylor.log1p(debyeTaylor(terms, z, taylor.product(p, p))) };
}

/** r = r₀ exp(log r − log r₀), the logarithm as in `debyeRatio` of ratio.ts. */
function debyeRatioDerivative(n: number, v: number, x: number, terms: number, sign: 1 | -1, ratio: number): number {
  const h = radius(v, x);
  const here = debyeParts(n, v, h, h, terms, sign);
  const next = debyeParts(n, v + 1, radius(v + 1, x), h, terms, sign);
  const one = taylor.affine(n, 1, 0);
  const order = taylor.affine(n, v / h, 1);
  // In units of h: rise = h₁ − h, and (1 + rise)/(v + h).
  const rise = taylor.quotient(taylor.affine(n, (2 * v + 1) / h, 2), taylor.sum(next.H, here.H));
  const step = taylor.quotient(taylor.sum(rise, one), taylor.scaled(taylor.sum(order, here.H), h));
  const bend = taylor.product(taylor.affine(n, v + 1, h), taylor.log1p(step));
  const lead = taylor.integral(taylor.quotient(one, here.H)); // log((v + h)/x) less its constant
  const exponent = taylor.difference(taylor.difference(rise, bend), lead);
  const roots = taylor.scaled(taylor.difference(taylor.log(here.H), taylor.log(next.H)), 0.5);
  const logs = taylor.sum(taylor.sum(taylor.scaled(exponent, sign), roots), taylor.difference(next.sum, here.sum));
  logs[0] = 0;
  return ratio * taylor.derivative(taylor.exponential(logs), h);
}

function hankelRatioDerivative(n: number, v: number, x: number, sign: 1 | -1, ratio: number): number {
  const next = taylor.log1p(hankelTaylor(n, v + 1, x, sign));
  const logs = taylor.difference(next, taylor.log1p(hankelTaylor(n, v, x, sign)));
  logs[0] = 0;
  return ratio * taylor.derivative(taylor.exponential(logs));
}

/** r_{k−1} = x/(2k + x r_k), from Amos' upper bound at a large order, of which its derivatives are forgotten too. */
function recurrenceTaylor(n: number, v: number, x: number): Taylor {
  const steps = 16 + 4 * n + Math.ceil(1.5 * x);
  const top = v + steps + 0.5;
  let r = taylor.affine(n, x / (top + Math.sqrt(top * top + x * x)), 0);
  for (let j = steps; j >= 1; j--) {
    const below = taylor.affine(n, 2 * (v + j), 2);
    for (let k = 0; k <= n; k++) below[k] += x * r[k];
    r = taylor.quotient(taylor.affine(n, x, 0), below);
  }
  return r;
}
