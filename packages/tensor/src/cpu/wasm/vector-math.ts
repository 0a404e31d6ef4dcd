/**
 * The mathematical functions on vectors: the formulas of cpu/math, operation by operation, so that the bits agree. See there for what
 * they are and where the coefficients come from; here for how they go without branches and tables.
 *
 * An integer n that was rounded by adding M = 1.5·2^52 (1.5·2^23) stands in the low bits of the sum; 2^n is made from its bits.
 */

import { and, not, or, select, xor, type FloatLanes } from "./lanes.js";
import type { Expression } from "./expression.js";

/** Constants of one precision. */
interface Precision {
  readonly mantissa: number;
  readonly bias: number;
  readonly round: number;
  readonly roundBits: bigint;
  readonly log2e: number;
  readonly ln2: number;
  readonly ln2High: number;
  readonly ln2Low: number;
  /** E of e^r = 1 + r + r²·E(r): even and odd powers. */
  readonly expEven: readonly number[];
  readonly expOdd: readonly number[];
  readonly expHighest: number;
  readonly expLowest: number;
  readonly exp2Highest: number;
  readonly exp2Lowest: number;
  readonly expm1Lowest: number;
  readonly tanhOne: number;
  readonly logR: readonly number[];
  readonly log2OfE: number;
  readonly smallestNormal: number;
  /** Bits about √½, below which a mantissa belongs to the next exponent. */
  readonly aboutOne: bigint;
  readonly lift: number;
  readonly liftExponent: number;
  readonly sinLimit: number;
  readonly twoOverPi: number;
  readonly piHalves: readonly number[];
  readonly sinP: readonly number[];
  readonly cosP: readonly number[];
  readonly erfEven: readonly number[];
  readonly erfOdd: readonly number[];
  readonly erfcEven: readonly number[];
  readonly erfcOdd: readonly number[];
  readonly erfOne: number;
}

const precision32: Precision = {
  mantissa: 23,
  bias: 127,
  round: 12582912,
  roundBits: 0x4b400000n,
  log2e: 1.4426950216293335,
  ln2: 0.6931471824645996,
  ln2High: 0.693359375,
  ln2Low: -0.00021219444170128554,
  expEven: [0.5, 0.04166637361049652, 0.0013941124780103564],
  expOdd: [0.16666576266288757, 0.008363181725144386],
  expHighest: 89,
  expLowest: -104,
  exp2Highest: 129,
  exp2Lowest: -151,
  expm1Lowest: -25,
  tanhOne: 10,
  logR: [0.6666668653488159, 0.39988696575164795, 0.2958308756351471],
  log2OfE: 1.4426950216293335,
  smallestNormal: 1.1754943508222875e-38,
  aboutOne: 0x3f3504f0n,
  lift: 33554432,
  liftExponent: 25,
  sinLimit: 1e3,
  twoOverPi: 0.6366197466850281,
  piHalves: [1.5703125, 4.837512969970703e-4, 7.549533620476723e-8, 2.5633440682570896e-12],
  sinP: [-0.166666641831398, 0.008332747966051102, -0.00019587756833061576],
  cosP: [0.0416666641831398, -0.001388830249197781, 2.4547787688788958e-5],
  erfEven: [0.12837912142276764, 0.11280179768800735, 0.004917549435049295],
  erfOdd: [-0.37612324953079224, -0.02671130932867527, -0.0005631414824165404],
  erfcEven: [1.2530080080032349, -0.04756438359618187, -0.11918498575687408, -0.02427653968334198],
  erfcOdd: [-0.1356211155653, 0.12964193522930145, 0.06858169287443161],
  erfOne: 4.099999904632568,
};

