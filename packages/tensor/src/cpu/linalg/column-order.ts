/** What makes eigenvectors and singular vectors unique as far as that is possible: their order and their signs. */

/** A component counts as largest if it is within this factor of the largest: rounding must not decide between two that tie. */
const NEARLY = 1 - 2 ** -10;

/**
 * The sign, 1 or −1, that each column of V of [rows, columns] must be multiplied by for its first component with
 * |v| ≥ (1 − 2⁻¹⁰) max|v| to be positive.
 */
export function columnSigns(v: Float64Array, rows: number, columns: number): Int8Array {
  const largest = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const row = i * columns;
    for (let j = 0; j < columns; j++) {
      const size = Math.abs(v[row + j]);
      if (size > largest[j]) largest[j] = size;
    }
  }
  for (let j = 0; j < columns; j++) largest[j] *= NEARLY;
  const signs = new Int8Array(columns);
  let missing = columns;
  for (let i = 0; i < rows && missing > 0; i++) {
    const row = i * columns;
    for (let j = 0; j < columns; j++) {
      if (signs[j] === 0 && Math.abs(v[row + j]) >= largest[j]) {
        signs[j] = v[row + j] < 0 ? -1 : 1;
        missing--;
      }
    }
  }
  return signs.map((sign) => sign || 1); // 0 is left where a column holds NaN only
}

/** The same for row i of V of [·, columns]. */
export function rowSign(v: Float64Array, i: number, columns: number): number {
  const [start, end] = [i * columns, (i + 1) * columns];
  let largest = 0;
  for (let k = start; k < end; k++) largest = Math.max(largest, Math.abs(v[k]));
  for (let k = start; k < end; k++) if (Math.abs(v[k]) >= largest * NEARLY) return v[k] < 0 ? -1 : 1;
  return 1;
}

/** V[i, ·] ← sign·V[i, ·]. */
export function scaleRow(v: Float64Array, i: number, columns: number, sign: number): void {
  if (sign !== 1) for (let k = i * columns, end = k + columns; k < end; k++) v[k] *= sign;
}

/** V[i, j] ← signs[j]·V[i, j]. */
export function scaleColumns(v: Float64Array, rows: number, columns: number, signs: ArrayLike<number>): void {
  for (let i = 0; i < rows; i++) {
    const row = i * columns;
    for (let j = 0; j < columns; j++) v[row + j] *= signs[j];
  }
}

/** The permutation that sorts `values` ascending; equal values keep their order. */
export function ascendingOrder(values: Float64Array): Int32Array {
  return Int32Array.from(values.keys()).sort((i, j) => values[i] - values[j] || i - j);
}

/** out[i] = values[order[i]]. */
export function gatherValues(values: Float64Array, order: Int32Array): Float64Array {
  return Float64Array.from(order, (i) => values[i]);
}

/** V[·, j] ← V[·, order[j]], in place, for the leading order.length of V's columns. */
export function gatherColumns(v: Float64Array, rows: number, columns: number, order: Int32Array): void {
  if (order.every((from, to) => from === to)) return;
  const row = new Float64Array(order.length);
  for (let i = 0; i < rows; i++) {
    const offset = i * columns;
    for (let j = 0; j < order.length; j++) row[j] = v[offset + order[j]];
    v.set(row, offset);
  }
}
