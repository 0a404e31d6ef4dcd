/** Logarithms: of x·2⁻ᵏ near 1, and k logarithms of 2. */

import type { Definition } from "../source-functions.js";

/**
 * m·2ᵏ as it is, with m in [√½, √2). Exact, for every m > 0 that is finite. By factors that are 1 or a power of two: chains of branches take some
 * drivers minutes to compile.
 */
const scaling = `
  let t = m < 1.0 ? 1.0 : 0.0;
  k = k - t * 64.0;
  m = m * (t * 18446744073709552000.0 + (1.0 - t));
  t = m < 1.0 ? 1.0 : 0.0;
  k = k - t * 64.0;
  m = m * (t * 18446744073709552000.0 + (1.0 - t));
  t = m < 1.0 ? 1.0 : 0.0;
  k = k - t * 32.0;
  m = m * (t * 4294967296.0 + (1.0 - t));
  t = m >= 18446744073709552000.0 ? 1.0 : 0.0;
  k = k + t * 64.0;
  m = m * (t * 5.421010862427522e-20 + (1.0 - t));
  t = m >= 4294967296.0 ? 1.0 : 0.0;
  k = k + t * 32.0;
  m = m * (t * 2.3283064365386963e-10 + (1.0 - t));
  t = m >= 65536.0 ? 1.0 : 0.0;
  k = k + t * 16.0;
  m = m * (t * 0.0000152587890625 + (1.0 - t));
  t = m >= 256.0 ? 1.0 : 0.0;
  k = k + t * 8.0;
  m = m * (t * 0.00390625 + (1.0 - t));
  t = m >= 16.0 ? 1.0 : 0.0;
  k = k + t * 4.0;
  m = m * (t * 0.0625 + (1.0 - t));
  t = m >= 4.0 ? 1.0 : 0.0;
  k = k + t * 2.0;
  m = m * (t * 0.25 + (1.0 - t));
  t = m >= 2.0 ? 1.0 : 0.0;
  k = k + t * 1.0;
  m = m * (t * 0.5 + (1.0 - t));
  t = m > 1.4142135381698608 ? 1.0 : 0.0;
  k = k + t * 1.0;
  m = m * (t * 0.5 + (1.0 - t));
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
  ["c_log", ["x"], /* @__PURE__ */ logarithmAs("k * 0.693359375 - ((c_logTail(f) - k * -0.00021219444170128554) - f)")],
  ["c_log2", ["x"], /* @__PURE__ */ logarithmAs("k + (f - c_logTail(f)) * 1.4426950216293335")],
  [
    "c_log10",
    ["x"],
    /* @__PURE__ */ logarithmAs(
      "k * 0.301025390625 + ((f - c_logTail(f)) * 0.4342944920063019 + k * 0.000004605039066518657)",
    ),
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
