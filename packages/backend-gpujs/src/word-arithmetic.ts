/**
 * Exact 32-bit integers on hardware that computes in float32.
 *
 * A float32 holds integers to 2²⁴ only, so a word is two floats, its high and its low 16 bits. A function returns one of them; what works on
 * both halves is written out in `words.ts`.
 */

import type { Definition } from "./source-functions.js";

export const wordArithmetic: readonly Definition[] = [
  // The remainder by 2¹⁶ of a number below 2³² with at most 24 significant bits.
  ["c_low16", ["x"], `return x - Math.floor(x / 65536.0) * 65536.0;`],
  // Low and high 16 bits of the product of two 16-bit numbers, by the bytes of the second: every term is below 2²⁴.
  [
    "c_mulLow",
    ["a", "b"],
    `
  let b1 = Math.floor(b / 256.0);
  let p1 = a * b1;
  let sum = a * (b - b1 * 256.0) + (p1 - Math.floor(p1 / 256.0) * 256.0) * 256.0;
  return sum - Math.floor(sum / 65536.0) * 65536.0;`,
  ],
  [
    "c_mulHigh",
    ["a", "b"],
    `
  let b1 = Math.floor(b / 256.0);
  let p1 = a * b1;
  let high = Math.floor(p1 / 256.0);
  let sum = a * (b - b1 * 256.0) + (p1 - high * 256.0) * 256.0;
  return high + Math.floor(sum / 65536.0);`,
  ],
  ["c_and16", ["a", "b"], `return a & b;`],
  ["c_or16", ["a", "b"], `return a | b;`],
  ["c_xor16", ["a", "b"], `return a ^ b;`],
  // High half, low half of a·2ˢ, 0 ≤ s < 32.
  [
    "c_shiftLeftHigh",
    ["h", "l", "s"],
    `
  if (s >= 16.0) { return c_low16(l * c_pow2(s - 16.0)); }
  let p = c_pow2(s);
  return c_low16(h * p) + Math.floor(l * p / 65536.0);`,
  ],
  [
    "c_shiftLeftLow",
    ["l", "s"],
    `
  if (s >= 16.0) { return 0.0; }
  return c_low16(l * c_pow2(s));`,
  ],
  // Low half of ⌊a/2ˢ⌋, 0 ≤ s < 32; the high half is ⌊h/2ˢ⌋.
  [
    "c_shiftRightLow",
    ["h", "l", "s"],
    `
  if (s >= 16.0) { return Math.floor(h * c_pow2(16.0 - s)); }
  return Math.floor(l * c_pow2(-s)) + c_low16(h * c_pow2(16.0 - s));`,
  ],
  // Long division of unsigned words, bit by bit. part: 0, 1 the quotient's high and low half, 2, 3 the remainder's. By zero: all ones; a.
  [
    "c_divide",
    ["ah", "al", "bh", "bl", "part"],
    `
  let h = ah;
  let l = al;
  let qh = 0.0;
  let ql = 0.0;
  let rh = 0.0;
  let rl = 0.0;
  for (let i = 0; i < 32; i++) {
    let bit = 0.0;
    if (h >= 32768.0) { bit = 1.0; }
    let carry = 0.0;
    if (l >= 32768.0) { carry = 1.0; }
    h = h * 2.0 - bit * 65536.0 + carry;
    l = l * 2.0 - carry * 65536.0;
    rl = rl * 2.0 + bit;
    rh = rh * 2.0;
    if (rl >= 65536.0) { rl = rl - 65536.0; rh = rh + 1.0; }
    carry = 0.0;
    if (ql >= 32768.0) { carry = 1.0; }
    qh = qh * 2.0 + carry;
    ql = ql * 2.0 - carry * 65536.0;
    if (qh >= 65536.0) { qh = qh - 65536.0; }
    let fits = 0.0;
    if (rh > bh) { fits = 1.0; }
    if (rh === bh) { if (rl >= bl) { fits = 1.0; } }
    if (fits > 0.5) {
      ql = ql + 1.0;
      rh = rh - bh;
      rl = rl - bl;
      if (rl < 0.0) { rl = rl + 65536.0; rh = rh - 1.0; }
    }
  }
  let y = qh;
  if (part > 0.5) { y = ql; }
  if (part > 1.5) { y = rh; }
  if (part > 2.5) { y = rl; }
  return y;`,
  ],
];
