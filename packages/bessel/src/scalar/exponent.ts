/** The leading exponent of the uniform expansions, η = h − v·asinh(v/x) with h = √(v² + x²), without losing its digits. */

import * as dd from "./double-double.js";

/** √(v² + x²) without overflow or underflow. */
export function radius(v: number, x: number): number {
  const large = v > x ? v : x;
  if (large > 1e-150 && large < 1e150) return Math.sqrt(v * v + x * x);
  const ratio = (v > x ? x : v) / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** asinh(v/x), given h; also where v/x overflows. */
export function angle(v: number, x: number, h: number): number {
  if (v < x) return Math.log1p((v + v * (v / (x + h))) / x);
  const ratio = (v + h) / x;
  return ratio < 1e300 ? Math.log(ratio) : Math.log(v + h) - Math.log(x);
}

/**
 * η − x = v(u − 2artanh u), u = v/(h + x): no digits of x enter. For v below 0.6x by the series of artanh, whose first term goes away
 * instead of cancelling.
 */
export function scaledExponent(v: number, x: number, h: number): number {
  const u = v / (h + x);
  const w = u * u;
  if (w > 0.08) return v * u - v * angle(v, x, h);
  let sum = 0;
  for (let k = 29; k >= 3; k -= 2) sum = (sum + 2 / k) * w;
  return -(v * u) * (1 + sum);
}

/** η. Where its two parts nearly cancel (v ≈ 1.5x), in twice the precision: an error of one ulp of h would be many of the result. */
export function exponent(v: number, x: number, h: number): number {
  const part = v * angle(v, x, h);
  const difference = h - part;
  if (part > 0.6 * h && part < 2.2 * h && h > 1e-100 && h < 1e100) return preciseExponent(v, x);
  return difference;
}

function preciseExponent(v: number, x: number): number {
  const h = dd.squareRoot(dd.add(dd.twoProduct(v, v), dd.twoProduct(x, x)));
  const log = dd.logarithm(dd.divide(dd.add(h, { hi: v, lo: 0 }), { hi: x, lo: 0 }));
  const part = dd.multiply(log, { hi: v, lo: 0 });
  const difference = dd.add(h, { hi: -part.hi, lo: -part.lo });
  return difference.hi + difference.lo;
}
