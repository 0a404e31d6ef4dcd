/**
 * Products of rows that are stored in float32 or float64, summed in float64, in one pass over the rows. Coordinates are taken piece by
 * piece, small enough for the cache, and the sums may be kept apart for each block of coordinates.
 */

import { type RowKernels, type VectorKernels } from "./vector-kernels.js";

/** `length` numbers of an array. */
export interface Row {
  readonly data: Float32Array | Float64Array;
  readonly start: number;
}

/** How many coordinates there are, and how many of them make a block; the last may be shorter. */
export interface Coordinates {
  readonly length: number;
  readonly blockSize: number;
}

/** Coordinates of a piece. */
const pieceLength = 8192;
/** Vectors in float64 that stay in the block of memory while rows pass by. */
const group = 8;

// Where they stand in the block of memory, in bytes: vectors, four rows, zeros in the place of rows that are missing, results.
const vectorBytes = 8 * pieceLength;
const rowsAt = group * vectorBytes;
const zerosAt = rowsAt + 4 * vectorBytes;
const resultsAt = zerosAt + vectorBytes;

/** out[block, i, j] = a_i · b_j, over the coordinates of each block. */
export function innerProducts(
  kernels: VectorKernels,
  a: readonly Row[],
  b: readonly Row[],
  coordinates: Coordinates,
): Float64Array {
  const out = new Float64Array(blockCount(coordinates) * a.length * b.length);
  const wide = new Float64Array(kernels.buffer);
  const results = wide.subarray(resultsAt / 8, resultsAt / 8 + 4);
  for (let j0 = 0; j0 < b.length; j0 += group) {
    const vectors = b.slice(j0, j0 + group);
    forEachPiece(coordinates, (from, to, segments) => {
      vectors.forEach((row, j) => wide.set(part(row, from, to), j * pieceLength));
      forEachFour(kernels, a, from, to, ({ dots }, places, size, i0) => {
        for (const { block, start, count } of segments) {
          const [p0, p1, p2, p3] = places.map((place) => place + start * size);
          for (let j = 0; j < vectors.length; j++) {
            dots(p0, p1, p2, p3, j * vectorBytes + 8 * start, count, resultsAt);
            const at = (block * a.length + i0) * b.length + j0 + j;
            for (let r = 0; r < 4 && i0 + r < a.length; r++) out[at + r * b.length] += results[r];
          }
        }
      });
    });
  }
  return out;
}

/** What a combination begins with: `scale` times these rows. */
export interface Base {
  readonly rows: readonly Row[];
  readonly scale: number;
}

/** out[i] = scale·base_i + Σ_j c[block, i, j]·row_j, rounded once to the dtype of `out` [count, length]. */
export function combinations(
  kernels: VectorKernels,
  c: Float64Array,
  rows: readonly Row[],
  base: Base | null,
  coordinates: Coordinates,
  out: Float32Array | Float64Array,
): void {
  const { length } = coordinates;
  const count = out.length / length;
  const wide = new Float64Array(kernels.buffer);
  for (let i0 = 0; i0 < count; i0 += group) {
    const some = Math.min(group, count - i0);
    forEachPiece(coordinates, (from, to, segments) => {
      for (let i = 0; i < some; i++) {
        const sum = wide.subarray(i * pieceLength, i * pieceLength + to - from);
        if (base === null) sum.fill(0);
        else scaleInto(sum, part(base.rows[i0 + i], from, to), base.scale);
      }
      forEachFour(kernels, rows, from, to, ({ sums }, places, size, j0) => {
        for (const { block, start, count: n } of segments) {
          const [p0, p1, p2, p3] = places.map((place) => place + start * size);
          for (let i = 0; i < some; i++) {
            const at = (block * count + i0 + i) * rows.length + j0;
            const missing = rows.length - j0;
            sums(
              p0, p1, p2, p3, i * vectorBytes + 8 * start, n,
              c[at], missing > 1 ? c[at + 1] : 0, missing > 2 ? c[at + 2] : 0, missing > 3 ? c[at + 3] : 0,
            ); // prettier-ignore
          }
        }
      });
      for (let i = 0; i < some; i++) {
        out.set(wide.subarray(i * pieceLength, i * pieceLength + to - from), (i0 + i) * length + from);
      }
    });
  }
}

export function blockCount({ length, blockSize }: Coordinates): number {
  return Math.ceil(length / blockSize);
}

/** The part of a piece that belongs to one block. */
interface Segment {
  readonly block: number;
  /** From the beginning of the piece. */
  readonly start: number;
  readonly count: number;
}

/** Pieces are parts of one block, or hold several whole ones: the order of a sum depends on the lengths alone. */
function forEachPiece(
  { length, blockSize }: Coordinates,
  visit: (from: number, to: number, segments: readonly Segment[]) => void,
): void {
  const whole = Math.floor(pieceLength / blockSize) * blockSize;
  for (let from = 0; from < length;) {
    const block = Math.floor(from / blockSize);
    const end = whole > 0 ? from + whole : Math.min(from + pieceLength, (block + 1) * blockSize);
    const to = Math.min(end, length);
    const segments: Segment[] = [];
    for (let start = from, k = block; start < to; k++) {
      const stop = Math.min(to, (k + 1) * blockSize);
      segments.push({ block: k, start: start - from, count: stop - start });
      start = stop;
    }
    visit(from, to, segments);
    from = to;
  }
}

/** Copies rows, four at a time, where the kernels find them. */
function forEachFour(
  kernels: VectorKernels,
  rows: readonly Row[],
  from: number,
  to: number,
  visit: (kernel: RowKernels, places: readonly number[], size: number, first: number) => void,
): void {
  if (rows.length === 0) return;
  const narrow = rows[0].data instanceof Float32Array;
  const [memory, size] = narrow ? [new Float32Array(kernels.buffer), 4] : [new Float64Array(kernels.buffer), 8];
  const kernel = narrow ? kernels.float32 : kernels.float64;
  for (let first = 0; first < rows.length; first += 4) {
    const places = [zerosAt, zerosAt, zerosAt, zerosAt];
    for (let r = 0; r < 4 && first + r < rows.length; r++) {
      places[r] = rowsAt + r * vectorBytes;
      memory.set(part(rows[first + r], from, to), places[r] / size);
    }
    visit(kernel, places, size, first);
  }
}

function part({ data, start }: Row, from: number, to: number): Float32Array | Float64Array {
  return data.subarray(start + from, start + to);
}

function scaleInto(out: Float64Array, x: Float32Array | Float64Array, scale: number): void {
  for (let i = 0; i < out.length; i++) out[i] = scale * x[i];
}
