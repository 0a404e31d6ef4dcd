/** Balancing of a general matrix before its eigenvalues are sought. */

import { norm2 } from "./norm.js";

/** The similarity A ↦ D⁻¹PᵀAPD that was applied, and the block [low, high] that is not triangular yet. */
export interface Balance {
  readonly low: number;
  readonly high: number;
  /** Exchanges of rows and columns (i, j), in the order made. */
  readonly exchanges: readonly (readonly [number, number])[];
  /** diag D, powers of two. */
  readonly scale: Float64Array;
}

/** A scaling is worth while if it shrinks row and column together by this factor. */
const WORTH_WHILE = 0.95;
const MAX_ROUNDS = 30;
/** Limits of a scale factor, against overflow in the matrix and in the vectors that are scaled back. */
const EXTREME = 2 ** 150;

/**
 * Balances A of [n, n] in place.
 *
 * Exchanges first move eigenvalues that stand alone in their row (or column) to the bottom (top): a triangular matrix, however
 * permuted, is solved by this alone, exactly. Then powers of two make the 2-norms of row i and column i of the rest nearly equal,
 * which shrinks the norm that the rounding errors of the QR iteration are proportional to.
 *
 * Source: Parlett & Reinsch (1969); the 2-norm: James, Langou & Lowery (2014).
 */
export function balance(a: Float64Array, n: number): Balance {
  const exchanges: [number, number][] = [];
  let low = 0;
  let high = n - 1;
  for (let found = true; found && high >= 0;) {
    found = false;
    for (let i = high; i >= 0 && !found; i--) {
      if (!rowIsIsolated(a, n, i, high)) continue;
      exchange(a, n, i, high, exchanges);
      high--;
      found = true;
    }
  }
  for (let found = true; found && low < high;) {
    found = false;
    for (let j = low; j <= high && !found; j++) {
      if (!columnIsIsolated(a, n, j, low, high)) continue;
      exchange(a, n, j, low, exchanges);
      low++;
      found = true;
    }
  }
  const scale = new Float64Array(n).fill(1);
  for (let round = 0, changed = true; changed && round < MAX_ROUNDS; round++) {
    changed = false;
    for (let i = low; i <= high; i++) if (equalise(a, n, i, low, high, scale)) changed = true;
  }
  return { low, high: Math.max(high, low), exchanges, scale };
}

/** Row i has nothing but its diagonal entry in columns 0 … high. */
function rowIsIsolated(a: Float64Array, n: number, i: number, high: number): boolean {
  for (let j = 0; j <= high; j++) if (j !== i && a[i * n + j] !== 0) return false;
  return true;
}

/** Column j has nothing but its diagonal entry in rows low … high. */
function columnIsIsolated(a: Float64Array, n: number, j: number, low: number, high: number): boolean {
  for (let i = low; i <= high; i++) if (i !== j && a[i * n + j] !== 0) return false;
  return true;
}

function exchange(a: Float64Array, n: number, i: number, j: number, exchanges: [number, number][]): void {
  exchanges.push([i, j]);
  if (i === j) return;
  for (let k = 0; k < n; k++) {
    const x = a[k * n + i];
    a[k * n + i] = a[k * n + j];
    a[k * n + j] = x;
  }
  for (let k = 0; k < n; k++) {
    const x = a[i * n + k];
    a[i * n + k] = a[j * n + k];
    a[j * n + k] = x;
  }
}

/** Row i ← row i/f, column i ← f·column i, with f the power of two that brings their norms closest. */
function equalise(a: Float64Array, n: number, i: number, low: number, high: number, scale: Float64Array): boolean {
  const length = high - low + 1;
  let c = norm2(a, low * n + i, n, length);
  let r = norm2(a, i * n + low, 1, length);
  if (c === 0 || r === 0) return false;
  const sum = c + r;
  let f = 1;
  while (c < r / 2 && scale[i] * f < EXTREME) {
    f *= 2;
    c *= 2;
    r /= 2;
  }
  while (c >= r * 2 && scale[i] * f > 1 / EXTREME) {
    f /= 2;
    c /= 2;
    r *= 2;
  }
  if (f === 1 || c + r >= WORTH_WHILE * sum) return false;
  scale[i] *= f;
  for (let j = 0; j < n; j++) a[i * n + j] /= f;
  for (let k = 0; k < n; k++) a[k * n + i] *= f;
  return true;
}

/** V ← PDV: eigenvectors of the balanced matrix become those of the original. */
export function undoBalance({ exchanges, scale }: Balance, v: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    if (scale[i] !== 1) for (let j = 0; j < n; j++) v[i * n + j] *= scale[i];
  }
  for (let e = exchanges.length - 1; e >= 0; e--) {
    const [i, j] = exchanges[e];
    if (i === j) continue;
    const row = v.slice(i * n, (i + 1) * n);
    v.copyWithin(i * n, j * n, (j + 1) * n);
    v.set(row, j * n);
  }
}
