/** sin, cos and tan: the angle to within a quarter of a turn, however large, then polynomials. */

import type { Definition } from "../source-functions.js";

export const trigonometric: readonly Definition[] = [
  // x − n·π/2, π/2 in four parts.
  [
    "c_reduceAngle",
    ["x", "n"],
    `
  let y = (x - n * 1.5703125) - n * 0.0004837512969970703;
  return (y - n * 7.549533620476723e-8) - n * 2.5633440682570896e-12;`,
  ],
  // sin(r + q·π/2) for |r| ≤ π/4 and an integer q ≥ 0.
  [
    "c_sinQuadrant",
    ["r", "q"],
    `
  let z = r * r;
  let y = r + (r * z) * (-0.166666641831398 + z * (0.008332747966051102 + z * -0.00019587756833061576));
  let quadrant = q - 4.0 * Math.floor((q + 0.5) / 4.0);
  if (quadrant === 1.0 || quadrant === 3.0) {
    y = (1.0 - 0.5 * z) + (z * z) * (0.0416666641831398 + z * (-0.001388830249197781 + z * 0.000024547787688788958));
  }
  if (quadrant >= 2.0) { y = -y; }
  return y;`,
  ],
  // Digit j of 2/π in base 2¹², 0 before the first.
  [
    "c_twoOverPi",
    ["j"],
    `
  let d = 0.0;
  if (j === 0.0) { d = 2607.0; }
  if (j === 1.0) { d = 2435.0; }
  if (j === 2.0) { d = 1764.0; }
  if (j === 3.0) { d = 3652.0; }
  if (j === 4.0) { d = 338.0; }
  if (j === 5.0) { d = 2556.0; }
  if (j === 6.0) { d = 629.0; }
  if (j === 7.0) { d = 2001.0; }
  if (j === 8.0) { d = 3923.0; }
  if (j === 9.0) { d = 1245.0; }
  if (j === 10.0) { d = 3085.0; }
  if (j === 11.0) { d = 2914.0; }
  if (j === 12.0) { d = 2393.0; }
  if (j === 13.0) { d = 2364.0; }
  if (j === 14.0) { d = 1081.0; }
  if (j === 15.0) { d = 65.0; }
  return d;`,
  ],
  // For x ≥ 2¹³, x·2/π modulo 4 in limbs of 12 bits (Payne & Hanek): part 0, what is left of the nearest quarter turn, in radians; 1, its number.
  // From the last limb to the first in one loop: compilers of shaders put every function in each place that calls it.
  [
    "c_turn",
    ["x", "part"],
    `
  if (!(x <= 3.4028234663852886e38)) { return x - x; }
  let k = c_exponent(x);
  let m = c_ldexp(x, 23.0 - k);
  if (m < 8388608.0) { m = m * 2.0; k = k - 1.0; }
  let a = Math.floor(m / 4096.0);
  let b = m - a * 4096.0;
  let j = Math.floor((k - 24.5) / 12.0);
  let shift = c_pow2(k - 25.0 - 12.0 * j);
  let digit = 0.0;
  let w = 0.0;
  let carry = 0.0;
  let l1 = 0.0;
  let l2 = 0.0;
  let l3 = 0.0;
  let l4 = 0.0;
  for (let i = 0; i < 6; i++) {
    let before = c_twoOverPi(j + 5.0 - i * 1.0);
    let v = c_low12(before * shift) + Math.floor(digit * shift / 4096.0);
    if (i > 1) {
      let l = c_low12(a * w) + c_low12(b * v) + carry;
      carry = Math.floor(a * w / 4096.0) + Math.floor(b * v / 4096.0) + Math.floor(l / 4096.0);
      l4 = l3;
      l3 = l2;
      l2 = l1;
      l1 = c_low12(l);
    }
    digit = before;
    w = v;
  }
  let q = Math.floor(l1 / 1024.0);
  let f = l1 - 1024.0 * q;
  if (f >= 512.0) { f = f - 1024.0; q = q + 1.0; }
  if (part > 0.5) { return q; }
  let r = (f * 4096.0 + l2) * 2.384185791015625e-7 + (l3 * 5.820766091346741e-11 + l4 * 1.4210854715202004e-14);
  return r * 1.5707963705062866;`,
  ],
  ["c_low12", ["x"], `return x - Math.floor(x / 4096.0) * 4096.0;`],
  [
    "c_sin",
    ["x"],
    `
  let a = Math.abs(x);
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  let r = c_reduceAngle(x, n);
  let sign = 1.0;
  if (!(a < 8192.0)) {
    r = c_turn(a, 0.0);
    n = c_turn(a, 1.0);
    if (x < 0.0) { sign = -1.0; }
  }
  return sign * c_sinQuadrant(r, n);`,
  ],
  [
    "c_cos",
    ["x"],
    `
  let a = Math.abs(x);
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  let r = c_reduceAngle(x, n);
  if (!(a < 8192.0)) {
    r = c_turn(a, 0.0);
    n = c_turn(a, 1.0);
  }
  return c_sinQuadrant(r, n + 1.0);`,
  ],
  [
    "c_tan",
    ["x"],
    `
  if (!(Math.abs(x) < 8192.0)) {
    let turned = c_turn(Math.abs(x), 0.0);
    let q = c_turn(Math.abs(x), 1.0);
    let large = c_sinQuadrant(turned, q) / c_sinQuadrant(turned, q + 1.0);
    if (x < 0.0) { large = -large; }
    return large;
  }
  let n = Math.floor(x * 0.6366197466850281 + 0.5);
  let w = (x - n * 1.5703125) - n * 0.0004837512969970703;
  let n3 = n * 7.549533620476723e-8;
  let y = w - n3;
  let n4 = n * 2.5633440682570896e-12 - ((w - y) - n3);
  let r = y - n4;
  let low = (y - r) - n4;
  let z = r * r;
  let p = 0.3333333432674408 + z * -0.014784322120249271;
  let q = 1.0 + z * (-0.4443527162075043 + z * 0.015835845842957497);
  let t = r + (r * (z * (p / q)) + low * (1.0 + z));
  if (n - 2.0 * Math.floor(n * 0.5) > 0.5) { t = -1.0 / t; }
  return t;`,
  ],
  // sin πx for x ≥ 0.
  [
    "c_sinPi",
    ["x"],
    `
  let n = Math.floor(2.0 * x + 0.5);
  return c_sinQuadrant((x - 0.5 * n) * 3.1415927410125732, n);`,
  ],
  // cot πx for x ≥ 0.
  [
    "c_cotPi",
    ["x"],
    `
  let n = Math.floor(2.0 * x + 0.5);
  let r = (x - 0.5 * n) * 3.1415927410125732;
  return c_sinQuadrant(r, n + 1.0) / c_sinQuadrant(r, n);`,
  ],
];
