/** The expansions for large arguments, as `scalar/hankel.ts` has them. */

import { add, constant, div, log, mul, sub } from "./arithmetic.js";
import type { Formula } from "./interleave.js";

/** log(I e^−x) = −½log(2πx/(1 + Σ)²) for sign −1, log(K e^x) = −½log((2/π)x/(1 + Σ)²) for sign 1. */
export function hankel(terms: number, sign: 1 | -1): Formula {
  return (v, x) => {
    const mu = mul(mul(constant(4), v), v);
    const z = div(constant(sign / 8), x);
    let sum = constant(0);
    for (let k = terms; k >= 1; k--) {
      // f_k(1 + f_{k+1}(1 + …)), f_k = (μ − (2k − 1)²)z/k.
      const factor = mul(sub(mu, constant((2 * k - 1) ** 2)), mul(z, constant(1 / k)));
      sum = k === terms ? factor : mul(factor, add(constant(1), sum));
    }
    const whole = add(constant(1), sum);
    return mul(constant(-0.5), log(div(mul(constant(sign < 0 ? 2 * Math.PI : 2 / Math.PI), x), mul(whole, whole))));
  };
}
