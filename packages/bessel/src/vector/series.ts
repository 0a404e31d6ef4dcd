/** The power series of I, as `scalar/series.ts` has it, but with one division and without a power. */

import { lanes64, select } from "@curv/tensor/kernels";
import { aboutHalf } from "../scalar/reciprocal-gamma.js";
import { add, atLeast, constant, div, exp, log, mul, polynomial, sub } from "./arithmetic.js";
import type { Formula } from "./interleave.js";

/** Terms until the rest is nothing beside the sum, at v = 0, where they fall slowest. */
function termsFor(x: number): number {
  const y = 0.25 * x * x;
  let k = 0;
  for (let term = 1, sum = 1; term > 2e-17 * sum; sum += term) term *= y / (++k) ** 2;
  return k - 1;
}

/**
 * log I_v(x), or log(I_v(x)e^−x), for x up to `largest` and v up to `orders`: (x/2)^v/Γ(v + 1)·Σ y^k/(k!(v + 1)_k), y = x²/4.
 *
 * With v = n + f, 0 ≤ f < 1, it is f·log(x/2) + log of a product that has the size of the result: neither part is so large that its
 * rounding shows. For x ≤ 2 the n factors x/2 go into the logarithm too, which then has the sign of the rest.
 */
export function series(orders: number, largest: number, scaled: boolean): Formula {
  return (v, x) => {
    const half = mul(constant(0.5), x);
    const y = mul(half, half);
    const f = sub(v, lanes64.floor(v));
    let numerator = polynomial(sub(f, constant(0.5)), aboutHalf); // 1/Γ(1 + f)
    let denominator = constant(1);
    for (let j = 0; j < orders; j++) {
      // Γ(1 + v) = v(v − 1)…(f + 1)Γ(1 + f)
      const factor = sub(v, constant(j));
      denominator = mul(denominator, atLeast(factor, 1));
      if (largest > 2) {
        const there = lanes64.lessEqual(constant(1), factor);
        numerator = mul(numerator, select(there, half, constant(1)));
      }
    }
    // Σ = 1 + y/a₁·(1 + y/a₂·(1 + …)), a_k = k(k + v), from the inside out: sum/product, where a step multiplies the product by its a_k.
    let [sum, product] = [constant(1), constant(1)];
    for (let k = termsFor(largest); k >= 1; k--) {
      product = mul(product, add(constant(k * k), mul(constant(k), v)));
      sum = add(product, mul(y, sum));
    }
    numerator = mul(numerator, sum);
    if (scaled && largest > 2) numerator = mul(numerator, exp(lanes64.neg(x)));
    const value = add(mul(largest > 2 ? f : v, log(half)), log(div(numerator, mul(denominator, product))));
    return scaled && largest <= 2 ? sub(value, x) : value;
  };
}
