/** The regularised incomplete gamma functions and their inverses, of numbers and of tensors. */

import { digamma, polygamma, type Tensor } from "@curv/tensor";
import { defineFamily, evaluate, notNegative, positive, probability, type Apply } from "../special-function.js";
import { orderDerivative } from "./order-derivative.js";
import { gammaPair, inverseGamma, lead } from "./scalar.js";

const ofP = (a: number, x: number): number => gammaPair(a, x)[0];
const ofQ = (a: number, x: number): number => gammaPair(a, x)[1];
const inverseOfP = (a: number, p: number): number => inverseGamma(a, p, 1 - p);
const inverseOfQ = (a: number, q: number): number => inverseGamma(a, 1 - q, q);

interface Params {
  /** P, Q, or the density x^(a−1)e^(−x)/Γ(a). */
  readonly of: "P" | "Q" | "density";
  /** Of the derivative in a; 0 for the density. */
  readonly n: number;
}

function density(a: number, x: number): number {
  if (!(a > 0 && x >= 0)) return NaN;
  if (x === 0) return a < 1 ? Infinity : a === 1 ? 1 : 0;
  return x === Infinity ? 0 : (a / x) * lead(a, x);
}

const family: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "incompleteGamma",
  kernel: ({ of, n }) => {
    if (of === "density") return density;
    if (n === 0) return of === "P" ? ofP : ofQ;
    return (a, x) => (of === "P" ? 1 : -1) * orderDerivative(n, a, x);
  },
  partial: ({ of, n }, i, [a, x], y) => {
    if (of === "density") return y.mul(i === 0 ? x.log().sub(digamma(a)) : a.sub(1).div(x).sub(1));
    if (i === 0) return family({ of, n: n + 1 }, a, x);
    const inX = family({ of: "density", n: 0 }, a, x).mul(bell(n, a, x));
    return of === "P" ? inX : inX.neg();
  },
});

/** ∂ⁿ/∂aⁿ of the density, relative to it: the complete Bell polynomial in log x − ψ(a), −ψ′(a), … */
function bell(n: number, a: Tensor, x: Tensor): Tensor | number {
  const b: (Tensor | number)[] = [1];
  for (let m = 1; m <= n; m++) {
    let sum: Tensor | null = null;
    for (let k = 1, binomial = 1; k <= m; binomial = (binomial * (m - k)) / k, k++) {
      const cumulant = k === 1 ? x.log().sub(digamma(a)) : polygamma(k - 1, a).neg();
      const term = cumulant.mul(b[m - k]).mul(binomial);
      sum = sum === null ? term : sum.add(term);
    }
    b.push(sum!);
  }
  return b[n];
}

/** x(a, p) with P(a, x) = p: dp = P_a da + density·dx, and the same with a sign for Q. */
const inverseFamily: Apply<{ readonly of: "P" | "Q" }> = /* @__PURE__ */ defineFamily<{ readonly of: "P" | "Q" }>({
  name: "inverseIncompleteGamma",
  kernel: ({ of }) => (of === "P" ? inverseOfP : inverseOfQ),
  partial: ({ of }, i, [a], x) => {
    const slope = family({ of: "density", n: 0 }, a, x);
    if (i === 0) return family({ of: "P", n: 1 }, a, x).neg().div(slope);
    return of === "P" ? slope.reciprocal() : slope.reciprocal().neg();
  },
});

/**
 * The regularised lower incomplete gamma function P(a, x) = ∫₀^x t^(a−1)e^(−t)dt/Γ(a) for a > 0 and x ≥ 0, as SciPy's `gammainc`: the
 * distribution function of a gamma variable.
 *
 * Relative error at most 1e-14·max(1, |log P|/16), in its small tail too, for a to 10⁵. Tensors broadcast. Differentiable in a and x to any order.
 *
 * @throws DomainError for numbers a ≤ 0, x < 0 or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 * Source: DLMF 8.7.1, 8.9.2, 8.12 (Temme 1979).
 */
export function gammaP(a: number, x: number): number;
export function gammaP(a: number | Tensor, x: number | Tensor): Tensor;
export function gammaP(a: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("gammaP", { a, x }, { a: positive, x: notNegative }, ofP, (b, t) => family({ of: "P", n: 0 }, b, t));
}

/** Q(a, x) = 1 − P(a, x), with all its digits where it is small, as SciPy's `gammaincc`. As {@link gammaP}. */
export function gammaQ(a: number, x: number): number;
export function gammaQ(a: number | Tensor, x: number | Tensor): Tensor;
export function gammaQ(a: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("gammaQ", { a, x }, { a: positive, x: notNegative }, ofQ, (b, t) => family({ of: "Q", n: 0 }, b, t));
}

/**
 * x with P(a, x) = p, for 0 ≤ p ≤ 1, as SciPy's `gammaincinv`: the quantile of a gamma variable; 0 at p = 0, Infinity at 1.
 *
 * Relative error at most 2e-15·max(1, |log x|). For p near 1 use {@link inverseGammaQ}. Tensors broadcast. Differentiable in a and
 * p to any order.
 *
 * @throws DomainError for numbers a ≤ 0, p outside [0, 1] or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 */
export function inverseGammaP(a: number, p: number): number;
export function inverseGammaP(a: number | Tensor, p: number | Tensor): Tensor;
export function inverseGammaP(a: number | Tensor, p: number | Tensor): number | Tensor {
  const domain = { a: positive, p: probability };
  return evaluate("inverseGammaP", { a, p }, domain, inverseOfP, (b, t) => inverseFamily({ of: "P" }, b, t));
}

/** x with Q(a, x) = q, as SciPy's `gammainccinv`: for small q, where p = 1 − q has lost its digits. As {@link inverseGammaP}. */
export function inverseGammaQ(a: number, q: number): number;
export function inverseGammaQ(a: number | Tensor, q: number | Tensor): Tensor;
export function inverseGammaQ(a: number | Tensor, q: number | Tensor): number | Tensor {
  const domain = { a: positive, q: probability };
  return evaluate("inverseGammaQ", { a, q }, domain, inverseOfQ, (b, t) => inverseFamily({ of: "Q" }, b, t));
}
