/** asin, acos, atan and atan2. */

const f = Math.fround;

/** Arc sine. */
export function asin64(x: number): number {
  return Math.asin(x);
}

/** Arc sine in float32. */
export function asin32(x: number): number {
  return f(Math.asin(x));
}

/** Arc cosine. */
export function acos64(x: number): number {
  return Math.acos(x);
}

/** Arc cosine in float32. */
export function acos32(x: number): number {
  return f(Math.acos(x));
}

/** Arc tangent. */
export function atan64(x: number): number {
  return Math.atan(x);
}

/** Arc tangent in float32. */
export function atan32(x: number): number {
  return f(Math.atan(x));
}

/** Angle of the point (x, y), in (−π, π]. */
export function atan264(y: number, x: number): number {
  return Math.atan2(y, x);
}

/** Angle of the point (x, y) in float32. */
export function atan232(y: number, x: number): number {
  return f(Math.atan2(y, x));
}
