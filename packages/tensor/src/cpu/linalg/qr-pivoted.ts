/** Householder QR with column pivoting: the rank-revealing factorisation behind least squares. */

import { reflector } from "./householder.js";
import { transposeVector } from "./matrix-vector.js";
import { norm2 } from "./norm.js";
import { addMultiple } from "./vectors.js";
import type { PackedQr } from "./qr.js";
import { compactFactors, unpackQr } from "./qr.js";

/**
 * AΠ = QR with R upper triangular (trapezoidal), R_00 ≥ R_11 ≥ … ≥ 0, and |R_ii| ≥ the norm of every later column below row i.
 *
 * Thin: Q of [m, k], R of [k, n], k = min(m, n). Complete: Q of [m, m], R of [m, n]. The count of R_ii above max(m, n)ε R_00 is the
 * rank that least squares uses; it can be too large (Kahan's matrix), so `matrixRank` takes singular values.
 *
 * @param a - A of [m, n]; not modified.
 * @param q - Receives Q; null if only R and the order are wanted.
 * @param r - Receives R.
 * @param perm - Receives the column order, of length n: column j of AΠ is column perm[j] of A.
 * Source: Businger & Golub (1965).
 */
export function qrPivoted(
  a: Float64Array,
  m: number,
  n: number,
  q: Float64Array | null,
  r: Float64Array,
  perm: Int32Array,
  complete: boolean = false,
): void {
  unpackQr(factorPivotedQr(a.slice(0, m * n), m, n, perm), q, r, complete);
}

// Downdating subtracts squares: when the norm has fallen by this factor, half the digits of its square are gone, and it is computed anew.
const TRUSTED = 2 ** -13;

/** Factors A of [m, n] in place; signs of R as they come. */
export function factorPivotedQr(a: Float64Array, m: number, n: number, perm: Int32Array): PackedQr {
  const k = Math.min(m, n);
  const tau = new Float64Array(k);
  const work = new Float64Array(n);
  const column = new Float64Array(m);
  const norms = new Float64Array(n); // of the columns below row c, downdated
  for (let j = 0; j < n; j++) {
    perm[j] = j;
    norms[j] = norm2(a, j, n, m);
  }
  const reference = norms.slice(); // their last exact values
  for (let c = 0; c < k; c++) {
    let pivot = c;
    for (let j = c + 1; j < n; j++) if (norms[j] > norms[pivot]) pivot = j;
    if (pivot !== c) {
      for (let i = 0; i < m; i++) swap(a, i * n + c, i * n + pivot);
      swap(perm, c, pivot);
      norms[pivot] = norms[c];
      reference[pivot] = reference[c];
    }
    for (let i = c; i < m; i++) column[i - c] = a[i * n + c];
    tau[c] = reflector(column, 0, 1, m - c);
    for (let i = c; i < m; i++) a[i * n + c] = column[i - c];
    column[0] = 1;
    const right = n - c - 1;
    transposeVector(m - c, right, a, c * n + c + 1, n, column, 0, work, 0);
    for (let i = c; i < m; i++) addMultiple(a, i * n + c + 1, -tau[c] * column[i - c], work, 0, right);
    for (let j = c + 1; j < n; j++) downdate(a, m, n, c, j, norms, reference);
  }
  return compactFactors(a, m, n, tau);
}

/** ‖a[c+1:, j]‖ from ‖a[c:, j]‖ and a[c, j]. */
function downdate(
  a: Float64Array,
  m: number,
  n: number,
  c: number,
  j: number,
  norms: Float64Array,
  reference: Float64Array,
): void {
  if (norms[j] === 0) return;
  const ratio = Math.abs(a[c * n + j]) / norms[j];
  const left = Math.sqrt(Math.max(0, (1 + ratio) * (1 - ratio)));
  norms[j] *= left;
  if (!(norms[j] > TRUSTED * reference[j])) norms[j] = reference[j] = norm2(a, (c + 1) * n + j, n, m - c - 1);
}

function swap(a: Float64Array | Int32Array, i: number, j: number): void {
  const value = a[i];
  a[i] = a[j];
  a[j] = value;
}
