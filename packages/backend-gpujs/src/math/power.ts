/** xʸ. */

import type { Definition } from "../source-functions.js";

export const power: readonly Definition[] = [
  // x^m for an integer 0 ≤ m ≤ 64, by squaring.
  [
    "c_powerBySquaring",
    ["x", "m"],
    `
  let y = 1.0;
  let base = x;
  let n = m;
  for (let i = 0; i < 7; i++) {
    let half = Math.floor(n * 0.5);
    if (n - half * 2.0 > 0.5) { y = y * base; }
    n = half;
    base = base * base;
  }
  return y;`,
  ],
  // For |y| beyond 32 the error is that of y·log|x|, whose exponent part is exact: 2 + |y|/32 ulp.
  [
    "c_pow",
    ["x", "y"],
    `
  if (x === 1.0 || y === 0.0) { return 1.0; }
  if (x === -1.0 && Math.abs(y) > 3.4028234663852886e38) { return 1.0; }
  if (c_isNaN(x) + c_isNaN(y) > 0.5) { return x + y; }
  let a = Math.abs(x);
  let whole = c_round(y);
  let r = 0.0;
  if (Math.abs(y) <= 32.0) {
    let m = Math.abs(whole);
    let p = c_powerBySquaring(a, m);
    if (whole < 0.0) { p = 1.0 / p; }
    let f = y - whole;
    r = p;
    if (f !== 0.0) {
      if (a === 0.0 || a > 3.4028234663852886e38) { f = y; p = 1.0; }
      r = p * c_exp(f * c_log(a));
    }
  } else {
    r = c_exp2(y * c_log2(a));
  }
  if (x > 0.0) { return r; }
  let odd = 0.0;
  if (Math.floor(y) === y && Math.floor(0.5 * y) < 0.5 * y) { odd = 1.0; }
  if (odd > 0.5) {
    if (c_signBit(x) > 0.5) { return -r; }
    return r;
  }
  if (Math.floor(y) === y || x === 0.0 || a > 3.4028234663852886e38) { return r; }
  return (x - x) / (x - x);`,
  ],
];
