/** Logarithms: of x·2⁻ᵏ near 1, and k logarithms of 2. */

import type { Definition } from "../source-functions.js";

/** m·2ᵏ with m = 2ᵏ′ as it is: m in [√½, √2), k larger by k′. Exact, for every m > 0 that is finite. */
const scaling = `
  k = m < 1.0 ? k - 64.0 : k;
  m = m < 1.0 ? m * 18446744073709552000.0 : m;
  k = m < 1.0 ? k - 64.0 : k;
  m = m < 1.0 ? m * 18446744073709552000.0 : m;
  k = m < 1.0 ? k - 32.0 : k;
  m = m < 1.0 ? m * 4294967296.0 : m;
  k = m >= 18446744073709552000.0 ? k + 64.0 : k;
  m = m >= 18446744073709552000.0 ? m * 5.421010862427522e-20 : m;
  k = m >= 4294967296.0 ? k + 32.0 : k;
  m = m >= 4294967296.0 ? m * 2.3283064365386963e-10 : m;
  k = m >= 65536.0 ? k + 16.0 : k;
  m = m >= 65536.0 ? m * 0.0000152587890625 : m;
  k = m >= 256.0 ? k + 8.0 : k;
  m = m >= 256.0 ? m * 0.00390625 : m;
  k = m >= 16.0 ? k + 4.0 : k;
  m = m >= 16.0 ? m * 0.0625 : m;
  k = m >= 4.0 ? k + 2.0 : k;
  m = m >= 4.0 ? m * 0.25 : m;
  k = m >= 2.0 ? k + 1.0 : k;
  m = m >= 2.0 ? m * 0.5 : m;
  k = m > 1.4142135381698608 ? k + 1.0 : k;
  m = m > 1.4142135381698608 ? m * 0.5 : m;
`;

/** x = 2ᵏ(1 + f), √½ ≤ 1 + f < √2. */
const reduction = `
  let m = x;
  let k = 0.0;
${scaling}
  let f = m - 1.0;
`;

/** A logarithm from k and f, and of what has neither. */
const logarithmAs = (y: string): string => `${reduction}
  let y = ${y};
  if (!(x > 0.0 && x <= 3.4028234663852886e38)) { y = c_logOutside(x); }
  return y;`;

export const logarithm: readonly Definition[] = [
  // The k with x·2⁻ᵏ in [√½, √2), for normal x > 0.
  [
    "c_exponent",
    ["x"],
    `
  let m = x;
  let k = 0.0;
${scaling}
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
  ["c_log", ["x"], logarithmAs("k * 0.693359375 - ((c_logTail(f) - k * -0.00021219444170128554) - f)")],
  ["c_log2", ["x"], logarithmAs("k + (f - c_logTail(f)) * 1.4426950216293335")],
  [
    "c_log10",
    ["x"],
    logarithmAs("k * 0.301025390625 + ((f - c_logTail(f)) * 0.4342944920063019 + k * 0.000004605039066518657)"),
  ],
  // About 0 with f = x. Elsewhere log(u) + (x − (u − 1))/u with u = 1 + x, the correction added to the low part: compilers may make it 0.
  [
    "c_log1p",
    ["x"],
    `
  let u = 1.0 + x;
  let m = u;
  let k = 0.0;
${scaling}
  let f = m - 1.0;
  let lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
  let low = k * -0.00021219444170128554 + lost / u;
  let y = k * 0.693359375 - ((c_logTail(f) - low) - f);
  if (x > -0.2928932309150696 && x < 0.4142135381698608) { y = x - c_logTail(x); }
  if (!(u > 0.0 && u <= 3.4028234663852886e38)) { y = c_logOutside(u); }
  return y;`,
  ],
];
