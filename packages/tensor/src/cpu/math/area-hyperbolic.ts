/**
 * asinh, acosh and atanh through log1p, whose argument is formed without cancellation.
 *
 * From `large` on, x² + 1 is x² to rounding: asinh and acosh are log 2x = log1p(x − 1) + log 2, which does not overflow.
 */

import { log1p32, log1p64 } from "./log.js";

const f = Math.fround;

const large64 = 268435456; // 2^28
const large32 = 4096; // 2^12
const ln2_64 = 0.6931471805599453;
const ln2_32 = 0.6931471824645996;

/** Inverse hyperbolic sine: log1p(x + x²/(1 + √(x² + 1))). */
export function asinh64(x: number): number {
  const a = Math.abs(x);
  const large = a > large64;
  const z = a * a;
  const u = large ? a - 1 : a + z / (1 + Math.sqrt(z + 1));
  const y = log1p64(u) + (large ? ln2_64 : 0);
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Inverse hyperbolic sine in float32. */
export function asinh32(x: number): number {
  const a = Math.abs(x);
  const large = a > large32;
  const z = f(a * a);
  const u = large ? f(a - 1) : f(a + f(z / f(1 + f(Math.sqrt(f(z + 1))))));
  const y = f(log1p32(u) + (large ? ln2_32 : 0));
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Inverse hyperbolic cosine: log1p(t + √(2t + t²)), t = x − 1. */
export function acosh64(x: number): number {
  const large = x > large64;
  const t = x - 1;
  const u = large ? t : t + Math.sqrt(2 * t + t * t);
  return x >= 1 ? log1p64(u) + (large ? ln2_64 : 0) : NaN;
}

/** Inverse hyperbolic cosine in float32. */
export function acosh32(x: number): number {
  const large = x > large32;
  const t = f(x - 1);
  const u = large ? t : f(t + f(Math.sqrt(f(2 * t + f(t * t)))));
  return x >= 1 ? f(log1p32(u) + (large ? ln2_32 : 0)) : NaN;
}

/** Inverse hyperbolic tangent: ½·log1p(2x/(1 − x)), below ½ as 2x + 2x²/(1 − x). */
export function atanh64(x: number): number {
  const a = Math.abs(x);
  const twice = 2 * a;
  const u = a < 0.5 ? twice + (twice * a) / (1 - a) : twice / (1 - a);
  const y = 0.5 * log1p64(u);
  return x < 0 ? -y : x === 0 ? x : y;
}

/** Inverse hyperbolic tangent in float32. */
export function atanh32(x: number): number {
  const a = Math.abs(x);
  const twice = 2 * a;
  const u = a < 0.5 ? f(twice + f(f(twice * a) / f(1 - a))) : f(twice / f(1 - a));
  const y = 0.5 * log1p32(u);
  return x < 0 ? -y : x === 0 ? x : y;
}
