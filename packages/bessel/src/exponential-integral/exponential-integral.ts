/** Exponential integrals, of numbers and of tensors. */

import { DomainError, exp, type Tensor } from "@curv/tensor";
import { defineFamily, evaluate, notNegative, type Apply, type Domain } from "../special-function.js";
import { expintOfOrder, expintOfSecondKind } from "./scalar.js";

/** E_n for n ≥ 0, Ei for n null. */
const family: Apply<{ readonly n: number | null }> = /* @__PURE__ */ defineFamily<{ readonly n: number | null }>({
  name: "exponentialIntegral",
  kernel: ({ n }) => (n === null ? expintOfSecondKind : (x) => expintOfOrder(n, x)),
  partial: ({ n }, _i, [x], y) => {
    if (n === null) return exp(x).div(x);
    if (n > 0) return family({ n: n - 1 }, x).neg();
    return y.mul(x.reciprocal().add(1)).neg(); // E₀ = e^(−x)/x
  },
});

/**
 * The exponential integral E_n(x) = ∫₁^∞e^(−xt)t^(−n)dt for x ≥ 0, as SciPy's `expn`. At 0 it is 1/(n − 1), Infinity for n ≤ 1.
 *
 * Relative error at most 2e-15. Differentiable to any order: E_n′ = −E_{n−1}.
 *
 * @param n - An integer ≥ 0.
 * @throws DomainError for another n, and for a number x < 0 or NaN; elements of tensors give NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: DLMF 8.19.8, 8.19.18.
 */
export function expintE(n: number, x: number): number;
export function expintE(n: number, x: Tensor): Tensor;
export function expintE(n: number, x: number | Tensor): number | Tensor {
  if (!(Number.isInteger(n) && n >= 0)) throw new DomainError(`expintE: n is ${String(n)}; wants an integer >= 0.`);
  return evaluate("expintE", { x }, { x: notNegative }, (t) => expintOfOrder(n, t), (t) => family({ n }, t)); // prettier-ignore
}

/**
 * The exponential integral Ei(x) = ∫_{−∞}^x e^t/t dt, its principal value for x > 0, as SciPy's `expi`; −Infinity at 0.
 *
 * Relative error at most 2e-15, at its zero 0.3725… too. Overflows from x ≈ 716 on. Differentiable to any order.
 *
 * @throws DomainError for a number that is NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: DLMF 6.6.1, 6.12.2.
 */
export function expintEi(x: number): number;
export function expintEi(x: Tensor): Tensor;
export function expintEi(x: number | Tensor): number | Tensor {
  const any: Domain[string] = [(t) => t === t, "a number"];
  return evaluate("expintEi", { x }, { x: any }, expintOfSecondKind, (t) => family({ n: null }, t));
}
