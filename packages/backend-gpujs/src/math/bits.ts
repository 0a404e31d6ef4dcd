/** The bit pattern of float32, by arithmetic: steps between neighbours, and both halves of the word. */

import type { Definition } from "../source-functions.js";

export const bits: readonly Definition[] = [
  // The e with 2ᵉ ≤ x < 2ᵉ⁺¹, at least −126, for 0 < x < ∞.
  [
    "c_binade",
    ["x"],
    `
  if (x < 2.350988701644575e-38) { return -126.0; }
  let k = c_exponent(x);
  if (c_ldexp(x, -k) < 1.0) { k = k - 1.0; }
  return k;`,
  ],
  [
    "c_nextAfter",
    ["x", "y"],
    `
  if (c_isNaN(x) + c_isNaN(y) > 0.5) { return x + y; }
  if (x === y) { return y; }
  let s = 1.0;
  if (x < 0.0) { s = -1.0; }
  let a = Math.abs(x);
  if (a === 0.0) {
    if (y < 0.0) { s = -1.0; }
    return s * c_ldexp(1.0, -149.0);
  }
  if (a > 3.4028234663852886e38) { return s * 3.4028234663852886e38; }
  let e = c_binade(a);
  let step = c_ldexp(1.0, e - 23.0);
  if ((x < y && x > 0.0) || (x > y && x < 0.0)) { return s * (a + step); }
  if (e > -126.0 && c_ldexp(a, -e) === 1.0) { step = step * 0.5; }
  return s * (a - step);`,
  ],
  // x without its sign as an integer times 2^(e − 23).
  ["c_significand", ["x", "e"], `return c_ldexp(c_ldexp(Math.abs(x), -e), 23.0);`],
  [
    "c_highBits",
    ["x"],
    `
  if (c_isNaN(x) > 0.5) { return 32704.0; }
  let sign = c_signBit(x) * 32768.0;
  let a = Math.abs(x);
  if (a === 0.0) { return sign; }
  if (a > 3.4028234663852886e38) { return sign + 32640.0; }
  let e = c_binade(a);
  return sign + (e + 126.0) * 128.0 + Math.floor(c_significand(a, e) / 65536.0);`,
  ],
  [
    "c_lowBits",
    ["x"],
    `
  let a = Math.abs(x);
  if (!(a > 0.0 && a <= 3.4028234663852886e38)) { return 0.0; }
  return c_low16(c_significand(a, c_binade(a)));`,
  ],
  [
    "c_fromBits",
    ["high", "low"],
    `
  let s = 1.0;
  let h = high;
  if (h >= 32768.0) { s = -1.0; h = h - 32768.0; }
  let e = Math.floor(h / 128.0);
  let m = (h - e * 128.0) * 65536.0 + low;
  if (e > 254.5) {
    let nothing = h - h;
    if (m > 0.0) { return nothing / nothing; }
    return s / (nothing * nothing);
  }
  if (e > 0.5) { m = m + 8388608.0; e = e - 1.0; }
  return s * c_ldexp(c_ldexp(m, -23.0), e - 126.0);`,
  ],
];
