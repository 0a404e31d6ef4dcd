/** The reflectors of one double-shift sweep, applied to rows and, row by row, to columns. */

/** Reflector k is I − τ(1, v1, v2)ᵀ(1, v1, v2) on rows or columns k, k + 1, k + 2; the last of a sweep has v2 = 0 and only two. */
export interface SweepReflectors {
  readonly v1: Float64Array;
  readonly v2: Float64Array;
  readonly tau: Float64Array;
}

/** Reflector k on rows k … k + size − 1, columns [from, to). */
export function reflectRows(
  h: Float64Array,
  n: number,
  k: number,
  size: number,
  from: number,
  to: number,
  v1: number,
  v2: number,
  tau: number,
): void {
  const r0 = k * n;
  const r1 = r0 + n;
  if (size === 2) {
    for (let j = from; j < to; j++) {
      const s = tau * (h[r0 + j] + v1 * h[r1 + j]);
      h[r0 + j] -= s;
      h[r1 + j] -= s * v1;
    }
    return;
  }
  const r2 = r1 + n;
  for (let j = from; j < to; j++) {
    const s = tau * (h[r0 + j] + v1 * h[r1 + j] + v2 * h[r2 + j]);
    h[r0 + j] -= s;
    h[r1 + j] -= s * v1;
    h[r2 + j] -= s * v2;
  }
}

/** Reflectors [first, stop) on the columns of one row; the columns end at `end`. Two of three entries stay in registers. */
export function reflectRow(
  a: Float64Array,
  row: number,
  { v1, v2, tau }: SweepReflectors,
  first: number,
  stop: number,
  end: number,
): void {
  if (first >= stop) return;
  let x = a[row + first];
  let y = a[row + first + 1];
  const whole = Math.min(stop, end - 1); // reflector end − 1 has only two entries
  for (let k = first; k < whole; k++) {
    const w = a[row + k + 2];
    const s = tau[k] * (x + v1[k] * y + v2[k] * w);
    a[row + k] = x - s;
    x = y - s * v1[k];
    y = w - s * v2[k];
  }
  if (stop === end) {
    const s = tau[end - 1] * (x + v1[end - 1] * y);
    x -= s;
    y -= s * v1[end - 1];
    a[row + end - 1] = x;
    a[row + end] = y;
  } else {
    a[row + whole] = x;
    a[row + whole + 1] = y;
  }
}

/** Reflectors [first, end) on the columns of two rows at once: two chains of operations hide each other's latency. */
export function reflectRowPair(
  a: Float64Array,
  row: number,
  stride: number,
  { v1, v2, tau }: SweepReflectors,
  first: number,
  end: number,
): void {
  const next = row + stride;
  let x0 = a[row + first];
  let y0 = a[row + first + 1];
  let x1 = a[next + first];
  let y1 = a[next + first + 1];
  for (let k = first; k < end - 1; k++) {
    const w0 = a[row + k + 2];
    const w1 = a[next + k + 2];
    const t = tau[k];
    const p = v1[k];
    const q = v2[k];
    const s0 = t * (x0 + p * y0 + q * w0);
    const s1 = t * (x1 + p * y1 + q * w1);
    a[row + k] = x0 - s0;
    a[next + k] = x1 - s1;
    x0 = y0 - s0 * p;
    x1 = y1 - s1 * p;
    y0 = w0 - s0 * q;
    y1 = w1 - s1 * q;
  }
  const s0 = tau[end - 1] * (x0 + v1[end - 1] * y0);
  const s1 = tau[end - 1] * (x1 + v1[end - 1] * y1);
  a[row + end - 1] = x0 - s0;
  a[row + end] = y0 - s0 * v1[end - 1];
  a[next + end - 1] = x1 - s1;
  a[next + end] = y1 - s1 * v1[end - 1];
}
