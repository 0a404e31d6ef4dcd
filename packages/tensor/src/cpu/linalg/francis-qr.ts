/** Real Schur form of a Hessenberg matrix by Francis's implicit double-shift QR iteration. */

import { reflector } from "./householder.js";
import { blockEigenvalues, schurBlock } from "./schur-block.js";
import type { SweepReflectors } from "./sweep-reflectors.js";
import { reflectRow, reflectRowPair, reflectRows } from "./sweep-reflectors.js";

const EPS = 2 ** -52;
/** A subdiagonal entry below this is 0; the matrix is scaled to about 1. */
const NEGLIGIBLE = 2 ** -800;
/** Sweeps allowed per eigenvalue; 2 to 3 are needed. */
const MAX_SWEEPS = 30;

/** What one sweep works on. */
interface Schur extends SweepReflectors {
  readonly h: Float64Array;
  readonly z: Float64Array | null;
  readonly n: number;
}

/**
 * H ← ZᵀHZ quasi-triangular, in place: 2×2 blocks on the diagonal (with equal diagonal entries) for conjugate pairs.
 *
 * @param h - H, of [n, n], upper Hessenberg in rows and columns low … high and triangular outside.
 * @param z - Multiplied from the right by the Z of the iteration; null for eigenvalues only: then only the block [low, high] of H is
 *   transformed. The eigenvalues have the same bits either way.
 * @returns 0, or the number of eigenvalues that did not converge in 30n sweeps.
 * Source: Francis (1961); the test for a negligible entry: Ahues & Tisseur (1997).
 */
export function francisQr(
  h: Float64Array,
  n: number,
  low: number,
  high: number,
  wr: Float64Array,
  wi: Float64Array,
  z: Float64Array | null,
): number {
  for (let i = 0; i < n; i++) {
    wr[i] = h[i * n + i];
    wi[i] = 0;
  }
  const schur: Schur = { h, z, n, v1: new Float64Array(n), v2: new Float64Array(n), tau: new Float64Array(n) };
  let sweeps = MAX_SWEEPS * Math.max(10, high - low + 1);
  let stalled = 0; // sweeps since the last eigenvalue
  for (let end = high; end >= low;) {
    let start = end;
    while (start > low && !isNegligible(h, n, start, low, high)) start--;
    if (start > low) h[start * n + start - 1] = 0;
    if (start < end - 1) {
      if (sweeps-- === 0) return end + 1 - low;
      sweep(schur, start, end, stalled++);
      continue;
    }
    if (start === end - 1) splitPair(schur, start, low, high, wr, wi);
    else wr[end] = h[end * n + end];
    end = start - 1;
    stalled = 0;
  }
  return 0;
}

/** Whether h[k, k−1] may be dropped: it is small, and so is the change of the eigenvalues of its 2×2 block. */
function isNegligible(h: Float64Array, n: number, k: number, low: number, high: number): boolean {
  const below = Math.abs(h[k * n + k - 1]);
  if (below <= NEGLIGIBLE) return true;
  const d1 = h[(k - 1) * n + k - 1];
  const d2 = h[k * n + k];
  let sum = Math.abs(d1) + Math.abs(d2);
  if (sum === 0) {
    if (k - 2 >= low) sum += Math.abs(h[(k - 1) * n + k - 2]);
    if (k + 1 <= high) sum += Math.abs(h[(k + 1) * n + k]);
  }
  if (below > EPS * sum) return false;
  const above = Math.abs(h[(k - 1) * n + k]);
  const larger = Math.max(Math.abs(d2), Math.abs(d1 - d2));
  const smaller = Math.min(Math.abs(d2), Math.abs(d1 - d2));
  const total = larger + Math.max(below, above);
  return (
    Math.min(below, above) * (Math.max(below, above) / total) <=
    Math.max(NEGLIGIBLE, EPS * (smaller * (larger / total)))
  );
}

/** A converged 2×2 block: its Schur form and eigenvalues. */
function splitPair({ h, z, n }: Schur, p: number, low: number, high: number, wr: Float64Array, wi: Float64Array): void {
  const q = p + 1;
  const block = schurBlock(h[p * n + p], h[p * n + q], h[q * n + p], h[q * n + q]);
  const { cs, sn } = block;
  const top = z === null ? low : 0;
  const right = z === null ? high + 1 : n;
  for (let j = q + 1; j < right; j++) {
    const x = h[p * n + j];
    const y = h[q * n + j];
    h[p * n + j] = cs * x + sn * y;
    h[q * n + j] = cs * y - sn * x;
  }
  rotateColumns(h, n, top, p, p, cs, sn);
  if (z !== null) rotateColumns(z, n, 0, n, p, cs, sn);
  h[p * n + p] = block.a;
  h[p * n + q] = block.b;
  h[q * n + p] = block.c;
  h[q * n + q] = block.d;
  [wr[p], wi[p], wr[q], wi[q]] = blockEigenvalues(block);
}

