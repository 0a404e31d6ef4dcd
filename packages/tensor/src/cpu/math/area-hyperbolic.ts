/** asinh, acosh and atanh. */

const f = Math.fround;

/** Inverse hyperbolic sine. */
export function asinh64(x: number): number {
  return Math.asinh(x);
}

/** Inverse hyperbolic sine in float32. */
export function asinh32(x: number): number {
  return f(Math.asinh(x));
}

/** Inverse hyperbolic cosine. */
export function acosh64(x: number): number {
  return Math.acosh(x);
}

/** Inverse hyperbolic cosine in float32. */
export function acosh32(x: number): number {
  return f(Math.acosh(x));
}

/** Inverse hyperbolic tangent. */
export function atanh64(x: number): number {
  return Math.atanh(x);
}

/** Inverse hyperbolic tangent in float32. */
export function atanh32(x: number): number {
  return f(Math.atanh(x));
}
