/** Householder QR, thin and complete. */

import { externalFactorisations } from "../external-factorisations.js";
import { REFLECTOR_BLOCK as NB, applyBlockReflector, compactFactor } from "./block-reflector.js";
import { scaleColumns } from "./column-order.js";
import { reflector } from "./householder.js";
import { addScaledRows, matrixVector } from "./matrix-vector.js";
import { copied, doubles, giveBack, inWorkSpace } from "./work-space.js";

/** Q in factored form: the reflectors lie as columns below the diagonal of `packed`, R on and above it (signs as they came). */
export interface PackedQr {
  readonly packed: Float64Array;
  readonly m: number;
  readonly n: number;
  /** The T factor of each block of reflectors, one after the other. */
  readonly t: Float64Array;
}

/**
 * A = QR with R upper triangular (trapezoidal if m < n) and diag R ≥ 0, which makes the thin factorisation of a full-rank A unique.
 *
 * k = min(m, n). Thin: Q of [m, k], R of [k, n]. Complete: Q of [m, m], R of [m, n]; the extra columns of Q span the complement of
 * A's range. ‖A − QR‖ and ‖QᵀQ − I‖ are a small multiple of ε whatever the rank and the grading. Cost 2n²(m − n/3) flops for R and
 * as much again for Q.
 *
 * @param a - A of [m, n]; not modified.
 * @param q - Receives Q; null if only R is wanted.
 * @param r - Receives R.
 */
export function qr(
  a: Float64Array,
  m: number,
  n: number,
  q: Float64Array | null,
  r: Float64Array,
  complete: boolean = false,
): void {
  const k = Math.min(m, n);
  const external = externalFactorisations(m * n);
  if (external !== null) {
    const columns = complete ? m : k;
    const packed = a.slice(0, m * n);
    external.qr(packed, m, n, q, columns);
    unpackR(packed, m, n, r, columns);
    if (q !== null) scaleColumns(q, m, columns, diagonalSigns(packed, n, k, columns));
    return;
  }
  const length = m * n + (q === null ? 0 : m * (complete ? m : k)) + 4 * NB * (m + n + NB);
  inWorkSpace(m * n, length, () => unpackQr(factorQr(copied(a, m * n), m, n), q, r, complete));
}

/** Q and R, thin or complete, from the factored form; rows of R and columns of Q change sign where that makes diag R ≥ 0. */
export function unpackQr(factors: PackedQr, q: Float64Array | null, r: Float64Array, complete: boolean): void {
  const { packed, m, n } = factors;
  const k = Math.min(m, n);
  const rows = complete ? m : k;
  unpackR(packed, m, n, r, rows);
  if (q === null) return;
  const work = doubles(m * rows);
  const signs = diagonalSigns(packed, n, k, rows);
  for (let i = 0; i < rows; i++) work[i * rows + i] = signs[i];
  applyQ(factors, work, rows, { triangular: true });
  q.set(work);
  giveBack(work);
}

/** R of [rows, n] from the packed form, with a diagonal that is not negative. */
function unpackR(packed: Float64Array, m: number, n: number, r: Float64Array, rows: number): void {
  r.fill(0, 0, rows * n);
  for (let i = 0; i < Math.min(m, n); i++) {
    const negative = packed[i * n + i] < 0;
    for (let j = i; j < n; j++) r[i * n + j] = negative ? 0 - packed[i * n + j] : packed[i * n + j];
  }
}

/** What the columns of Q are multiplied by, so that the diagonal of R is not negative. */
function diagonalSigns(packed: Float64Array, n: number, k: number, columns: number): Float64Array {
  return Float64Array.from({ length: columns }, (_, i) => (i < k && packed[i * n + i] < 0 ? -1 : 1));
}

