/** Powers: pow and integerPower. */

import { exp264 } from "./exp.js";
import { log264 } from "./log.js";

const f = Math.fround;

/**
 * x^y with the rules of C and NumPy, two of which JavaScript's `**` does not have: 1^y = 1 even for y = NaN, and
 * (−1)^±Infinity = 1.
 */
export function pow64(x: number, y: number): number {
  if (x === 1 || (x === -1 && (y === Infinity || y === -Infinity))) return 1;
  return Math.pow(x, y);
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
