/** K at orders below the ladder: v = n + μ, |μ| ≤ ½, from K_μ and K_{μ+1} by the recurrence, as `scalar/small-order.ts` has it. */

import { lanes64, select, type Expression } from "@curv/tensor/kernels";
import { aboutZero } from "../scalar/reciprocal-gamma.js";
import { add, constant, div, expAndLessOne, log, mul, polynomial, square, sub } from "./arithmetic.js";
import { fractionTable } from "./fraction-tables.js";
import type { Formula } from "./interleave.js";

const halfLogHalfPi = 0.22579135264472744;

/** For `smallest` ≤ x ≤ `largest`, from ½ on, and v ≤ `orders`, by the tables of Temme's fraction. */
export function byFraction(orders: number, smallest: number, largest: number, scaled: boolean): Formula {
  const { middle, half, S, H } = fractionTable(smallest, largest);
  return (v, x) => {
    const n = lanes64.nearest(v);
    const mu = sub(v, n);
    const inverse = div(constant(1), x);
    const u = mul(sub(inverse, constant(middle)), constant(1 / half));
    const w = sub(mul(constant(8), square(mu)), constant(1));
    const weight = sub(constant(0.25), square(mu));
    const table = (rows: readonly (readonly number[])[]): Expression => {
      let sum = polynomial(u, rows[rows.length - 1]);
      for (let l = rows.length - 2; l >= 0; l--) sum = add(mul(sum, w), polynomial(u, rows[l]));
      return mul(weight, sum);
    };
    // K_μ =: 1, xK_{μ+1}/2, and what multiplies both.
    const ratio = mul(constant(0.5), sub(add(add(mu, x), constant(0.5)), table(H)));
    const divisor = add(constant(1), table(S));
    const slope = add(inverse, inverse);
    let below: Expression = constant(1);
    let here = mul(ratio, slope);
    let wanted: Expression = below;
    // K_{μ+j+1} = 2(μ + j)/x·K_{μ+j} + K_{μ+j−1}
    for (let j = 1; j <= orders; j++) {
      wanted = select(lanes64.equal(n, constant(j)), here, wanted);
      if (j < orders) [below, here] = [here, add(mul(mul(add(mu, constant(j)), slope), here), below)];
    }
    const factor = div(wanted, divisor);
    const result = add(mul(constant(0.5), log(mul(square(factor), inverse))), constant(halfLogHalfPi));
    return scaled ? result : sub(result, x);
  };
}

/**
 * Temme's series, for x up to `largest` ≤ ½ and v up to `orders`.
 *
 * All is multiplied by what the divisors are: f, p and q by 2μe^σ/(πμ/sin πμ), σ = μ·log(2/x), and by (1 − μ²)(4 − μ²)… step by step; K_{μ+j}
 * by (x/2)^j. So there is one division, and the product goes into the logarithm.
 */
export function byTemme(orders: number, largest: number, scaled: boolean): Formula {
  // Term k + 1 of both sums is about 20(k + 1)·term beside the first, as log(2/x) + 2(1 + … + 1/k) < 10 wherever the terms matter; the
  // other digit is for μ near ±½, where f is larger than p.
  let terms = 0;
  for (
    let term = 0.25 * largest ** 2;
    20 * (terms + 1) * term > 1e-17;
    term *= (0.25 * largest ** 2) / (terms + 1) ** 2
  )
    terms++;
  return (v, x) => {
    const n = lanes64.nearest(v);
    const rest = sub(v, n);
    // Small enough to be 0, and nothing is divided by 0.
    const mu = select(lanes64.less(lanes64.abs(rest), constant(1e-30)), constant(1e-30), rest);
    const mu2 = square(mu);
    const half = mul(constant(0.5), x);
    const y = square(half);
    const logarithm = log(half);
    // 1/Γ(1 ± μ) = even ± slanted
    const part = (parity: number): number[] => aboutZero.filter((_, k) => k % 2 === parity);
    const even = polynomial(mu2, part(0));
    const slanted = mul(mu, polynomial(mu2, part(1)));
    const [power, lessOne] = expAndLessOne(mul(mul(constant(-2), mu), logarithm));
    let f = sub(mul(lessOne, even), mul(add(power, constant(1)), slanted));
    let p = mul(mul(power, mu), sub(even, slanted));
    let q = mul(mu, add(even, slanted));
    let divisor = mul(add(mu, mu), sub(square(even), square(slanted)));
    let [weight, here, next] = [y, f, p];
    for (let k = 1; k <= terms; k++) {
      const order = constant(k);
      const step = sub(constant(k * k), mu2);
      f = add(mul(order, f), add(p, q));
      p = mul(p, add(order, mu));
      q = mul(q, sub(order, mu));
      if (k > 1) weight = mul(weight, mul(y, constant(1 / k)));
      here = add(mul(here, step), mul(weight, f));
      next = add(mul(next, step), mul(weight, sub(p, mul(order, f))));
      divisor = mul(divisor, step);
    }
    let wanted = here;
    // k_{j+1} = (μ + j)k_j + (x/2)²k_{j−1}
    for (let j = 1; j <= orders; j++) {
      wanted = select(lanes64.equal(n, constant(j)), next, wanted);
      if (j < orders) [here, next] = [next, add(mul(add(mu, constant(j)), next), mul(y, here))];
    }
    const result = sub(log(div(wanted, divisor)), mul(sub(n, mu), logarithm));
    return scaled ? add(result, x) : result;
  };
}
