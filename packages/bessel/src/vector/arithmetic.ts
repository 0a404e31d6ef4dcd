/** Vectors of two float64 with short names, and the exponential and logarithm of ordinary numbers: no zeros, subnormals or infinities. */

import { lanes64, or, type Expression } from "@curv/tensor/kernels";

type Binary = (a: Expression, b: Expression) => Expression;
export const add: Binary = (a, b) => lanes64.add(a, b);
export const sub: Binary = (a, b) => lanes64.sub(a, b);
export const mul: Binary = (a, b) => lanes64.mul(a, b);
export const div: Binary = (a, b) => lanes64.div(a, b);
export const sqrt = (a: Expression): Expression => lanes64.sqrt(a);
export const atLeast = (a: Expression, bound: number): Expression => lanes64.atLeast(a, bound);
const constants = /* @__PURE__ */ new Map<number, Expression>();

export function constant(x: number): Expression {
  let known = constants.get(x);
  if (known === undefined) constants.set(x, (known = lanes64.constant(x)));
  return known;
}

const squares = /* @__PURE__ */ new WeakMap<Expression, Expression>();

/** x², one node however often it is asked for. */
export function square(x: Expression): Expression {
  let known = squares.get(x);
  if (known === undefined) squares.set(x, (known = mul(x, x)));
  return known;
}

/** c₀ + c₁x + …: of some length by its even and odd powers, which do not wait for each other. */
export function polynomial(x: Expression, coefficients: readonly number[]): Expression {
  const terms = coefficients.map(constant);
  if (terms.length < 6) return horner(x, terms);
  const z = square(x);
  const part = (parity: number): Expression => horner(z, terms.filter((_, k) => k % 2 === parity)); // prettier-ignore
  return add(part(0), mul(x, part(1)));
}

/** c₀ + x(c₁ + x(…)). */
export function horner(x: Expression, coefficients: readonly Expression[]): Expression {
  let y = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) y = add(mul(y, x), coefficients[i]);
  return y;
}

const ln2High = 0.6931471803691238;
const ln2Low = 1.9082149292705877e-10;
/** R of log(1 + f) = f − s(f − s²R(s²)), s = f/(2 + f): the coefficients of `@curv/tensor`. */
const logR = [
  0.666666666666667, 0.3999999999989789, 0.28571428626650963, 0.2222221103180599, 0.18182896203998564,
  0.1533149788057244, 0.14619095556025327,
]; // prettier-ignore
const mantissa = 52;
const bias = 1024n << 52n;
/** The bits of √½. */
const rootHalf = 0x3fe6a09e00000000n;

/** log x = k·ln 2 + log(1 + f), √½ ≤ 1 + f < √2. */
export function log(x: Expression): Expression {
  const { integer, integerAdd, integerSub, shiftLeft, shiftRight } = lanes64;
  const biased = shiftRight(integerAdd(x, integer(bias - rootHalf)), mantissa);
  const k = sub(or(biased, constant(2 ** 52)), constant(2 ** 52 + 1024));
  const m = integerAdd(integerSub(x, shiftLeft(biased, mantissa)), integer(bias));
  const f = sub(m, constant(1));
  const s = div(f, add(constant(2), f));
  const z = mul(s, s);
  const tail = mul(s, sub(f, mul(z, polynomial(z, logR))));
  return sub(mul(k, constant(ln2High)), sub(sub(tail, mul(k, constant(ln2Low))), f));
}

const round = 6755399441055744; // 1.5·2^52
const roundBits = 0x4338000000000000n;
/** E of e^r = 1 + r + r²E(r), the coefficients of `@curv/tensor`: even and odd powers. */
const expEven = [
  0.5000000000000001, 0.04166666666662412, 0.0013888888917217381, 2.480152129105733e-5, 2.7620090487429893e-7,
]; // prettier-ignore
const expOdd = [
  0.16666666666666674, 0.008333333333322207, 0.00019841269886591, 2.7557242336680357e-6, 2.5110049895858716e-8,
]; // prettier-ignore

/** e^x = 2^n·e^r for |x| < 700. */
export function exp(x: Expression): Expression {
  const [rest, power] = reduced(x);
  return mul(add(constant(1), rest), power);
}

/** e^x and e^x − 1, both to an ulp or two: 2^n(e^r − 1) + (2^n − 1). */
export function expAndLessOne(x: Expression): readonly [exp: Expression, lessOne: Expression] {
  const [rest, power] = reduced(x);
  return [mul(add(constant(1), rest), power), add(mul(rest, power), sub(power, constant(1)))];
}

/** e^r − 1 and 2^n. */
function reduced(x: Expression): readonly [rest: Expression, power: Expression] {
  const { integer, integerSub, shiftLeft } = lanes64;
  const sum = add(mul(x, constant(Math.LOG2E)), constant(round));
  const n = sub(sum, constant(round));
  const r = sub(sub(x, mul(n, constant(ln2High))), mul(n, constant(ln2Low)));
  const z = mul(r, r);
  const tail = mul(z, add(polynomial(z, expEven), mul(r, polynomial(z, expOdd))));
  const power = shiftLeft(integerSub(sum, integer(roundBits - 1023n)), mantissa);
  return [add(r, tail), power];
}
