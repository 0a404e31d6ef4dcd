/** Arithmetic: sums, products, quotients, remainders, extremes, powers. */

import * as kernels from "../cpu/kernels/binary.js";
import * as unaryKernels from "../cpu/kernels/unary.js";
import type { TypedArray } from "../dtype.js";
import { allocate } from "../memory.js";
import { bind, bind1 } from "../transform/trace.js";
import { integerPower32, integerPower64 } from "../cpu/math/index.js";
import { floorDiv, log, pow, sign, stopGradient } from "../ops/elementwise.js";
import { logicalAnd } from "../ops/elementwise.js";
import { where } from "../ops/select.js";
import type { Tensor } from "../tensor.js";
import { binary, unary, type ElementwisePrimitive } from "./elementwise.js";
import { definePrimitive, type Primitive } from "./primitive.js";

type Unary = ElementwisePrimitive<unaryKernels.UnaryKernels>;
type Binary = ElementwisePrimitive<kernels.BinaryKernels>;

export const addPrimitive: Binary = /* @__PURE__ */ binary("add", {
  kernels: kernels.add,
  jvp: { x: (dx) => dx, y: (dy) => dy },
  transpose: { x: (ct) => ct, y: (ct) => ct },
});

export const subPrimitive: Binary = /* @__PURE__ */ binary("sub", {
  kernels: kernels.sub,
  jvp: { x: (dx) => dx, y: (dy) => dy.neg() },
  transpose: { x: (ct) => ct, y: (ct) => ct.neg() },
});

export const mulPrimitive: Binary = /* @__PURE__ */ binary("mul", {
  kernels: kernels.mul,
  jvp: { x: (dx, _x, y) => dx.mul(y), y: (dy, x) => x.mul(dy) },
  transpose: { x: (ct, y) => ct.mul(y), y: (ct, x) => x.mul(ct) },
});

// d(x/y) = ẋ/y − (x/y) ẏ/y
export const divPrimitive: Binary = /* @__PURE__ */ binary("div", {
  kernels: kernels.div,
  jvp: { x: (dx, _x, y) => dx.div(y), y: (dy, _x, y, z) => z.neg().mul(dy).div(y) },
  transpose: { x: (ct, y) => ct.div(y) },
});

// The tangent of the larger operand; half of each on a tie.
const share = (larger: Tensor, tie: Tensor, dx: Tensor): Tensor => dx.mul(where(tie, 0.5, larger.cast(dx.dtype)));

export const maximumPrimitive: Binary = /* @__PURE__ */ binary("maximum", {
  kernels: kernels.maximum,
  jvp: {
    x: (dx, x, y) => share(x.greater(y), x.equal(y), dx),
    y: (dy, x, y) => share(y.greater(x), x.equal(y), dy),
  },
});

export const minimumPrimitive: Binary = /* @__PURE__ */ binary("minimum", {
  kernels: kernels.minimum,
  jvp: {
    x: (dx, x, y) => share(x.less(y), x.equal(y), dx),
    y: (dy, x, y) => share(y.less(x), x.equal(y), dy),
  },
});

// rem keeps the dividend's sign, mod the divisor's: x − trunc(x/y) y and x − ⌊x/y⌋ y.
export const remPrimitive: Binary = /* @__PURE__ */ binary("rem", {
  kernels: kernels.rem,
  jvp: { x: (dx) => dx, y: (dy, x, y, z) => stopGradient(z.sub(x).div(y)).mul(dy) },
});

export const modPrimitive: Binary = /* @__PURE__ */ binary("mod", {
  kernels: kernels.mod,
  jvp: { x: (dx) => dx, y: (dy, x, y) => floorDiv(x, y).neg().mul(dy) },
});

export const floorDivPrimitive: Binary = /* @__PURE__ */ binary("floorDiv", { kernels: kernels.floorDiv });

