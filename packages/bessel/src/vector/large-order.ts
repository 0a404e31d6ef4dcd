/** Orders that are large beside x²: the first terms of the power series, and Stirling's series for Γ. */

import { add, constant, div, log, mul, polynomial, square, sub } from "./arithmetic.js";
import type { Formula } from "./interleave.js";

/** Of S(v) = log Γ(v) − (v − ½)log v + v − ½log 2π in powers of 1/v: 1/v, 1/v³, … (DLMF 5.11.1). */
const stirling = [
  1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188, -174611 / 125400,
]; // prettier-ignore

/** Beyond that the product of the series' divisors might overflow. */
export const largestOrder = 1e9;

/**
 * log I_v(x), or log(I_v(x)e^−x), for x up to `largest` ≤ 2 and v from `smallest` ≥ 9 on:
 *
 *   I_v(x) = (x/2)^v/Γ(v + 1)·Σ y^k/(k!(1 + v)_k)   and   K_v(x) = ½Γ(v)(x/2)^(−v)·Σ y^k/(k!(1 − v)_k),   y = x²/4.
 *
 * Of K this is the first part only: the other is I_v's, y^v/(Γ(v)Γ(v + 1)) times as large, and has to be negligible.
 */
export function largeOrder(kind: "I" | "K", smallest: number, largest: number, scaled: boolean): Formula {
  const sign = kind === "I" ? 1 : -1;
  let terms = 0;
  for (let term = 1; term > 1e-17; terms++, term *= (0.25 * largest ** 2) / (terms * (smallest + sign * terms)));
  const rest = stirling.filter((c, k) => Math.abs(c) > 1e-17 * smallest ** (2 * k + 1));
  return (v, x) => {
    const inverse = div(constant(1), v);
    const half = mul(constant(0.5), x);
    const y = square(half);
    // Σ = 1 + sum/product, as in the power series.
    let [sum, product, power] = [y, add(constant(1), mul(constant(sign), v)), y];
    for (let k = 2; k <= terms; k++) {
      const a = add(constant(k * k), mul(constant(sign * k), v));
      power = mul(power, y);
      sum = add(mul(sum, a), power);
      product = mul(product, a);
    }
    const gamma = mul(inverse, polynomial(square(inverse), rest));
    const lead = sub(mul(v, add(constant(1), log(mul(half, inverse)))), gamma);
    const scale = kind === "I" ? 0.5 / Math.PI : 0.5 * Math.PI;
    const factor = log(div(mul(square(add(product, sum)), mul(constant(scale), inverse)), square(product)));
    const value = add(mul(constant(sign), lead), mul(constant(0.5), factor));
    return scaled ? sub(value, mul(constant(sign), x)) : value;
  };
}
