/** Error functions and the gamma family. */

import * as kernels from "../cpu/kernels/unary.js";
import { polygamma64 } from "../cpu/math/index.js";
import { allocate } from "../memory.js";
import { digamma, exp, polygamma } from "../ops/elementwise.js";
import { bind } from "../transform/trace.js";
import { unary, type ElementwisePrimitive } from "./elementwise.js";
import { definePrimitive, type Primitive } from "./primitive.js";

type Unary = ElementwisePrimitive<kernels.UnaryKernels>;

const twoOverSqrtPi = 2 / /* @__PURE__ */ Math.sqrt(Math.PI);

export const erfPrimitive: Unary = /* @__PURE__ */ unary("erf", {
  kernels: kernels.erf,
  jvp: (_y, x, dx) => exp(x.square().neg()).mul(twoOverSqrtPi).mul(dx),
});

export const erfcPrimitive: Unary = /* @__PURE__ */ unary("erfc", {
  kernels: kernels.erfc,
  jvp: (_y, x, dx) => exp(x.square().neg()).mul(-twoOverSqrtPi).mul(dx),
});

export const erfinvPrimitive: Unary = /* @__PURE__ */ unary("erfinv", {
  kernels: kernels.erfinv,
  jvp: (y, _x, dx) =>
    exp(y.square())
      .mul(1 / twoOverSqrtPi)
      .mul(dx),
});

export const lgammaPrimitive: Unary = /* @__PURE__ */ unary("lgamma", {
  kernels: kernels.lgamma,
  jvp: (_y, x, dx) => digamma(x).mul(dx),
});

export const digammaPrimitive: Unary = /* @__PURE__ */ unary("digamma", {
  kernels: kernels.digamma,
  jvp: (_y, x, dx) => polygamma(1, x).mul(dx),
});

/** ψ⁽ⁿ⁾ for a static n ≥ 1: a chain closed under differentiation. */
export const polygammaPrimitive: Primitive<{ n: number }> = /* @__PURE__ */ definePrimitive<{ n: number }>({
  name: "polygamma",
  shape: ([x]) => [x],
  jvp: ([x], [dx], { n }) => [polygamma(n + 1, x).mul(dx!)],
  batch: (inputs, _batched, params) => bind(polygammaPrimitive, inputs, params),
  lower: ([x], { n }) => {
    const out = allocate(x.dtype, x.buffer.length);
    for (let i = 0; i < out.length; i++) out[i] = polygamma64(n, x.buffer[i]);
    return [out];
  },
});
