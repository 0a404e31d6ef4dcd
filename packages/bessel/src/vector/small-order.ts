/** K at orders below the ladder: v = n + μ, |μ| ≤ ½, from K_μ and K_{μ+1} by the recurrence, as `scalar/small-order.ts` has it. */

import { lanes64, select, type Expression } from "@curv/tensor/kernels";
import { add, atLeast, constant, div, expAndLessOne, horner, log, mul, polynomial, square, sub } from "./arithmetic.js";
import { fractionTable } from "./fraction-tables.js";
import type { Formula } from "./interleave.js";

const halfLogHalfPi = 0.22579135264472744;
/** Of 1/Γ(1 + μ) for |μ| ≤ ½: what is even, and what is odd over μ, in powers of μ² (Chebyshev series by mpmath, to 5e-18 and 7e-17). */
const evenPart = [
  1, -0.6558780715202527, 0.16653861138218923, -0.009621971524606143, -0.001165167643217436, 0.00012805072012786247,
  -1.2525586998720372e-6, -2.0057050209808747e-7,
]; // prettier-ignore
const oddPart = [
  0.5772156649015329, -0.04200263503410994, -0.04219773455459753, 0.007218943223751665, -0.00021524140904441815,
  -2.0136441419300846e-5, 1.1378266823867569e-6,
]; // prettier-ignore

/** Whole orders from `least` to `most`: those of a region, with which the recurrence begins and ends. */
export interface Orders {
  readonly least: number;
  readonly most: number;
}

/** v = n + μ; at the ends of the region, where float32 has rounded v across, |μ| may be a little more than ½. */
function split(v: Expression, { least, most }: Orders): readonly [n: Expression, mu: Expression] {
  const n = least === most ? constant(least) : lanes64.atMost(atLeast(lanes64.nearest(v), least), most);
  return [n, most === 0 ? v : sub(v, n)];
}

/** k_n from k_0 and k_1, where k_{j+1} = next(j, k_j, k_{j−1}). */
function byRecurrence(
  n: Expression,
  { least, most }: Orders,
  [first, second]: readonly [Expression, Expression],
  next: (j: number, here: Expression, below: Expression) => Expression,
): Expression {
  let [below, here, wanted] = [first, second, first];
  for (let j = 1; j <= most; j++) {
    if (j <= least) wanted = here;
    else wanted = select(lanes64.equal(n, constant(j)), here, wanted);
    if (j < most) [below, here] = [here, next(j, here, below)];
  }
  return wanted;
}

/** For `smallest` ≤ x ≤ `largest`, from ½ on, by the tables of Temme's fraction. */
export function byFraction(orders: Orders, smallest: number, largest: number, scaled: boolean): Formula {
  const { middle, half, S, H } = fractionTable(smallest, largest);
  return (v, x) => {
    const [n, mu] = split(v, orders);
    const inverse = div(constant(1), x);
    const u = mul(sub(inverse, constant(middle)), constant(1 / half));
    const w = sub(mul(constant(8), square(mu)), constant(1));
    const weight = sub(constant(0.25), square(mu));
    // Horner's rule in both: the rows are short enough that other rows, and the other table, fill the time a step waits for the one before.
    const table = (rows: readonly (readonly number[])[]): Expression =>
      mul(weight, horner(w, rows.map((row) => horner(u, row.map(constant))))); // prettier-ignore
    // K_μ =: 1, xK_{μ+1}, and what multiplies both.
    const ratio = sub(add(add(mu, x), constant(0.5)), table(H));
    const divisor = add(constant(1), table(S));
    const slope = add(inverse, inverse);
    // K_{μ+j+1} = 2(μ + j)/x·K_{μ+j} + K_{μ+j−1}
    const wanted = byRecurrence(n, orders, [constant(1), mul(ratio, inverse)], (j, here, below) =>
      add(mul(mul(add(mu, constant(j)), slope), here), below),
    );
    const factor = div(wanted, divisor);
    const result = add(mul(constant(0.5), log(mul(square(factor), inverse))), constant(halfLogHalfPi));
    return scaled ? result : sub(result, x);
  };
}

/**
 * Temme's series, for x up to `largest` ≤ ½.
 *
 * All is multiplied by what the divisors are: f, p and q by 2μe^σ/(πμ/sin πμ), σ = μ·log(2/x), and by (1 − μ²)(4 − μ²)… step by step; K_{μ+j}
 * by (x/2)^j. So there is one division, and the product goes into the logarithm.
 */
export function byTemme(orders: Orders, largest: number, scaled: boolean): Formula {
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
    const [n, rest] = split(v, orders);
    // 1e-30 is small enough to be 0, and nothing is divided by 0.
    const mu = add(rest, constant(1e-30));
    const mu2 = square(mu);
    const half = mul(constant(0.5), x);
    const y = square(half);
    const logarithm = log(half);
    // 1/Γ(1 ± μ) = even ± slanted
    const even = polynomial(mu2, evenPart);
    const slanted = mul(mu, polynomial(mu2, oddPart));
    const [power, lessOne] = expAndLessOne(mul(mul(constant(-2), mu), logarithm));
    let f = sub(mul(lessOne, even), mul(add(power, constant(1)), slanted));
    let p = mul(mul(power, mu), sub(even, slanted));
    let q = mul(mu, add(even, slanted));
    // (k² − μ²)((k + 1)² − μ²)…: what the terms before k lack.
    const steps = Array.from({ length: terms }, (_, k) => sub(constant((k + 1) ** 2), mu2));
    const lacking = steps.reduceRight((products, step) => [mul(step, products[0]), ...products], [constant(1)]);
    let [weight, here, next] = [y, mul(f, lacking[0]), mul(p, lacking[0])];
    for (let k = 1; k <= terms; k++) {
      const order = constant(k);
      f = add(mul(order, f), add(p, q));
      p = mul(p, add(order, mu));
      q = mul(q, sub(order, mu));
      if (k > 1) weight = mul(weight, mul(y, constant(1 / k)));
      const whole = k < terms ? mul(weight, lacking[k]) : weight;
      here = add(here, mul(whole, f));
      next = add(next, mul(whole, sub(p, mul(order, f))));
    }
    const divisor = mul(mul(add(mu, mu), sub(square(even), square(slanted))), lacking[0]);
    // k_{j+1} = (μ + j)k_j + (x/2)²k_{j−1}
    const wanted = byRecurrence(n, orders, [here, next], (j, above, below) =>
      add(mul(add(mu, constant(j)), above), mul(y, below)),
    );
    const result = sub(log(div(wanted, divisor)), mul(sub(n, mu), logarithm));
    return scaled ? add(result, x) : result;
  };
}
