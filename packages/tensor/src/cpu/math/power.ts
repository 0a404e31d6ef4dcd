/** Powers and roots: pow, integerPower, cbrt and rsqrt. */

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

/** x^y in float32: 2^(y·log2|x|) in float64, rounded once. */
export function pow32(x: number, y: number): number {
  if (x === 1 || y === 0) return 1;
  const a = Math.abs(x);
  if (a === 1 && (y === Infinity || y === -Infinity)) return 1;
  const r = f(exp264(y * log264(a)));
  if (x > 0 || x !== x) return r;
  const half = 0.5 * y;
  const odd = Math.floor(y) === y && Math.floor(half) !== half;
  if (odd) return x < 0 || 1 / x < 0 ? -r : r;
  return x === 0 || x === -Infinity || Math.floor(y) === y ? r : NaN;
}

/** x^n for an integer n by squaring; a negative n is 1/x^−n. */
export function integerPower64(x: number, n: number): number {
  let m = Math.abs(n);
  let base = x;
  let y = 1;
  while (m > 0) {
    if (m % 2 === 1) y *= base;
    m = Math.floor(m / 2);
    if (m > 0) base *= base;
  }
  return n < 0 ? 1 / y : y;
}

/** x^n in float32 for an integer n. */
export function integerPower32(x: number, n: number): number {
  let m = Math.abs(n);
  let base = x;
  let y = 1;
  while (m > 0) {
    if (m % 2 === 1) y = f(y * base);
    m = Math.floor(m / 2);
    if (m > 0) base = f(base * base);
  }
  return n < 0 ? f(1 / y) : y;
}

/** Cube root. */
export function cbrt64(x: number): number {
  return Math.cbrt(x);
}

/** Cube root in float32. */
export function cbrt32(x: number): number {
  return f(Math.cbrt(x));
}

/** 1/√x. */
export function rsqrt64(x: number): number {
  return 1 / Math.sqrt(x);
}

/** 1/√x in float32. */
export function rsqrt32(x: number): number {
  return f(1 / f(Math.sqrt(x)));
}
