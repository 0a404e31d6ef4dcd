/** erf, its complement and its inverse. */

import type { Definition } from "../source-functions.js";

export const errorFunction: readonly Definition[] = [
  // erf(x) − x for |x| < 1.
  [
    "c_erfTail",
    ["x"],
    `
  let z = x * x;
  let v = z * z;
  let even = 0.12837912142276764 + v * (0.11280179768800735 + v * 0.004917549435049295);
  let odd = -0.37612324953079224 + v * (-0.02671130932867527 + v * -0.0005631414824165404);
  return x * (even + z * odd);`,
  ],
  [
    "c_erf",
    ["x"],
    `
  let b = Math.abs(x);
  if (!(b >= 1.0)) { return x + c_erfTail(x); }
  if (b > 4.099999904632568) { b = 4.099999904632568; }
  let w = (b - 3.0) / (b + 3.0);
  let v = w * w;
  let even = 1.2530080080032349 + v * (-0.04756438359618187 + v * (-0.11918498575687408 + v * -0.02427653968334198));
  let odd = -0.1356211155653 + v * (0.12964193522930145 + v * 0.06858169287443161);
  let y = 1.0 - c_exp(-(b * b)) * ((even + w * odd) / (1.0 + 2.0 * b));
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
  // The rounding error of b·b, by splitting b in two halves of 12 bits.
  [
    "c_squareLow",
    ["b", "square"],
    `
  let c = b * 4097.0;
  let high = c - (c - b);
  let low = b - high;
  return ((high * high - square) + 2.0 * (high * low)) + low * low;`,
  ],
  [
    "c_erfc",
    ["x"],
    `
  let b = Math.abs(x);
  if (!(b > 0.75)) { return 0.5 - ((x - 0.5) + c_erfTail(x)); }
  if (b > 10.5) { b = 10.5; }
  let square = b * b;
  let low = c_squareLow(b, square);
  let d = 1.0 + 2.0 * b;
  let w = (b - 2.0) / (b + 2.0);
  let lost = (2.0 * b - (d - 1.0)) * ((1.0 - w) * (0.2199999988079071 - 0.12999999523162842 * w));
  let v = w * w;
  let even = 0.2444966584444046 + v * (-0.1326577216386795 + v * (-0.04225416108965874 + v * (-0.00611108960583806 + v * -0.002261044457554817)));
  let odd = -0.07264324277639389 + v * (0.11889718472957611 + v * (0.006692956667393446 + v * 0.006588664371520281));
  let g = (even + w * odd) - (low + lost);
  let n = Math.floor((g - square) * 1.4426950216293335 + 0.5);
  let r = (-square - n * 0.693359375) - (n * -0.00021219444170128554 - g);
  let y = c_ldexp((1.0 + (r + c_expTail(r))) / d, n);
  if (x < 0.0) { y = 2.0 - y; }
  return y;`,
  ],
  [
    "c_erfinv",
    ["x"],
    `
  let a = Math.abs(x);
  if (!(a >= 0.75)) {
    let t = 0.5625 - x * x;
    let p = 0.08455973118543625 + t * (-0.35710659623146057 + t * (-0.5981918573379517 + t * -0.029758041724562645));
    let q = 1.0 + t * (2.4301717281341553 + t * 1.1551282405853271);
    return x + x * (p / q);
  }
  if (a === 1.0) { return x / (1.0 - a); }
  let s = Math.sqrt(-c_log(1.0 - a));
  let u = s - 1.149999976158142;
  let p = -0.3642398715019226 + u * (-0.4437006711959839 + u * (-0.11186715215444565 + u * -0.001215440919622779));
  let q = 1.0 + u * (1.2375555038452148 + u * (0.5416553616523743 + u * 0.06012031435966492));
  let y = s + p / q;
  if (x < 0.0) { y = -y; }
  return y;`,
  ],
];
