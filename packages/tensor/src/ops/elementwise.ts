/** Elementwise functions. Binary ones broadcast; a JS number takes the other operand's dtype. */

import { cpu } from "../cpu/backend.js";
import { mapUnary } from "../cpu/unary-map.js";
import { checkDType, isFloat, isInteger, itemSize, type DType, type TypedArray } from "../dtype.js";
import { DTypeError, DomainError } from "../errors.js";
import { allocate } from "../memory.js";
import * as arithmetic from "../primitives/arithmetic.js";
import * as compare from "../primitives/compare.js";
import type { BinaryKernels } from "../cpu/kernels/binary.js";
import type { UnaryKernels } from "../cpu/kernels/unary.js";
import type { ElementwisePrimitive } from "../primitives/elementwise.js";
import { check } from "../primitives/check.js";
import { bitcastPrimitive, stopGradientPrimitive } from "../primitives/select.js";
import * as special from "../primitives/special.js";
import * as transcendental from "../primitives/transcendental.js";
import { broadcastShapes, sameShape, scalarShape, type Shape } from "../shape.js";
import { isTensor, Tensor, type TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { asFloat, asTensor, castTo, promote } from "./operands.js";
import { where } from "./select.js";

type Unary = ElementwisePrimitive<UnaryKernels>;
type Binary = ElementwisePrimitive<BinaryKernels>;

/** Two values of one shape and dtype on the CPU go straight to their kernel; all else by the general way. */
function applyBinary(primitive: Binary, x: TensorLike, y: TensorLike): Tensor {
  if (x instanceof Tensor && y instanceof Tensor) {
    if (
      (x.tag | y.tag) === 0 &&
      x.dtype === y.dtype &&
      x.owner === cpu &&
      y.owner === cpu &&
      x.weak === y.weak &&
      x.buffer !== null &&
      y.buffer !== null &&
      sameShape(x.shape, y.shape)
    ) {
      const kernel = primitive.kernels[x.dtype];
      if (kernel !== undefined) {
        const a = x.buffer as TypedArray;
        const out = allocate(x.dtype, a.length);
        kernel(a, 0, 1, y.buffer as TypedArray, 0, 1, out, 0, a.length);
        return new Tensor(x.shape, x.dtype, x.weak, 0, cpu, out, x.committed || y.committed);
      }
    }
  }
  // So do a value and a number.
  else if (typeof y === "number" && isHostFloat(x)) {
    const a = x.buffer as TypedArray;
    const out = allocate(x.dtype, a.length);
    primitive.kernels[x.dtype]!(a, 0, 1, numberBeside(x, y), 0, 0, out, 0, a.length);
    return new Tensor(x.shape, x.dtype, x.weak, 0, cpu, out, x.committed);
  } else if (typeof x === "number" && isHostFloat(y)) {
    const b = y.buffer as TypedArray;
    const out = allocate(y.dtype, b.length);
    primitive.kernels[y.dtype]!(numberBeside(y, x), 0, 0, b, 0, 1, out, 0, b.length);
    return new Tensor(y.shape, y.dtype, y.weak, 0, cpu, out, y.committed);
  }
  return bind1(primitive, promote(x, y, primitive.name), null);
}

function isHostFloat(x: TensorLike): x is Tensor {
  return x instanceof Tensor && x.tag === 0 && x.owner === cpu && x.buffer !== null && isFloat(x.dtype);
}

/** The number as the array of one element that a kernel reads beside `x`; valid until the next call. */
function numberBeside(x: Tensor, value: number): TypedArray {
  const number = x.dtype === "float32" ? number32 : number64;
  number[0] = value;
  return number;
}
const number32 = /* @__PURE__ */ new Float32Array(1);
const number64 = /* @__PURE__ */ new Float64Array(1);

function applyUnary(primitive: Unary, x: Tensor): Tensor {
  if (x.tag === 0 && x.owner === cpu && x.buffer !== null) {
    const a = x.buffer as TypedArray;
    const out = allocate(x.dtype, a.length);
    mapUnary(primitive.name, primitive.kernels, x.dtype, a, out);
    return new Tensor(x.shape, x.dtype, x.weak, 0, cpu, out, x.committed);
  }
  return bind1(primitive, [x], null);
}

/** A function of real numbers: integers are cast to the default float. */
function real(primitive: Unary, x: TensorLike): Tensor {
  return applyUnary(primitive, asFloat(x, primitive.name));
}

/** Comparisons have a bool result, so the fast path does not fit them. */
function applyComparison(primitive: Binary, x: TensorLike, y: TensorLike): Tensor {
  return bind1(primitive, promote(x, y, primitive.name), null);
}

/** The comparison with its operands exchanged, under its own name. */
function applyExchanged(primitive: Binary, x: TensorLike, y: TensorLike, caller: string): Tensor {
  const [a, b] = promote(x, y, caller);
  broadcastShapes(a.shape, b.shape, caller);
  return bind1(primitive, [b, a], null);
}

/** What somebody who adds, subtracts or multiplies bools may have meant. */
const logicOf: Readonly<Record<string, string>> = { add: "logicalOr", sub: "logicalXor", mul: "logicalAnd" };

function isBool(x: TensorLike): boolean {
  return x instanceof Tensor ? x.dtype === "bool" : typeof x === "boolean";
}

/** Arithmetic of two bools is almost always a mistake. */
function refuseBools(x: TensorLike, y: TensorLike, caller: string): void {
  if (!isBool(x) || !isBool(y)) return;
  const logic = caller in logicOf ? `use ${logicOf[caller]}, or cast` : "cast";
  throw new DTypeError(`${caller}: both operands are bool; ${logic} to int32.`);
}

// ---- Arithmetic

/** x + y. */
export function add(x: TensorLike, y: TensorLike): Tensor {
  if (isBool(x)) refuseBools(x, y, "add");
  return applyBinary(arithmetic.addPrimitive, x, y);
}
/** x − y. */
export function sub(x: TensorLike, y: TensorLike): Tensor {
  if (isBool(x)) refuseBools(x, y, "sub");
  return applyBinary(arithmetic.subPrimitive, x, y);
}
/** x · y, elementwise. */
export function mul(x: TensorLike, y: TensorLike): Tensor {
  if (isBool(x)) refuseBools(x, y, "mul");
  return applyBinary(arithmetic.mulPrimitive, x, y);
}
/** x / y; integers give the default float. For integer quotients see {@link floorDiv}. */
export function div(x: TensorLike, y: TensorLike): Tensor {
  const floatX = typeof x === "number" || typeof x === "boolean" ? x : asFloat(x, "div");
  const floatY = typeof y === "number" || typeof y === "boolean" ? y : asFloat(y, "div", "y");
  return applyBinary(arithmetic.divPrimitive, floatX, floatY);
}
/** ⌊x / y⌋, rounded to −∞; an integer divided by 0 gives 0. */
export function floorDiv(x: TensorLike, y: TensorLike): Tensor {
  refuseBools(x, y, "floorDiv");
  return applyBinary(arithmetic.floorDivPrimitive, x, y);
}
/** The remainder with the sign of y: mod(−7, 2) is 1. An integer mod 0 is 0. */
export function mod(x: TensorLike, y: TensorLike): Tensor {
  refuseBools(x, y, "mod");
  return applyBinary(arithmetic.modPrimitive, x, y);
}
/** The remainder with the sign of x, as JavaScript's %. */
export function rem(x: TensorLike, y: TensorLike): Tensor {
  refuseBools(x, y, "rem");
  return applyBinary(arithmetic.remPrimitive, x, y);
}
/**
 * x to the power y. pow(x, 0) = pow(1, y) = 1 even for NaN. A JS number exponent that is an integer keeps derivatives of every order
 * exact at x = 0.
 *
 * @throws DomainError for an integer x with a negative exponent.
 */
export function pow(x: TensorLike, y: TensorLike): Tensor {
  if (typeof y === "number" && x instanceof Tensor && isFloat(x.dtype)) {
    if (y === 2) return square(x);
    if (y === 0.5) return sqrtAsPower(x);
    if (Number.isInteger(y) && Math.abs(y) <= 1024) return bind1(arithmetic.integerPowerPrimitive, [x], { n: y });
  }
  refuseBools(x, y, "pow");
  const [base, exponent] = promote(x, y, "pow");
  if (isInteger(base.dtype)) {
    check([exponent], [exponent.rank], (values) => {
      const negative = values.find((v) => v < 0);
      if (negative === undefined) return null;
      return new DomainError(`pow: ${base.dtype} to the negative power ${negative}; cast to float32.`);
    });
  }
  return applyBinary(arithmetic.powPrimitive, base, exponent);
}

/** √x with the two values where pow(x, ½) differs: pow(−0, ½) = +0 and pow(−∞, ½) = ∞. */
function sqrtAsPower(x: Tensor): Tensor {
  const root = sqrt(where(equal(x, 0), abs(x), x));
  return where(equal(x, -Infinity), Infinity, root);
}

/** The larger of the two; NaN wins, and +0 over −0. On a tie each gets half of the derivative. */
export function maximum(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary(arithmetic.maximumPrimitive, x, y);
}
/** The smaller of the two; NaN wins, and −0 over +0. */
export function minimum(x: TensorLike, y: TensorLike): Tensor {
  return applyBinary(arithmetic.minimumPrimitive, x, y);
}
/** The angle of the point (x, y), in (−π, π]. Its derivative does not overflow for tiny or huge points. */
export function atan2(y: TensorLike, x: TensorLike): Tensor {
  const [a, b] = promote(y, x, "atan2");
  return applyBinary(arithmetic.atan2Primitive, asFloat(a, "atan2"), asFloat(b, "atan2"));
}
/** The float next to x in the direction of y. */
export function nextAfter(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote(x, y, "nextAfter");
  return bind1(arithmetic.nextAfterPrimitive, [asFloat(a, "nextAfter"), asFloat(b, "nextAfter")], null);
}
/** √(x² + y²) without overflow or underflow; ∞ if either is infinite, even beside NaN. */
export function hypot(x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote(x, y, "hypot").map((t) => abs(asFloat(t, "hypot")));
  const large = maximum(a, b);
  const scale = stopGradient(where(logicalAnd(isFinite(large), greater(large, 0)), large, 1));
  const norm = mul(scale, sqrt(add(square(div(a, scale)), square(div(b, scale)))));
  return where(logicalOr(equal(a, Infinity), equal(b, Infinity)), Infinity, norm);
}

function arithmeticUnary(primitive: Unary, x: TensorLike): Tensor {
  const t = asTensor(x, primitive.name);
  if (t.dtype === "bool") throw new DTypeError(`${primitive.name}: x is bool; cast to int32 or float32.`);
  return applyUnary(primitive, t);
}

/** −x. */
export function neg(x: TensorLike): Tensor {
  return arithmeticUnary(arithmetic.negPrimitive, x);
}
/** |x|; derivative 0 at 0. */
export function abs(x: TensorLike): Tensor {
  return arithmeticUnary(arithmetic.absPrimitive, x);
}
/** −1, 0 or 1; keeps −0 and NaN. */
export function sign(x: TensorLike): Tensor {
  return arithmeticUnary(arithmetic.signPrimitive, x);
}
/** x². */
export function square(x: TensorLike): Tensor {
  return arithmeticUnary(arithmetic.squarePrimitive, x);
}

function rounding(primitive: Unary, x: TensorLike): Tensor {
  const t = asTensor(x, primitive.name);
  return isInteger(t.dtype) ? t : real(primitive, t);
}
/** The largest integer ≤ x, as a float. */
export function floor(x: TensorLike): Tensor {
  return rounding(arithmetic.floorPrimitive, x);
}
/** The smallest integer ≥ x, as a float. */
export function ceil(x: TensorLike): Tensor {
  return rounding(arithmetic.ceilPrimitive, x);
}
/** The nearest integer, halves to even. */
export function round(x: TensorLike): Tensor {
  return rounding(arithmetic.roundPrimitive, x);
}
/** 1/x. */
export function reciprocal(x: TensorLike): Tensor {
  return real(arithmetic.reciprocalPrimitive, x);
}
/** √x; NaN below 0. */
export function sqrt(x: TensorLike): Tensor {
  return real(arithmetic.sqrtPrimitive, x);
}
/** max(lo, min(x, hi)); at an edge half of the derivative. */
export function clip(x: TensorLike, lo: TensorLike, hi: TensorLike): Tensor {
  const shapeOf = (v: TensorLike): Shape => (isTensor(v) ? v.shape : scalarShape);
  broadcastShapes(broadcastShapes(shapeOf(x), shapeOf(lo), "clip"), shapeOf(hi), "clip");
  return minimum(maximum(x, lo), hi);
}

// ---- Exponentials, circular and hyperbolic functions

/** eˣ. */
export function exp(x: TensorLike): Tensor {
  return real(transcendental.expPrimitive, x);
}
/** 2ˣ. */
export function exp2(x: TensorLike): Tensor {
  return real(transcendental.exp2Primitive, x);
}
/** eˣ − 1, exact near 0. */
export function expm1(x: TensorLike): Tensor {
  return real(transcendental.expm1Primitive, x);
}
/** The natural logarithm. */
export function log(x: TensorLike): Tensor {
  return real(transcendental.logPrimitive, x);
}
/** log(1 + x), exact near 0. */
export function log1p(x: TensorLike): Tensor {
  return real(transcendental.log1pPrimitive, x);
}
/** The logarithm to base 2. */
export function log2(x: TensorLike): Tensor {
  return real(transcendental.log2Primitive, x);
}
/** The logarithm to base 10. */
export function log10(x: TensorLike): Tensor {
  return real(transcendental.log10Primitive, x);
}
/** 1/√x. */
export function rsqrt(x: TensorLike): Tensor {
  return real(transcendental.rsqrtPrimitive, x);
}
/** The real cube root. */
export function cbrt(x: TensorLike): Tensor {
  return real(transcendental.cbrtPrimitive, x);
}
/** 1/(1 + e⁻ˣ). */
export function sigmoid(x: TensorLike): Tensor {
  return real(transcendental.sigmoidPrimitive, x);
}
/** log(1 + eˣ). */
export function softplus(x: TensorLike): Tensor {
  return real(transcendental.softplusPrimitive, x);
}
/** Sine of x in radians. */
export function sin(x: TensorLike): Tensor {
  return real(transcendental.sinPrimitive, x);
}
/** Cosine of x in radians. */
export function cos(x: TensorLike): Tensor {
  return real(transcendental.cosPrimitive, x);
}
/** Tangent of x in radians. */
export function tan(x: TensorLike): Tensor {
  return real(transcendental.tanPrimitive, x);
}
/** Inverse sine, in [−π/2, π/2]. */
export function asin(x: TensorLike): Tensor {
  return real(transcendental.asinPrimitive, x);
}
/** Inverse cosine, in [0, π]. */
export function acos(x: TensorLike): Tensor {
  return real(transcendental.acosPrimitive, x);
}
/** Inverse tangent, in [−π/2, π/2]. */
export function atan(x: TensorLike): Tensor {
  return real(transcendental.atanPrimitive, x);
}
/** Hyperbolic sine. */
export function sinh(x: TensorLike): Tensor {
  return real(transcendental.sinhPrimitive, x);
}
/** Hyperbolic cosine. */
export function cosh(x: TensorLike): Tensor {
  return real(transcendental.coshPrimitive, x);
}
/** Hyperbolic tangent. */
export function tanh(x: TensorLike): Tensor {
  return real(transcendental.tanhPrimitive, x);
}
/** Inverse hyperbolic sine. */
export function asinh(x: TensorLike): Tensor {
  return real(transcendental.asinhPrimitive, x);
}
/** Inverse hyperbolic cosine, for x ≥ 1. */
export function acosh(x: TensorLike): Tensor {
  return real(transcendental.acoshPrimitive, x);
}
/** Inverse hyperbolic tangent, for |x| ≤ 1. */
export function atanh(x: TensorLike): Tensor {
  return real(transcendental.atanhPrimitive, x);
}

// ---- Special functions

/** The error function 2/√π ∫₀ˣ e^(−t²) dt. */
export function erf(x: TensorLike): Tensor {
  return real(special.erfPrimitive, x);
}
/** 1 − erf(x), accurate for large x. */
export function erfc(x: TensorLike): Tensor {
  return real(special.erfcPrimitive, x);
}
/** The inverse of erf on (−1, 1). */
export function erfinv(x: TensorLike): Tensor {
  return real(special.erfinvPrimitive, x);
}
/** log |Γ(x)|. */
export function lgamma(x: TensorLike): Tensor {
  return real(special.lgammaPrimitive, x);
}
/** ψ(x), the derivative of log Γ. */
export function digamma(x: TensorLike): Tensor {
  return real(special.digammaPrimitive, x);
}
/** The n-th derivative of ψ; n = 0 is {@link digamma}. */
export function polygamma(n: number, x: TensorLike): Tensor {
  if (!Number.isInteger(n) || n < 0) throw new DomainError(`polygamma: order n is ${n}; wants an integer >= 0.`);
  return n === 0 ? digamma(x) : bind1(special.polygammaPrimitive, [asFloat(x, "polygamma")], { n });
}

// ---- Activations that are selects, so that the derivative at 0 is 0 and NaN is kept

/** x where x > 0, else 0; derivative 0 at 0. */
export function relu(x: TensorLike): Tensor {
  const t = asTensor(x, "relu");
  return where(lessEqual(t, 0), 0, t);
}
/** x where x > 0, else slope·x. */
export function leakyRelu(x: TensorLike, slope = 0.01): Tensor {
  const t = asFloat(x, "leakyRelu");
  return where(greater(t, 0), t, mul(t, slope));
}

// ---- Comparison, logic, bits

/** x = y, as bool. */
export function equal(x: TensorLike, y: TensorLike): Tensor {
  return applyComparison(compare.equalPrimitive, x, y);
}
/** x ≠ y, as bool. */
export function notEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyComparison(compare.notEqualPrimitive, x, y);
}
/** x < y, as bool. */
export function less(x: TensorLike, y: TensorLike): Tensor {
  return applyComparison(compare.lessPrimitive, x, y);
}
/** x ≤ y, as bool. */
export function lessEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyComparison(compare.lessEqualPrimitive, x, y);
}
/** x > y, as bool. */
export function greater(x: TensorLike, y: TensorLike): Tensor {
  return applyExchanged(compare.lessPrimitive, x, y, "greater");
}
/** x ≥ y, as bool. */
export function greaterEqual(x: TensorLike, y: TensorLike): Tensor {
  return applyExchanged(compare.lessEqualPrimitive, x, y, "greaterEqual");
}

