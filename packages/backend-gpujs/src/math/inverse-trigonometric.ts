/** Angles from their tangents and sines. */

import type { Definition } from "../source-functions.js";

export const inverseTrigonometric: readonly Definition[] = [
  // atan(t) − t for |t| ≤ tan(π/8).
  [
    "c_atanTail",
    ["t"],
    `
  let z = t * t;
  let v = z * z;
  let even = -0.33333316445350647 + v * (-0.14244391024112701 + v * -0.060900766402482986);
  let odd = 0.19998528063297272 + v * 0.10599172115325928;
  return (t * z) * (even + z * odd);`,
  ],
  [
    "c_atan",
    ["x"],
    `
  let a = Math.abs(x);
  let t = a;
  let base = 0.0;
  let low = 0.0;
  if (a > 2.4142136573791504) { t = -1.0 / a; base = 1.5707963705062866; low = -4.371138828673793e-8; }
  else { if (a > 0.41421356797218323) { t = (a - 1.0) / (a + 1.0); base = 0.7853981852531433; low = -2.1855694143368964e-8; } }
  let y = base + (t + (c_atanTail(t) + low));
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_atan2",
    ["y", "x"],
    `
  let a = Math.abs(x);
  let b = Math.abs(y);
  if (a > 3.4028234663852886e38 && b > 3.4028234663852886e38) { a = 1.0; b = 1.0; }
  let left = c_signBit(x);
  let s = 1.0;
  if (b > 1e38) { s = 0.25; }
  let u = b;
  let v = a;
  if (a === 0.0) { v = 1.0; }
  let base = left * 3.1415927410125732;
  let low = left * -8.742277657347586e-8;
  if (b > 2.4142136573791504 * a) { u = -a; v = b; base = 1.5707963705062866; low = -4.371138828673793e-8; }
  else { if (b > 0.41421356797218323 * a) {
    u = b * s - a * s;
    v = b * s + a * s;
    base = 0.7853981852531433;
    low = -2.1855694143368964e-8;
    if (left > 0.5) { base = 2.356194496154785; low = -5.962440319251527e-9; }
  } }
  let t = u / v;
  if (left > 0.5) { t = -t; }
  let angle = base + (t + (c_atanTail(t) + low));
  if (c_signBit(y) > 0.5) { angle = -angle; }
  return angle;`,
  ],
  // asin(√z)/√z − 1 for 0 ≤ z ≤ ¼.
  [
    "c_asinTail",
    ["z"],
    `
  let v = z * z;
  let even = 0.16666752099990845 + v * (0.04546915367245674 + v * 0.04215838760137558);
  let odd = 0.074953094124794 + v * 0.02418474294245243;
  return z * (even + z * odd);`,
  ],
  [
    "c_asin",
    ["x"],
    `
  let a = Math.abs(x);
  let y = 0.0;
  if (a > 0.5) {
    let z = 0.5 * (1.0 - a);
    let s = Math.sqrt(z);
    y = (1.5707963705062866 - 2.0 * s) - (2.0 * (s * c_asinTail(z)) - -4.371138828673793e-8);
  } else {
    y = a + a * c_asinTail(a * a);
  }
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  [
    "c_acos",
    ["x"],
    `
  let a = Math.abs(x);
  if (a > 0.5) {
    let z = 0.5 * (1.0 - a);
    let s = Math.sqrt(z);
    let p = s * c_asinTail(z);
    if (x > 0.0) { return 2.0 * (s + p); }
    return 2.0 * ((1.5707963705062866 - s) - (p - -4.371138828673793e-8));
  }
  let q = x * c_asinTail(x * x);
  return (1.5707963705062866 - x) - (q - -4.371138828673793e-8);`,
  ],
];
