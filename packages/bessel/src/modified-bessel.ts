/** Modified Bessel functions in log scale, and ratios of neighbouring orders: of numbers and of tensors. */

import {
  bind,
  broadcastAll,
  broadcastTo,
  definePrimitive,
  DomainError,
  isTensor,
  ShapeError,
  tensor,
  TracingError,
  type Primitive,
  type Tensor,
} from "@curv/tensor";
import { logI, logK, logScaledI, logScaledK } from "./scalar/log-bessel.js";
import { ratioOfI, ratioOfK } from "./scalar/ratio.js";

type Name = "logIv" | "logKv" | "logIve" | "logKve" | "besselRatioI" | "besselRatioK";

const kernels: Readonly<Record<Name, (v: number, x: number) => number>> = {
  logIv: logI,
  logKv: logK,
  logIve: logScaledI,
  logKve: logScaledK,
  besselRatioI: ratioOfI,
  besselRatioK: ratioOfK,
};

/** d/dx by the recurrences of the functions, in the same functions: so derivatives of any order exist. */
function slope(name: Name, v: Tensor, x: Tensor, y: Tensor): Tensor {
  switch (name) {
    case "logIv":
      return v.div(x).add(apply("besselRatioI", v, x));
    case "logIve":
      return v
        .div(x)
        .add(apply("besselRatioI", v, x))
        .sub(1);
    case "logKv":
      return v.div(x).sub(apply("besselRatioK", v, x));
    case "logKve":
      return v
        .div(x)
        .sub(apply("besselRatioK", v, x))
        .add(1);
    case "besselRatioI":
      return y.mul(v.mul(2).add(1).div(x)).add(y.square()).neg().add(1);
    case "besselRatioK":
      return y
        .square()
        .sub(y.mul(v.mul(2).add(1).div(x)))
        .sub(1);
  }
}

/** modifiedBessel(v, x) → f_v(x), both of one shape and dtype. */
const modifiedBesselPrimitive: Primitive<{ readonly name: Name }> = /* @__PURE__ */ definePrimitive<{
  readonly name: Name;
}>({
  name: "modifiedBessel",
  shape: ([, x]) => [{ shape: x.shape, dtype: x.dtype, weak: false }],
  jvp: ([v, x], [dv, dx], { name }, [y]) => {
    if (dv !== null) throw new TracingError(`${name}: no derivative in v yet; stopGradient(v) if it is a constant.`);
    return [slope(name, v, x, y).mul(dx!)];
  },
  batch: (inputs, batched, params, size) => {
    const shape = [size, ...inputs[batched[0] ? 0 : 1].shape.slice(1)];
    return bind(
      modifiedBesselPrimitive,
      inputs.map((input, i) => (batched[i] ? input : broadcastTo(input.expandDims(0), shape))),
      params,
    );
  },
  lower: ([v, x], { name }, [out]) => {
    const kernel = kernels[name];
    const [orders, arguments_] = [v.buffer, x.buffer];
    const y = out.dtype === "float64" ? new Float64Array(arguments_.length) : new Float32Array(arguments_.length);
    for (let i = 0; i < y.length; i++) y[i] = kernel(orders[i], arguments_[i]);
    return [y];
  },
});

function apply(name: Name, v: Tensor, x: Tensor): Tensor {
  return bind(modifiedBesselPrimitive, [v, x], { name })[0];
}

/** Numbers to a number, tensors to a tensor of the broadcast shape and the promoted dtype. */
function evaluate(name: Name, v: number | Tensor, x: number | Tensor): number | Tensor {
  if (typeof v === "number" && typeof x === "number") {
    if (!(v >= 0)) throw new DomainError(`${name}: v is ${v}; wants a number >= 0.`);
    if (!(x >= 0)) throw new DomainError(`${name}: x is ${x}; wants a number >= 0.`);
    return kernels[name](v, x);
  }
  const like = isTensor(x) ? x : (v as Tensor);
  const lift = (value: number | Tensor, argument: string): Tensor => {
    const lifted = isTensor(value) ? value : tensor(value, { dtype: like.dtype });
    if (lifted.dtype === "float32" || lifted.dtype === "float64") return lifted;
    throw new DomainError(`${name}: ${argument} is ${lifted.dtype}; wants float32 or float64.`);
  };
  const [order, argument] = [lift(v, "v"), lift(x, "x")];
  const dtype = order.dtype === "float64" || argument.dtype === "float64" ? "float64" : "float32";
  try {
    const [a, b] = broadcastAll(order.cast(dtype), argument.cast(dtype));
    return apply(name, a, b);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(
      `${name}: v and x have shapes [${order.shape.join(", ")}] and [${argument.shape.join(", ")}]; wants shapes that broadcast.`,
    );
  }
}

/**
 * log I_v(x) for v ≥ 0, x ≥ 0, where I_v itself overflows or vanishes too. Differentiable in x to any order.
 *
 * Tensors broadcast; a negative or NaN element gives NaN. Error at most 9e-16 of max(1, |value|) on the reference grid.
 *
 * @throws DomainError for numbers that are negative or NaN.
 * Source: Plesner, Sørensen & Hauberg, Accurate computation of the logarithm of modified Bessel functions on GPUs (2024).
 */
export function logIv(v: number, x: number): number;
export function logIv(v: number | Tensor, x: number | Tensor): Tensor;
export function logIv(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("logIv", v, x);
}

/** log K_v(x), as {@link logIv}. Error at most 2e-15 of max(1, |value|) on the reference grid. */
export function logKv(v: number, x: number): number;
export function logKv(v: number | Tensor, x: number | Tensor): Tensor;
export function logKv(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("logKv", v, x);
}

/** log(I_v(x) e^(−x)), as {@link logIv}: right where log I_v(x) and x nearly cancel. */
export function logIve(v: number, x: number): number;
export function logIve(v: number | Tensor, x: number | Tensor): Tensor;
export function logIve(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("logIve", v, x);
}

/** log(K_v(x) e^x), as {@link logIv}. Error at most 4e-15 of max(1, |value|) on the reference grid. */
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

/** K_{v+1}(x)/K_v(x), as {@link logIv}: relative error at most 4e-15 on the reference grid. */
export function besselRatioK(v: number, x: number): number;
export function besselRatioK(v: number | Tensor, x: number | Tensor): Tensor;
export function besselRatioK(v: number | Tensor, x: number | Tensor): number | Tensor {
  return evaluate("besselRatioK", v, x);
}