function logical(primitive: Binary, x: TensorLike, y: TensorLike, caller: string): Tensor {
  return bind1(primitive, [asBool(x, caller), asBool(y, caller)], null);
}
function asBool(x: TensorLike, caller: string): Tensor {
  const t = asTensor(x, caller);
  if (t.dtype !== "bool") throw new DTypeError(`${caller}: operand is ${t.dtype}; wants bool (x.notEqual(0)).`);
  return t;
}
/** Both, for bools. */
export function logicalAnd(x: TensorLike, y: TensorLike): Tensor {
  return logical(compare.bitwiseAndPrimitive, x, y, "logicalAnd");
}
/** At least one, for bools. */
export function logicalOr(x: TensorLike, y: TensorLike): Tensor {
  return logical(compare.bitwiseOrPrimitive, x, y, "logicalOr");
}
/** Exactly one, for bools. */
export function logicalXor(x: TensorLike, y: TensorLike): Tensor {
  return logical(compare.bitwiseXorPrimitive, x, y, "logicalXor");
}
/** Negation, for bools. */
export function logicalNot(x: TensorLike): Tensor {
  return bind1(compare.bitwiseNotPrimitive, [asBool(x, "logicalNot")], null);
}

function bitwise(primitive: Binary, x: TensorLike, y: TensorLike): Tensor {
  const [a, b] = promote(x, y, primitive.name);
  if (isFloat(a.dtype))
    throw new DTypeError(`${primitive.name}: operands are ${a.dtype}; wants int32, uint32 or bool.`);
  return bind1(primitive, [a, b], null);
}
/** Bits set in both. */
export function bitwiseAnd(x: TensorLike, y: TensorLike): Tensor {
  return bitwise(compare.bitwiseAndPrimitive, x, y);
}
/** Bits set in at least one. */
export function bitwiseOr(x: TensorLike, y: TensorLike): Tensor {
  return bitwise(compare.bitwiseOrPrimitive, x, y);
}
/** Bits set in exactly one. */
export function bitwiseXor(x: TensorLike, y: TensorLike): Tensor {
  return bitwise(compare.bitwiseXorPrimitive, x, y);
}
/** Bits inverted. */
export function bitwiseNot(x: TensorLike): Tensor {
  const t = asTensor(x, "bitwiseNot");
  if (isFloat(t.dtype)) throw new DTypeError(`bitwiseNot: x is ${t.dtype}; wants int32, uint32 or bool.`);
  return bind1(compare.bitwiseNotPrimitive, [t], null);
}
function shift(primitive: Binary, x: TensorLike, bits: TensorLike): Tensor {
  const [a, b] = promote(x, bits, primitive.name);
  if (!isInteger(a.dtype)) throw new DTypeError(`${primitive.name}: operands are ${a.dtype}; wants int32 or uint32.`);
  return bind1(primitive, [a, b], null);
}
/** x·2^bits, wrapping; 0 for 32 bits or more. */
export function shiftLeft(x: TensorLike, bits: TensorLike): Tensor {
  return shift(compare.shiftLeftPrimitive, x, bits);
}
/** Arithmetic shift of int32, logical of uint32. */
export function shiftRight(x: TensorLike, bits: TensorLike): Tensor {
  return shift(compare.shiftRightPrimitive, x, bits);
}

