/** Singular value decomposition. */

import { externalFactorisations } from "../external-factorisations.js";
import { applyRightFactor, bidiagonalise } from "./bidiagonalise.js";
import { bidiagonalQr } from "./bidiagonal-qr.js";
import { REFLECTOR_BLOCK } from "./block-reflector.js";
import {
  ascendingOrder,
  columnSigns,
  gatherColumns,
  gatherValues,
  rowSign,
  scaleColumns,
  scaleRow,
} from "./column-order.js";
import { jacobiSvd } from "./jacobi-svd.js";
import { maxAbs, safeScale } from "./norm.js";
import { rotationQueue, rotationSpace } from "./plane-rotations.js";
import { applyQ, factorQr } from "./qr.js";
import { transposeInto } from "./transpose.js";
import { copied, doubles, inWorkSpace } from "./work-space.js";

export interface SvdOptions {
  /** U of [m, m] and Vᵀ of [n, n] instead of [m, k] and [k, n], k = min(m, n). Default false. */
  readonly full?: boolean;
  /** One-sided Jacobi whatever the size: relative accuracy of small singular values, at several times the cost. Default false. */
  readonly accurate?: boolean;
}

/** Up to this many columns (rows, if wide) Jacobi's method. */
const SMALL = 16;
/** From this m/n the QR factorisation comes first. */
const TALL = 1.6;

/**
 * A = U diag(s) Vᵀ for A of [m, n]: s descends and is ≥ 0, U and V have orthonormal columns.
 *
 * The first component of each column of U with |u| ≥ (1 − 2⁻¹⁰) max|u| is positive; the rows of Vᵀ follow, and further rows of a
 * full Vᵀ obey the same rule themselves. ‖A − USVᵀ‖ ≤ 4Nε‖A‖, ‖UᵀU − I‖ ≤ 12Nε, each singular value within 10Nε‖A‖, N = max(m, n).
 *
 * @param a - A; not modified.
 * @param s - Receives k = min(m, n) singular values.
 * @param u - Receives U of [m, k] ([m, m] if `full`); null together with `vt` if only singular values are wanted.
 * @param vt - Receives Vᵀ of [k, n] ([n, n] if `full`).
 * @returns 0; −1 if A holds NaN or an infinity (all outputs are NaN); else a count of what did not converge.
 */
export function svd(
  a: Float64Array,
  m: number,
  n: number,
  s: Float64Array,
  u: Float64Array | null,
  vt: Float64Array | null,
  { full = false, accurate = false }: SvdOptions = {},
): number {
  const [rows, k] = [Math.max(m, n), Math.min(m, n)];
  if (!accurate && decomposeOutside(a, m, n, s, u, vt, full)) return 0;
  const squares = 2 * rows * (full ? rows : k) + 3 * k * k;
  const length =
    squares + 16 * REFLECTOR_BLOCK * (rows + k + REFLECTOR_BLOCK) + rotationSpace(rows, k) + rotationSpace(k, k);
  return inWorkSpace(m * n, length, () => decompose(a, m, n, s, u, vt, full, accurate));
}

/** By a library; false if there is none, or if it does not succeed. */
function decomposeOutside(
  a: Float64Array,
  m: number,
  n: number,
  s: Float64Array,
  u: Float64Array | null,
  vt: Float64Array | null,
  full: boolean,
): boolean {
  const external = externalFactorisations(m * n);
  if (external === null || !(maxAbs(a, m * n) < Infinity)) return false;
  if (!inWorkSpace(m * n, m * n, () => external.svd(copied(a, m * n), m, n, s, u, vt, full))) return false;
  if (u !== null && vt !== null) {
    const k = Math.min(m, n);
    const [uColumns, vRows] = full ? [m, n] : [k, k];
    const signs = columnSigns(u, m, uColumns);
    scaleColumns(u, m, uColumns, signs);
    for (let j = 0; j < vRows; j++) scaleRow(vt, j, n, j < uColumns ? signs[j] : rowSign(vt, j, n));
  }
  return true;
}

