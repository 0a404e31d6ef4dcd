/** x^y on vectors: the formulas of cpu/math/power.ts, operation by operation. */

import { largestExponent, ln2, ln2Head, ln2Rest, round, scale, scaleHead, scaleRest } from "../math/power.js";
import { node, simd, type Expression } from "./expression.js";
import { and, lanes64 as v, not, or, select, xor, type FloatLanes } from "./lanes.js";
import { exp2, expm1Reduced, exponentAndMantissa, log2, scaledByPowerOfTwo } from "./vector-math.js";

const series = [
  0.6000000000000343, 0.42857142855125524, 0.3333333378433285, 0.2727267614580079, 0.23080155314420542,
  0.1988476236781769, 0.19798926856011154,
];

const c = (x: number): Expression => v.constant(x);

/** The nearest number of 26 bits. */
function head(x: Expression): Expression {
  const large = v.mul(c(134217729), x);
  return v.sub(large, v.sub(large, x));
}

function clampExponent(y: Expression): Expression {
  return v.atLeast(v.atMost(y, largestExponent), -largestExponent);
}

/** a^y for 0 < a < ∞. */
function positivePower64(a: Expression, y: Expression): Expression {
  const { k, m1 } = exponentAndMantissa(v, a, true);

  const sum = v.add(c(2), m1);
  const s = v.div(m1, sum);
  const sHead = head(s);
  const sumHead = head(sum);
  const leftOver = v.sub(m1, v.sub(sumHead, c(2)));
  const sRest = v.div(v.sub(v.sub(m1, v.mul(sHead, sumHead)), v.mul(sHead, leftOver)), sum);

  const z = v.mul(s, s);
  const zHead = v.mul(sHead, sHead);
  const tail = v.add(v.mul(v.mul(z, z), v.polynomial(z, series)), v.mul(sRest, v.add(sHead, s)));
  const three = c(3);
  const factorHead = head(v.add(v.add(three, zHead), tail));
  const factorRest = v.sub(tail, v.sub(v.sub(factorHead, three), zHead));

  const product = v.mul(sHead, factorHead);
  const productRest = v.add(v.mul(sRest, factorHead), v.mul(factorRest, s));
  const logHead = head(v.add(product, productRest));
  const logRest = v.sub(productRest, v.sub(logHead, product));
  const scaled = v.mul(c(scaleHead), logHead);
  const scaledRest = v.add(v.mul(c(scaleRest), logHead), v.mul(logRest, c(scale)));
  const high = head(v.add(v.add(scaled, scaledRest), k));
  const low = v.sub(scaledRest, v.sub(v.sub(high, k), scaled));

  const b = clampExponent(y);
  const bHead = head(b);
  const main = v.mul(bHead, high);
  const rest = v.add(v.mul(v.sub(b, bHead), high), v.mul(b, low));
  const total = v.add(main, rest);
  const nearest = v.add(total, c(round));
  const whole = v.sub(main, v.sub(nearest, c(round)));
  const r = v.add(whole, rest);

  const rHead = head(r);
  const u = v.mul(rHead, c(ln2Head));
  const t = v.add(v.mul(v.sub(rest, v.sub(rHead, whole)), c(ln2)), v.mul(rHead, c(ln2Rest)));
  const w = v.add(u, t);
  const correction = v.sub(t, v.sub(w, u));
  const p = v.add(expm1Reduced(v, w), v.add(correction, v.mul(w, correction)));
  const power = scaledByPowerOfTwo(v, p, nearest);
  return select(v.less(c(1100), total), c(Infinity), select(v.less(total, c(-1100)), c(0), power));
}

/** a^y by logarithm and exponential, for values that are rounded to float32 after. */
function positivePower32(a: Expression, y: Expression): Expression {
  return exp2(v, v.mul(clampExponent(y), log2(v, a)));
}

/** The rules of C: signs, and what is not a number, 0 or infinite. */
function withRules(x: Expression, y: Expression, positivePower: typeof positivePower64): Expression {
  const a = v.abs(x);
  const atZero = v.equal(a, c(0));
  const atEnd = or(atZero, v.equal(a, c(Infinity)));
  const end = and(xor(atZero, v.less(c(0), y)), c(Infinity));
  const size = select(atEnd, end, positivePower(a, y));

  const integer = v.equal(v.floor(y), y);
  const half = v.mul(c(0.5), y);
  const odd = and(integer, v.notEqual(v.floor(half), half));
  const signed = xor(size, and(odd, and(x, c(-0))));

  const imaginary = and(not(or(integer, atEnd)), v.less(x, c(0)));
  const notNumber = or(imaginary, or(v.notEqual(x, x), v.notEqual(y, y)));
  const always = or(v.equal(x, c(1)), v.equal(y, c(0)));
  return select(always, c(1), select(notNumber, c(NaN), signed));
}

/** Lanes 0 and 1 of float32 as float64. */
const widenLow = (x: Expression): Expression => simd(0x5f, x);
const widenHigh = (x: Expression): Expression =>
  widenLow(node([x, x], (body) => body.simd(0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)));
const narrow = (x: Expression): Expression => simd(0x5e, x);

/** x^y of two float64 lanes, or of as many float32 lanes as the kernel has. */
export function pow({ bits }: FloatLanes, x: Expression, y: Expression, lanes: 2 | 4): Expression {
  if (bits === 64) return withRules(x, y, positivePower64);
  const low = narrow(withRules(widenLow(x), widenLow(y), positivePower32));
  if (lanes === 2) return low;
  const high = narrow(withRules(widenHigh(x), widenHigh(y), positivePower32));
  return node([low, high], (body) => body.simd(0x0d, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
}