/** Whether x is NaN. */
export function isNaN(x: TensorLike): Tensor {
  return bind1(compare.isNaNPrimitive, [asFloat(x, "isNaN")], null);
}
/** Whether x is neither NaN nor infinite. */
export function isFinite(x: TensorLike): Tensor {
  return bind1(compare.isFinitePrimitive, [asFloat(x, "isFinite")], null);
}

// ---- Conversion and derivative

/** Conversion of dtype. Floats to integers truncate and saturate, NaN gives 0; to bool everything but 0 is true, NaN too. */
export function cast(x: TensorLike, dtype: DType): Tensor {
  checkDType(dtype, "cast");
  return castTo(asTensor(x, "cast"), dtype);
}
/** The same bits as another dtype of the same size. */
export function bitcast(x: Tensor, dtype: DType): Tensor {
  checkDType(dtype, "bitcast");
  if (itemSize(x.dtype) !== itemSize(dtype)) {
    throw new DTypeError(
      `bitcast: ${x.dtype} has ${itemSize(x.dtype)} bytes, ${dtype} ${itemSize(dtype)}; wants equal sizes.`,
    );
  }
  return bind1(bitcastPrimitive, [x], { dtype });
}
/** x, treated as a constant by every derivative. */
export function stopGradient(x: Tensor): Tensor {
  return bind1(stopGradientPrimitive, [x], null);
}
