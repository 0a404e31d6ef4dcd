/**
 * Transforms of any length as a convolution of a length with small factors.
 *
 * jk = (j² + k² − (k − j)²)/2, so X_k = c_k Σ_j (x_j c_j)·conj(c_(k−j)) with the chirp c_j = e^(−πij²/n).
 * Source: Bluestein, A linear filtering approach to the computation of the discrete Fourier transform (1970).
 */

import { planMixedRadix, radices, runMixedRadix, split, type MixedRadixPlan } from "./mixed-radix.js";
import type { Split } from "./stages.js";
import { unitRoot, type UnitRoot } from "./twiddles.js";

export interface BluesteinPlan {
  readonly n: number;
  readonly inner: MixedRadixPlan;
  readonly chirp: Split;
  /** Transform of the conjugate chirp, wrapped around and divided by the inner length. */
  readonly filter: Split;
  readonly work: Split;
}

export function planBluestein(n: number): BluesteinPlan {
  const length = convolutionLength(2 * n - 1);
  const inner = planMixedRadix(length, radices(length) ?? []);
  const chirp = split(n);
  const filter = split(length);
  const root: UnitRoot = { cos: 1, sin: 0 };
  let square = 0; // j² mod 2n, kept exact by adding 2j + 1
  for (let j = 0; j < n; j++) {
    unitRoot(square, 2 * n, root);
    chirp.re[j] = root.cos;
    chirp.im[j] = -root.sin;
    filter.re[j] = filter.re[(length - j) % length] = root.cos / length;
    filter.im[j] = filter.im[(length - j) % length] = root.sin / length;
    square = (square + 2 * j + 1) % (2 * n);
  }
  runMixedRadix(inner, filter, 0);
  return { n, inner, chirp, filter, work: split(length) };
}

/** The smallest 2^a or 3·2^a that is at least `least`. */
function convolutionLength(least: number): number {
  let power = 1;
  while (power < least) power *= 2;
  return power >= 4 && 0.75 * power >= least ? 0.75 * power : power;
}

/** Transforms the n numbers of `x` from index `start` on, in place. */
export function runBluestein({ n, inner, chirp, filter, work }: BluesteinPlan, x: Split, start: number): void {
  const { re, im } = work;
  for (let j = 0; j < n; j++) {
    const a = x.re[start + j];
    const b = x.im[start + j];
    re[j] = a * chirp.re[j] - b * chirp.im[j];
    im[j] = a * chirp.im[j] + b * chirp.re[j];
  }
  re.fill(0, n);
  im.fill(0, n);
  runMixedRadix(inner, work, 0);
  for (let k = 0; k < re.length; k++) {
    const a = re[k] * filter.re[k] - im[k] * filter.im[k];
    im[k] = re[k] * filter.im[k] + im[k] * filter.re[k];
    re[k] = a;
  }
  runMixedRadix(inner, { re: im, im: re }, 0); // re and im exchanged: the inverse transform
  for (let k = 0; k < n; k++) {
    x.re[start + k] = re[k] * chirp.re[k] - im[k] * chirp.im[k];
    x.im[start + k] = re[k] * chirp.im[k] + im[k] * chirp.re[k];
  }
}
