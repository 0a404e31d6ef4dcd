/** Logarithms: of x·2⁻ᵏ near 1, and k logarithms of 2. */

import type { Definition } from "../source-functions.js";

/** x = 2ᵏ(1 + f), √½ ≤ 1 + f < √2. */
const reduction = `
  if (!(x > 0.0 && x <= 3.4028234663852886e38)) { return c_logOutside(x); }
  let a = x;
  let shift = 0.0;
  if (x < 1e-19) { a = x * 18446744073709552000.0; shift = 64.0; }
  let k = c_exponent(a);
  let f = c_ldexp(a, -k) - 1.0;
  k = k - shift;
`;

export const logarithm: readonly Definition[] = [
  // The k with x·2⁻ᵏ in [√½, √2), for normal x > 0.
  [
    "c_exponent",
    ["x"],
    `
  let m = x;
  let k = 0.0;
  if (m >= 18446744073709552000.0) { m = m * 5.421010862427522e-20; k = k + 64.0; }
  if (m >= 4294967296.0) { m = m * 2.3283064365386963e-10; k = k + 32.0; }
  if (m >= 65536.0) { m = m * 0.0000152587890625; k = k + 16.0; }
  if (m >= 256.0) { m = m * 0.00390625; k = k + 8.0; }
  if (m >= 16.0) { m = m * 0.0625; k = k + 4.0; }
  if (m >= 4.0) { m = m * 0.25; k = k + 2.0; }
  if (m >= 2.0) { m = m * 0.5; k = k + 1.0; }
  if (m < 5.421010862427522e-20) { m = m * 18446744073709552000.0; k = k - 64.0; }
  if (m < 2.3283064365386963e-10) { m = m * 4294967296.0; k = k - 32.0; }
  if (m < 0.0000152587890625) { m = m * 65536.0; k = k - 16.0; }
  if (m < 0.00390625) { m = m * 256.0; k = k - 8.0; }
  if (m < 0.0625) { m = m * 16.0; k = k - 4.0; }
  if (m < 0.25) { m = m * 4.0; k = k - 2.0; }
  if (m < 0.5) { m = m * 2.0; k = k - 1.0; }
  if (m < 1.0) { m = m * 2.0; k = k - 1.0; }
  if (m > 1.4142135381698608) { k = k + 1.0; }
  return k;`,
  ],
  // f − log(1 + f) for √½ ≤ 1 + f < √2.
  [
    "c_logTail",
    ["f"],
    `
  let s = f / (2.0 + f);
  let z = s * s;
  let r = 0.6666668653488159 + z * (0.39988696575164795 + z * 0.2958308756351471);
  return s * (f - z * r);`,
  ],
  // Logarithms of what is not in (0, ∞): −Infinity at 0, NaN below, Infinity and NaN as they are.
  [
    "c_logOutside",
    ["x"],
    `
  let y = x;
  if (x === 0.0) { y = -1.0 / (x * x); }
  if (x < 0.0) { y = (x - x) / (x - x); }
  return y;`,
  ],
  ["c_log", ["x"], `${reduction}  return k * 0.693359375 - ((c_logTail(f) - k * -0.00021219444170128554) - f);`],
  ["c_log2", ["x"], `${reduction}  return k + (f - c_logTail(f)) * 1.4426950216293335;`],
  [
    "c_log10",
    ["x"],
    `${reduction}  return k * 0.301025390625 + ((f - c_logTail(f)) * 0.4342944920063019 + k * 0.000004605039066518657);`,
  ],
  // About 0 with f = x. Elsewhere log(u) + (x − (u − 1))/u with u = 1 + x, the correction added to the low part: compilers may make it 0.
  [
    "c_log1p",
    ["x"],
    `
  if (x > -0.2928932309150696 && x < 0.4142135381698608) { return x - c_logTail(x); }
  let u = 1.0 + x;
  if (!(u > 0.0 && u <= 3.4028234663852886e38)) { return c_logOutside(u); }
  let k = c_exponent(u);
  let f = c_ldexp(u, -k) - 1.0;
  let lost = x - (u - 1.0);
  if (x > 1.0) { lost = 1.0 - (u - x); }
  let low = k * -0.00021219444170128554 + lost / u;
  return k * 0.693359375 - ((c_logTail(f) - low) - f);`,
  ],
];