/** Factors A of [m, n] in place by min(m, n) reflectors. */
export function factorQr(a: Float64Array, m: number, n: number): PackedQr {
  const k = Math.min(m, n);
  const block = Math.min(NB, k);
  const tau = new Float64Array(k);
  const t = doubles(k * block);
  const v = doubles(block * m);
  const products = doubles(block);
  for (let j = 0; j < k; j += NB) {
    const end = Math.min(j + NB, k);
    const [width, length] = [end - j, m - j];
    gatherColumns(a, j, n, width, length, v);
    for (let c = 0; c < width; c++) tau[j + c] = reflectRows(v, c, width, length, products);
    for (let i = 0; i < length; i++) {
      for (let c = 0, to = (j + i) * n + j; c < width; c++) a[to + c] = v[c * length + i];
    }
    clearAbove(v, width, length);
    compactFactor(v, width, length, tau, j, t, j * block);
    applyBlockReflector(v, width, length, t, j * block, true, a, j * n + end, n, n - end);
  }
  giveBack(v);
  return { packed: a, m, n, t };
}

/** Packs reflectors that were made one by one, and lie as columns in `packed`, for `applyQ`. */
export function compactFactors(packed: Float64Array, m: number, n: number, tau: Float64Array): PackedQr {
  const k = Math.min(m, n);
  const block = Math.min(NB, k);
  const t = doubles(k * block);
  const v = doubles(block * m);
  for (let j = 0; j < k; j += NB) {
    const end = Math.min(j + NB, k);
    unpackReflectors(packed, m, n, j, end, v);
    compactFactor(v, end - j, m - j, tau, j, t, j * block);
  }
  giveBack(v);
  return { packed, m, n, t };
}

/**
 * C ← QC or QᵀC for C of [m, columns], Q of [m, m].
 *
 * @param options - `triangular`: C is zero below its diagonal (as when Q is formed from the identity), so that block j meets
 *   columns ≥ j only.
 */
export function applyQ(
  { packed, m, n, t }: PackedQr,
  c: Float64Array,
  columns: number,
  { transpose = false, triangular = false }: { transpose?: boolean; triangular?: boolean } = {},
): void {
  const k = Math.min(m, n);
  const block = Math.min(NB, k);
  const v = doubles(block * m);
  const blocks = Math.ceil(k / NB);
  for (let b = 0; b < blocks; b++) {
    const j = (transpose ? b : blocks - 1 - b) * NB; // Q = H₀H₁…, so the last block is the first to meet C
    const end = Math.min(j + NB, k);
    const first = triangular ? Math.min(j, columns) : 0;
    unpackReflectors(packed, m, n, j, end, v);
    applyBlockReflector(v, end - j, m - j, t, j * block, transpose, c, j * columns + first, columns, columns - first);
  }
  giveBack(v);
}

/**
 * Makes reflector c of the matrix whose columns are the rows of P, [width, length], and applies it to those after c.
 *
 * @returns Its τ.
 */
function reflectRows(p: Float64Array, c: number, width: number, length: number, products: Float64Array): number {
  const row = c * length + c;
  const left = length - c;
  const after = width - c - 1;
  const tau = reflector(p, row, 1, left);
  if (tau === 0 || after === 0) return tau;
  const head = p[row];
  p[row] = 1;
  matrixVector(after, left, p, row + length, length, p, row, products, 0);
  for (let i = 0; i < after; i++)
    addScaledRows(1, left, -tau, p, row, length, products, i, 1, p, row + (i + 1) * length);
  p[row] = head;
  return tau;
}

/** Copies reflectors first … end − 1 from columns to the rows of V, [end − first, m − first], with their ones and zeros. */
function unpackReflectors(a: Float64Array, m: number, n: number, first: number, end: number, v: Float64Array): void {
  gatherColumns(a, first, n, end - first, m - first, v);
  clearAbove(v, end - first, m - first);
}

/** The `width` columns from `first` on, and their `length` rows from `first` on, as rows of P. */
function gatherColumns(
  a: Float64Array,
  first: number,
  n: number,
  width: number,
  length: number,
  p: Float64Array,
): void {
  for (let i = 0; i < length; i++) {
    for (let c = 0, from = (first + i) * n + first; c < width; c++) p[c * length + i] = a[from + c];
  }
}

/** Row c of V becomes 0, …, 0, 1 up to entry c: what stands there belongs to R. */
function clearAbove(v: Float64Array, width: number, length: number): void {
  for (let c = 0; c < width; c++) {
    v.fill(0, c * length, c * length + c);
    v[c * length + c] = 1;
  }
}
