/** Vectors of float32 or float64 lanes: the arithmetic in which the mathematical functions are written. */

import { floatConstant, ifAny, integerConstant, shift, simd, type Expression } from "./expression.js";
import type { FunctionBody } from "./module.js";

/** Arithmetic on vectors of one kind of float. Integer operations are on lanes of the same size. */
export interface FloatLanes {
  readonly bits: 32 | 64;
  /** Lanes in a vector. */
  readonly count: 2 | 4;
  constant(x: number): Expression;
  integer(x: bigint | number): Expression;
  add(a: Expression, b: Expression): Expression;
  sub(a: Expression, b: Expression): Expression;
  mul(a: Expression, b: Expression): Expression;
  div(a: Expression, b: Expression): Expression;
  sqrt(a: Expression): Expression;
  abs(a: Expression): Expression;
  neg(a: Expression): Expression;
  floor(a: Expression): Expression;
  ceil(a: Expression): Expression;
  /** To the nearest integer, ties to even. */
  nearest(a: Expression): Expression;
  /** The larger; NaN if either is. */
  max(a: Expression, b: Expression): Expression;
  min(a: Expression, b: Expression): Expression;
  /** x, at most `bound`; NaN passes. */
  atMost(x: Expression, bound: number): Expression;
  /** x, at least `bound`; NaN passes. */
  atLeast(x: Expression, bound: number): Expression;
  equal(a: Expression, b: Expression): Expression;
  notEqual(a: Expression, b: Expression): Expression;
  less(a: Expression, b: Expression): Expression;
  lessEqual(a: Expression, b: Expression): Expression;
  integerAdd(a: Expression, b: Expression): Expression;
  integerSub(a: Expression, b: Expression): Expression;
  integerNeg(a: Expression): Expression;
  shiftLeft(a: Expression, by: number): Expression;
  /** With zeros from the left. */
  shiftRight(a: Expression, by: number): Expression;
  /** The polynomial c₀ + c₁x + …, by Horner's rule. */
  polynomial(x: Expression, coefficients: readonly number[]): Expression;
  /** Lanes of `x` where `outside`, by the imported scalar function; `inside` elsewhere. */
  patch(outside: Expression, x: Expression, inside: Expression, scalar: number): Expression;
}

export const and = (a: Expression, b: Expression): Expression => simd(0x4e, a, b);
export const or = (a: Expression, b: Expression): Expression => simd(0x50, a, b);
export const xor = (a: Expression, b: Expression): Expression => simd(0x51, a, b);
export const not = (a: Expression): Expression => simd(0x4d, a);
/** Bits of a where the mask is set, else of b. */
export const select = (mask: Expression, a: Expression, b: Expression): Expression => simd(0x52, a, b, mask);

/** Instruction numbers of the two kinds, in the order of `make`. */
function lanes(bits: 32 | 64, codes: Record<string, number>): FloatLanes {
  const count = bits === 32 ? 4 : 2;
  const two =
    (code: number) =>
    (a: Expression, b: Expression): Expression =>
      simd(code, a, b);
  const one =
    (code: number) =>
    (a: Expression): Expression =>
      simd(code, a);
  const constant = (x: number): Expression => floatConstant(x, bits);
  const add = two(codes.add);
  const mul = two(codes.mul);
  const applyByLane = (body: FunctionBody, scalar: number, operand: () => void): void => {
    // A vector of zeros, then one lane after the other.
    body.simd(0x0c, ...new Array<number>(16).fill(0));
    for (let lane = 0; lane < count; lane++) {
      operand();
      body.simd(codes.extract, lane);
      if (bits === 32) body.emit(0xbb);
      body.call(scalar);
      if (bits === 32) body.emit(0xb6);
      body.simd(codes.replace, lane);
    }
  };
  return {
    bits,
    count,
    constant,
    integer: (x) => integerConstant(x, bits),
    add,
    sub: two(codes.sub),
    mul,
    div: two(codes.div),
    sqrt: one(codes.sqrt),
    abs: one(codes.abs),
    neg: one(codes.neg),
    floor: one(codes.floor),
    ceil: one(codes.ceil),
    nearest: one(codes.nearest),
    max: two(codes.max),
    min: two(codes.min),
    // pmin(a, b) is b < a ? b : a, which gives a when one is NaN.
    atMost: (x, bound) => simd(codes.pmin, x, constant(bound)),
    atLeast: (x, bound) => simd(codes.pmax, x, constant(bound)),
    equal: two(codes.equal),
    notEqual: two(codes.equal + 1),
    less: two(codes.equal + 2),
    lessEqual: two(codes.equal + 4),
    integerAdd: two(codes.integerAdd),
    integerSub: two(codes.integerSub),
    integerNeg: one(codes.integerNeg),
    shiftLeft: (a, by) => shift(codes.shiftLeft, a, by),
    shiftRight: (a, by) => shift(codes.shiftRight, a, by),
    polynomial: (x, coefficients) => {
      let y = constant(coefficients[coefficients.length - 1]);
      for (let i = coefficients.length - 2; i >= 0; i--) y = add(constant(coefficients[i]), mul(x, y));
      return y;
    },
    patch: (outside, x, inside, scalar) =>
      ifAny(
        outside,
        [x, inside, outside],
        (body, operand) => {
          applyByLane(body, scalar, () => operand(0));
          operand(1);
          operand(2);
          body.simd(0x52);
        },
        1,
      ),
  };
}

export const lanes32: FloatLanes = /* @__PURE__ */ lanes(32, {
  add: 0xe4, sub: 0xe5, mul: 0xe6, div: 0xe7, min: 0xe8, max: 0xe9, pmin: 0xea, pmax: 0xeb, abs: 0xe0, neg: 0xe1, sqrt: 0xe3,
  ceil: 0x67, floor: 0x68, nearest: 0x6a, equal: 0x41, extract: 0x1f, replace: 0x20,
  integerAdd: 0xae, integerSub: 0xb1, integerNeg: 0xa1, shiftLeft: 0xab, shiftRight: 0xad,
}); // prettier-ignore

export const lanes64: FloatLanes = /* @__PURE__ */ lanes(64, {
  add: 0xf0, sub: 0xf1, mul: 0xf2, div: 0xf3, min: 0xf4, max: 0xf5, pmin: 0xf6, pmax: 0xf7, abs: 0xec, neg: 0xed, sqrt: 0xef,
  ceil: 0x74, floor: 0x75, nearest: 0x94, equal: 0x47, extract: 0x21, replace: 0x22,
  integerAdd: 0xce, integerSub: 0xd1, integerNeg: 0xc1, shiftLeft: 0xcb, shiftRight: 0xcd,
}); // prettier-ignore