/** Columns p, p + 1 in rows [from, to). */
function rotateColumns(a: Float64Array, n: number, from: number, to: number, p: number, cs: number, sn: number): void {
  for (let i = from; i < to; i++) {
    const x = a[i * n + p];
    const y = a[i * n + p + 1];
    a[i * n + p] = cs * x + sn * y;
    a[i * n + p + 1] = cs * y - sn * x;
  }
}

/**
 * The two shifts, as [re, im, re, im]: the eigenvalues of the last 2×2 of the block, or twice the one nearer to its last entry if they
 * are real. After 10 and 20 sweeps without success others are tried, in case the iteration runs in a cycle.
 */
function shifts(
  h: Float64Array,
  n: number,
  start: number,
  end: number,
  stalled: number,
): [number, number, number, number] {
  let a = h[(end - 1) * n + end - 1];
  let b = h[(end - 1) * n + end];
  let c = h[end * n + end - 1];
  let d = h[end * n + end];
  if (stalled % 10 === 9) {
    // Any shift of the block's own size, unlike the regular ones; the numbers are customary.
    const atTop = stalled % 20 === 9;
    const s = atTop
      ? Math.abs(h[(start + 1) * n + start]) + Math.abs(h[(start + 2) * n + start + 1])
      : Math.abs(c) + Math.abs(h[(end - 1) * n + end - 2]);
    a = d = 0.75 * s + (atTop ? h[start * n + start] : d);
    b = -0.4375 * s;
    c = s;
  }
  const [re1, im1, re2, im2] = blockEigenvalues(schurBlock(a, b, c, d));
  if (im1 !== 0) return [re1, im1, re2, im2];
  const nearer = Math.abs(re1 - d) <= Math.abs(re2 - d) ? re1 : re2;
  return [nearer, 0, nearer, 0];
}

/** One double-shift QR step on the unreduced block [start, end], of order ≥ 3. */
function sweep(schur: Schur, start: number, end: number, stalled: number): void {
  const { h, z, n, v1, v2, tau } = schur;
  const [re1, im1, re2, im2] = shifts(h, n, start, end, stalled);
  const x = new Float64Array(3);

  // The bulge may start at the last row m where the entry to its left does not feel it.
  let m = end - 2;
  for (; ; m--) {
    const h00 = h[m * n + m];
    const h10 = h[(m + 1) * n + m];
    const h11 = h[(m + 1) * n + m + 1];
    const scale = Math.abs(h00 - re2) + Math.abs(im2) + Math.abs(h10);
    const g = h10 / scale;
    // First column of (H − λ₁)(H − λ₂), divided by the scale.
    x[0] = g * h[m * n + m + 1] + (h00 - re1) * ((h00 - re2) / scale) - im1 * (im2 / scale);
    x[1] = g * (h00 + h11 - re1 - re2);
    x[2] = g * h[(m + 2) * n + m + 1];
    const sum = Math.abs(x[0]) + Math.abs(x[1]) + Math.abs(x[2]);
    if (sum > 0) for (let i = 0; i < 3; i++) x[i] /= sum;
    if (m === start) break;
    const left = Math.abs(h[m * n + m - 1]) * (Math.abs(x[1]) + Math.abs(x[2]));
    const diagonal = Math.abs(h[(m - 1) * n + m - 1]) + Math.abs(h00) + Math.abs(h11);
    if (left <= EPS * Math.abs(x[0]) * diagonal) break;
  }

  const right = z === null ? end + 1 : n;
  for (let k = m; k < end; k++) {
    const size = Math.min(3, end - k + 1);
    if (k > m) {
      for (let i = 0; i < size; i++) x[i] = h[(k + i) * n + k - 1];
    }
    tau[k] = reflector(x, 0, 1, size);
    v1[k] = x[1];
    v2[k] = size === 3 ? x[2] : 0;
    if (k > m) {
      h[k * n + k - 1] = x[0];
      for (let i = 1; i < size; i++) h[(k + i) * n + k - 1] = 0;
    } else if (m > start) {
      h[k * n + k - 1] *= 1 - tau[k];
    }
    reflectRows(h, n, k, size, k, right, v1[k], v2[k], tau[k]);
    // Only the rows of the next reflector need the columns' part now; the rest follows row by row.
    const last = Math.min(k + 3, end);
    for (let i = k + 1; i <= last; i++) reflectRow(h, i * n, schur, k, k + 1, end);
  }
  const top = z === null ? start : 0;
  for (let i = top; i < end; i += 2) {
    if (i + 1 < end) {
      const first = Math.max(i + 1, m);
      reflectRow(h, i * n, schur, Math.max(i, m), first, end);
      reflectRowPair(h, i * n, n, schur, first, end);
    } else reflectRow(h, i * n, schur, Math.max(i, m), end, end);
  }
  if (z === null) return;
  for (let i = 0; i + 1 < n; i += 2) reflectRowPair(z, i * n, n, schur, m, end);
  if (n % 2 === 1) reflectRow(z, (n - 1) * n, schur, m, end, end);
}
