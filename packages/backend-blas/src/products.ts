/** Matrix products by CBLAS, on the tensors' own memory. */

import type { ExternalProducts, StridedMatrix, TypedArray } from "@curv/tensor";
import { integerBits } from "./integer-width.js";
import type { LoadedLibrary } from "./find-library.js";

/** Values of CBLAS's enumerations. */
const rowMajor = 101;
const plain = 111;
const transposed = 112;

type Gemm = (
  order: number, transposeA: number, transposeB: number, m: number, n: number, k: number,
  alpha: number, a: TypedArray, lda: number, b: TypedArray, ldb: number, beta: number, c: TypedArray, ldc: number,
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
  const integer = integerBits(library) === 64 ? "int64_t" : "int";
  const gemm = (letter: "s" | "d"): Gemm => {
    const real = letter === "s" ? "float" : "double";
    // The enumerations are C ints in both kinds of library.
    const parameters = [
      "int", "int", "int", integer, integer, integer,
      real, "void *", integer, "void *", integer, real, "void *", integer,
    ]; // prettier-ignore
    return library.handle.func(`cblas_${letter}gemm${library.suffix}`, "void", parameters) as unknown as Gemm;
  };
  const functions = { float32: gemm("s"), float64: gemm("d") };
  return {
    name,
    multiply(dtype, m, n, k, a, b, c) {
      if (m === 0 || n === 0 || k === 0) return false;
      const left = reading(m, k, a.row, a.column);
      const right = reading(k, n, b.row, b.column);
      if (left === null || right === null) return false;
      // A library believes every address: what is not an array of the right kind and length must never get there.
      requireArray(dtype, a.data, extent(m, k, a), "a");
      requireArray(dtype, b.data, extent(k, n, b), "b");
      requireArray(dtype, c, m * n, "c");
      functions[dtype](
        rowMajor, left.transpose, right.transpose, m, n, k,
        1, a.data, left.leading, b.data, right.leading, 0, c, n,
      ); // prettier-ignore
      return true;
    },
  };
}

/** @throws TypeError if the array is not one of `dtype` with at least `length` elements. */
function requireArray(dtype: "float32" | "float64", data: unknown, length: number, argument: string): void {
  const kind = dtype === "float32" ? Float32Array : Float64Array;
  if (!(data instanceof kind)) {
    throw new TypeError(
      `multiply: ${argument} is ${typeof data === "object" && data !== null ? data.constructor.name : String(data)}; wants a ${kind.name}.`,
    );
  }
  if (data.length < length) {
    throw new TypeError(`multiply: ${argument} has ${data.length} elements; wants at least ${length}.`);
  }
}
