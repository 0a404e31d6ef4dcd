/** tan. */

/** Tangent. */
export function tan64(x: number): number {
  return Math.tan(x);
}

/** Tangent in float32. */
export function tan32(x: number): number {
  return Math.fround(Math.tan(x));
}
