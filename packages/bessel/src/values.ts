/** The modified Bessel functions themselves, where they fit into a float64. */

import { cos, DomainError, sin, where, type Tensor } from "@curv/tensor";
import { gpujsValues } from "./gpu/kernels.js";
import { apply } from "./modified-bessel-primitive.js";
import { broadcastOperands, requireOptions } from "./operands.js";
import { besselIOf, besselKOf } from "./scalar/bessel.js";
import { defineFamily, type Apply } from "./special-function.js";

/** Options of {@link besselI} and {@link besselK}. */
export interface BesselOptions {
  /** I_v(x)e^(−x) and K_v(x)e^x instead, as SciPy's `ive` and `kve`. Default false. */
  readonly scaled?: boolean;
}

interface Params {
  readonly of: "I" | "K";
  readonly scaled: boolean;
}

const family: Apply<Params> = /* @__PURE__ */ defineFamily<Params>({
  name: "modifiedBesselValue",
  kernel: ({ of, scaled }) => {
    const f = of === "I" ? besselIOf : besselKOf;
    return (v, x) => f(v, x, scaled);
  },
  partial: (params, i, [v, x], y) => {
    if (i === 0) return inOrder(params, v, x);
    // I′ = ½(I_{v−1} + I_{v+1}), K′ = −½(K_{v−1} + K_{v+1}) (DLMF 10.29.1): no division by x.
    const sum = family(params, v.sub(1), x).add(family(params, v.add(1), x));
    const slope = sum.mul(params.of === "I" ? 0.5 : -0.5);
    if (!params.scaled) return slope;
    return params.of === "I" ? slope.sub(y) : slope.add(y);
  },
  gpujs: gpujsValues,
});

/** ∂I/∂v = I ∂log I/∂v, and so for K; for I at v = −s < 0 of I_s + (2/π)sin(πs)K_s, with the opposite sign. */
function inOrder(params: Params, v: Tensor, x: Tensor): Tensor {
  if (params.of === "K") return family(params, v, x).mul(apply({ name: "logKv", n: 1 }, v, x));
  const negative = v.less(0);
  const order = where(negative, v.neg(), v);
  const i = family(params, order, x).mul(apply({ name: "logIv", n: 1 }, order, x));
  // Where it is not taken, at a point where everything is finite.
  const [s, t] = [where(negative, order, 1), where(negative, x, 1)];
  const k = family({ of: "K", scaled: false }, s, t);
  const angle = s.mul(Math.PI);
  const turn = cos(angle).mul(Math.PI).add(sin(angle).mul(apply({ name: "logKv", n: 1 }, s, t))); // prettier-ignore
  const reflected = k.mul(turn).mul(2 / Math.PI);
  return where(negative, i.add(params.scaled ? reflected.mul(t.neg().exp()) : reflected).neg(), i);
}

/**
 * I_v(x) for real v and x ≥ 0, as SciPy's `iv`: for negative orders by I_{−v} = I_v + (2/π)sin(πv)K_v. Differentiable in both to any order.
 *
 * Relative error at most 3e-15 over the whole range of float64, for |v| < 10¹⁰; where the two terms for a negative order cancel, of the larger
 * one. Overflows to Infinity from log I_v(x) ≈ 709 on, and vanishes below −745: {@link logIv} does not. On gpu.js in float32, to
 * 16 + 4|log I_v(x)| ulp.
 *
 * @throws DomainError for numbers x < 0 or NaN. Elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 */
export function besselI(v: number, x: number, options?: BesselOptions): number;
export function besselI(v: number | Tensor, x: number | Tensor, options?: BesselOptions): Tensor;
export function besselI(v: number | Tensor, x: number | Tensor, options?: BesselOptions): number | Tensor {
  return evaluate("besselI", "I", v, x, options);
}

/**
 * K_v(x) for real v and x ≥ 0, as SciPy's `kv`; even in v. Range and error as of {@link besselI}. Differentiable in both to any order.
 *
 * @throws DomainError for numbers x < 0 or NaN. Elements of tensors give NaN.
 * @throws DTypeError, ShapeError.
 */
export function besselK(v: number, x: number, options?: BesselOptions): number;
export function besselK(v: number | Tensor, x: number | Tensor, options?: BesselOptions): Tensor;
export function besselK(v: number | Tensor, x: number | Tensor, options?: BesselOptions): number | Tensor {
  return evaluate("besselK", "K", v, x, options);
}

function evaluate(
  name: string,
  of: Params["of"],
  v: number | Tensor,
  x: number | Tensor,
  options?: BesselOptions,
): number | Tensor {
  requireOptions(name, options, "scaled");
  const { scaled = false } = options ?? {};
  if (typeof v === "number" && typeof x === "number") {
    if (!(x >= 0) || v !== v) throw new DomainError(`${name}: v is ${v}, x is ${x}; wants numbers, x >= 0.`);
    return (of === "I" ? besselIOf : besselKOf)(v, x, scaled);
  }
  const [order, at] = broadcastOperands(name, { v, x });
  return family({ of, scaled }, order, at);
}
