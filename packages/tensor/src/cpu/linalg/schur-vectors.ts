/** Eigenvectors of a quasi-triangular matrix by back substitution. */

import { dot } from "./vectors.js";

/** Pivots are not below this and entries not above that: with |T| ≤ 2³⁰⁰ (balancing sees to it) no product overflows. */
const SMALL = 2 ** -300;
const LARGE = 2 ** 200;

/**
 * X with TX = X diag(λ): upper triangular but for the 2×2 blocks, each column with largest entry about 1.
 *
 * @param t - T, in real Schur form with eigenvalues wr, wi, of which a conjugate pair stands at (j, j + 1), wi[j] > 0.
 * @returns X of [n, n], with the real part of a pair's first vector in column j and the imaginary part in column j + 1.
 */
export function schurVectors(t: Float64Array, n: number, wr: Float64Array, wi: Float64Array): Float64Array {
  const x = new Float64Array(n * n);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let j = n - 1; j >= 0; j--) {
    const pair = wi[j] !== 0;
    if (pair) j--;
    // Pivots below this are rounding errors of λ: an eigenvalue that occurs again, perhaps in a Jordan block.
    const smallest = Math.max(2 ** -52 * (Math.abs(wr[j]) + Math.abs(wi[j])), SMALL);
    startVector(t, n, j, wr[j], wi[j], re, im);
    substitute(t, n, j, wr[j], wi[j], pair, smallest, re, im);
    const last = pair ? j + 1 : j;
    let largest = 0;
    for (let i = 0; i <= last; i++) largest = Math.max(largest, Math.abs(re[i]), pair ? Math.abs(im[i]) : 0);
    for (let i = 0; i <= last; i++) {
      x[i * n + j] = re[i] / largest;
      if (pair) x[i * n + j + 1] = im[i] / largest;
    }
  }
  return x;
}

/** The entries on the diagonal block itself: 1, or the null vector of [[a − λ, b], [c, d − λ]]. */
function startVector(
  t: Float64Array,
  n: number,
  j: number,
  wr: number,
  wi: number,
  re: Float64Array,
  im: Float64Array,
): void {
  re[j] = 1;
  im[j] = 0;
  if (wi === 0) return;
  const b = t[j * n + j + 1];
  const c = t[(j + 1) * n + j];
  // In Schur form a = d = Re λ, so the rows say b x₁ = iω x₀ and c x₀ = iω x₁; the larger of b, c is divided by.
  if (Math.abs(b) >= Math.abs(c)) {
    re[j + 1] = 0;
    im[j + 1] = wi / b;
  } else {
    re[j] = 0;
    im[j] = wi / c;
    re[j + 1] = 1;
    im[j + 1] = 0;
  }
}

/** Rows above the block at j, upwards: (T_ii − λ) x_i = −Σ_{k>i} T_ik x_k. */
function substitute(
  t: Float64Array,
  n: number,
  j: number,
  wr: number,
  wi: number,
  pair: boolean,
  smallest: number,
  re: Float64Array,
  im: Float64Array,
): void {
  const last = pair ? j + 1 : j;
  for (let i = j - 1; i >= 0; i--) {
    const block = i > 0 && t[i * n + i - 1] !== 0;
    const r1 = -dot(t, i * n + i + 1, re, i + 1, last - i);
    const s1 = pair ? -dot(t, i * n + i + 1, im, i + 1, last - i) : 0;
    if (!block) {
      divide(r1, s1, t[i * n + i] - wr, -wi, smallest, re, im, i);
    } else {
      const row = (i - 1) * n;
      const r0 = -dot(t, row + i + 1, re, i + 1, last - i);
      const s0 = pair ? -dot(t, row + i + 1, im, i + 1, last - i) : 0;
      solveBlock(t, n, i - 1, wr, wi, r0, s0, r1, s1, smallest, re, im);
      i--;
    }
    const size = Math.max(
      Math.abs(re[i]),
      Math.abs(im[i]),
      block ? Math.max(Math.abs(re[i + 1]), Math.abs(im[i + 1])) : 0,
    );
    if (size > LARGE) {
      for (let k = i; k <= last; k++) {
        re[k] /= size;
        im[k] /= size;
      }
    }
  }
}

/** re[i] + i·im[i] = (r + is)/(p + iq), with p + iq replaced by `smallest` if it is smaller. */
function divide(
  r: number,
  s: number,
  p: number,
  q: number,
  smallest: number,
  re: Float64Array,
  im: Float64Array,
  i: number,
): void {
  if (Math.abs(p) + Math.abs(q) < smallest) {
    p = smallest;
    q = 0;
  }
  if (Math.abs(p) >= Math.abs(q)) {
    const ratio = q / p;
    const denominator = p + q * ratio;
    re[i] = (r + s * ratio) / denominator;
    im[i] = (s - r * ratio) / denominator;
  } else {
    const ratio = p / q;
    const denominator = p * ratio + q;
    re[i] = (r * ratio + s) / denominator;
    im[i] = (s * ratio - r) / denominator;
  }
}

/** The 2×2 system ([[a, b], [c, d]] − λ) x = (r₀ + is₀, r₁ + is₁) at rows i, i + 1, by elimination with the larger pivot. */
function solveBlock(
  t: Float64Array,
  n: number,
  i: number,
  wr: number,
  wi: number,
  r0: number,
  s0: number,
  r1: number,
  s1: number,
  smallest: number,
  re: Float64Array,
  im: Float64Array,
): void {
  const b = t[i * n + i + 1];
  const c = t[(i + 1) * n + i];
  const a = t[i * n + i] - wr;
  const d = t[(i + 1) * n + i + 1] - wr;
  if (Math.abs(a) + Math.abs(wi) >= Math.abs(c)) {
    // Row 1 minus c/(a − iω) times row 0.
    divide(c, 0, a, -wi, smallest, re, im, i);
    const [fr, fi] = [re[i], im[i]];
    divide(r1 - (fr * r0 - fi * s0), s1 - (fr * s0 + fi * r0), d - fr * b, -wi - fi * b, smallest, re, im, i + 1);
    divide(r0 - b * re[i + 1], s0 - b * im[i + 1], a, -wi, smallest, re, im, i);
  } else {
    // Row 0 minus (a − iω)/c times row 1.
    const [fr, fi] = [a / c, -wi / c];
    const pr = b - (fr * d + fi * wi);
    const pi = -(fi * d - fr * wi);
    divide(r0 - (fr * r1 - fi * s1), s0 - (fr * s1 + fi * r1), pr, pi, smallest, re, im, i + 1);
    const [yr, yi] = [re[i + 1], im[i + 1]];
    re[i] = (r1 - (d * yr + wi * yi)) / c;
    im[i] = (s1 - (d * yi - wi * yr)) / c;
  }
}
