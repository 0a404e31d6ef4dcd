/** Elementary reflectors H = I − τvvᵀ. */

import { norm2 } from "./norm.js";

// Below this the quotients that define v and τ would be taken between denormal numbers, and H would not be orthogonal.
const TINY = 2 ** -960;
const RAISE = 2 ** 600;

/**
 * The reflector that sends x to βe₀, |β| = ‖x‖, for x[i] = a[offset + i·stride].
 *
 * x is overwritten: x₀ by β and the rest by v₁, v₂, … (v₀ = 1 is not stored). β has the sign opposite to x₀, so that x₀ − β does
 * not cancel; H = I if x is a multiple of e₀ already.
 *
 * @returns τ.
 */
export function reflector(a: Float64Array, offset: number, stride: number, length: number): number {
  if (length <= 1) return 0;
  if (norm2(a, offset + stride, stride, length - 1) === 0) return 0;
  let norm = norm2(a, offset, stride, length);
  let lower = 1;
  if (norm < TINY) {
    for (let i = 0, x = offset; i < length; i++, x += stride) a[x] *= RAISE;
    norm = norm2(a, offset, stride, length);
    lower = 1 / RAISE;
  }
  const alpha = a[offset];
  const beta = alpha > 0 ? -norm : norm;
  const pivot = alpha - beta;
  for (let i = 1, x = offset + stride; i < length; i++, x += stride) a[x] /= pivot;
  a[offset] = beta * lower;
  return -pivot / beta;
}
