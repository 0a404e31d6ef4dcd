/** Spherical Bessel functions of whole order n ≥ 0 of a number: √(π/2x) times J, Y, I, K of order n + ½. */

import { jOf, yOf } from "../cylinder/bessel-jy.js";
import { besselIOf, besselKOf } from "../scalar/bessel.js";

/** Up to this order by recurrence from elementary functions, in the direction in which they grow. */
const recurrent = 500;

/** x^n/(2n + 1)!!·Σ (±x²/2)^k/(k!(2n + 3)(2n + 5)…) */
function series(n: number, x: number, sign: 1 | -1): number {
  let lead = 1;
  for (let k = 1; k <= n && lead !== 0; k++) lead *= x / (2 * k + 1);
  let term = 1;
  let sum = 1;
  for (let k = 1; Math.abs(term) > 1e-17 * sum; k++) sum += term *= (sign * 0.5 * x * x) / (k * (2 * (n + k) + 1));
  return lead * sum;
}

/** f_n from f_0 and f_1 by f_{k+1} = ((2k + 1)/x)f_k + sign·f_{k−1}. */
function upwards(n: number, x: number, first: number, second: number, sign: 1 | -1): number {
  let [f, next] = [first, second];
  for (let k = 1; k <= n; k++) {
    if (Math.abs(next) === Infinity) return next;
    [f, next] = [next, ((2 * k + 1) / x) * next + sign * f];
  }
  return f;
}

function parity(n: number): 1 | -1 {
  return n % 2 === 0 ? 1 : -1;
}

export function sphericalJ(n: number, x: number): number {
  if (x < 0) return parity(n) * sphericalJ(n, -x);
  if (x * x < 2 * n + 3) return series(n, x, -1);
  if (x === Infinity) return 0;
  if (n > x || n > recurrent) return Math.sqrt(Math.PI / (2 * x)) * jOf(n + 0.5, x);
  const zeroth = Math.sin(x) / x;
  return upwards(n, x, zeroth, (zeroth - Math.cos(x)) / x, -1);
}

export function sphericalY(n: number, x: number): number {
  if (x < 0) return -parity(n) * sphericalY(n, -x);
  if (x === 0) return -Infinity;
  if (x === Infinity) return 0;
  if (n > recurrent) return Math.sqrt(Math.PI / (2 * x)) * yOf(n + 0.5, x);
  const zeroth = -Math.cos(x) / x;
  return upwards(n, x, zeroth, (zeroth - Math.sin(x)) / x, -1);
}

/** i_n(x)e^(−|x|) or i_n(x). */
export function sphericalI(n: number, x: number, scaled: boolean): number {
  if (x < 0) return parity(n) * sphericalI(n, -x, scaled);
  if (x < 10 || x * x < 400 * (2 * n + 3)) return series(n, x, 1) * (scaled ? Math.exp(-x) : 1);
  if (x === Infinity) return scaled ? 0 : Infinity;
  const f = n === 0 ? -Math.expm1(-2 * x) / (2 * x) : Math.sqrt(Math.PI / (2 * x)) * besselIOf(n + 0.5, x, true);
  return scaled ? f : f * Math.exp(0.5 * x) * Math.exp(0.5 * x); // e^x alone overflows before i_n
}

/** k_n(x)e^x or k_n(x), x ≥ 0. */
export function sphericalK(n: number, x: number, scaled: boolean): number {
  if (!(x >= 0)) return NaN;
  if (x === 0) return Infinity;
  if (x === Infinity) return 0;
  const zeroth = Math.PI / (2 * x);
  const f = n > recurrent ? Math.sqrt(zeroth) * besselKOf(n + 0.5, x, true) : upwards(n, x, zeroth, zeroth * (1 + 1 / x), 1); // prettier-ignore
  return scaled ? f : f * Math.exp(-0.5 * x) * Math.exp(-0.5 * x);
}
