/** The primitive of the modified Bessel functions: values, and derivatives of every order in v and in x. */

import {
  bind,
  broadcastTo,
  definePrimitive,
  registerLowering,
  type Primitive,
  type PrimitiveRecord,
  type Tensor,
} from "@curv/tensor";
import { resultArray, runArrayKernel } from "@curv/tensor/kernels";
import { cudaFunctions } from "#cuda";
import { gpujsFunctions } from "./gpu/kernels.js";
import { logI, logK, logScaledI, logScaledK } from "./scalar/log-bessel.js";
import {
  derivativeOfLogI,
  derivativeOfLogK,
  derivativeOfRatioI,
  derivativeOfRatioK,
} from "./scalar/order-derivative.js";
import { paperLogI, paperLogK } from "./scalar/paper.js";
import { ratioOfI, ratioOfK } from "./scalar/ratio.js";
import { slopeOfRatioI, slopeOfRatioK } from "./scalar/ratio-slope.js";
import { vectorKernels } from "./vector/log-bessel.js";

export type FunctionName = "logIv" | "logKv" | "logIve" | "logKve" | "besselRatioI" | "besselRatioK";

interface Kernels {
  value(v: number, x: number): number;
  /** ∂ⁿ/∂vⁿ, n ≥ 1. */
  derivative(n: number, v: number, x: number): number;
}

/** Of numbers: values on the one hand, derivatives on the other. */
export const kernels: Readonly<Record<Params["name"], Kernels>> = {
  logIv: { value: logI, derivative: derivativeOfLogI },
  logKv: { value: logK, derivative: derivativeOfLogK },
  logIve: { value: logScaledI, derivative: derivativeOfLogI },
  logKve: { value: logScaledK, derivative: derivativeOfLogK },
  besselRatioI: { value: ratioOfI, derivative: derivativeOfRatioI },
  besselRatioK: { value: ratioOfK, derivative: derivativeOfRatioK },
  slopeI: { value: slopeOfRatioI, derivative: () => NaN },
  slopeK: { value: slopeOfRatioK, derivative: () => NaN },
  paperI: { value: paperLogI, derivative: derivativeOfLogI },
  paperK: { value: paperLogK, derivative: derivativeOfLogK },
};

interface Params {
  /** slopeI and slopeK are r′ and q′, kernels of their own because the formulas that join them to r and q cancel. */
  readonly name: FunctionName | "slopeI" | "slopeK" | "paperI" | "paperK";
  /** Of ∂ⁿ/∂vⁿ; 0 is the function itself, and all there is of the slopes. */
  readonly n: number;
}

/**
 * ∂/∂x of ∂ⁿf/∂vⁿ =: y, in functions of the same family, so that derivatives of any order exist:
 * (log I)′ = v/x + r and (log K)′ = v/x − q, differentiated n times in v.
 */
function inX({ name, n }: Params, v: Tensor, x: Tensor, y: Tensor): Tensor {
  const power = n === 0 ? v.div(x) : n === 1 ? x.reciprocal() : undefined; // (v/x)⁽ⁿ⁾
  const plus = (term: Tensor): Tensor => (power === undefined ? term : power.add(term));
  const ratio = (of: "besselRatioI" | "besselRatioK"): Tensor => apply({ name: of, n }, v, x);
  switch (name) {
    case "logIv":
    case "paperI":
      return plus(ratio("besselRatioI"));
    case "logIve":
      return plus(ratio("besselRatioI")).sub(n === 0 ? 1 : 0);
    case "logKv":
    case "paperK":
      return plus(ratio("besselRatioK").neg());
    case "logKve":
      return plus(ratio("besselRatioK").neg()).add(n === 0 ? 1 : 0);
    case "besselRatioI":
      return n === 0 ? apply({ name: "slopeI", n }, v, x) : riccati(name, n, v, x, y).neg();
    case "besselRatioK":
      return n === 0 ? apply({ name: "slopeK", n }, v, x) : riccati(name, n, v, x, y);
    // r″ = −2rr′ − (2v + 1)(r′ − r/x)/x, and q″ with the other sign for the square.
    case "slopeI":
    case "slopeK": {
      const of = name === "slopeI" ? "besselRatioI" : "besselRatioK";
      const r = apply({ name: of, n: 0 }, v, x);
      const square = r.mul(y).mul(name === "slopeI" ? -2 : 2);
      return square.sub(v.mul(2).add(1).mul(y.sub(r.div(x))).div(x)); // prettier-ignore
    }
  }
}

