/** Exponentials, and powers of two. */

import type { Definition } from "../source-functions.js";

export const exponential: readonly Definition[] = [
  // 2ⁿ for −126 ≤ n ≤ 127, exact.
  [
    "c_pow2",
    ["n"],
    `
  let m = Math.abs(n);
  let b = 2.0;
  if (n < 0.0) { b = 0.5; }
  let r = 1.0;
  for (let i = 0; i < 7; i++) {
    let half = Math.floor(m * 0.5);
    if (m - half * 2.0 > 0.5) { r = r * b; }
    m = half;
    b = b * b;
  }
  return r;`,
  ],
  // x·2ⁿ for any integer n with |n| < 252, rounded once.
  [
    "c_ldexp",
    ["x", "n"],
    `
  let h = Math.floor(n * 0.5);
  return x * c_pow2(h) * c_pow2(n - h);`,
  ],
  // eʳ − 1 for |r| ≤ 0.35.
  [
    "c_expTail",
    ["r"],
    `
  let z = r * r;
  let even = 0.5 + z * (0.04166637361049652 + z * 0.0013941124780103564);
  let odd = 0.16666576266288757 + z * 0.008363181725144386;
  return z * (even + r * odd);`,
  ],
  [
    "c_exp",
    ["x"],
    `
  let a = x;
  if (a > 89.0) { a = 89.0; }
  if (a < -104.0) { a = -104.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let r = (a - n * 0.693359375) - n * -0.00021219444170128554;
  let y = c_ldexp(1.0 + (r + c_expTail(r)), n);
  if (x < -103.97207641601562) { y = 0.0; }
  return y;`,
  ],
  [
    "c_exp2",
    ["x"],
    `
  let a = x;
  if (a > 129.0) { a = 129.0; }
  if (a < -151.0) { a = -151.0; }
  let n = Math.floor(a + 0.5);
  let r = (a - n) * 0.6931471824645996;
  return c_ldexp(1.0 + (r + c_expTail(r)), n);`,
  ],
  // 2ⁿ(1 + p) − 1 = (2^n1·p + (2^n1 − 2^−n2))·2^n2 with n1 + n2 = n.
  [
    "c_expm1",
    ["x"],
    `
  let a = x;
  if (a > 89.0) { a = 89.0; }
  if (a < -25.0) { a = -25.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let h = a - n * 0.693359375;
  let l = n * -0.00021219444170128554;
  let r = h - l;
  let p = r + (c_expTail(r) + ((h - r) - l));
  let n1 = Math.floor(n * 0.5);
  let n2 = n - n1;
  let s = c_pow2(n1);
  return (s * p + (s - c_pow2(-n2))) * c_pow2(n2);`,
  ],
  // ½eˣ for x ≥ 0, finite for as long as cosh is.
  [
    "c_halfExp",
    ["x"],
    `
  let a = x;
  if (a > 90.0) { a = 90.0; }
  let n = Math.floor(a * 1.4426950216293335 + 0.5);
  let r = (a - n * 0.693359375) - n * -0.00021219444170128554;
  return c_ldexp(1.0 + (r + c_expTail(r)), n - 1.0);`,
  ],
];
