/** Sums, differences and complements of numbers that are given by their logarithms. */

import { expm1, sigmoid, type Tensor } from "@curv/tensor";
import { defineFamily, evaluate, notNegative, type Apply, type Domain } from "../special-function.js";

/** log(1 − e^(−x)), x ≥ 0. Source: Mächler, Accurately computing log(1 − exp(−|a|)) (2012). */
function complement(x: number): number {
  return x < Math.LN2 ? Math.log(-Math.expm1(-x)) : Math.log1p(-Math.exp(-x));
}

function sum(x: number, y: number): number {
  if (x === y) return x + Math.LN2; // infinities too
  const d = Math.abs(x - y);
  return Math.max(x, y) + Math.log1p(Math.exp(-d));
}

function difference(x: number, y: number): number {
  if (y === -Infinity) return x;
  if (!(x >= y) || (x === Infinity && y === Infinity)) return NaN;
  return x + complement(x - y);
}

/** All derivatives are odds and logistic functions of differences. */
const logSpace: Apply<{ readonly of: "complement" | "sum" | "difference" }> = /* @__PURE__ */ defineFamily({
  name: "logSpace",
  kernel: ({ of }) => ({ complement, sum, difference })[of] as (...operands: number[]) => number,
  partial: ({ of }, i, operands) => {
    const [x, y] = operands;
    if (of === "complement") return expm1(x).reciprocal(); // e^(−x)/(1 − e^(−x))
    if (of === "sum") return sigmoid(i === 0 ? x.sub(y) : y.sub(x));
    const odds = expm1(x.sub(y)).reciprocal(); // e^y/(e^x − e^y)
    return i === 0 ? odds.add(1) : odds.neg();
  },
});

/**
 * log(1 − e^(−x)) for x ≥ 0: the logarithm of the complement of the probability e^(−x). −Infinity at 0. Relative error at most 4e-16.
 * Differentiable to any order.
 *
 * @throws DomainError for a number that is negative or NaN; elements of tensors give NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * Source: Mächler, Accurately computing log(1 − exp(−|a|)) (2012).
 */
export function log1mexp(x: number): number;
export function log1mexp(x: Tensor): Tensor;
export function log1mexp(x: number | Tensor): number | Tensor {
  return evaluate("log1mexp", { x }, { x: notNegative }, complement, (t) => logSpace({ of: "complement" }, t));
}

/**
 * log(eˣ + e^y) without overflow, as NumPy's `logaddexp`; −Infinity stands for 0. Error at most 4e-16 of max(1, |x|, |y|).
 *
 * Tensors broadcast. Differentiable to any order. For sums along an axis see `logSumExp` of @curv/tensor, and `softplus` for log(1 + eˣ).
 *
 * @throws DTypeError, ShapeError.
 */
export function logAddExp(x: number, y: number): number;
export function logAddExp(x: number | Tensor, y: number | Tensor): Tensor;
export function logAddExp(x: number | Tensor, y: number | Tensor): number | Tensor {
  return evaluate("logAddExp", { x, y }, {}, sum, (a, b) => logSpace({ of: "sum" }, a, b));
}

/**
 * log(eˣ − e^y) for x ≥ y; −Infinity where they are equal. Error at most 4e-16 of max(1, |x|, |result|), given x − y: where x and y nearly
 * cancel, their own rounding shows. As {@link logAddExp}.
 *
 * @throws DomainError for numbers x < y or NaN; elements of tensors give NaN.
 */
export function logSubExp(x: number, y: number): number;
export function logSubExp(x: number | Tensor, y: number | Tensor): Tensor;
export function logSubExp(x: number | Tensor, y: number | Tensor): number | Tensor {
  const domain: Domain =
    typeof x === "number" && typeof y === "number" ? { x: [(t) => t >= y, `a number >= y = ${y}`] } : {};
  return evaluate("logSubExp", { x, y }, domain, difference, (a, b) => logSpace({ of: "difference" }, a, b));
}