/** ∂ⁿ/∂vⁿ of q² − (2v + 1)q/x, or of r² + (2v + 1)r/x, n ≥ 1; y is the n-th derivative of the ratio itself. */
function riccati(ratio: "besselRatioI" | "besselRatioK", n: number, v: Tensor, x: Tensor, y: Tensor): Tensor {
  const at = (k: number): Tensor => (k === n ? y : apply({ name: ratio, n: k }, v, x));
  const below = at(n - 1);
  let square = at(0).mul(y).mul(2); // (r²)⁽ⁿ⁾ = Σ C(n, k) r⁽ᵏ⁾ r⁽ⁿ⁻ᵏ⁾
  for (let k = 1, choose = n; k < n; choose = (choose * (n - k)) / (k + 1), k++) {
    square = square.add(at(k).mul(at(n - k)).mul(choose)); // prettier-ignore
  }
  const rest = y.mul(v.mul(2).add(1)).add(below.mul(2 * n));
  return square.add(rest.div(ratio === "besselRatioI" ? x : x.neg()));
}

/** ∂/∂v of the same. */
function inV({ name, n }: Params, v: Tensor, x: Tensor): Tensor {
  if (name !== "slopeI" && name !== "slopeK") return apply({ name, n: n + 1 }, v, x);
  const ratio = name === "slopeI" ? "besselRatioI" : "besselRatioK";
  const mixed = riccati(ratio, 1, v, x, apply({ name: ratio, n: 1 }, v, x));
  return name === "slopeI" ? mixed.neg() : mixed;
}

/** Fewer are computed one by one: for them it is not worth to compile the vector kernels. */
const fewElements = 1024;

/** modifiedBessel(v, x) → ∂ⁿf_v(x)/∂vⁿ, all of one shape and dtype. */
const modifiedBesselPrimitive: Primitive<Params> = /* @__PURE__ */ alsoOnGpus({
  name: "modifiedBessel",
  shape: ([, x]) => [{ shape: x.shape, dtype: x.dtype, weak: false }],
  jvp: ([v, x], [dv, dx], params, [y]) => {
    const fromX = dx === null ? null : inX(params, v, x, y).mul(dx);
    if (dv === null) return [fromX];
    const fromV = inV(params, v, x).mul(dv);
    return [fromX === null ? fromV : fromX.add(fromV)];
  },
  batch: (inputs, batched, params, size) => {
    const shape = [size, ...inputs[batched[0] ? 0 : 1].shape.slice(1)];
    return bind(
      modifiedBesselPrimitive,
      inputs.map((input, i) => (batched[i] ? input : broadcastTo(input.expandDims(0), shape))),
      params,
    );
  },
  lower: ([v, x], { name, n }, [out]) => {
    const { value, derivative } = kernels[name];
    const [orders, at] = [v.buffer, x.buffer];
    const y = resultArray(out.dtype, at.length);
    if (n > 0) {
      for (let i = 0; i < y.length; i++) y[i] = derivative(n, orders[i], at[i]);
      return [y];
    }
    const kernel = y.length >= fewElements ? vectorKernels[name] : undefined;
    const done = kernel === undefined ? "none" : runArrayKernel(kernel, [orders, at], y);
    if (done === "all") return [y];
    // NaN: what the vector kernels leave.
    for (let i = 0; i < y.length; i++) if (done === "none" || y[i] !== y[i]) y[i] = value(orders[i], at[i]);
    return [y];
  },
});

/** ∂ⁿf_v(x)/∂vⁿ of tensors of one shape and dtype. */
export function apply(params: Params, v: Tensor, x: Tensor): Tensor {
  return bind(modifiedBesselPrimitive, [v, x], params)[0];
}

/** The primitive, with its functions for backends of kinds "gpujs" and "cuda". */
function alsoOnGpus(record: PrimitiveRecord<Params>): Primitive<Params> {
  const primitive = definePrimitive(record);
  registerLowering(primitive, "gpujs", gpujsFunctions);
  if (cudaFunctions !== null) registerLowering(primitive, "cuda", cudaFunctions);
  return primitive;
}
