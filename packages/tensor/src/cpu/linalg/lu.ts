/** LU factorisation with partial pivoting. */

import { externalFactorisations } from "../external-factorisations.js";
import { multiplyAdd } from "./multiply.js";
import { solveTriangle } from "./triangular-solve.js";
import { copied, inWorkSpace } from "./work-space.js";

/** So many columns are eliminated one by one: a row of them is a cache line. */
const FEW = 8;

/**
 * PA = LU in place for A of [m, n]: U on and above the diagonal, L below it (its ones are not stored), k = min(m, n) columns of L.
 *
 * By halves of the columns: the left half is factored, a triangular solve and a product carry it to the right half, which is factored
 * in turn, so that nearly all work is in products. ‖PA − LU‖ ≤ Nε‖|L||U|‖; |L| ≤ 1, and |U| ≤ 2^(n−1) max|A|, attained only by
 * matrices made for it.
 *
 * @param perm - Receives the row order, of length m: (PA)[i] = A[perm[i]].
 * @returns 0, or 1 + the index of the first pivot that is exactly 0. The factorisation is complete and valid in either case.
 * Source: Toledo (1997).
 */
export function lu(a: Float64Array, m: number, n: number, perm: Int32Array): number {
  const external = externalFactorisations(m * n);
  if (external !== null) return external.lu(a, m, n, perm);
  const k = Math.min(m, n);
  return inWorkSpace(m * n, m * n, () => {
    for (let i = 0; i < m; i++) perm[i] = i;
    const work = copied(a, m * n);
    const info = factorColumns(work, m, n, perm, 0, k);
    solveTriangle(work, 0, n, 1, k, true, true, work, k, n, n - k);
    a.set(work);
    return info;
  });
}

/** Columns [first, end), which those before them have been carried to. */
function factorColumns(a: Float64Array, m: number, n: number, perm: Int32Array, first: number, end: number): number {
  if (end - first <= FEW) return eliminateColumns(a, m, n, perm, first, end);
  const middle = first + Math.ceil((end - first) / 2 / FEW) * FEW;
  const left = factorColumns(a, m, n, perm, first, middle);
  const [done, width] = [middle - first, end - middle];
  solveTriangle(a, first * n + first, n, 1, done, true, true, a, first * n + middle, n, width);
  const [l, u] = [middle * n + first, first * n + middle];
  multiplyAdd(m - middle, width, done, -1, a, l, n, 1, a, u, n, 1, a, middle * n + middle, n);
  const right = factorColumns(a, m, n, perm, middle, end);
  return left === 0 ? right : left;
}

function eliminateColumns(a: Float64Array, m: number, n: number, perm: Int32Array, first: number, end: number): number {
  let info = 0;
  for (let c = first; c < end; c++) {
    const pivot = choosePivot(a, m, n, c);
    if (pivot !== c) swapRows(a, n, perm, c, pivot);
    if (a[c * n + c] !== 0) eliminate(a, m, n, c, end);
    else if (info === 0) info = c + 1; // the column is zero from here down: its multipliers are
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
