/** Transposition. */

/** Side of the tiles: two of them fit in the first cache. */
const TILE = 32;

/** out = Aᵀ for A of [rows, columns], tile by tile. */
export function transposeInto(a: Float64Array, rows: number, columns: number, out: Float64Array): void {
  for (let i0 = 0; i0 < rows; i0 += TILE) {
    const i1 = Math.min(i0 + TILE, rows);
    for (let j0 = 0; j0 < columns; j0 += TILE) {
      const j1 = Math.min(j0 + TILE, columns);
      for (let i = i0; i < i1; i++) for (let j = j0; j < j1; j++) out[j * rows + i] = a[i * columns + j];
    }
  }
}
