/**
 * Products of rows that are stored in float32 or float64, summed in float64, in one pass over the rows. Coordinates are taken piece by
 * piece, small enough for the cache, and the sums may be kept apart for each block of coordinates.
 */

import { type RowKernels, type VectorKernels } from "./vector-kernels.js";

/** `length` numbers of an array; those that lie in the kernels' own memory are read where they are. */
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

// Where they stand in the block of memory, in bytes: vectors, four rows, zeros in the place of rows that are missing, results. Nine cache
// lines more than a vector needs keep the same coordinate of different rows out of the same set of the cache: half the time.
const stride = 8 * pieceLength + 9 * 64;
const rowsAt = group * stride;
const zerosAt = rowsAt + 4 * stride;
const resultsAt = zerosAt + stride;

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
    for (let k = 0; k < pieceCount(coordinates); k++) {
      const { from, to, segments } = piece(coordinates, k);
      vectors.forEach((row, j) => wide.set(part(row, from, to), (j * stride) / 8));
      forEachFour(kernels, a, from, to, ({ dots }, places, size, i0) => {
        for (const { block, start, count } of segments) {
          const [p0, p1, p2, p3] = places.map((place) => place + start * size);
          for (let j = 0; j < vectors.length; j++) {
            dots(p0, p1, p2, p3, j * stride + 8 * start, count, resultsAt);
            const at = (block * a.length + i0) * b.length + j0 + j;
            for (let r = 0; r < 4 && i0 + r < a.length; r++) out[at + r * b.length] += results[r];
          }
        }
      });
    }
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
    // Backwards: the last pieces may still be in the cache, from the inner products that gave C.
    for (let k = pieceCount(coordinates) - 1; k >= 0; k--) {
      const { from, to, segments } = piece(coordinates, k);
      const sum = (i: number): Float64Array => wide.subarray((i * stride) / 8, (i * stride) / 8 + to - from);
      for (let i = 0; i < some; i++) sum(i).fill(0);
      if (base !== null) {
        forEachFour(kernels, base.rows.slice(i0, i0 + some), from, to, ({ sums }, places, _, first) => {
          for (let r = 0; r < 4 && first + r < some; r++) {
            const y = (first + r) * stride;
            sums(places[r], zerosAt, zerosAt, zerosAt, y, to - from, base.scale, 0, 0, 0);
          }
        });
      }
      forEachFour(kernels, rows, from, to, ({ sums }, places, size, j0) => {
        for (const { block, start, count: n } of segments) {
          const [p0, p1, p2, p3] = places.map((place) => place + start * size);
          for (let i = 0; i < some; i++) {
            const at = (block * count + i0 + i) * rows.length + j0;
            const missing = rows.length - j0;
            sums(
              p0, p1, p2, p3, i * stride + 8 * start, n,
              c[at], missing > 1 ? c[at + 1] : 0, missing > 2 ? c[at + 2] : 0, missing > 3 ? c[at + 3] : 0,
            ); // prettier-ignore
          }
        }
      });
      for (let i = 0; i < some; i++) out.set(sum(i), (i0 + i) * length + from);
    }
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

interface Piece {
  readonly from: number;
  readonly to: number;
  readonly segments: readonly Segment[];
}

/** Pieces are parts of one block, or hold several whole ones: the order of a sum depends on the lengths alone. */
function pieceCount({ length, blockSize }: Coordinates): number {
  if (blockSize <= pieceLength) return Math.ceil(length / wholeBlocks(blockSize));
  const last = length - (blockCount({ length, blockSize }) - 1) * blockSize;
  return (blockCount({ length, blockSize }) - 1) * Math.ceil(blockSize / pieceLength) + Math.ceil(last / pieceLength);
}

function piece({ length, blockSize }: Coordinates, k: number): Piece {
  if (blockSize > pieceLength) {
    const perBlock = Math.ceil(blockSize / pieceLength);
    const block = Math.floor(k / perBlock);
    const from = block * blockSize + (k % perBlock) * pieceLength;
    const to = Math.min(from + pieceLength, (block + 1) * blockSize, length);
    return { from, to, segments: [{ block, start: 0, count: to - from }] };
  }
  const from = k * wholeBlocks(blockSize);
  const to = Math.min(from + wholeBlocks(blockSize), length);
  const first = from / blockSize;
  const segments = Array.from({ length: Math.ceil((to - from) / blockSize) }, (_, i) => {
    const start = i * blockSize;
    return { block: first + i, start, count: Math.min(blockSize, to - from - start) };
  });
  return { from, to, segments };
}

/** Coordinates of as many whole blocks as a piece holds. */
function wholeBlocks(blockSize: number): number {
  return Math.floor(pieceLength / blockSize) * blockSize;
}

/** Rows four at a time, copied to where the kernels find them if they are not there already. */
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
      const { data, start } = rows[first + r];
      if (data.buffer === kernels.buffer) {
        places[r] = data.byteOffset + size * (start + from);
      } else {
        places[r] = rowsAt + r * stride;
        memory.set(part(rows[first + r], from, to), places[r] / size);
      }
    }
    visit(kernel, places, size, first);
  }
}

function part({ data, start }: Row, from: number, to: number): Float32Array | Float64Array {
  return data.subarray(start + from, start + to);
}