const precision64: Precision = {
  mantissa: 52,
  bias: 1023,
  round: 6755399441055744,
  roundBits: 0x4338000000000000n,
  log2e: 1.4426950408889634,
  ln2: 0.6931471805599453,
  ln2High: 0.6931471803691238,
  ln2Low: 1.9082149292705877e-10,
  expEven: [
    0.5000000000000001, 0.04166666666662412, 0.0013888888917217381, 2.480152129105733e-5, 2.7620090487429893e-7,
  ],
  expOdd: [
    0.16666666666666674, 0.008333333333322207, 0.00019841269886591, 2.7557242336680357e-6, 2.5110049895858716e-8,
  ],
  expHighest: 710,
  expLowest: -746,
  exp2Highest: 1025,
  exp2Lowest: -1076,
  expm1Lowest: -50,
  tanhOne: 20,
  logR: [
    0.666666666666667, 0.3999999999989789, 0.28571428626650963, 0.2222221103180599, 0.18182896203998564,
    0.1533149788057244, 0.14619095556025327,
  ],
  log2OfE: 1.4426950408889634,
  smallestNormal: 2.2250738585072014e-308,
  aboutOne: 0x3fe6a09e00000000n,
  lift: 18014398509481984,
  liftExponent: 54,
  sinLimit: 1e5,
  twoOverPi: 0.6366197723675814,
  piHalves: [1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21],
  sinP: [
    -0.16666666666666666, 0.00833333333333094, -0.0001984126983674298, 2.755731609430797e-6, -2.5051130101805494e-8,
    1.5918002281873061e-10,
  ],
  cosP: [
    0.041666666666666664, -0.001388888888888739, 2.4801587298755762e-5, -2.7557317266494944e-7, 2.0876145163581403e-9,
    -1.138255204095506e-11,
  ],
  erfEven: [
    0.12837916709551256, 0.11283791670944185, 0.005223977606118296, 0.00012055293576686918, 1.6447131524503547e-6,
    1.37109789045861e-8,
  ],
  erfOdd: [
    -0.3761263890318352, -0.02686617064311144, -0.0008548325929306829, -1.4924712298094114e-5, -1.6206313408057644e-7,
    -7.779465729549996e-10,
  ],
  erfcEven: [
    1.2530080582697296, -0.047562294353469634, -0.11927366341298952, -0.023770515026757384, 0.0018886927819303768,
    -0.00010518769245854216, 5.104704033617726e-6, -1.0150160211447342e-6,
  ],
  erfcOdd: [
    -0.13562110612458125, 0.12964515870277027, 0.06830802734477526, 0.0025293917152257954, -0.000779828804957793,
    0.00012504606768547888, -1.971178616096678e-5, 2.3044777514261685e-6,
  ],
  erfOne: 6.1,
};

/** Imported scalar functions that a vector function falls back on, as function indices. */
export interface ScalarFallbacks {
  readonly sin: number;
  readonly cos: number;
}

const of = (v: FloatLanes): Precision => (v.bits === 32 ? precision32 : precision64);

/** r²·E(r) = e^r − 1 − r. */
function expTail(v: FloatLanes, r: Expression): Expression {
  const { expEven, expOdd } = of(v);
  const z = v.mul(r, r);
  return v.mul(z, v.add(v.polynomial(z, expEven), v.mul(r, v.polynomial(z, expOdd))));
}

/** e^r − 1 for |r| ≤ 0.35. */
export function expm1Reduced(v: FloatLanes, r: Expression): Expression {
  return v.add(r, expTail(v, r));
}

/** 2^k1 and 2^k2 with k1 = ⌊k/2⌋ and k1 + k2 = k, and 2^−k2, from the sum k + M. */
function halves(v: FloatLanes, sum: Expression): { first: Expression; second: Expression; inverse: Expression } {
  const { bias, mantissa, roundBits } = of(v);
  const both = v.integerSub(sum, v.integer(roundBits - BigInt(2 * bias)));
  const first = v.shiftRight(both, 1);
  const second = v.integerSub(both, first);
  const inverse = v.integerSub(v.integer(2 * bias), second);
  return {
    first: v.shiftLeft(first, mantissa),
    second: v.shiftLeft(second, mantissa),
    inverse: v.shiftLeft(inverse, mantissa),
  };
}

/** x = n·ln 2 + r; `sum` is n + M. */
function reduceByLn2(v: FloatLanes, a: Expression): { sum: Expression; high: Expression; low: Expression } {
  const { log2e, round, ln2High, ln2Low } = of(v);
  const sum = v.add(v.mul(a, v.constant(log2e)), v.constant(round));
  const n = v.sub(sum, v.constant(round));
  return { sum, high: v.sub(a, v.mul(n, v.constant(ln2High))), low: v.mul(n, v.constant(ln2Low)) };
}

/** (1 + p)·2^n, from n + M. */
export function scaledByPowerOfTwo(v: FloatLanes, p: Expression, sum: Expression): Expression {
  const { first, second } = halves(v, sum);
  return v.mul(v.mul(v.add(v.constant(1), p), first), second);
}

export function exp(v: FloatLanes, x: Expression): Expression {
  const { expHighest, expLowest } = of(v);
  const { sum, high, low } = reduceByLn2(v, v.atLeast(v.atMost(x, expHighest), expLowest));
  const r = v.sub(high, low);
  return scaledByPowerOfTwo(v, expm1Reduced(v, r), sum);
}

