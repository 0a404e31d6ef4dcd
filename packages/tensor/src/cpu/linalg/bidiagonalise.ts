/** Reduction of a tall matrix to upper bidiagonal form by blocked Householder reflections from both sides. */

import { REFLECTOR_BLOCK as NB, applyBlockReflector, compactFactor } from "./block-reflector.js";
import { reflector } from "./householder.js";
import { addScaledRows, matrixVector, transposeVector } from "./matrix-vector.js";
import { multiplyAdd } from "./multiply.js";
import type { PackedQr } from "./qr.js";
import { compactFactors } from "./qr.js";
import { doubles, giveBack } from "./work-space.js";

/** QᵀAP = B: B's diagonal d and superdiagonal e, and both orthogonal factors as reflectors. */
export interface Bidiagonal {
  readonly d: Float64Array;
  readonly e: Float64Array;
  readonly left: PackedQr;
  /** Row i of the packed matrix holds, right of column i + 1, the reflector that cleared it. */
  readonly rightTau: Float64Array;
}

/**
 * Reduces A of [m, n], m ≥ n, in place.
 *
 * Column i is cleared below the diagonal by H_i, then row i right of the superdiagonal by G_i. Within a block of 16 columns the
 * updates are deferred, A − VᵀY − XᵀU being kept as its parts (rows of V and U: reflectors from the left and the right), so that half
 * of the 4n²(m − n/3) flops happen in matrix products.
 *
 * Source: Golub & Kahan (1965); Dongarra, Sorensen & Hammarling (1989), for the deferred update.
 */
export function bidiagonalise(a: Float64Array, m: number, n: number): Bidiagonal {
  const d = new Float64Array(n);
  const e = new Float64Array(Math.max(n - 1, 0));
  const leftTau = new Float64Array(n);
  const rightTau = new Float64Array(n);
  const block = Math.min(NB, n);
  // V above X and Y above U, so that A − VᵀY − XᵀU is one product.
  const vx = doubles(2 * block * m);
  const yu = doubles(2 * block * n);
  const v = vx.subarray(0, block * m);
  const x = vx.subarray(block * m);
  const y = yu.subarray(0, block * n);
  const u = yu.subarray(block * n);
  const column = doubles(m);
  const products = doubles(block);
  for (let first = 0; first < n; first += NB) {
    const end = Math.min(first + NB, n);
    for (let i = first; i < end; i++) {
      const q = i - first; // how many updates wait
      const below = m - i;
      const right = n - i - 1;
      const vq = q * m + i;
      const yq = q * n + i + 1;

      // Column i: a −= Vᵀy + Xᵀu, then H_i.
      for (let r = 0; r < below; r++) column[r] = a[(i + r) * n + i];
      addScaledRows(q, below, -1, v, i, m, y, i, n, column, 0);
      addScaledRows(q, below, -1, x, i, m, u, i, n, column, 0);
      leftTau[i] = reflector(column, 0, 1, below);
      d[i] = column[0];
      for (let r = 0; r < below; r++) a[(i + r) * n + i] = column[r];
      column[0] = 1;
      v.fill(0, q * m + first, vq);
      v.set(column.subarray(0, below), vq);
      if (right === 0) continue;

      // Row q of Y: y = τ(AᵀV_q), A with its waiting updates.
      transposeVector(below, right, a, i * n + i + 1, n, v, vq, y, yq);
      matrixVector(q, below, v, i, m, v, vq, products, 0);
      addScaledRows(q, right, -1, y, i + 1, n, products, 0, 1, y, yq);
      matrixVector(q, below, x, i, m, v, vq, products, 0);
      addScaledRows(q, right, -1, u, i + 1, n, products, 0, 1, y, yq);
      for (let c = 0; c < right; c++) y[yq + c] *= leftTau[i];

      // Row i: a −= Yᵀv + Uᵀx, then G_i.
      const row = i * n + i + 1;
      addScaledRows(q + 1, right, -1, y, i + 1, n, v, i, m, a, row);
      addScaledRows(q, right, -1, u, i + 1, n, x, i, m, a, row);
      rightTau[i] = reflector(a, row, 1, right);
      e[i] = a[row];
      u.fill(0, q * n + first, yq);
      u.set(a.subarray(row, row + right), yq);
      u[yq] = 1;

      // Row q of X: x = τ(AU_q).
      const xq = vq + 1;
      x.fill(0, q * m + first, xq);
      matrixVector(below - 1, right, a, row + n, n, u, yq, x, xq);
      matrixVector(q + 1, right, y, i + 1, n, u, yq, products, 0);
      addScaledRows(q + 1, below - 1, -1, v, i + 1, m, products, 0, 1, x, xq);
      matrixVector(q, right, u, i + 1, n, u, yq, products, 0);
      addScaledRows(q, below - 1, -1, x, i + 1, m, products, 0, 1, x, xq);
      for (let r = 0; r < below - 1; r++) x[xq + r] *= rightTau[i];
    }
    // (A last block that is not full has nothing left to update.)
    multiplyAdd(m - end, n - end, 2 * block, -1, vx, end, 1, m, yu, end, n, 1, a, end * n + end, n);
  }
  giveBack(vx);
  return { d, e, left: compactFactors(a, m, n, leftTau), rightTau };
}

/** C ← PC for C of [n, columns], P = G₀G₁… . `triangular`: C = I. */
export function applyRightFactor(
  { left: { packed, n }, rightTau }: Bidiagonal,
  c: Float64Array,
  columns: number,
  triangular: boolean = false,
): void {
  const k = n - 1; // G_i acts on entries i + 1 … n − 1
  const block = Math.min(NB, n);
  const u = doubles(block * n);
  const t = doubles(block * block);
  for (let b = Math.ceil(k / NB) - 1; b >= 0; b--) {
    const first = b * NB;
    const end = Math.min(first + NB, k);
    const length = n - 1 - first;
    for (let i = first, o = 0; i < end; i++, o += length) {
      u.fill(0, o, o + i - first);
      u[o + i - first] = 1;
      u.set(packed.subarray(i * n + i + 2, (i + 1) * n), o + i - first + 1);
    }
    compactFactor(u, end - first, length, rightTau, first, t, 0);
    const skip = triangular ? first + 1 : 0;
    applyBlockReflector(u, end - first, length, t, 0, false, c, (first + 1) * columns + skip, columns, columns - skip);
  }
  giveBack(u);
}
