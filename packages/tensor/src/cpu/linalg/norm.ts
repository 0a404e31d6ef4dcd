/** Norms that neither overflow nor underflow, and the power of two that brings a matrix to unit size. */

// Sums of squares inside this range carry no damage from underflow or overflow of single terms.
const SAFE_LOW = 2 ** -900;
const SAFE_HIGH = 2 ** 1000;

/** ‖x‖₂ of x[i] = a[offset + i·stride], i < length; right for entries from 5e-324 to 1.7e308. */
export function norm2(a: Float64Array, offset: number, stride: number, length: number): number {
  let sum = 0;
  for (let i = 0, x = offset; i < length; i++, x += stride) sum += a[x] * a[x];
  if (sum > SAFE_LOW && sum < SAFE_HIGH) return Math.sqrt(sum);

  let largest = 0;
  for (let i = 0, x = offset; i < length; i++, x += stride) {
    const size = Math.abs(a[x]);
    if (!(size <= largest)) largest = size; // written so that NaN is kept
  }
  if (largest === 0 || !(largest < Infinity)) return largest;
  const scale = powerOfTwoNear(largest);
  sum = 0;
  for (let i = 0, x = offset; i < length; i++, x += stride) sum += (a[x] * scale) ** 2;
  return Math.sqrt(sum) / scale;
}

/**
 * √(x² + y²) without overflow or underflow. (Math.hypot is several times slower.)
 *
 * The root r of the rounded sum is corrected by (x² + y² − r²)/2r. Without that it is always too small when x² + y² is just above 1: the
 * rounded sum is 1 + kε, its root lies just below the midpoint 1 + kε/2 for odd k. Thousands of plane rotations that are all a little
 * too long make the singular vectors of a matrix near the identity grow.
 */
export function hypot(x: number, y: number): number {
  const large = Math.max(Math.abs(x), Math.abs(y));
  const small = Math.min(Math.abs(x), Math.abs(y));
  const square = large * large + small * small;
  if (square > SAFE_LOW && square < SAFE_HIGH) {
    const r = Math.sqrt(square);
    return r + ((large - r) * (large + r) + small * small) / (2 * r);
  }
  if (small === 0 || !(large < Infinity)) return large + small; // NaN stays NaN
  const ratio = small / large;
  return large * Math.sqrt(1 + ratio * ratio);
}

/** max |a_i|, or NaN if any entry is NaN. */
export function maxAbs(a: Float64Array, length: number = a.length): number {
  let largest = 0;
  for (let i = 0; i < length; i++) {
    const size = Math.abs(a[i]);
    if (!(size <= largest)) {
      largest = size;
      if (size !== size) return NaN;
    }
  }
  return largest;
}

/**
 * The factor by which an eigenvalue or singular value problem is multiplied before it is solved: 1 if squares of its entries are safe,
 * else a power of two, so that scaling and undoing it are exact.
 *
 * @param largest - max |a_ij|.
 */
export function safeScale(largest: number): number {
  return largest === 0 || (largest > 2 ** -400 && largest < 2 ** 400) ? 1 : powerOfTwoNear(largest);
}

/** 2^e with 2^e·x in [1/2, 2), for x down to 2^-1000; e stops there, which brings even 5e-324 far from underflow. */
function powerOfTwoNear(x: number): number {
  return 2 ** -Math.max(-1000, Math.min(1000, Math.floor(Math.log2(x))));
}
