/** Bessel functions of the first and second kind, of numbers and of tensors. */

import { TracingError, type Tensor } from "@curv/tensor";
import { defineFamily, evaluate, type Apply, type Domain } from "../special-function.js";
import { jOf, yOf } from "./bessel-jy.js";

const family: Apply<{ readonly of: "J" | "Y" }> = /* @__PURE__ */ defineFamily({
  name: "besselCylinder",
  kernel: ({ of }) => (of === "J" ? jOf : yOf),
  partial: (params, i, [v, x]) => {
    if (i === 0) {
      throw new TracingError(
        `bessel${params.of}: no derivative in the order v; hold it fixed with stopGradient(v), or pass a number.`,
      );
    }
    return family(params, v.sub(1), x)
      .sub(family(params, v.add(1), x))
      .mul(0.5); // DLMF 10.6.1
  },
});

const order: Domain[string] = [(v) => Math.abs(v) < Infinity, "a finite number"];

/**
 * J_v(x) for real v and x ≥ 0, and for x < 0 where v is a whole number: as SciPy's `jv`.
 *
 * Error at most 1.5e-15·max(14, w). For x ≥ v it is relative to the modulus √(J² + Y²), and w is the phase: counted from the turning point
 * x = v, or v²/x where x > 2v. For x < v, where J falls towards 0, it is relative, and w = |log J|. Orders of 10⁵ and beyond cost no more than
 * small ones; the expansions hold to v = 10¹⁵.
 * Differentiable in x to any order, not in v.
 *
 * @throws DomainError for numbers that are NaN, an infinite order, and x < 0 with an order that is not whole; elements of tensors give NaN.
 * @throws TracingError on a derivative in v.
 * @throws DTypeError, ShapeError.
 * Source: Debye's expansions (DLMF 10.19) away from the turning point; Steed's and Temme's methods for small orders; Taylor series between.
 */
export function besselJ(v: number, x: number): number;
export function besselJ(v: number | Tensor, x: number | Tensor): Tensor;
export function besselJ(v: number | Tensor, x: number | Tensor): number | Tensor {
  const whole = typeof v !== "number" || Number.isInteger(v);
  const at: Domain[string] = whole
    ? [(t) => t === t, "a number"]
    : [(t) => t >= 0, "a number >= 0, for v is not whole"];
  return evaluate("besselJ", { v, x }, { v: order, x: at }, jOf, (a, b) => family({ of: "J" }, a, b));
}

/**
 * Y_v(x) for real v and x ≥ 0, as SciPy's `yv`; −Infinity at 0, and where it overflows. Error and derivatives as of {@link besselJ}.
 *
 * @throws DomainError for numbers x < 0 or NaN, and for an infinite order; elements of tensors give NaN.
 */
export function besselY(v: number, x: number): number;
export function besselY(v: number | Tensor, x: number | Tensor): Tensor;
export function besselY(v: number | Tensor, x: number | Tensor): number | Tensor {
  const at: Domain[string] = [(t) => t >= 0, "a number >= 0"];
  return evaluate("besselY", { v, x }, { v: order, x: at }, yOf, (a, b) => family({ of: "Y" }, a, b));
}
