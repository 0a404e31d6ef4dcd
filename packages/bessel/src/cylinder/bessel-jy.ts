/** J_v(x) and Y_v(x) of two numbers. */

import { sinCosPi } from "../scalar/sin-cos-pi.js";
import { debyeAbove, debyeBelow, distance } from "./debye.js";
import { seriesOfJ, steed, temmeY } from "./steed.js";
import { transition } from "./transition.js";

/** J and Y for v ≥ 0 and x > 0, both finite: the method by region. */
function both(v: number, x: number): readonly [j: number, y: number, ...slopes: number[]] {
  if (x <= 2 && v < 20) return [seriesOfJ(v, x), temmeY(v, x)];
  const w = x === v ? 0 : distance(v, x);
  if (w >= 22) {
    if (x > v) return debyeAbove(v, x, w);
    if (v >= 12) return debyeBelow(v, x, w);
  }
  return v < 40 ? steed(v, x) : transition(v, x);
}

/** J_v(x); for x < 0 of whole orders. NaN elsewhere. */
export function jOf(v: number, x: number): number {
  if (x < 0) return Number.isInteger(v) ? (v % 2 === 0 ? 1 : -1) * jOf(v, -x) : NaN;
  if (v < 0) return reflect(-v, x)[0];
  if (x === 0) return v === 0 ? 1 : v < Infinity ? 0 : NaN;
  if (!(v < Infinity && x < Infinity)) return v < Infinity && x === Infinity ? 0 : NaN;
  return both(v, x)[0];
}

/** Y_v(x), x ≥ 0. NaN elsewhere. */
export function yOf(v: number, x: number): number {
  if (v < 0) return reflect(-v, x)[1];
  if (!(x >= 0) || v !== v) return NaN;
  if (x === 0) return v < Infinity ? -Infinity : NaN;
  if (!(v < Infinity && x < Infinity)) return v < Infinity ? 0 : NaN;
  return both(v, x)[1];
}

/** J_{−v} = cos(πv)J_v − sin(πv)Y_v, Y_{−v} = sin(πv)J_v + cos(πv)Y_v (DLMF 10.2.3). */
function reflect(v: number, x: number): readonly [j: number, y: number] {
  if (v === Infinity) return [NaN, NaN];
  const [sin, cos] = sinCosPi(v);
  const [j, y] = [jOf(v, x), yOf(v, x)];
  const times = (a: number, b: number): number => (a === 0 ? 0 : a * b); // whole and half orders, where Y may be infinite
  return [times(cos, j) - times(sin, y), times(sin, j) + times(cos, y)];
}
