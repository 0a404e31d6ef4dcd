/** Products of batches of matrices: by the vector kernels where they can be had, else by the portable ones. */

import { itemSize, type TypedArray } from "../dtype.js";
import { externalProducts, type ExternalProducts } from "./external-products.js";
import { matmul } from "./kernels/matmul.js";
import { kernelMemory, type KernelMemory } from "./wasm/memory.js";
import { matmulLibrary, workSpace } from "./wasm/matmul.js";
import { multiplyByThreads } from "./wasm/shared-update.js";
import { giveUpThreads, LostWorker } from "./wasm/threads.js";

/** A batch of matrices in an array, with steps in elements. */
export interface Matrices {
  readonly data: TypedArray;
  readonly rows: number;
  readonly columns: number;
  /** From one matrix of the batch to the next. */
  readonly step: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/**
 * Below so many multiplications the portable float64 kernel is done before the operands are copied; its sums have the same order, so the
 * bits are the same. In float32 they are not (see kernels/matmul.ts), so there the choice must not depend on the size.
 */
const fewMultiplications = 4096;

/** c = a·b for each of `count` matrices; c is row-major. */
export function multiplyMatrices(
  dtype: "float32" | "float64",
  count: number,
  a: Matrices,
  b: Matrices,
  c: TypedArray,
): void {
  const products = externalProducts();
  if (products !== null) {
    byLibrary(products, dtype, count, a, b, c);
    return;
  }
  byOwnKernels(dtype, count, a, b, c);
}

/** Each product by the library; from the first that it does not do, by Curv's kernels. */
function byLibrary(
  products: ExternalProducts,
  dtype: "float32" | "float64",
  count: number,
  a: Matrices,
  b: Matrices,
  c: TypedArray,
): void {
  const [m, n, k] = [a.rows, b.columns, a.columns];
  for (let i = 0; i < count; i++) {
    const left = { data: a.data.subarray(i * a.step), row: a.rowStride, column: a.columnStride };
    const right = { data: b.data.subarray(i * b.step), row: b.rowStride, column: b.columnStride };
    const out = c.subarray(i * m * n, (i + 1) * m * n);
    if (!products.multiply(dtype, m, n, k, left, right, out)) {
      const rest = (x: Matrices): Matrices => ({ ...x, data: x.data.subarray(i * x.step) });
      byOwnKernels(dtype, count - i, rest(a), rest(b), c.subarray(i * m * n));
      return;
    }
  }
}

function byOwnKernels(dtype: "float32" | "float64", count: number, a: Matrices, b: Matrices, c: TypedArray): void {
  const memory = kernelMemory();
  const work = count * a.rows * b.columns * a.columns;
  if (memory !== null && (dtype === "float32" || work > fewMultiplications)) byVectors(memory, dtype, count, a, b, c);
  else multiplyPortably(dtype, count, a, b, c);
}

export function multiplyPortably(dtype: TypedArrayKind, count: number, a: Matrices, b: Matrices, c: TypedArray): void {
  const kernel = matmul[dtype]!;
  for (let i = 0; i < count; i++) {
    kernel(
      a.rows, b.columns, a.columns,
      a.data, i * a.step, a.rowStride, a.columnStride,
      b.data, i * b.step, b.rowStride, b.columnStride,
      c, i * a.rows * b.columns,
    ); // prettier-ignore
  }
}

type TypedArrayKind = keyof typeof matmul;

function byVectors(
  memory: KernelMemory,
  dtype: "float32" | "float64",
  count: number,
  a: Matrices,
  b: Matrices,
  c: TypedArray,
): void {
  const { multiply } = matmulLibrary(dtype);
  const work = workSpace();
  const size = itemSize(dtype);
  // A vector beyond the end of an operand may be read.
  const bytes = [a.data, b.data, c].map((x) => Math.ceil((x.length * size + 16) / 64) * 64);
  const pa = memory.allocate(bytes[0] + bytes[1] + bytes[2]);
  let lost = false;
  try {
    const pb = pa + bytes[0];
    const pc = pb + bytes[1];
    const array = memory.arrays[dtype];
    array.set(a.data, pa / size);
    array.set(b.data, pb / size);
    const [m, n, k] = [a.rows, b.columns, a.columns];
    const [aRow, aColumn, bRow, bColumn] = [a.rowStride, a.columnStride, b.rowStride, b.columnStride].map(
      (s) => s * size,
    );
    const cRow = n * size;
    for (let i = 0; i < count; i++) {
      const [ai, bi, ci] = [pa + i * a.step * size, pb + i * b.step * size, pc + i * m * cRow];
      const shared = multiplyByThreads(dtype, { m, n, k, a: ai, aRow, aColumn, b: bi, bRow, bColumn, c: ci, cRow });
      if (!shared) multiply(m, n, k, ai, aRow, aColumn, bi, bRow, bColumn, ci, cRow, work);
    }
    c.set(memory.arrays[dtype].subarray(pc / size, pc / size + c.length));
  } catch (error) {
    if (!(error instanceof LostWorker)) throw error;
    // This part is not given back: the worker may still write there.
    lost = true;
  } finally {
    if (!lost) memory.release(pa);
  }
  if (!lost) return;
  giveUpThreads();
  byVectors(memory, dtype, count, a, b, c);
}
