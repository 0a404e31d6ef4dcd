/** Signs, extremes and NaN: in comparisons that no compiler folds away. */

import type { Definition } from "../source-functions.js";

export const comparison: readonly Definition[] = [
  // 1 for negative numbers and −0, else 0.
  [
    "c_signBit",
    ["x"],
    `
  let s = 0.0;
  if (x < 0.0) { s = 1.0; }
  if (x === 0.0) { if (1.0 / x < 0.0) { s = 1.0; } }
  return s;`,
  ],
  // max and min that keep NaN from either side.
  [
    "c_max",
    ["a", "b"],
    `
  let y = a + b;
  if (b >= a) { y = b; }
  if (a > b) { y = a; }
  if (a === 0.0 && b === 0.0) { if (c_signBit(b) > 0.5) { y = a; } }
  return y;`,
  ],
  [
    "c_min",
    ["a", "b"],
    `
  let y = a + b;
  if (b <= a) { y = b; }
  if (a < b) { y = a; }
  if (a === 0.0 && b === 0.0) { if (c_signBit(a) > 0.5) { y = a; } }
  return y;`,
  ],
  [
    "c_isNaN",
    ["a"],
    `
  let y = 1.0;
  if (a >= 0.0 || a < 0.0) { y = 0.0; }
  return y;`,
  ],
  [
    "c_sign",
    ["a"],
    `
  let y = a;
  if (a > 0.0) { y = 1.0; }
  if (a < 0.0) { y = -1.0; }
  return y;`,
  ],
];
