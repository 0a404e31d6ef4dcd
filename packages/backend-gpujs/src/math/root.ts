/** Roots. */

import type { Definition } from "../source-functions.js";

export const root: readonly Definition[] = [
  ["c_rsqrt", ["x"], `return 1.0 / Math.sqrt(x);`],
  // |x| = 2^(3q)·m with 1 ≤ m < 8 or so; one step of a cubic iteration from a polynomial.
  [
    "c_cbrt",
    ["x"],
    `
  let a = Math.abs(x);
  if (!(a > 0.0 && a <= 3.4028234663852886e38)) { return x; }
  let lift = 0.0;
  if (a < 1e-30) { a = a * 16777216.0; lift = 8.0; }
  let k = c_exponent(a);
  let q = Math.floor((k + 0.5) / 3.0);
  let m = c_ldexp(a, -3.0 * q);
  let t = 1.0;
  if (m >= 1.4142135381698608) { t = 1.2599210739135742; m = m * 0.5; }
  let scale = t;
  if (m >= 1.4142135381698608) { scale = 1.587401032447815; m = m * 0.5; }
  let y = 0.3954 + m * (0.7894 + m * -0.1848);
  let d = (m - y * y * y) / (y * y * y);
  y = y + y * (d * (0.3333333432674408 + d * -0.1111111119389534));
  d = (m - y * y * y) / (y * y * y);
  y = y + y * (d * 0.3333333432674408);
  y = c_ldexp(y * scale, q - lift);
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
];
