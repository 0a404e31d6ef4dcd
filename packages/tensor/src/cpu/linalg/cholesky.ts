/** Cholesky factorisation. */

import { externalFactorisations } from "../external-factorisations.js";
import { multiplyAdd } from "./multiply.js";
import { safeScale } from "./norm.js";
import { substitute } from "./triangular-solve.js";
import { copied, inWorkSpace } from "./work-space.js";

export interface CholeskyStatus {
  /** 0, or 1 + the index of the first pivot that is not positive. */
  readonly info: number;
  /** That pivot, the Schur complement's diagonal entry that had to be positive; NaN if info is 0. */
  readonly pivot: number;
}

const NB = 64;
/** So many columns of a diagonal block are factored row by row. */
const FEW = 16;
const SUCCESS: CholeskyStatus = { info: 0, pivot: NaN };

/**
 * A = LLᵀ in place: the lower triangle of A is overwritten by L, the strict upper one (never read) by zeros.
 *
 * Left-looking by blocks of columns: the product of what is left of the block is subtracted by a matrix product, then the block's
 * rows are solved against its triangle, four at a time. ‖A − LLᵀ‖ ≤ (n + 1)ε‖A‖; n³/3 flops.
 *
 * On failure rows info − 1 … n − 1 of L are NaN. A NaN pivot counts as failure.
 */
export function cholesky(a: Float64Array, n: number): CholeskyStatus {
  const scale = diagonalScale(a, n);
  if (scale !== 1) for (let i = 0; i < n * n; i++) a[i] *= scale;
  const status = factorOutside(a, n) ?? (n <= NB ? factor(a, n) : inWorkSpace(n * n, n * n, () => factorCopy(a, n)));
  for (let i = 0; i < n; i++) a.fill(0, i * n + i + 1, (i + 1) * n);
  if (scale !== 1) {
    const root = 1 / Math.sqrt(scale);
    for (let i = 0; i < n * n; i++) a[i] *= root;
  }
  if (status.info === 0) return status;
  for (let i = status.info - 1; i < n; i++) a.fill(NaN, i * n, i * n + i + 1);
  return { info: status.info, pivot: status.pivot / scale };
}

/** By a library; null if there is none, or if it finds no factor: which pivot fails, and its value, is for our own kernel to say. */
function factorOutside(a: Float64Array, n: number): CholeskyStatus | null {
  const external = externalFactorisations(n * n);
  if (external === null) return null;
  const before = a.slice(0, n * n);
  let positive = external.cholesky(a, n);
  for (let i = 0; i < n; i++) positive &&= a[i * n + i] > 0;
  if (!positive) a.set(before);
  return positive ? SUCCESS : null;
}

function factorCopy(a: Float64Array, n: number): CholeskyStatus {
  const l = copied(a, n * n);
  const status = factor(l, n);
  a.set(l);
  return status;
}

function factor(a: Float64Array, n: number): CholeskyStatus {
  for (let j = 0; j < n; j += NB) {
    const end = Math.min(j + NB, n);
    multiplyAdd(n - j, end - j, j, -1, a, j * n, n, 1, a, j * n, 1, n, a, j * n + j, n);
    const status = factorBlock(a, n, j, end);
    if (status.info !== 0) return status;
    solveBlock(a, n, j, end, n);
  }
  return SUCCESS;
}

/** Rows [end, high): X ← X L⁻ᵀ with L the triangle [first, end). */
function solveBlock(a: Float64Array, n: number, first: number, end: number, high: number): void {
  // By the vector kernel as L Xᵀ = Aᵀ.
  const at = first * n + first;
  if (substitute(a, at, n, 1, end - first, false, a, end * n + first, 1, n, high - end)) return;
  solveRows(a, n, first, end, end, high);
}

/** The diagonal block [first, end): its halves one after the other. */
function factorBlock(a: Float64Array, n: number, first: number, end: number): CholeskyStatus {
  if (end - first <= FEW) return factorRows(a, n, first, end);
  const middle = first + Math.ceil((end - first) / 2 / FEW) * FEW;
  const status = factorBlock(a, n, first, middle);
  if (status.info !== 0) return status;
  solveBlock(a, n, first, middle, end);
  const [rows, x] = [end - middle, middle * n + first];
  multiplyAdd(rows, rows, middle - first, -1, a, x, n, 1, a, x, 1, n, a, middle * n + middle, n);
  return factorBlock(a, n, middle, end);
}

/** Row by row: each row is solved against the rows above it. */
function factorRows(a: Float64Array, n: number, first: number, end: number): CholeskyStatus {
  for (let i = first; i < end; i += 4) {
    const stop = Math.min(i + 4, end);
    solveRows(a, n, first, i, i, stop);
    for (let r = i; r < stop; r++) {
      solveRows(a, n, first, r, r, r + 1, i);
      let pivot = a[r * n + r];
      for (let p = first; p < r; p++) pivot -= a[r * n + p] ** 2;
      if (!(pivot > 0)) return { info: r + 1, pivot };
      a[r * n + r] = Math.sqrt(pivot);
    }
  }
  return SUCCESS;
}

/** Columns [from, end) of rows [low, high): X ← X L⁻ᵀ with L the triangle [first, end); columns [first, from) of X are done. */
function solveRows(
  a: Float64Array,
  n: number,
  first: number,
  end: number,
  low: number,
  high: number,
  from: number = first,
): void {
  let i = low;
  for (; i + 4 <= high; i += 4) {
    const x0 = i * n;
    const x1 = x0 + n;
    const x2 = x1 + n;
    const x3 = x2 + n;
    for (let j = from; j < end; j++) {
      let s0 = a[x0 + j];
      let s1 = a[x1 + j];
      let s2 = a[x2 + j];
      let s3 = a[x3 + j];
      const l = j * n;
      for (let p = first; p < j; p++) {
        const y = a[l + p];
        s0 -= a[x0 + p] * y;
        s1 -= a[x1 + p] * y;
        s2 -= a[x2 + p] * y;
        s3 -= a[x3 + p] * y;
      }
      const pivot = a[l + j];
      a[x0 + j] = s0 / pivot;
      a[x1 + j] = s1 / pivot;
      a[x2 + j] = s2 / pivot;
      a[x3 + j] = s3 / pivot;
    }
  }
  for (; i < high; i++) {
    for (let j = from; j < end; j++) {
      let sum = a[i * n + j];
      for (let p = first; p < j; p++) sum -= a[i * n + p] * a[j * n + p];
      a[i * n + j] = sum / a[j * n + j];
    }
  }
}

/** An even power of two (so that its root is one too) that lifts a denormal diagonal; a positive definite A is largest there. */
function diagonalScale(a: Float64Array, n: number): number {
  let largest = 0;
  for (let i = 0; i < n; i++) largest = Math.max(largest, a[i * n + i]);
  if (!(largest < 2 ** -900)) return 1; // squares of L are entries of A: only products with denormals are in danger
  const scale = safeScale(largest);
  return Number.isInteger(Math.log2(scale) / 2) ? scale : scale * 2;
}
