/** Rounding to integers, and remainders that are exact. */

import type { Definition } from "../source-functions.js";

export const division: readonly Definition[] = [
  // To the nearest integer, half to even.
  [
    "c_round",
    ["a"],
    `
  let f = Math.floor(a);
  let d = a - f;
  let y = f;
  if (d > 0.5) { y = f + 1.0; }
  if (d === 0.5) { if (f - 2.0 * Math.floor(f * 0.5) > 0.5) { y = f + 1.0; } }
  if (!(Math.abs(a) < 8388608.0)) { y = a; }
  if (y === 0.0) { if (c_signBit(a) > 0.5) { y = a * 0.0; } }
  return y;`,
  ],
  [
    "c_trunc",
    ["a"],
    `
  let y = Math.floor(a);
  if (a < 0.0) { y = -Math.floor(-a); }
  return y;`,
  ],
  // x − trunc(x/y)·y, exact while |x/y| < 2⁴⁸: the multiples y·2ᵏ are taken away one by one.
  [
    "c_rem",
    ["x", "y"],
    `
  let b = Math.abs(y);
  let r = Math.abs(x);
  if (!(b > 0.0 && r <= 3.4028234663852886e38)) { return (x - x) / (b - b); }
  if (b > r) { return x; }
  let step = b;
  for (let i = 0; i < 48; i++) {
    if (step * 2.0 <= r) { step = step * 2.0; }
  }
  for (let i = 0; i < 49; i++) {
    if (step >= b) { if (r >= step) { r = r - step; } step = step * 0.5; }
  }
  if (c_signBit(x) > 0.5) { r = -r; }
  return r;`,
  ],
  // x − ⌊x/y⌋·y, with the sign of y.
  [
    "c_mod",
    ["x", "y"],
    `
  let r = c_rem(x, y);
  if (r === 0.0) {
    r = Math.abs(r);
    if (c_signBit(y) > 0.5) { r = -r; }
    return r;
  }
  if (r < 0.0 && y > 0.0) { r = r + y; }
  else { if (r > 0.0 && y < 0.0) { r = r + y; } }
  return r;`,
  ],
  // ⌊x/y⌋ from the exact remainder, so that 1 // 0.1 is 9.
  [
    "c_floorDiv",
    ["x", "y"],
    `
  if (y === 0.0) { return x / y; }
  let r = c_rem(x, y);
  let quotient = (x - r) / y;
  if (r < 0.0 && y > 0.0) { quotient = quotient - 1.0; }
  if (r > 0.0 && y < 0.0) { quotient = quotient - 1.0; }
  if (quotient === 0.0) { return 0.0 * (x / y); }
  return Math.floor(quotient + 0.5);`,
  ],
];
