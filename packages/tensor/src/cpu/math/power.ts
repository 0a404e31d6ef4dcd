/**
 * Powers: pow and integerPower.
 *
 * pow in float64 is 2^(y·log2 x), where the logarithm and the product need some 65 bits and so have two parts: a head of
 * 26 bits, whose products with other heads are exact, and the rest. x = 2^k·m with m about 1, s = (m − 1)/(m + 1), z = s²:
 * log2 m = s·(3 + z + z²·L(z))·2/(3·ln 2), where L is the minimax polynomial of (3·atanh(s)/s − 3 − z)/z² (Remez in 60
 * digits).
 */

import { exponentAboutOne, highWord, powerBias, powersOfTwo } from "./binary-exponent.js";
import { exp264, expm1Reduced64 } from "./exp.js";
import { log264 } from "./log.js";

const f = Math.fround;
const pow2 = powersOfTwo;
const bias = powerBias;

/** 2/(3·ln 2) and ln 2, each a head of 26 bits and the rest. */
export const scale = 0.9617966939259756;
export const scaleHead = 0.9617967009544373;
export const scaleRest: number = -7.028461650952758e-9;
export const ln2 = 0.6931471805599453;
export const ln2Head = 0.6931471824645996;
export const ln2Rest: number = -1.904654299957768e-9;

/** 2^54: brings subnormal numbers among the normal ones. */
const lift = 18014398509481984;
/** 1.5·2^52: adding and subtracting it rounds to an integer, half to even. */
export const round = 6755399441055744;
/** An exponent beyond ±2^70 leaves the floating-point numbers for every x but 1, and its head could overflow. */
export const largestExponent: number = 2 ** 70;

/** The nearest number of 26 bits. */
function head(x: number): number {
  const c = 134217729 * x;
  return c - (c - x);
}

/**
 * x^y with the rules of C and NumPy, two of which JavaScript's `**` does not have: 1^y = 1 even for y = NaN, and
 * (−1)^±Infinity = 1.
 */
export function pow64(x: number, y: number): number {
  if (x === 1 || y === 0) return 1;
  const a = Math.abs(x);
  if (!(a > 0 && a < Infinity && y === y))
    return withSignOfPower(x, y, x !== x || y !== y ? NaN : (a === 0) === y > 0 ? 0 : Infinity);
  return withSignOfPower(x, y, x > 0 || Math.floor(y) === y ? positivePower(a, y) : NaN);
}

/** a^y for 0 < a < ∞. */
function positivePower(a: number, y: number): number {
  const subnormal = a < 2.2250738585072014e-308;
  const normal = subnormal ? a * lift : a;
  const k = exponentAboutOne(highWord(normal));
  const m1 = normal * pow2[bias - k] - 1;

  // s = head + rest, with the part of m + 1 that its head of 26 bits leaves.
  const sum = 2 + m1;
  const s = m1 / sum;
  const sHead = head(s);
  const sumHead = head(sum);
  const sRest = (m1 - sHead * sumHead - sHead * (m1 - (sumHead - 2))) / sum;

  // 3 + z + z²·L(z)
  const z = s * s;
  const zHead = sHead * sHead; // exact
  const series =
    0.6000000000000343 +
    z *
      (0.42857142855125524 +
        z *
          (0.3333333378433285 +
            z * (0.2727267614580079 + z * (0.23080155314420542 + z * (0.1988476236781769 + z * 0.19798926856011154)))));
  const tail = z * z * series + sRest * (sHead + s);
  const factorHead = head(3 + zHead + tail);
  const factorRest = tail - (factorHead - 3 - zHead);

  // log2 a
  const product = sHead * factorHead; // exact
  const productRest = sRest * factorHead + factorRest * s;
  const logHead = head(product + productRest);
  const logRest = productRest - (logHead - product);
  const scaled = scaleHead * logHead; // exact
  const scaledRest = scaleRest * logHead + logRest * scale;
  const exponent = subnormal ? k - 54 : k;
  const high = head(scaled + scaledRest + exponent);
  const low = scaledRest - (high - exponent - scaled);

  // y·log2 a = n + r
  const b = y > largestExponent ? largestExponent : y < -largestExponent ? -largestExponent : y;
  const bHead = head(b);
  const main = bHead * high; // exact
  const rest = (b - bHead) * high + b * low;
  const total = main + rest;
  if (total > 1100) return Infinity;
  if (total < -1100) return 0;
  const n = total + round - round;
  const whole = main - n; // exact
  const r = whole + rest;

  // 2^r = e^(r·ln 2), the product in two parts again.
  const rHead = head(r);
  const u = rHead * ln2Head; // exact
  const v = (rest - (rHead - whole)) * ln2 + rHead * ln2Rest;
  const w = u + v;
  const p = expm1Reduced64(w);
  const correction = v - (w - u);
  const n1 = n >> 1;
  return (1 + (p + (correction + w * correction))) * pow2[n1 + bias] * pow2[n - n1 + bias];
}

/** What becomes of a^y, a = |x|, when x has a sign. */
function withSignOfPower(x: number, y: number, power: number): number {
  const odd = Math.floor(y) === y && Math.floor(0.5 * y) !== 0.5 * y;
  return odd && (x < 0 || 1 / x < 0) ? -power : power;
}

/** x^y in float32: 2^(y·log2|x|) in float64, rounded once; the rules of `pow64`. */
export function pow32(x: number, y: number): number {
  const a = Math.abs(x);
  if (x === 1 || y === 0 || (x === -1 && Math.abs(y) === Infinity)) return 1;
  const r = f(exp264(y * log264(a)));
  if (x > 0 || x !== x) return r;
  const integer = Math.floor(y) === y; // ±Infinity too, and it is even
  const odd = integer && Math.floor(0.5 * y) !== 0.5 * y;
  if (odd) return x < 0 || 1 / x < 0 ? -r : r;
  return integer || x === 0 || x === -Infinity ? r : NaN;
}

/**
 * x^n for an integer n, by squaring up to |n| = 16 (n = −1 is exactly 1/x, the rest within |n|/2 ulp), beyond by `pow64`.
 *
 * A negative power is the reciprocal of the positive one; where that leaves the normal numbers although the result need
 * not, it is the power of the reciprocal.
 */
export function integerPower64(x: number, n: number): number {
  const m = Math.abs(n);
  if (m > 16) return pow64(x, n);
  const y = bySquaring64(x, m);
  if (n >= 0) return y;
  const a = Math.abs(y);
  return a >= 2.2250738585072014e-308 && a < Infinity ? 1 / y : bySquaring64(1 / x, m);
}

/** x^n in float32 for an integer n, by squaring up to |n| = 16, beyond by `pow32`. */
export function integerPower32(x: number, n: number): number {
  const m = Math.abs(n);
  if (m > 16) return pow32(x, n);
  const y = bySquaring32(x, m);
  if (n >= 0) return y;
  const a = Math.abs(y);
  return a >= 1.1754943508222875e-38 && a < Infinity ? f(1 / y) : bySquaring32(f(1 / x), m);
}

function bySquaring64(x: number, n: number): number {
  let y = n & 1 ? x : 1;
  let base = x;
  for (let m = n >> 1; m > 0; m >>= 1) {
    base *= base;
    if (m & 1) y *= base;
  }
  return y;
}

function bySquaring32(x: number, n: number): number {
  let y = n & 1 ? x : 1;
  let base = x;
  for (let m = n >> 1; m > 0; m >>= 1) {
    base = f(base * base);
    if (m & 1) y = f(y * base);
  }
  return y;
}
