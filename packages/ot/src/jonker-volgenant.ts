/**
 * The linear assignment problem by shortest augmenting paths, on plain arrays, for n ≤ m.
 *
 * Source: Jonker & Volgenant, A shortest augmenting path algorithm for dense and sparse linear assignment problems (1987); rectangular
 * costs as in Crouse, On implementing 2D rectangular assignment algorithms (2016): columns that stay free keep the potential 0.
 */

export interface Matching {
  /** Column of each row. */
  readonly column: Int32Array;
  /** u_i + v_j ≤ C_ij, equal where i and j are matched; v_j ≤ 0 where m > n, and 0 of columns that stay free. */
  readonly u: Float64Array;
  readonly v: Float64Array;
}

/** The matching of least cost for C [n, m], n ≤ m. */
export function jonkerVolgenant(C: Float64Array, n: number, m: number): Matching {
  const column = new Int32Array(n).fill(-1);
  const row = new Int32Array(m).fill(-1);
  const v = new Float64Array(m);
  if (n === m) reduceColumns(C, n, column, row, v);
  let free = Array.from({ length: n }, (_, i) => i).filter((i) => column[i] < 0);
  for (let pass = 0; pass < 2 && m > 1; pass++) free = reduceRows(C, m, free, column, row, v);
  const paths = augmentation(C, m, column, row, v);
  for (const i of free) paths(i);
  const u = Float64Array.from({ length: n }, (_, i) => C[i * m + column[i]] - v[column[i]]);
  return { column, u, v };
}

/** Each column's potential is its smallest cost; a row that is smallest takes one of its columns. */
function reduceColumns(C: Float64Array, n: number, column: Int32Array, row: Int32Array, v: Float64Array): void {
  const least = new Int32Array(n);
  v.set(C.subarray(0, n));
  for (let i = 1; i < n; i++) {
    for (let j = 0; j < n; j++) {
      if (C[i * n + j] >= v[j]) continue;
      v[j] = C[i * n + j];
      least[j] = i;
    }
  }
  for (let j = n - 1; j >= 0; j--) {
    if (column[least[j]] >= 0) continue;
    column[least[j]] = j;
    row[j] = least[j];
  }
}

/** Augmenting row reduction: each free row takes its best column and lowers that column's potential to its second best; returns who is left. */
function reduceRows(
  C: Float64Array,
  m: number,
  free: readonly number[],
  column: Int32Array,
  row: Int32Array,
  v: Float64Array,
): number[] {
  const queue = free.slice();
  const left: number[] = [];
  for (let k = 0; k < queue.length;) {
    const i = queue[k++];
    let [best, second, j1, j2] = [Infinity, Infinity, -1, -1];
    for (let j = 0; j < m; j++) {
      const reduced = C[i * m + j] - v[j];
      if (reduced >= second) continue;
      if (reduced < best) {
        [second, j2] = [best, j1];
        [best, j1] = [reduced, j];
      } else [second, j2] = [reduced, j];
    }
    const lowered = v[j1] - (second - best);
    // A difference that rounding swallows is none: else two rows could bid for ever.
    const isLower = lowered < v[j1];
    if (isLower) v[j1] = lowered;
    else if (row[j1] >= 0) j1 = j2;
    const before = row[j1];
    column[i] = j1;
    row[j1] = i;
    if (before < 0) continue;
    column[before] = -1;
    if (isLower) queue[--k] = before;
    else left.push(before);
  }
  return left;
}

/** A function that matches a free row along the shortest alternating path to a free column (Dijkstra), and keeps the potentials right. */
function augmentation(
  C: Float64Array,
  m: number,
  column: Int32Array,
  row: Int32Array,
  v: Float64Array,
): (free: number) => void {
  const distance = new Float64Array(m);
  const from = new Int32Array(m);
  // Columns: those whose distance is final, those at the least distance found (to be scanned), and the rest.
  const list = Int32Array.from({ length: m }, (_, j) => j);
  return (free) => {
    for (let j = 0; j < m; j++) {
      distance[j] = C[free * m + j] - v[j];
      from[j] = free;
    }
    let [final, scanned, reached, least, end] = [0, 0, 0, 0, -1];
    const swap = (k: number, l: number): void => {
      const j = list[k];
      list[k] = list[l];
      list[l] = j;
    };
    while (end < 0) {
      if (scanned === reached) {
        final = scanned;
        least = Infinity;
        for (let k = reached; k < m; k++) least = Math.min(least, distance[list[k]]);
        for (let k = reached; k < m; k++) if (distance[list[k]] === least) swap(k, reached++);
        for (let k = scanned; k < reached; k++) if (row[list[k]] < 0) end = list[k];
        if (end >= 0) break;
      }
      const via = list[scanned++];
      const i = row[via];
      const base = C[i * m + via] - v[via] - least;
      for (let k = reached; k < m; k++) {
        const j = list[k];
        const d = C[i * m + j] - v[j] - base;
        if (d >= distance[j]) continue;
        distance[j] = d;
        from[j] = i;
        if (d > least) continue;
        // As near as what is scanned now (nearer by rounding only).
        if (row[j] < 0) {
          end = j;
          break;
        }
        swap(k, reached++);
      }
    }
    for (let k = 0; k < final; k++) v[list[k]] += distance[list[k]] - least;
    for (let j = end; ;) {
      const i = from[j];
      row[j] = i;
      const next = column[i];
      column[i] = j;
      if (i === free) break;
      j = next;
    }
  };
}
