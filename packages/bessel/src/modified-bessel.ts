/** Modified Bessel functions in log scale, and ratios of neighbouring orders: of numbers and of tensors. */

import { DomainError, type Tensor } from "@curv/tensor";
import { apply, kernels, type FunctionName } from "./modified-bessel-primitive.js";
import { broadcastOperands, requireOptions } from "./operands.js";

/** Options of {@link logIv} and {@link logKv}. */
export interface LogBesselOptions {
  /**
   * "accurate" (default), or "paper" for the expressions of Plesner et al. as they stand in the paper: its table of regions, and Rothwell's
   * integral by Simpson's rule for K. Its error on the reference grid is up to 6e-14 of max(1, |value|) for I, and 6e-10 for K at small
   * orders. Derivatives are the same.
   */
  readonly method?: "accurate" | "paper";
}

/** Numbers to a number, tensors to a tensor of the broadcast shape and the promoted dtype. */
function evaluate(name: FunctionName, v: number | Tensor, x: number | Tensor, method = "accurate"): number | Tensor {
  if (method !== "accurate" && method !== "paper") {
    throw new DomainError(`${name}: method is ${String(method)}; wants "accurate" or "paper".`);
  }
  const kernel = method === "accurate" ? name : name === "logIv" ? "paperI" : "paperK";
  if (typeof v === "number" && typeof x === "number") {
    const even = name === "logKv" || name === "logKve" || name === "besselRatioK";
    if (!(even ? v === v : v >= 0)) throw new DomainError(negative(name, v, even));
    if (!(x >= 0)) throw new DomainError(`${name}: x is ${x}; wants a number >= 0.`);
    return kernels[kernel].value(v, x);
  }
  const [order, at] = broadcastOperands(name, { v, x });
  return apply({ name: kernel, n: 0 }, order, at);
}

function negative(name: FunctionName, v: number, even: boolean): string {
  const remedy =
    v < 0 ? " Of I at −v, besselI gives the value: I_{−v} = I_v + (2/π) sin(πv) K_v, which may be negative." : "";
  return `${name}: v is ${v}; wants a number${even ? "" : " >= 0"}.${remedy}`;
}

/**
 * log I_v(x) for v ≥ 0, x ≥ 0, where I_v itself overflows or vanishes too. Differentiable in v and x to any order.
 *
 * Tensors broadcast; a negative or NaN element gives NaN. Error at most 9e-16 of max(1, |value|) on the reference grid.
 *
 * Tensors of 1024 elements or more are computed on vectors in WebAssembly, by as many threads as `setThreads` says, some ten times as
 * fast. Whatever their number, an element depends on its order and argument alone. It differs from that of numbers and of smaller tensors by
 * at most 3e-15 of max(1, |value|); its own error is at most 1.4e-15. So it is with {@link logKv}, {@link logIve} and {@link logKve}.
 *
 * @throws DomainError for numbers that are negative or NaN.
 * @throws DTypeError for tensors that are not float32 or float64.
 * @throws ShapeError for shapes that do not broadcast.
 * Source: Plesner, Sørensen & Hauberg, Accurate computation of the logarithm of modified Bessel functions on GPUs (2024).
 */
export function logIv(v: number, x: number, options?: LogBesselOptions): number;
export function logIv(v: number | Tensor, x: number | Tensor, options?: LogBesselOptions): Tensor;
export function logIv(v: number | Tensor, x: number | Tensor, options?: LogBesselOptions): number | Tensor {
  requireOptions("logIv", options);
  return evaluate("logIv", v, x, options?.method);
}

/** log K_v(x), as {@link logIv}; even in v, which may be negative. Error at most 2e-15 of max(1, |value|) on the reference grid. */
export function logKv(v: number, x: number, options?: LogBesselOptions): number;
export function logKv(v: number | Tensor, x: number | Tensor, options?: LogBesselOptions): Tensor;
export function logKv(v: number | Tensor, x: number | Tensor, options?: LogBesselOptions): number | Tensor {
  requireOptions("logKv", options);
  return evaluate("logKv", v, x, options?.method);
}

/** log(I_v(x) e^(−x)), as {@link logIv}: right where log I_v(x) and x nearly cancel. */
export function logIve(v: number, x: number): number;
export function logIve(v: number | Tensor, x: number | Tensor): Tensor;
export function logIve(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("logIve", v, x);
}

/** log(K_v(x) e^x), as {@link logKv}. Error at most 2e-15 of max(1, |value|) on the reference grid. */
export function logKve(v: number, x: number): number;
export function logKve(v: number | Tensor, x: number | Tensor): Tensor;
export function logKve(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("logKve", v, x);
}

/** I_{v+1}(x)/I_v(x), in [0, 1), as {@link logIv}: relative error at most 2e-15 on the reference grid. */
export function besselRatioI(v: number, x: number): number;
export function besselRatioI(v: number | Tensor, x: number | Tensor): Tensor;
export function besselRatioI(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("besselRatioI", v, x);
}

/** K_{v+1}(x)/K_v(x), as {@link logIv}, and for negative v too: relative error at most 2e-15 on the reference grid. */
export function besselRatioK(v: number, x: number): number;
export function besselRatioK(v: number | Tensor, x: number | Tensor): Tensor;
export function besselRatioK(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("besselRatioK", v, x);
}
