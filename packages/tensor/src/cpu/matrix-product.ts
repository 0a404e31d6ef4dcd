/** Products of batches of matrices: by the vector kernels where they can be had, else by the portable ones. */

import { itemSize, type TypedArray } from "../dtype.js";
import { allocate, own } from "../memory.js";
import { externalProducts, type ExternalProducts } from "./external-products.js";
import { matmul } from "./kernels/matmul.js";
import { kernelMemory, type KernelMemory } from "./wasm/memory.js";
import { matmulLibrary, workSpace } from "./wasm/matmul.js";
import { allocateArray, letGo, placeArgument, resultArray, takeResult, type Argument } from "./wasm/resident.js";
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

type TypedArrayKind = keyof typeof matmul;

/** a·b for each of `count` matrices, row-major. */
export function multiplyMatrices(dtype: TypedArrayKind, count: number, a: Matrices, b: Matrices): TypedArray {
  if (count * a.rows * b.columns === 0) return own(dtype, 0);
  if (dtype !== "float32" && dtype !== "float64") return multiplyPortably(dtype, count, a, b);
  const products = externalProducts();
  return products === null ? byOwnKernels(dtype, count, a, b) : byLibrary(products, dtype, count, a, b);
}

/** Each product by the library; if there is one that it does not do, by Curv's kernels. */
function byLibrary(
  products: ExternalProducts,
  dtype: "float32" | "float64",
  count: number,
  a: Matrices,
  b: Matrices,
): TypedArray {
  const [m, n, k] = [a.rows, b.columns, a.columns];
  const c = resultArray(dtype, count * m * n);
  for (let i = 0; i < count; i++) {
    const left = { data: a.data.subarray(i * a.step), row: a.rowStride, column: a.columnStride };
    const right = { data: b.data.subarray(i * b.step), row: b.rowStride, column: b.columnStride };
    const out = c.subarray(i * m * n, (i + 1) * m * n);
    if (!products.multiply(dtype, m, n, k, left, right, out)) {
      letGo(c);
      return byOwnKernels(dtype, count, a, b);
    }
  }
  return c;
}

function byOwnKernels(dtype: "float32" | "float64", count: number, a: Matrices, b: Matrices): TypedArray {
  const memory = kernelMemory();
  const work = count * a.rows * b.columns * a.columns;
  if (memory !== null && (dtype === "float32" || work > fewMultiplications))
    return byVectors(memory, dtype, count, a, b);
  return multiplyPortably(dtype, count, a, b);
}

function multiplyPortably(dtype: TypedArrayKind, count: number, a: Matrices, b: Matrices): TypedArray {
  const kernel = matmul[dtype]!;
  const c = allocate(dtype, count * a.rows * b.columns);
  for (let i = 0; i < count; i++) {
    kernel(
      a.rows, b.columns, a.columns,
      a.data, i * a.step, a.rowStride, a.columnStride,
      b.data, i * b.step, b.rowStride, b.columnStride,
      c, i * a.rows * b.columns,
    ); // prettier-ignore
  }
  return c;
}

function byVectors(
  memory: KernelMemory,
  dtype: "float32" | "float64",
  count: number,
  a: Matrices,
  b: Matrices,
): TypedArray {
  const { multiply } = matmulLibrary(dtype);
  const work = workSpace();
  const size = itemSize(dtype);
  const [m, n, k] = [a.rows, b.columns, a.columns];
  const operands: Argument[] = [];
  let c = -1;
  let lost = false;
  try {
    for (const { data } of [a, b]) operands.push(placeArgument(memory, data, dtype));
    c = allocateArray(memory, dtype, count * m * n);
    const [aRow, aColumn, bRow, bColumn] = [a.rowStride, a.columnStride, b.rowStride, b.columnStride].map(
      (s) => s * size,
    );
    const cRow = n * size;
    for (let i = 0; i < count; i++) {
      const [ai, bi] = [operands[0].address + i * a.step * size, operands[1].address + i * b.step * size];
      const ci = c + i * m * cRow;
      const shared = multiplyByThreads(dtype, { m, n, k, a: ai, aRow, aColumn, b: bi, bRow, bColumn, c: ci, cRow });
      if (!shared) multiply(m, n, k, ai, aRow, aColumn, bi, bRow, bColumn, ci, cRow, work);
    }
  } catch (error) {
    lost = error instanceof LostWorker;
    if (c >= 0 && !lost) memory.release(c);
    // The result is not given back: the worker may still write there.
    if (!lost) throw error;
  } finally {
    for (const operand of operands) operand.done();
  }
  if (!lost) return takeResult(memory, c, dtype, count * m * n);
  giveUpThreads();
  return byVectors(memory, dtype, count, a, b);
}
