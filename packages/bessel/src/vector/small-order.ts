/** K at orders below the ladder: v = n + μ, |μ| ≤ ½, from K_μ and K_{μ+1} by the recurrence, as `scalar/small-order.ts` has it. */

import { lanes64, select, type Expression } from "@curv/tensor/kernels";
import { aboutZero } from "../scalar/reciprocal-gamma.js";
import { add, constant, div, exp, log, mul, polynomial, sqrt, square, sub } from "./arithmetic.js";
import { fractionTable } from "./fraction-tables.js";
import type { Formula } from "./interleave.js";

const halfLogHalfPi = 0.22579135264472744;

interface Start {
  /** K_μ and xK_{μ+1}/2, up to one factor. */
  readonly values: readonly [Expression, Expression];
  /** log(K_v e^x) from the recurrence's result. */
  readonly finish: (value: Expression) => Expression;
}

/** log(K_v(x)e^x), or log K_v(x). */
function fromStart(
  orders: number,
  start: (mu: Expression, x: Expression, inverse: Expression) => Start,
  finish: (log: Expression, x: Expression) => Expression,
): Formula {
  return (v, x) => {
    const n = lanes64.nearest(v);
    const mu = sub(v, n);
    const inverse = div(constant(1), x);
    const { values, finish: logarithm } = start(mu, x, inverse);
    const slope = add(inverse, inverse);
    let below = values[0];
    let here = mul(values[1], slope);
    let wanted = below;
    // K_{μ+j+1} = 2(μ + j)/x·K_{μ+j} + K_{μ+j−1}
    for (let j = 1; j <= orders; j++) {
      wanted = select(lanes64.equal(n, constant(j)), here, wanted);
      const above = add(mul(mul(add(mu, constant(j)), slope), here), below);
      [below, here] = [here, above];
    }
    return finish(logarithm(wanted), x);
  };
}

/** For `smallest` ≤ x ≤ `largest`, from 1 on, and v ≤ `orders`, by the tables of Temme's fraction. */
export function byFraction(orders: number, smallest: number, largest: number, scaled: boolean): Formula {
  const { middle, half, S, H } = fractionTable(smallest, largest);
  const start = (mu: Expression, x: Expression, inverse: Expression): Start => {
    const u = mul(sub(inverse, constant(middle)), constant(1 / half));
    const w = sub(mul(constant(8), square(mu)), constant(1));
    const weight = sub(constant(0.25), square(mu));
    const table = (rows: readonly (readonly number[])[]): Expression => {
      let sum = polynomial(u, rows[rows.length - 1]);
      for (let l = rows.length - 2; l >= 0; l--) sum = add(mul(sum, w), polynomial(u, rows[l]));
      return mul(weight, sum);
    };
    const ratio = mul(constant(0.5), sub(add(add(mu, x), constant(0.5)), table(H)));
    const divisor = mul(add(constant(1), table(S)), sqrt(x));
    return { values: [constant(1), ratio], finish: (y) => add(log(div(y, divisor)), constant(halfLogHalfPi)) };
  };
  return fromStart(orders, start, (y, x) => (scaled ? y : sub(y, x)));
}

/** Temme's series, for x up to `largest` ≤ 1 and v up to `orders`. */
export function byTemme(orders: number, largest: number, scaled: boolean): Formula {
  let terms = 0;
  for (let term = 1; term > 1e-17; term *= (0.25 * largest ** 2) / (++terms) ** 2);
  return fromStart(
    orders,
    (mu, x) => temme(mu, x, terms),
    (y, x) => (scaled ? add(y, x) : y),
  );
}

function temme(mu: Expression, x: Expression, terms: number): Start {
  const half = mul(constant(0.5), x);
  const mu2 = square(mu);
  // 1/Γ(1 ± μ) = even ∓ μ·odd
  const part = (parity: number): number[] => aboutZero.filter((_, k) => k % 2 === parity);
  const even = polynomial(mu2, part(0));
  const odd = lanes64.neg(polynomial(mu2, part(1)));
  const slanted = mul(mu, odd);
  const sinc = div(constant(1), sub(square(even), square(slanted))); // πμ/sin πμ
  const logarithm = lanes64.neg(log(half));
  const sigma = mul(mu, logarithm);
  const up = exp(sigma);
  const down = div(constant(1), up);
  const cosh = mul(constant(0.5), add(up, down));
  const small = lanes64.less(square(sigma), constant(0.25));
  const sinhc = select(small, polynomial(square(sigma), sinhOver), div(mul(constant(0.5), sub(up, down)), sigma));
  let f = mul(sinc, add(mul(cosh, odd), mul(mul(sinhc, logarithm), even)));
  let p = mul(mul(mul(constant(0.5), up), add(even, slanted)), sinc);
  let q = mul(mul(mul(constant(0.5), down), sub(even, slanted)), sinc);
  const y = square(half);
  let [weight, sum, next] = [y, f, p];
  for (let k = 1; k <= terms; k++) {
    const inverse = div(constant(1), sub(constant(k * k), mu2));
    f = mul(add(mul(constant(k), f), add(p, q)), inverse);
    p = mul(p, mul(add(constant(k), mu), inverse)); // p/(k − μ)
    q = mul(q, mul(sub(constant(k), mu), inverse));
    if (k > 1) weight = mul(weight, mul(y, constant(1 / k)));
    sum = add(sum, mul(weight, f));
    next = add(next, mul(weight, sub(p, mul(constant(k), f))));
  }
  return { values: [sum, next], finish: log };
}

/** sinh(s)/s in powers of s² < ¼. */
const sinhOver = [1, 1 / 6, 1 / 120, 1 / 5040, 1 / 362880, 1 / 39916800, 1 / 6227020800];