export function exp2(v: FloatLanes, x: Expression): Expression {
  const { exp2Highest, exp2Lowest, round, ln2 } = of(v);
  const a = v.atLeast(v.atMost(x, exp2Highest), exp2Lowest);
  const sum = v.add(a, v.constant(round));
  const r = v.mul(v.sub(a, v.sub(sum, v.constant(round))), v.constant(ln2));
  return scaledByPowerOfTwo(v, expm1Reduced(v, r), sum);
}

/** p = e^r − 1 with what the reduction rounded away, and n + M. */
function expm1Parts(v: FloatLanes, a: Expression): { p: Expression; sum: Expression } {
  const { sum, high, low } = reduceByLn2(v, a);
  const r = v.sub(high, low);
  return { p: v.add(r, v.add(expTail(v, r), v.sub(v.sub(high, r), low))), sum };
}

export function expm1(v: FloatLanes, x: Expression): Expression {
  const { expHighest, expm1Lowest } = of(v);
  const { p, sum } = expm1Parts(v, v.atLeast(v.atMost(x, expHighest), expm1Lowest));
  const { first, second, inverse } = halves(v, sum);
  const y = v.mul(v.add(v.mul(first, p), v.sub(first, inverse)), second);
  return select(v.equal(x, v.constant(0)), x, y);
}

/** With 0 ≤ n ≤ 58 one factor 2^n gives the same bits as two. */
export function tanh(v: FloatLanes, x: Expression): Expression {
  const { tanhOne, bias, mantissa, roundBits } = of(v);
  const a = v.mul(v.constant(2), v.atMost(v.abs(x), tanhOne));
  const { p, sum } = expm1Parts(v, a);
  const s = v.shiftLeft(v.integerSub(sum, v.integer(roundBits - BigInt(bias))), mantissa);
  const e = v.add(v.mul(s, p), v.sub(s, v.constant(1)));
  const y = v.div(e, v.add(e, v.constant(2)));
  return or(y, and(x, v.constant(-0)));
}

export function sigmoid(v: FloatLanes, x: Expression): Expression {
  const one = v.constant(1);
  const t = exp(v, v.neg(v.abs(x)));
  return v.div(select(v.less(x, v.constant(0)), t, one), v.add(one, t));
}

export function softplus(v: FloatLanes, x: Expression): Expression {
  const positive = select(v.less(x, v.constant(0)), v.constant(0), x);
  return v.add(positive, log1p(v, exp(v, v.neg(v.abs(x)))));
}

export function rsqrt(v: FloatLanes, x: Expression): Expression {
  return v.div(v.constant(1), v.sqrt(x));
}

/** x = 2^k·(1 + m1). */
export function exponentAndMantissa(
  v: FloatLanes,
  x: Expression,
  subnormals: boolean,
): { k: Expression; m1: Expression } {
  const { smallestNormal, lift, liftExponent, aboutOne, mantissa } = of(v);
  const small = v.less(x, v.constant(smallestNormal));
  const a = subnormals ? select(small, v.mul(x, v.constant(lift)), x) : x;
  // The exponent with a bias that keeps it positive, written into the low bits of 2^52 (2^23): the difference is the exponent as a float.
  const bias = v.bits === 32 ? 256 : 1024;
  const biased = v.shiftRight(v.integerAdd(a, v.integer((BigInt(bias) << BigInt(mantissa)) - aboutOne)), mantissa);
  const one = 2 ** mantissa;
  const exact = v.sub(or(biased, v.constant(one)), v.constant(one + bias));
  const k = subnormals ? v.sub(exact, and(small, v.constant(liftExponent))) : exact;
  const m = v.integerAdd(v.integerSub(a, v.shiftLeft(biased, mantissa)), v.integer(BigInt(bias) << BigInt(mantissa)));
  return { k, m1: v.sub(m, v.constant(1)) };
}

/** f − log(1 + f) for f = m1. */
function logTail(v: FloatLanes, m1: Expression): Expression {
  const s = v.div(m1, v.add(v.constant(2), m1));
  const z = v.mul(s, s);
  return v.mul(s, v.sub(m1, v.mul(z, v.polynomial(z, of(v).logR))));
}

