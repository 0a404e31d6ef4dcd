/** Householder QR, thin and complete. */

import { REFLECTOR_BLOCK as NB, applyBlockReflector, compactFactor } from "./block-reflector.js";
import { reflector } from "./householder.js";

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
  unpackQr(factorQr(a.slice(0, m * n), m, n), q, r, complete);
}

/** Q and R, thin or complete, from the factored form; rows of R and columns of Q change sign where that makes diag R ≥ 0. */
export function unpackQr(factors: PackedQr, q: Float64Array | null, r: Float64Array, complete: boolean): void {
  const { packed, m, n } = factors;
  const k = Math.min(m, n);
  const rows = complete ? m : k;
  r.fill(0, 0, rows * n);
  for (let i = 0; i < k; i++) {
    const negative = packed[i * n + i] < 0;
    for (let j = i; j < n; j++) r[i * n + j] = negative ? 0 - packed[i * n + j] : packed[i * n + j];
  }
  if (q === null) return;
  q.fill(0, 0, m * rows);
  for (let i = 0; i < rows; i++) q[i * rows + i] = i < k && packed[i * n + i] < 0 ? -1 : 1;
  applyQ(factors, q, rows, { triangular: true });
}

/** Factors A of [m, n] in place by min(m, n) reflectors. */
export function factorQr(a: Float64Array, m: number, n: number): PackedQr {
  const k = Math.min(m, n);
  const block = Math.min(NB, k);
  const tau = new Float64Array(k);
  const t = new Float64Array(k * block);
  const work = new Float64Array(block);
  const v = new Float64Array(block * m);
  for (let j = 0; j < k; j += NB) {
    const end = Math.min(j + NB, k);
    for (let c = j; c < end; c++) {
      tau[c] = reflector(a, c * n + c, n, m - c);
      reflectColumns(a, m, n, c, tau[c], end, work);
    }
    unpackReflectors(a, m, n, j, end, v);
    compactFactor(v, end - j, m - j, tau, j, t, j * block);
    applyBlockReflector(v, end - j, m - j, t, j * block, true, a, j * n + end, n, n - end);
  }
  return { packed: a, m, n, t };
}

/** Packs reflectors that were made one by one, and lie as columns in `packed`, for `applyQ`. */
export function compactFactors(packed: Float64Array, m: number, n: number, tau: Float64Array): PackedQr {
  const k = Math.min(m, n);
  const block = Math.min(NB, k);
  const t = new Float64Array(k * block);
  const v = new Float64Array(block * m);
  for (let j = 0; j < k; j += NB) {
    const end = Math.min(j + NB, k);
    unpackReflectors(packed, m, n, j, end, v);
    compactFactor(v, end - j, m - j, tau, j, t, j * block);
  }
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
  const v = new Float64Array(block * m);
  const blocks = Math.ceil(k / NB);
  for (let b = 0; b < blocks; b++) {
    const j = (transpose ? b : blocks - 1 - b) * NB; // Q = H₀H₁…, so the last block is the first to meet C
    const end = Math.min(j + NB, k);
    const first = triangular ? Math.min(j, columns) : 0;
    unpackReflectors(packed, m, n, j, end, v);
    applyBlockReflector(v, end - j, m - j, t, j * block, transpose, c, j * columns + first, columns, columns - first);
  }
}

/** Applies reflector c, stored in column c, to columns c + 1 … end − 1. */
function reflectColumns(
  a: Float64Array,
  m: number,
  n: number,
  c: number,
  tau: number,
  end: number,
  work: Float64Array,
): void {
  const width = end - c - 1;
  if (tau === 0 || width === 0) return;
  const top = c * n + c + 1;
  for (let l = 0; l < width; l++) work[l] = a[top + l];
  for (let i = c + 1; i < m; i++) {
    const vi = a[i * n + c];
    const row = i * n + c + 1;
    for (let l = 0; l < width; l++) work[l] += vi * a[row + l];
  }
  for (let l = 0; l < width; l++) {
    work[l] *= tau;
    a[top + l] -= work[l];
  }
  for (let i = c + 1; i < m; i++) {
    const vi = a[i * n + c];
    const row = i * n + c + 1;
    for (let l = 0; l < width; l++) a[row + l] -= vi * work[l];
  }
}

/** Copies reflectors first … end − 1 from columns to the rows of V, [end − first, m − first], with their ones and zeros. */
function unpackReflectors(a: Float64Array, m: number, n: number, first: number, end: number, v: Float64Array): void {
  const length = m - first;
  for (let c = first, o = 0; c < end; c++, o += length) {
    v.fill(0, o, o + c - first);
    v[o + c - first] = 1;
    for (let i = c + 1; i < m; i++) v[o + i - first] = a[i * n + c];
  }
}