function decompose(
  a: Float64Array,
  m: number,
  n: number,
  s: Float64Array,
  u: Float64Array | null,
  vt: Float64Array | null,
  full: boolean,
  accurate: boolean,
): number {
  const size = m * n;
  const largest = maxAbs(a, size);
  if (!(largest < Infinity)) {
    for (const out of [s, u, vt]) out?.fill(NaN);
    return -1;
  }
  const wide = m < n;
  const rows = wide ? n : m;
  const k = wide ? m : n;
  const scale = safeScale(largest);
  const work = doubles(size);
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) work[wide ? j * m + i : i * n + j] = a[i * n + j] * scale;
  }
  const columns = full ? rows : k;
  const vectors = u !== null && vt !== null;
  const long = vectors ? doubles(rows * columns) : null; // U if tall, V if wide
  const short = vectors ? doubles(k * k) : null;
  const values = new Float64Array(k);
  const info =
    accurate || k <= SMALL
      ? jacobiSvd(work, rows, k, values, long, columns, short)
      : bidiagonalSvd(work, rows, k, values, long, columns, short);

  const order = ascendingOrder(values.map((x) => -x));
  s.set(gatherValues(values, order).map((x) => x / scale));
  if (!vectors) return info;
  gatherColumns(long!, rows, columns, order);
  gatherColumns(short!, k, k, order);
  if (wide) {
    alignSigns(short!, k, k, long!, rows, columns);
    u.set(short!);
    transposeInto(long!, rows, columns, vt);
  } else {
    alignSigns(long!, rows, columns, short!, k, k);
    u.set(long!);
    transposeInto(short!, k, k, vt);
  }
  return info;
}

/** By a bidiagonal matrix; A of [m, n], m ≥ n, is destroyed. Values come unordered, U of [m, columns] and V of [n, n] with them. */
function bidiagonalSvd(
  a: Float64Array,
  m: number,
  n: number,
  values: Float64Array,
  u: Float64Array | null,
  columns: number,
  v: Float64Array | null,
): number {
  if (m > TALL * n) {
    const factors = factorQr(a, m, n);
    const r = doubles(n * n);
    for (let i = 0; i < n; i++) for (let j = i; j < n; j++) r[i * n + j] = a[i * n + j];
    const small = u === null ? null : doubles(n * n);
    const info = bidiagonalSvd(r, n, n, values, small, n, v);
    if (u !== null && small !== null) {
      for (let i = 0; i < n; i++) u.set(small.subarray(i * n, (i + 1) * n), i * columns);
      for (let i = n; i < columns; i++) u[i * columns + i] = 1;
      applyQ(factors, u, columns);
    }
    return info;
  }
  const bidiagonal = bidiagonalise(a, m, n);
  const { d, e, left } = bidiagonal;
  let info: number;
  if (u !== null && v !== null) {
    for (let i = 0; i < columns; i++) u[i * columns + i] = 1;
    for (let i = 0; i < n; i++) v[i * n + i] = 1;
    applyQ(left, u, columns, { triangular: true });
    applyRightFactor(bidiagonal, v, n, true);
    info = bidiagonalQr(d, e, rotationQueue(u, m, columns, n), rotationQueue(v, n, n, n));
    scaleColumns(
      v,
      n,
      n,
      d.map((x) => (x < 0 ? -1 : 1)),
    );
  } else info = bidiagonalQr(d, e, null, null);
  values.set(d.map(Math.abs));
  return info;
}

/** Fixes the signs of U's columns and flips V's along; columns that one of them has in excess follow the rule for themselves. */
function alignSigns(
  u: Float64Array,
  uRows: number,
  uColumns: number,
  v: Float64Array,
  vRows: number,
  vColumns: number,
): void {
  const signs = columnSigns(u, uRows, uColumns);
  scaleColumns(u, uRows, uColumns, signs);
  const own = columnSigns(v, vRows, vColumns);
  scaleColumns(
    v,
    vRows,
    vColumns,
    own.map((sign, j) => (j < uColumns ? signs[j] : sign)),
  );
}
