/**
 * J and Y about the turning point x = v of large orders, where Debye's expansions fail: they start at the nearest arguments where these hold,
 * and the solution is carried from there to x by Taylor series of Bessel's equation. The lengths are a few units of (v/2)^(1/3), so a
 * handful of steps do, whatever the order.
 *
 * Each solution is carried in a direction in which it does not decay: J from the left, where it grows, or from the right; Y from the right.
 */

import { debyeAbove, debyeBelow, distance } from "./debye.js";

/** (J_v(x), Y_v(x)), for v ≥ 12 and x at a {@link distance} below 22. */
export function transition(v: number, x: number): readonly [j: number, y: number] {
  const s = (23.4 / v) ** (2 / 3); // v(2s)^(3/2)/3 = 22
  const right = v * (1 + s + 0.35 * s * s);
  const above = debyeAbove(v, right, distance(v, right));
  const y = carry(v, right, above[1], above[3], x);
  if (x >= v) return [carry(v, right, above[0], above[2], x), y];
  const left = v * Math.max(0.05, 1 - s);
  const below = debyeBelow(v, left, distance(v, left));
  return [carry(v, left, below[0], below[2], x), y];
}

/**
 * The solution of x²f″ + xf′ + (x² − v²)f = 0 with f(from) = f, f′(from) = df, at `to`. With f(x + t) = Σa_k t^k,
 * x²(k + 2)(k + 1)a_{k+2} + x(k + 1)(2k + 1)a_{k+1} + (k² + x² − v²)a_k + 2x·a_{k−1} + a_{k−2} = 0.
 */
function carry(v: number, from: number, f: number, df: number, to: number): number {
  const unit = (v / 2) ** (1 / 3);
  let at = from;
  let [value, slope] = [f, df];
  while (at !== to) {
    const limit = Math.min(unit, 0.2 * at);
    const end = Math.abs(to - at) <= limit ? to : at + (to > at ? limit : -limit);
    const t = end - at; // exact: a rounded end, but no rounding between
    const r = t / at;
    // b_k = a_k t^k; `q` and `s` are those of k − 2 and k − 1
    const stiffness = (at - v) * (at + v) * r * r;
    let [p, q, b, next] = [0, 0, value, slope * t];
    let sum = value;
    let rise = 0;
    for (let k = 0; k < 200; k++) {
      const after =
        -((k + 1) * (2 * k + 1) * r * next + (k * k * r * r + stiffness) * b + 2 * t * t * r * q + t * t * r * r * p) /
        ((k + 2) * (k + 1));
      sum += next;
      rise += (k + 1) * next;
      [p, q, b, next] = [q, b, next, after];
      if (k > 4 && (k + 1) * (Math.abs(b) + Math.abs(next)) < 1e-18 * (Math.abs(sum) + Math.abs(rise))) break;
    }
    value = sum;
    slope = rise / t;
    at = end;
  }
  return value;
}