export const powPrimitive: Binary = /* @__PURE__ */ binary("pow", {
  kernels: kernels.pow,
  jvp: {
    // y x^(y−1), and 0 where y = 0, even at x = 0.
    x: (dx, x, y) => {
      const zero = y.equal(0);
      return dx.mul(where(zero, 0, y.mul(pow(x, where(zero, 1, y).sub(1)))));
    },
    // x^y log x, and 0 where x = 0 and y ≥ 0.
    y: (dy, x, y, z) => {
      const zero = logicalAnd(x.equal(0), y.greaterEqual(0));
      return dy.mul(where(zero, 0, z.mul(log(where(zero, 1, x)))));
    },
  },
});

// With (u, v) = (x, y)/max(|x|, |y|) nothing overflows: (u ẏ − v ẋ)/(r (u² + v²)). The value does not depend on r.
const polar = (y: Tensor, x: Tensor): { r: Tensor; u: Tensor; v: Tensor; norm: Tensor } => {
  const r = stopGradient(x.abs().maximum(y.abs()));
  const u = x.div(r);
  const v = y.div(r);
  return { r, u, v, norm: u.square().add(v.square()) };
};

/** Operands in the order (y, x), as Math.atan2. */
export const atan2Primitive: Binary = /* @__PURE__ */ binary("atan2", {
  kernels: kernels.atan2,
  jvp: {
    x: (dy, y, x) => {
      const { r, u, norm } = polar(y, x);
      return u.mul(dy).div(norm).div(r);
    },
    y: (dx, y, x) => {
      const { r, v, norm } = polar(y, x);
      return v.neg().mul(dx).div(norm).div(r);
    },
  },
});

export const nextAfterPrimitive: Binary = /* @__PURE__ */ binary("nextAfter", { kernels: kernels.nextAfter });

export const negPrimitive: Unary = /* @__PURE__ */ unary("neg", {
  kernels: unaryKernels.neg,
  jvp: (_y, _x, dx) => dx.neg(),
  transpose: (ct) => ct.neg(),
});

export const absPrimitive: Unary = /* @__PURE__ */ unary("abs", {
  kernels: unaryKernels.abs,
  jvp: (_y, x, dx) => sign(x).mul(dx),
});
export const signPrimitive: Unary = /* @__PURE__ */ unary("sign", { kernels: unaryKernels.sign });
export const floorPrimitive: Unary = /* @__PURE__ */ unary("floor", { kernels: unaryKernels.floor });
export const ceilPrimitive: Unary = /* @__PURE__ */ unary("ceil", { kernels: unaryKernels.ceil });
export const roundPrimitive: Unary = /* @__PURE__ */ unary("round", { kernels: unaryKernels.round });

export const squarePrimitive: Unary = /* @__PURE__ */ unary("square", {
  kernels: unaryKernels.square,
  jvp: (_y, x, dx) => x.mul(2).mul(dx),
});

export const reciprocalPrimitive: Unary = /* @__PURE__ */ unary("reciprocal", {
  kernels: unaryKernels.reciprocal,
  jvp: (y, _x, dx) => y.square().neg().mul(dx),
});

export const sqrtPrimitive: Unary = /* @__PURE__ */ unary("sqrt", {
  kernels: unaryKernels.sqrt,
  jvp: (y, _x, dx) => dx.div(y.mul(2)),
});

/** x to a static integer power: n x^(n−1) ẋ, so that high derivatives of x² vanish exactly. */
export const integerPowerPrimitive: Primitive<{ n: number }> = /* @__PURE__ */ definePrimitive<{ n: number }>({
  name: "integerPower",
  loop: "integerPower",
  shape: ([x]) => [x],
  jvp: ([x], [dx], { n }) => {
    if (n === 0) return [null];
    if (n === 1) return [dx];
    return [
      bind1(integerPowerPrimitive, [x], { n: n - 1 })
        .mul(n)
        .mul(dx!),
    ];
  },
  batch: (inputs, _batched, params) => bind(integerPowerPrimitive, inputs, params),
  lower: ([x], { n }) => {
    const power = x.dtype === "float32" ? integerPower32 : integerPower64;
    const out: TypedArray = allocate(x.dtype, x.buffer.length);
    for (let i = 0; i < out.length; i++) out[i] = power(x.buffer[i], n);
    return [out];
  },
});
