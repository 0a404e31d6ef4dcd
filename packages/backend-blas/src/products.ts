/** Matrix products by CBLAS, on the tensors' own memory. */

import type { ExternalProducts, StridedMatrix, TypedArray } from "@curv/tensor";
import { integerBits } from "./integer-width.js";
import type { LoadedLibrary } from "./find-library.js";
import { requireArray } from "./require-array.js";

/** Values of CBLAS's enumerations. */
const rowMajor = 101;
const plain = 111;
const transposed = 112;
const upper = 121;

/** From so many rows on, half of AAᵀ and a reflection are less work than all of it. */
const fewRows = 64;

type Gemm = (
  order: number, transposeA: number, transposeB: number, m: number, n: number, k: number,
  alpha: number, a: TypedArray, lda: number, b: TypedArray, ldb: number, beta: number, c: TypedArray, ldc: number,
) => void; // prettier-ignore

type Gemv = (
  order: number, transpose: number, m: number, n: number,
  alpha: number, a: TypedArray, lda: number, x: TypedArray, xStep: number, beta: number, y: TypedArray, yStep: number,
) => void; // prettier-ignore

type Syrk = (
  order: number, triangle: number, transpose: number, n: number, k: number,
  alpha: number, a: TypedArray, lda: number, beta: number, c: TypedArray, ldc: number,
) => void; // prettier-ignore

/** How CBLAS is told to read a matrix. */
interface Reading {
  readonly transpose: number;
  /** Elements between its rows in memory (columns, if it is transposed). */
  readonly leading: number;
}

/**
 * A matrix of [rows, columns] with any strides, if rows or columns stand side by side; null if neither does.
 *
 * The stride of an axis of length 1 is never used, so it may be anything.
 */
export function reading(rows: number, columns: number, row: number, column: number): Reading | null {
  if ((column === 1 || columns === 1) && (rows === 1 || row >= columns)) {
    return { transpose: plain, leading: rows === 1 ? Math.max(1, columns) : Math.max(row, columns, 1) };
  }
  if ((row === 1 || rows === 1) && (columns === 1 || column >= rows)) {
    return { transpose: transposed, leading: columns === 1 ? Math.max(1, rows) : Math.max(column, rows, 1) };
  }
  return null;
}

/** Elements from the first to the last of a matrix. */
function extent(rows: number, columns: number, { row, column }: StridedMatrix): number {
  return (rows - 1) * row + (columns - 1) * column + 1;
}

/** The products of a library. */
export function libraryProducts(library: LoadedLibrary, name: string): ExternalProducts {
  const functions = { float32: routines(library, "s"), float64: routines(library, "d") };
  return {
    name,
    multiply(dtype, m, n, k, a, b, c) {
      if (m === 0 || n === 0 || k === 0) return false;
      const left = reading(m, k, a.row, a.column);
      const right = reading(k, n, b.row, b.column);
      if (left === null || right === null) return false;
      requireArray("multiply", dtype, a.data, extent(m, k, a), "a");
      requireArray("multiply", dtype, b.data, extent(k, n, b), "b");
      requireArray("multiply", dtype, c, m * n, "c");
      const { gemm, gemv, syrk } = functions[dtype];
      if (n === 1 && b.row > 0) {
        const [rows, columns] = left.transpose === plain ? [m, k] : [k, m];
        gemv(rowMajor, left.transpose, rows, columns, 1, a.data, left.leading, b.data, b.row, 0, c, 1);
      } else if (m === 1 && a.column > 0) {
        // cᵀ = Bᵀaᵀ
        const [rows, columns, transpose] = right.transpose === plain ? [k, n, transposed] : [n, k, plain];
        gemv(rowMajor, transpose, rows, columns, 1, b.data, right.leading, a.data, a.column, 0, c, 1);
      } else if (m >= fewRows && m === n && isTransposeOf(a, b)) {
        syrk(rowMajor, upper, left.transpose, m, k, 1, a.data, left.leading, 0, c, m);
        for (let i = 1; i < m; i++) for (let j = 0; j < i; j++) c[i * m + j] = c[j * m + i];
      } else {
        gemm(
          rowMajor, left.transpose, right.transpose, m, n, k,
          1, a.data, left.leading, b.data, right.leading, 0, c, n,
        ); // prettier-ignore
      }
      return true;
    },
  };
}

function routines(library: LoadedLibrary, letter: "s" | "d"): { gemm: Gemm; gemv: Gemv; syrk: Syrk } {
  const integer = integerBits(library) === 64 ? "int64_t" : "int";
  const real = letter === "s" ? "float" : "double";
  // The enumerations are C ints in both kinds of library.
  const matrix = ["void *", integer];
  const load = (name: string, parameters: readonly string[]): unknown =>
    library.handle.func(library.symbol(`cblas_${letter}${name}`), "void", [...parameters]);
  return {
    gemm: load("gemm", [
      "int", "int", "int", integer, integer, integer, real, ...matrix, ...matrix, real, ...matrix,
    ]) as Gemm,
    gemv: load("gemv", ["int", "int", integer, integer, real, ...matrix, ...matrix, real, ...matrix]) as Gemv,
    syrk: load("syrk", ["int", "int", "int", integer, integer, real, ...matrix, real, ...matrix]) as Syrk,
  }; // prettier-ignore
}

/** Whether B is the transpose of A, on the same memory. */
function isTransposeOf(a: StridedMatrix, b: StridedMatrix): boolean {
  return (
    a.data.buffer === b.data.buffer &&
    a.data.byteOffset === b.data.byteOffset &&
    a.row === b.column &&
    a.column === b.row
  );
}
