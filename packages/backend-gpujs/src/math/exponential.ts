/** Exponentials, and powers of two. */

import type { Definition } from "../source-functions.js";

export const exponential: readonly Definition[] = [
  // 2ⁿ for −126 ≤ n ≤ 127, exact: a factor for each binary digit t of |n|, b or 1. Without branches, of which chains take some drivers minutes to
  // compile.
  [
    "c_pow2",
    ["n"],
    `
  let a = Math.abs(n);
  let b = n < 0.0 ? 0.5 : 2.0;
  let b2 = b * b;
  let b4 = b2 * b2;
  let b8 = b4 * b4;
  let b16 = b8 * b8;
  let b32 = b16 * b16;
  let t = Math.floor(a * 0.015625);
  a = a - t * 64.0;
  let r = t * b32 * b32 + (1.0 - t);
  t = Math.floor(a * 0.03125);
  a = a - t * 32.0;
  r = r * (t * b32 + (1.0 - t));
  t = Math.floor(a * 0.0625);
  a = a - t * 16.0;
  r = r * (t * b16 + (1.0 - t));
  t = Math.floor(a * 0.125);
  a = a - t * 8.0;
  r = r * (t * b8 + (1.0 - t));
  t = Math.floor(a * 0.25);
  a = a - t * 4.0;
  r = r * (t * b4 + (1.0 - t));
  t = Math.floor(a * 0.5);
  a = a - t * 2.0;
  r = r * (t * b2 + (1.0 - t));
  return r * (a * b + (1.0 - a));`,
  ],
  // x·2ⁿ for any integer n with |n| < 252, rounded once.
  [
    "c_ldexp",
    ["x", "n"],
    `
  let h = Math.floor(n * 0.5);
  let half = c_pow2(h);
  let other = n - h > h ? half * 2.0 : half;
  return x * half * other;`,
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
  let t = c_pow2(n2);
  let s = n2 > n1 ? t * 0.5 : t;
  return (s * p + (s - c_pow2(-n2))) * t;`,
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
