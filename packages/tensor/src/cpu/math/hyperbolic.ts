/** sinh, cosh and tanh. */

import { expm132, expm164 } from "./exp.js";

const f = Math.fround;

/** Hyperbolic sine. */
export function sinh64(x: number): number {
  return Math.sinh(x);
}

/** Hyperbolic sine in float32. */
export function sinh32(x: number): number {
  return f(Math.sinh(x));
}

/** Hyperbolic cosine. */
export function cosh64(x: number): number {
  return Math.cosh(x);
}

/** Hyperbolic cosine in float32. */
export function cosh32(x: number): number {
  return f(Math.cosh(x));
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
