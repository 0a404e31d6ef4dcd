/** Comparisons, logic, bits and predicates: integers or bools out, no derivatives. */

import * as kernels from "../cpu/kernels/binary.js";
import * as unaryKernels from "../cpu/kernels/unary.js";
import { binary, unary, type ElementwisePrimitive } from "./elementwise.js";

type Unary = ElementwisePrimitive<unaryKernels.UnaryKernels>;
type Binary = ElementwisePrimitive<kernels.BinaryKernels>;

export const equalPrimitive: Binary = /* @__PURE__ */ binary("equal", { kernels: kernels.equal, result: "bool" });
export const notEqualPrimitive: Binary = /* @__PURE__ */ binary("notEqual", {
  kernels: kernels.notEqual,
  result: "bool",
});
export const lessPrimitive: Binary = /* @__PURE__ */ binary("less", { kernels: kernels.less, result: "bool" });
export const lessEqualPrimitive: Binary = /* @__PURE__ */ binary("lessEqual", {
  kernels: kernels.lessEqual,
  result: "bool",
});

/** On bools the bitwise operations are the logical ones. */
export const bitwiseAndPrimitive: Binary = /* @__PURE__ */ binary("bitwiseAnd", { kernels: kernels.bitwiseAnd });
export const bitwiseOrPrimitive: Binary = /* @__PURE__ */ binary("bitwiseOr", { kernels: kernels.bitwiseOr });
export const bitwiseXorPrimitive: Binary = /* @__PURE__ */ binary("bitwiseXor", { kernels: kernels.bitwiseXor });
export const bitwiseNotPrimitive: Unary = /* @__PURE__ */ unary("bitwiseNot", { kernels: unaryKernels.bitwiseNot });
/** By 32 or more: 0. */
export const shiftLeftPrimitive: Binary = /* @__PURE__ */ binary("shiftLeft", { kernels: kernels.shiftLeft });
/** Arithmetic for int32, logical for uint32; by 32 or more: 0 or −1. */
export const shiftRightPrimitive: Binary = /* @__PURE__ */ binary("shiftRight", { kernels: kernels.shiftRight });

export const isNaNPrimitive: Unary = /* @__PURE__ */ unary("isNaN", { kernels: unaryKernels.isNaN, result: "bool" });
export const isFinitePrimitive: Unary = /* @__PURE__ */ unary("isFinite", {
  kernels: unaryKernels.isFinite,
  result: "bool",
});
