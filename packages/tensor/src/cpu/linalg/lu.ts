/** LU factorisation with partial pivoting. */

import { multiplyAdd } from "./multiply.js";
import { solveTriangle } from "./triangular-solve.js";

const NB = 32;

/**
 * PA = LU in place for A of [m, n]: U on and above the diagonal, L below it (its ones are not stored), k = min(m, n) columns of L.
 *
 * Right-looking by panels of 32 columns. ‖PA − LU‖ ≤ Nε‖|L||U|‖; |L| ≤ 1, and |U| ≤ 2^(n−1) max|A|, attained only by matrices made
 * for it.
 *
 * @param perm - Receives the row order, of length m: (PA)[i] = A[perm[i]].
 * @returns 0, or 1 + the index of the first pivot that is exactly 0. The factorisation is complete and valid in either case.
 */
export function lu(a: Float64Array, m: number, n: number, perm: Int32Array): number {
  for (let i = 0; i < m; i++) perm[i] = i;
  const k = Math.min(m, n);
  let info = 0;
  for (let j = 0; j < k; j += NB) {
    const end = Math.min(j + NB, k);
    for (let c = j; c < end; c++) {
      const pivot = choosePivot(a, m, n, c);
      if (pivot !== c) swapRows(a, n, perm, c, pivot);
      if (a[c * n + c] !== 0) eliminate(a, m, n, c, end);
      else if (info === 0) info = c + 1; // the column is zero from here down: its multipliers are
    }
    solveTriangle(a, j * n + j, n, 1, end - j, true, true, a, j * n + end, n, n - end);
    multiplyAdd(m - end, n - end, end - j, -1, a, end * n + j, n, 1, a, j * n + end, n, 1, a, end * n + end, n);
  }
  return info;
}

/** The row ≥ c with the largest |entry| in column c; the first one on a tie. */
function choosePivot(a: Float64Array, m: number, n: number, c: number): number {
  let best = c;
  let largest = Math.abs(a[c * n + c]);
  for (let i = c + 1; i < m; i++) {
    const size = Math.abs(a[i * n + c]);
    if (size > largest) {
      largest = size;
      best = i;
    }
  }
  return best;
}

function swapRows(a: Float64Array, n: number, perm: Int32Array, i: number, j: number): void {
  for (let x = i * n, y = j * n, end = x + n; x < end; x++, y++) {
    const value = a[x];
    a[x] = a[y];
    a[y] = value;
  }
  const index = perm[i];
  perm[i] = perm[j];
  perm[j] = index;
}

/** Multipliers of column c, and their effect on columns c + 1 … end − 1. */
function eliminate(a: Float64Array, m: number, n: number, c: number, end: number): void {
  const pivot = a[c * n + c];
  const top = c * n;
  for (let i = c + 1; i < m; i++) {
    const row = i * n;
    const l = a[row + c] / pivot; // a quotient, not a product with 1/pivot: that overflows for a denormal pivot
    a[row + c] = l;
    for (let p = c + 1; p < end; p++) a[row + p] -= l * a[top + p];
  }
}

/** L of [m, k] with its unit diagonal, k = min(m, n), from the packed factors. */
export function unpackLower(packed: Float64Array, m: number, n: number, l: Float64Array): void {
  const k = Math.min(m, n);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < k; j++) l[i * k + j] = j < i ? packed[i * n + j] : j === i ? 1 : 0;
  }
}

/** U of [k, n], k = min(m, n), from the packed factors. */
export function unpackUpper(packed: Float64Array, m: number, n: number, u: Float64Array): void {
  const k = Math.min(m, n);
  for (let i = 0; i < k; i++) {
    for (let j = 0; j < n; j++) u[i * n + j] = j < i ? 0 : packed[i * n + j];
  }
}

/** det P: 1 or −1. */
export function permutationSign(perm: Int32Array): number {
  const seen = new Uint8Array(perm.length);
  let sign = 1;
  for (let i = 0; i < perm.length; i++) {
    // A cycle of even length is an odd permutation.
    for (let j = perm[i], odd = false; seen[i] === 0; j = perm[j]) {
      seen[j] = 1;
      if (odd) sign = -sign;
      odd = true;
    }
  }
  return sign;
}
