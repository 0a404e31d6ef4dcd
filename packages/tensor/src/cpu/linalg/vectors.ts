/** The two operations on contiguous vectors that everything else is made of. */

/** Σ x[xo + l] y[yo + l], l < length; two sums, which hide the latency of the additions. */
export function dot(x: Float64Array, xo: number, y: Float64Array, yo: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let l = 0;
  for (; l + 2 <= length; l += 2) {
    s0 += x[xo + l] * y[yo + l];
    s1 += x[xo + l + 1] * y[yo + l + 1];
  }
  return l < length ? s0 + s1 + x[xo + l] * y[yo + l] : s0 + s1;
}

/** y ← y + αx over `length` entries from yo and xo. */
export function addMultiple(
  y: Float64Array,
  yo: number,
  alpha: number,
  x: Float64Array,
  xo: number,
  length: number,
): void {
  for (let l = 0; l < length; l++) y[yo + l] += alpha * x[xo + l];
}
