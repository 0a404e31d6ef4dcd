/** Reduction of a symmetric matrix to tridiagonal form by blocked Householder reflections. */

import { REFLECTOR_BLOCK as NB, applyBlockReflector, compactFactor } from "./block-reflector.js";
import { reflector } from "./householder.js";
import { multiplyAdd } from "./multiply.js";
import { addMultiple, dot } from "./vectors.js";

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
  const v = new Float64Array(block * n);
  const w = new Float64Array(block * n);
  for (let high = n; high > 0; high -= NB) {
    const low = Math.max(high - NB, 0);
    for (let i = high - 1; i >= low; i--) {
      const done = high - 1 - i;
      for (let p = 0; p < done; p++) {
        addMultiple(a, i * n, -v[p * n + i], w, p * n, i + 1);
        addMultiple(a, i * n, -w[p * n + i], v, p * n, i + 1);
      }
      d[i] = a[i * n + i];
      if (i === 0) break;
      tau[i] = reflector(a, i * n + i - 1, -1, i);
      e[i - 1] = a[i * n + i - 1];
      v.set(a.subarray(i * n, i * n + i), done * n);
      v[done * n + i - 1] = 1;
      v.fill(0, done * n + i, done * n + high);
      updateVector(a, n, i, tau[i], v, w, done);
      w.fill(0, done * n + i, done * n + high);
    }
    subtractRankTwo(a, n, low, high - low, v, w);
  }
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
): void {
  const row = done * n;
  symmetricProduct(a, n, i, v, row, w, row);
  for (let p = 0; p < done; p++) {
    const wv = dot(w, p * n, v, row, i);
    const vv = dot(v, p * n, v, row, i);
    addMultiple(w, row, -wv, v, p * n, i);
    addMultiple(w, row, -vv, w, p * n, i);
  }
  for (let l = 0; l < i; l++) w[row + l] *= tau;
  addMultiple(w, row, -0.5 * tau * dot(w, row, v, row, i), v, row, i);
}

/** y = Ax for the leading block of order i of a symmetric A, from its lower triangle; each entry is read once and used twice. */
function symmetricProduct(
  a: Float64Array,
  n: number,
  i: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  y.fill(0, yo, yo + i);
  let r = 0;
  for (; r + 4 <= i; r += 4) {
    const a0 = r * n;
    const a1 = a0 + n;
    const a2 = a1 + n;
    const a3 = a2 + n;
    const x0 = x[xo + r];
    const x1 = x[xo + r + 1];
    const x2 = x[xo + r + 2];
    const x3 = x[xo + r + 3];
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let c = 0; c < r; c++) {
      const xc = x[xo + c];
      const e0 = a[a0 + c];
      const e1 = a[a1 + c];
      const e2 = a[a2 + c];
      const e3 = a[a3 + c];
      s0 += e0 * xc;
      s1 += e1 * xc;
      s2 += e2 * xc;
      s3 += e3 * xc;
      y[yo + c] += e0 * x0 + e1 * x1 + (e2 * x2 + e3 * x3);
    }
    y[yo + r] += s0;
    y[yo + r + 1] += s1;
    y[yo + r + 2] += s2;
    y[yo + r + 3] += s3;
    for (let q = r; q < r + 4; q++) addSymmetricRow(a, q * n, q, r, x, xo, y, yo);
  }
  for (; r < i; r++) addSymmetricRow(a, r * n, r, 0, x, xo, y, yo);
}

/** Columns [from, r] of row r of the triangle. */
function addSymmetricRow(
  a: Float64Array,
  row: number,
  r: number,
  from: number,
  x: Float64Array,
  xo: number,
  y: Float64Array,
  yo: number,
): void {
  const xr = x[xo + r];
  let sum = a[row + r] * xr;
  for (let c = from; c < r; c++) {
    sum += a[row + c] * x[xo + c];
    y[yo + c] += a[row + c] * xr;
  }
  y[yo + r] += sum;
}

/** A ← A − VᵀW − WᵀV on the lower triangle of the leading block, by strips of rows. */
function subtractRankTwo(a: Float64Array, n: number, order: number, k: number, v: Float64Array, w: Float64Array): void {
  const strip = 64;
  for (let r = 0; r < order; r += strip) {
    const rows = Math.min(strip, order - r);
    multiplyAdd(rows, r + rows, k, -1, v, r, 1, n, w, 0, n, 1, a, r * n, n);
    multiplyAdd(rows, r + rows, k, -1, w, r, 1, n, v, 0, n, 1, a, r * n, n);
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
  const v = new Float64Array(block * n);
  const t = new Float64Array(block * block);
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
}
