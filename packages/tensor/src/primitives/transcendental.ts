/** Exponentials, logarithms, circular and hyperbolic functions. */

import * as kernels from "../cpu/kernels/unary.js";
import { cos, cosh, rsqrt, sigmoid, sin, sinh, sub } from "../ops/elementwise.js";
import { unary, type ElementwisePrimitive } from "./elementwise.js";

type Unary = ElementwisePrimitive<kernels.UnaryKernels>;

export const expPrimitive: Unary = /* @__PURE__ */ unary("exp", {
  kernels: kernels.exp,
  jvp: (y, _x, dx) => y.mul(dx),
});

export const exp2Primitive: Unary = /* @__PURE__ */ unary("exp2", {
  kernels: kernels.exp2,
  jvp: (y, _x, dx) => y.mul(Math.LN2).mul(dx),
});

export const expm1Primitive: Unary = /* @__PURE__ */ unary("expm1", {
  kernels: kernels.expm1,
  jvp: (y, _x, dx) => y.add(1).mul(dx),
});

export const logPrimitive: Unary = /* @__PURE__ */ unary("log", {
  kernels: kernels.log,
  jvp: (_y, x, dx) => dx.div(x),
});

export const log1pPrimitive: Unary = /* @__PURE__ */ unary("log1p", {
  kernels: kernels.log1p,
  jvp: (_y, x, dx) => dx.div(x.add(1)),
});

export const log2Primitive: Unary = /* @__PURE__ */ unary("log2", {
  kernels: kernels.log2,
  jvp: (_y, x, dx) => dx.div(x).mul(Math.LOG2E),
});

export const log10Primitive: Unary = /* @__PURE__ */ unary("log10", {
  kernels: kernels.log10,
  jvp: (_y, x, dx) => dx.div(x).mul(Math.LOG10E),
});

// d x^(−1/2) = −½ y³ ẋ
export const rsqrtPrimitive: Unary = /* @__PURE__ */ unary("rsqrt", {
  kernels: kernels.rsqrt,
  jvp: (y, _x, dx) => y.square().mul(y).mul(-0.5).mul(dx),
});

export const cbrtPrimitive: Unary = /* @__PURE__ */ unary("cbrt", {
  kernels: kernels.cbrt,
  jvp: (y, _x, dx) => dx.div(y.square().mul(3)),
});

export const sigmoidPrimitive: Unary = /* @__PURE__ */ unary("sigmoid", {
  kernels: kernels.logistic,
  jvp: (y, _x, dx) => y.mul(sub(1, y)).mul(dx),
});

/** log(1 + eˣ). */
export const softplusPrimitive: Unary = /* @__PURE__ */ unary("softplus", {
  kernels: kernels.softplus,
  jvp: (_y, x, dx) => sigmoid(x).mul(dx),
});

export const sinPrimitive: Unary = /* @__PURE__ */ unary("sin", {
  kernels: kernels.sin,
  jvp: (_y, x, dx) => cos(x).mul(dx),
});

export const cosPrimitive: Unary = /* @__PURE__ */ unary("cos", {
  kernels: kernels.cos,
  jvp: (_y, x, dx) => sin(x).neg().mul(dx),
});

export const tanPrimitive: Unary = /* @__PURE__ */ unary("tan", {
  kernels: kernels.tan,
  jvp: (y, _x, dx) => y.square().add(1).mul(dx),
});

// 1 − x² as (1 − x)(1 + x): exact near ±1.
export const asinPrimitive: Unary = /* @__PURE__ */ unary("asin", {
  kernels: kernels.asin,
  jvp: (_y, x, dx) => rsqrt(x.neg().add(1).mul(x.add(1))).mul(dx),
});

export const acosPrimitive: Unary = /* @__PURE__ */ unary("acos", {
  kernels: kernels.acos,
  jvp: (_y, x, dx) =>
    rsqrt(x.neg().add(1).mul(x.add(1)))
      .neg()
      .mul(dx),
});

export const atanPrimitive: Unary = /* @__PURE__ */ unary("atan", {
  kernels: kernels.atan,
  jvp: (_y, x, dx) => dx.div(x.square().add(1)),
});

export const sinhPrimitive: Unary = /* @__PURE__ */ unary("sinh", {
  kernels: kernels.sinh,
  jvp: (_y, x, dx) => cosh(x).mul(dx),
});

export const coshPrimitive: Unary = /* @__PURE__ */ unary("cosh", {
  kernels: kernels.cosh,
  jvp: (_y, x, dx) => sinh(x).mul(dx),
});

export const tanhPrimitive: Unary = /* @__PURE__ */ unary("tanh", {
  kernels: kernels.tanh,
  jvp: (y, _x, dx) => sub(1, y.square()).mul(dx), // d tanh(x) = (1 − tanh²x) ẋ
});

export const asinhPrimitive: Unary = /* @__PURE__ */ unary("asinh", {
  kernels: kernels.asinh,
  jvp: (_y, x, dx) => rsqrt(x.square().add(1)).mul(dx),
});

export const acoshPrimitive: Unary = /* @__PURE__ */ unary("acosh", {
  kernels: kernels.acosh,
  jvp: (_y, x, dx) => rsqrt(x.sub(1).mul(x.add(1))).mul(dx),
});

export const atanhPrimitive: Unary = /* @__PURE__ */ unary("atanh", {
  kernels: kernels.atanh,
  jvp: (_y, x, dx) => dx.div(x.neg().add(1).mul(x.add(1))),
});
