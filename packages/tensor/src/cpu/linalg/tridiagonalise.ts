/** Reduction of a symmetric matrix to tridiagonal form by blocked Householder reflections. */

import { REFLECTOR_BLOCK as NB, applyBlockReflector, compactFactor } from "./block-reflector.js";
import { reflector } from "./householder.js";
import { addScaledRows, matrixVector } from "./matrix-vector.js";
import { multiplyAdd } from "./multiply.js";
import { symmetricVector } from "./symmetric-vector.js";
import { addMultiple, dot } from "./vectors.js";
import { doubles, giveBack } from "./work-space.js";

/** QᵀAQ = T: T's diagonal d and subdiagonal e, e[i] = T[i + 1, i], and Q as reflectors. */
export interface Tridiagonal {
  readonly n: number;
  readonly d: Float64Array;
  readonly e: Float64Array;
  /** Row i holds, left of column i − 1, the reflector that cleared it. */
  readonly packed: Float64Array;
  readonly tau: Float64Array;
}

/**
 * Reduces A, of which only the lower triangle is read, in place.
 *
 * Rows are cleared from the last to the second: reflector H_i turns A[i, 0..i−1] into a multiple of its last entry. So each vector is
 * a contiguous row, and what remains is the leading triangle. Within a block of 16 rows the rank-two updates are deferred:
 * A − VᵀW − WᵀV is kept as its three parts, and half of the (4/3)n³ flops happen in matrix products.
 *
 * Source: Dongarra, Sorensen & Hammarling (1989), for the deferred update.
 */
export function tridiagonalise(a: Float64Array, n: number): Tridiagonal {
  const d = new Float64Array(n);
  const e = new Float64Array(Math.max(n - 1, 0));
  const tau = new Float64Array(n);
  const block = Math.min(NB, n);
  // V, W and V again: A − VᵀW − WᵀV is then one product of what begins at V and what begins at W.
  const vwv = doubles(3 * block * n);
  const v = vwv.subarray(0, block * n);
  const w = vwv.subarray(block * n, 2 * block * n);
  const products = doubles(2 * block);
  for (let high = n; high > 0; high -= NB) {
    const low = Math.max(high - NB, 0);
    for (let i = high - 1; i >= low; i--) {
      const done = high - 1 - i;
      addScaledRows(done, i + 1, -1, w, 0, n, v, i, n, a, i * n);
      addScaledRows(done, i + 1, -1, v, 0, n, w, i, n, a, i * n);
      d[i] = a[i * n + i];
      if (i === 0) break;
      tau[i] = reflector(a, i * n + i - 1, -1, i);
      e[i - 1] = a[i * n + i - 1];
      v.set(a.subarray(i * n, i * n + i), done * n);
      v[done * n + i - 1] = 1;
      v.fill(0, done * n + i, done * n + high);
      updateVector(a, n, i, tau[i], v, w, done, products);
      w.fill(0, done * n + i, done * n + high);
    }
    vwv.copyWithin(2 * block * n, 0, block * n);
    subtractRankTwo(a, n, low, block, vwv);
  }
  giveBack(vwv);
  return { n, d, e, packed: a, tau };
}

/** Row `done` of W: w = τ(Av) − ½τ²(vᵀAv)v, with A the remaining matrix of order i, whose deferred part is in V and W. */
function updateVector(
  a: Float64Array,
  n: number,
  i: number,
  tau: number,
  v: Float64Array,
  w: Float64Array,
  done: number,
  products: Float64Array,
): void {
  const row = done * n;
  symmetricVector(a, n, i, v, row, w, row);
  matrixVector(done, i, w, 0, n, v, row, products, 0);
  matrixVector(done, i, v, 0, n, v, row, products, done);
  addScaledRows(done, i, -1, v, 0, n, products, 0, 1, w, row);
  addScaledRows(done, i, -1, w, 0, n, products, done, 1, w, row);
  for (let l = 0; l < i; l++) w[row + l] *= tau;
  addMultiple(w, row, -0.5 * tau * dot(w, row, v, row, i), v, row, i);
}

/**
 * A ← A − VᵀW − WᵀV on the lower triangle of the leading block, by strips of rows. (A last block that is not full has nothing left
 * to update.)
 */
function subtractRankTwo(a: Float64Array, n: number, order: number, block: number, vwv: Float64Array): void {
  const strip = 64;
  for (let r = 0; r < order; r += strip) {
    const rows = Math.min(strip, order - r);
    multiplyAdd(rows, r + rows, 2 * block, -1, vwv, r, 1, n, vwv, block * n, n, 1, a, r * n, n);
  }
}

/** C ← QC for C of [n, columns], Q = H_{n−1} … H₁. `triangular`: C = I, so that only leading columns are met. */
export function applyTridiagonalQ(
  { n, packed, tau }: Tridiagonal,
  c: Float64Array,
  columns: number,
  triangular: boolean = false,
): void {
  const block = Math.min(NB, n);
  const v = doubles(block * n);
  const t = doubles(block * block);
  const scales = new Float64Array(NB);
  // The same blocks as in the reduction, the last one (of the first rows) first.
  for (let high = n - NB * Math.floor((n - 1) / NB); high <= n; high += NB) {
    const low = Math.max(high - NB, 1);
    const length = high - 1;
    const k = high - low;
    if (k <= 0) continue;
    for (let i = high - 1, row = 0; i >= low; i--, row++) {
      v.set(packed.subarray(i * n, i * n + i - 1), row * length);
      v[row * length + i - 1] = 1;
      v.fill(0, row * length + i, (row + 1) * length);
      scales[row] = tau[i];
    }
    compactFactor(v, k, length, scales, 0, t, 0);
    applyBlockReflector(v, k, length, t, 0, false, c, 0, columns, triangular ? Math.min(length, columns) : columns);
  }
  giveBack(v);
}
