/** Inverse error function. */

import { erfc64 } from "./erf.js";

/** The y with erf(y) = x. */
export function erfinv64(x: number): number {
  const a = Math.abs(x);
  if (!(a < 1)) return a === 1 ? x * Infinity : NaN;
  if (x === 0) return x;
  const l = Math.log((1 - a) * (1 + a));
  const t = 4.330746750799873 + l / 2;
  let y = Math.sqrt(Math.sqrt(t * t - l / 0.147) - t);
  for (let i = 0; i < 3; i++) {
    const e = (1 - a - erfc64(y)) / (1.1283791670955126 * Math.exp(-y * y));
    y -= e / (1 + y * e);
  }
  return x < 0 ? -y : y;
}

/** The y with erf(y) = x, in float32. */
export function erfinv32(x: number): number {
  return Math.fround(erfinv64(x));
}
