/** Zeta functions, of numbers and of tensors. */

import type { Tensor } from "@curv/tensor";
import { defineFamily, evaluate, positive, type Apply, type Domain } from "../special-function.js";
import { hurwitz, hurwitzDerivative, riemann, riemannDerivative } from "./scalar.js";

interface Params {
  /** Of the derivative in s. */
  readonly n: number;
}

const riemannFamily: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "riemannZeta",
  kernel: ({ n }) => (n === 0 ? riemann : (s) => riemannDerivative(n, s)),
  partial: ({ n }, _i, [s]) => riemannFamily({ n: n + 1 }, s),
});

const hurwitzFamily: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "hurwitzZeta",
  kernel: ({ n }) => (n === 0 ? hurwitz : (s, a) => hurwitzDerivative(n, s, a)),
  partial: ({ n }, i, [s, a]) => {
    if (i === 0) return hurwitzFamily({ n: n + 1 }, s, a);
    // −∂ⁿ(s·ζ(s + 1, a)) = −s·∂ⁿζ − n·∂ⁿ⁻¹ζ
    const next = s.add(1);
    const first = s.mul(hurwitzFamily({ n }, next, a)).neg();
    return n === 0 ? first : first.sub(hurwitzFamily({ n: n - 1 }, next, a).mul(n));
  },
});

/**
 * Riemann's zeta function ζ(s) = Σn^(−s), continued to all real s but the pole at 1: as SciPy's `zeta`.
 *
 * Relative error at most 3e-15 for s > −19, at the zeros −2, −4, … too, and 1.5e-15·|s| below. Differentiable to any order; the first
 * derivative is right to 1e-14 of max(1, |value|).
 *
 * @throws DomainError for a number that is 1 (the pole), −Infinity or NaN; elements of tensors give NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: Borwein, An efficient algorithm for the Riemann zeta function (2000); DLMF 25.4.1.
 */
export function zeta(s: number): number;
export function zeta(s: Tensor): Tensor;
export function zeta(s: number | Tensor): number | Tensor {
  const domain: Domain[string] = [(t) => t > -Infinity && t !== 1, "a finite number other than the pole at 1"];
  return evaluate("zeta", { s }, { s: domain }, riemann, (t) => riemannFamily({ n: 0 }, t));
}

/**
 * Hurwitz' zeta function ζ(s, a) = Σ_{k≥0}(a + k)^(−s) for s > 1 and a > 0, as SciPy's `zeta(s, a)`. Infinity at s = 1.
 *
 * Relative error at most 2e-15. Tensors broadcast. Differentiable in s and a to any order.
 *
 * @throws DomainError for numbers s < 1, a ≤ 0 or NaN; elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 * Source: DLMF 25.11.5.
 */
export function hurwitzZeta(s: number, a: number): number;
export function hurwitzZeta(s: number | Tensor, a: number | Tensor): Tensor;
export function hurwitzZeta(s: number | Tensor, a: number | Tensor): number | Tensor {
  const order: Domain[string] = [(t) => t >= 1, "a number >= 1"];
  return evaluate("hurwitzZeta", { s, a }, { s: order, a: positive }, hurwitz, (p, q) => hurwitzFamily({ n: 0 }, p, q));
}
