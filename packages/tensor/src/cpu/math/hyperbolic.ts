/**
 * sinh, cosh and tanh.
 *
 * sinh: x + x·z·P(z) with z = x² for |x| < 1, where e^x and e^−x would cancel; h − ¼/h beyond, h = ½e^|x|.
 * P: minimax, `scripts/fit-minimax.py sinh64 sinh32`.
 */

import { expm132, expm164, halfExp32, halfExp64 } from "./exp.js";

const f = Math.fround;

function sinhSmall64(x: number): number {
  const z = x * x;
  const v = z * z;
  const even =
    0.16666666666666669 + v * (0.00019841269841531234 + v * (2.5052126860184664e-8 + v * 7.765909739220924e-13));
  const odd = 0.00833333333333297 + v * (2.755731913035996e-6 + v * 1.605700015086106e-10);
  return x + x * z * (even + z * odd);
}

function sinhSmall32(x: number): number {
  const z = f(x * x);
  const p = f(0.1666671633720398 + f(z * f(0.008330270648002625 + f(z * 0.00020373340521473438))));
  return f(x + f(f(x * z) * p));
}

/** Hyperbolic sine. */
export function sinh64(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x === 0 ? x : sinhSmall64(x);
  const h = halfExp64(a);
  const y = h - 0.25 / h;
  return x < 0 ? -y : y;
}

/** Hyperbolic sine in float32. */
export function sinh32(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return x === 0 ? x : sinhSmall32(x);
  const h = halfExp32(a);
  const y = f(h - f(0.25 / h));
  return x < 0 ? -y : y;
}

/** Hyperbolic cosine. */
export function cosh64(x: number): number {
  const h = halfExp64(Math.abs(x));
  return h + 0.25 / h;
}

/** Hyperbolic cosine in float32. */
export function cosh32(x: number): number {
  const h = halfExp32(Math.abs(x));
  return f(h + f(0.25 / h));
}

/** Hyperbolic tangent: e/(e + 2) with e = expm1(2|x|); 1 from |x| = 20 on. */
export function tanh64(x: number): number {
  const a = Math.abs(x);
  const e = expm164(2 * (a > 20 ? 20 : a));
  const y = e / (e + 2);
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Hyperbolic tangent in float32; 1 from |x| = 10 on. */
export function tanh32(x: number): number {
  const a = Math.abs(x);
  const e = expm132(2 * (a > 10 ? 10 : a));
  const y = f(e / f(e + 2));
  return x < 0 ? -y : x === 0 ? x : y;
}
