/** Eigenvalues and eigenvectors of a symmetric matrix. */

import { externalFactorisations } from "../external-factorisations.js";
import {
  ascendingOrder,
  columnSigns,
  gatherColumns,
  gatherValues,
  rowSign,
  scaleColumns,
  scaleRow,
} from "./column-order.js";
import { divideAndConquer, divideAndConquerSpace } from "./divide-and-conquer.js";
import { jacobiEigh } from "./jacobi-eigh.js";
import { REFLECTOR_BLOCK } from "./block-reflector.js";
import { maxAbs, safeScale } from "./norm.js";
import { transposeInto } from "./transpose.js";
import { rotationQueue, rotationSpace } from "./plane-rotations.js";
import { tridiagonalQl } from "./tridiagonal-ql.js";
import { applyTridiagonalQ, tridiagonalise, type Tridiagonal } from "./tridiagonalise.js";
import { copied, doubles, giveBack, inWorkSpace } from "./work-space.js";

/** Up to this order Jacobi's method. */
const SMALL = 8;
/** From this order on divide and conquer is faster than rotations. */
const LARGE = 256;

/**
 * A = V diag(w) Vᵀ for the symmetric matrix whose lower triangle is that of `a`; the upper one is never read.
 *
 * w ascends; the columns of V are orthonormal, and the first component of each with |v| ≥ (1 − 2⁻¹⁰) max|v| is positive.
 * ‖AV − VW‖ ≤ 7nε‖A‖, ‖VᵀV − I‖ ≤ 12nε, each eigenvalue within 10nε‖A‖.
 *
 * @param a - A of [n, n]; not modified.
 * @param w - Receives n eigenvalues.
 * @param v - Receives V of [n, n]; null if only eigenvalues are wanted, which is about a fifth of the work.
 * @returns 0; −1 if the lower triangle holds NaN or an infinity (w and V are NaN); else the number of eigenvalues that did not
 *   converge.
 */
export function eigh(a: Float64Array, n: number, w: Float64Array, v: Float64Array | null): number {
  if (decomposeOutside(a, n, w, v)) return 0;
  const vectors = v === null ? 0 : n < LARGE ? n * n + rotationSpace(n, n) : n * n + divideAndConquerSpace(n);
  const length = n * n + vectors + 8 * REFLECTOR_BLOCK * (n + REFLECTOR_BLOCK);
  return inWorkSpace(n * n, length, () => {
    const vectors = v === null ? null : doubles(n * n);
    const info = decompose(a, n, w, vectors);
    if (vectors !== null) v!.set(vectors);
    return info;
  });
}

/** By a library; false if there is none, or if it does not succeed. */
function decomposeOutside(a: Float64Array, n: number, w: Float64Array, v: Float64Array | null): boolean {
  const external = externalFactorisations(n * n);
  if (external === null || !lowerIsFinite(a, n)) return false;
  return inWorkSpace(n * n, n * n, () => {
    const work = copied(a, n * n);
    if (!external.eigh(work, n, w, v !== null)) return false;
    if (v !== null) {
      for (let j = 0; j < n; j++) scaleRow(work, j, n, rowSign(work, j, n));
      transposeInto(work, n, n, v);
    }
    return true;
  });
}

function lowerIsFinite(a: Float64Array, n: number): boolean {
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) if (!Number.isFinite(a[i * n + j])) return false;
  return true;
}

/** V is zero on entry. */
function decompose(a: Float64Array, n: number, w: Float64Array, v: Float64Array | null): number {
  const work = mirroredLower(a, n);
  const largest = maxAbs(work);
  if (!(largest < Infinity)) {
    w.fill(NaN, 0, n);
    v?.fill(NaN, 0, n * n);
    return -1;
  }
  const scale = safeScale(largest);
  if (scale !== 1) for (let i = 0; i < work.length; i++) work[i] *= scale;
  if (v !== null) for (let i = 0; i < n; i++) v[i * n + i] = 1;
  let d: Float64Array;
  let info: number;
  if (n <= SMALL) {
    info = jacobiEigh(work, n, v);
    d = Float64Array.from({ length: n }, (_, i) => work[i * n + i]);
  } else {
    const tridiagonal = tridiagonalise(work, n);
    d = tridiagonal.d;
    if (v !== null && n >= LARGE) return largeVectors(tridiagonal, w, v, scale);
    if (v !== null) applyTridiagonalQ(tridiagonal, v, n, true);
    info = tridiagonalQl(d, tridiagonal.e, v === null ? null : rotationQueue(v, n, n, n));
  }
  const order = ascendingOrder(d);
  w.set(gatherValues(d, order).map((x) => x / scale));
  if (v !== null) {
    gatherColumns(v, n, n, order);
    scaleColumns(v, n, n, columnSigns(v, n, n));
  }
  return info;
}

/** V by divide and conquer; w as without V, by the QL iteration. */
function largeVectors(tridiagonal: Tridiagonal, w: Float64Array, v: Float64Array, scale: number): number {
  const { n, d, e } = tridiagonal;
  const [poles, couplings] = [d.slice(), e.slice()];
  const rows = doubles(n * n);
  const info = divideAndConquer(poles, couplings, rows) + tridiagonalQl(d, e, null);
  const order = ascendingOrder(poles);
  for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) v[i * n + j] = rows[order[j] * n + i];
  giveBack(rows);
  applyTridiagonalQ(tridiagonal, v, n);
  scaleColumns(v, n, n, columnSigns(v, n, n));
  w.set(gatherValues(d, ascendingOrder(d)).map((x) => x / scale));
  return info;
}

function mirroredLower(a: Float64Array, n: number): Float64Array {
  const full = doubles(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) full[i * n + j] = full[j * n + i] = a[i * n + j];
  return full;
}
