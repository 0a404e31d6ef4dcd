/** The regularised incomplete beta function and its inverse, of numbers and of tensors. */

import { digamma, polygamma, type Tensor } from "@curv/tensor";
import { defineFamily, evaluate, positive, probability, type Apply } from "../special-function.js";
import { parameterDerivative } from "./parameter-derivative.js";
import { betaPair, inverseBeta, lead } from "./scalar.js";

const value = (a: number, b: number, x: number): number => betaPair(a, b, x, 1 - x)[0];
const inverse = (a: number, b: number, p: number): number => inverseBeta(a, b, p, 1 - p)[0];

interface Params {
  /** The function, or the density x^(a−1)(1 − x)^(b−1)/B(a, b). */
  readonly of: "value" | "density";
  /** Of the derivatives in a and in b; 0 for the density. */
  readonly m: number;
  readonly n: number;
}

function density(a: number, b: number, x: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0) return a < 1 ? Infinity : a === 1 ? b : 0;
  if (x === 1) return b < 1 ? Infinity : b === 1 ? a : 0;
  return lead(a, b, x, 1 - x) / (x * (1 - x));
}

const family: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "incompleteBeta",
  kernel: ({ of, m, n }) => {
    if (of === "density") return density;
    return m + n === 0 ? value : (a, b, x) => parameterDerivative(m, n, a, b, x);
  },
  partial: ({ of, m, n }, i, [a, b, x], y) => {
    if (of === "density") {
      if (i < 2) return y.mul(score(i === 0, a, b, x));
      return y.mul(
        a
          .sub(1)
          .div(x)
          .sub(b.sub(1).div(x.neg().add(1))),
      );
    }
    if (i < 2) return family({ of, m: m + (i === 0 ? 1 : 0), n: n + (i === 1 ? 1 : 0) }, a, b, x);
    return family({ of: "density", m: 0, n: 0 }, a, b, x).mul(bell(m, n, a, b, x));
  },
});

/** ∂/∂a or ∂/∂b of the logarithm of the density. */
function score(inA: boolean, a: Tensor, b: Tensor, x: Tensor): Tensor {
  const log = (inA ? x : x.neg().add(1)).log();
  return log.sub(digamma(inA ? a : b)).add(digamma(a.add(b)));
}

/** ∂^{m+n}/∂aᵐ∂bⁿ of the density, relative to it: the Bell polynomials of `parameterDerivative`, of tensors. */
function bell(m: number, n: number, a: Tensor, b: Tensor, x: Tensor): Tensor | number {
  if (m + n === 0) return 1;
  const kappa = (i: number, j: number): Tensor => {
    if (i + j === 1) return score(i === 1, a, b, x);
    const whole = polygamma(i + j - 1, a.add(b));
    return j === 0 ? whole.sub(polygamma(i - 1, a)) : i === 0 ? whole.sub(polygamma(j - 1, b)) : whole;
  };
  const [first, rest] = m > 0 ? [m - 1, n] : [n - 1, 0];
  let sum: Tensor | null = null;
  for (let i = 0; i <= first; i++) {
    for (let j = 0; j <= rest; j++) {
      const k = m > 0 ? kappa(i + 1, j) : kappa(0, i + 1);
      const below = m > 0 ? bell(m - 1 - i, n - j, a, b, x) : bell(0, n - 1 - i, a, b, x);
      const term = k.mul(below).mul(choose(first, i) * choose(rest, j));
      sum = sum === null ? term : sum.add(term);
    }
  }
  return sum!;
}

function choose(n: number, k: number): number {
  let c = 1;
  for (let i = 0; i < k; i++) c = (c * (n - i)) / (i + 1);
  return c;
}

/** x(a, b, p) with I_x(a, b) = p: dp = I_a da + I_b db + density·dx. */
const inverseFamily: Apply<Record<string, never>> = /* @__PURE__ */ defineFamily<Record<string, never>>({
  name: "inverseIncompleteBeta",
  kernel: () => inverse,
  partial: (_params, i, [a, b], x) => {
    const slope = family({ of: "density", m: 0, n: 0 }, a, b, x);
    if (i === 2) return slope.reciprocal();
    return family({ of: "value", m: 1 - i, n: i }, a, b, x)
      .neg()
      .div(slope);
  },
});

/**
 * The regularised incomplete beta function I_x(a, b) = ∫₀^x t^(a−1)(1 − t)^(b−1)dt/B(a, b) for a, b > 0 and 0 ≤ x ≤ 1, as SciPy's
 * `betainc`: the distribution function of a beta variable. The complement is I_{1−x}(b, a).
 *
 * Relative error at most 3e-14·max(1, |log I|/20) for a, b from 0.05 to 10⁴, in the small tail too; I itself is the complement of the other
 * tail where x is above the mean. Tensors broadcast. Differentiable in a, b and x to any order.
 *
 * @throws DomainError for numbers a, b ≤ 0, x outside [0, 1] or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 * Source: DiDonato & Morris, Algorithm 708 (1992); Loader (2000) for the factor in front.
 */
export function incompleteBeta(a: number, b: number, x: number): number;
export function incompleteBeta(a: number | Tensor, b: number | Tensor, x: number | Tensor): Tensor;
export function incompleteBeta(a: number | Tensor, b: number | Tensor, x: number | Tensor): number | Tensor {
  const domain = { a: positive, b: positive, x: probability };
  const params = { of: "value", m: 0, n: 0 } as const;
  return evaluate("incompleteBeta", { a, b, x }, domain, value, (p, q, t) => family(params, p, q, t));
}

/**
 * x with I_x(a, b) = p, for 0 ≤ p ≤ 1, as SciPy's `betaincinv`: the quantile of a beta variable.
 *
 * Relative error at most 4e-15·max(1, |log x|) for p ≤ ½; above it is that of 1 − x, beside the rounding of p and x. Tensors broadcast.
 * Differentiable in all to any order.
 *
 * @throws DomainError for numbers a, b ≤ 0, p outside [0, 1] or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 */
export function inverseIncompleteBeta(a: number, b: number, p: number): number;
export function inverseIncompleteBeta(a: number | Tensor, b: number | Tensor, p: number | Tensor): Tensor;
export function inverseIncompleteBeta(a: number | Tensor, b: number | Tensor, p: number | Tensor): number | Tensor {
  const domain = { a: positive, b: positive, p: probability };
  return evaluate("inverseIncompleteBeta", { a, b, p }, domain, inverse, (s, t, u) => inverseFamily({}, s, t, u));
}