/** y for x in (0, ∞); −∞ at 0, NaN below, ∞ and NaN as they are. */
function withLogarithmEnds(v: FloatLanes, x: Expression, y: Expression): Expression {
  const zero = v.constant(0);
  const inside = and(v.less(zero, x), v.less(x, v.constant(Infinity)));
  const belowOrSelf = select(v.less(x, zero), v.constant(NaN), x);
  return select(inside, y, select(v.equal(x, zero), v.constant(-Infinity), belowOrSelf));
}

export function log(v: FloatLanes, x: Expression): Expression {
  const { ln2High, ln2Low } = of(v);
  const { k, m1 } = exponentAndMantissa(v, x, true);
  const low = v.sub(logTail(v, m1), v.mul(k, v.constant(ln2Low)));
  return withLogarithmEnds(v, x, v.sub(v.mul(k, v.constant(ln2High)), v.sub(low, m1)));
}

export function log2(v: FloatLanes, x: Expression): Expression {
  const { k, m1 } = exponentAndMantissa(v, x, true);
  const y = v.add(k, v.mul(v.sub(m1, logTail(v, m1)), v.constant(of(v).log2OfE)));
  return withLogarithmEnds(v, x, y);
}

export function log1p(v: FloatLanes, x: Expression): Expression {
  const { ln2High, ln2Low } = of(v);
  const u = v.add(v.constant(1), x);
  const { k, m1 } = exponentAndMantissa(v, u, false);
  const correction = v.div(v.sub(x, v.sub(u, v.constant(1))), u);
  const low = v.add(v.mul(k, v.constant(ln2Low)), correction);
  const y = v.sub(v.mul(k, v.constant(ln2High)), v.sub(v.sub(logTail(v, m1), low), m1));
  return select(v.equal(x, v.constant(0)), x, withLogarithmEnds(v, u, y));
}

function circular(v: FloatLanes, x: Expression, quarter: 0 | 1, fallback: number): Expression {
  const { sinLimit, twoOverPi, round, piHalves, sinP, cosP } = of(v);
  const sum = v.add(v.mul(x, v.constant(twoOverPi)), v.constant(round));
  const n = v.sub(sum, v.constant(round));
  const part = (i: number): Expression => v.mul(n, v.constant(piHalves[i]));
  let r = v.sub(v.sub(v.sub(x, part(0)), part(1)), part(2));
  if (v.bits === 32) r = v.sub(r, part(3));
  const z = v.mul(r, r);
  const sine = v.add(r, v.mul(v.mul(r, z), v.polynomial(z, sinP)));
  const tail = v.mul(v.mul(z, z), v.polynomial(z, cosP));
  const cosine = v.add(v.sub(v.constant(1), v.mul(v.constant(0.5), z)), tail);
  const q = quarter === 0 ? sum : v.integerAdd(sum, v.integer(1));
  const odd = v.integerNeg(and(q, v.integer(1)));
  const sign = v.shiftLeft(and(q, v.integer(2)), v.bits - 2);
  const y = xor(select(odd, cosine, sine), sign);
  const inside = v.lessEqual(v.abs(x), v.constant(sinLimit));
  const exact = quarter === 0 ? select(v.equal(x, v.constant(0)), x, y) : y;
  return v.patch(not(inside), x, exact, fallback);
}

export function sin(v: FloatLanes, x: Expression, { sin: fallback }: ScalarFallbacks): Expression {
  return circular(v, x, 0, fallback);
}

export function cos(v: FloatLanes, x: Expression, { cos: fallback }: ScalarFallbacks): Expression {
  return circular(v, x, 1, fallback);
}

export function erf(v: FloatLanes, x: Expression): Expression {
  const { erfEven, erfOdd, erfcEven, erfcOdd, erfOne } = of(v);
  const one = v.constant(1);
  const a = v.abs(x);
  const z = v.mul(x, x);
  const zz = v.mul(z, z);
  const small = v.add(x, v.mul(x, v.add(v.polynomial(zz, erfEven), v.mul(z, v.polynomial(zz, erfOdd)))));
  const b = v.atMost(a, erfOne);
  const w = v.div(v.sub(b, v.constant(3)), v.add(b, v.constant(3)));
  const ww = v.mul(w, w);
  const numerator = v.add(v.polynomial(ww, erfcEven), v.mul(w, v.polynomial(ww, erfcOdd)));
  const scaledComplement = v.div(numerator, v.add(one, v.mul(v.constant(2), b)));
  const large = v.sub(one, v.mul(exp(v, v.mul(v.neg(b), b)), scaledComplement));
  const signed = xor(large, and(x, v.constant(-0)));
  return select(v.equal(x, v.constant(0)), x, select(v.lessEqual(one, a), signed, small));
}
