/** Sparse matrices in compressed sparse rows. */

import { DomainError, DTypeError, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions } from "../arguments.js";
import { fromVectors, type LinearOperator, type Structure } from "../linear-operator.js";
import { vectors } from "../vector-space.js";
import { floatOf } from "./dense.js";
import { sparseProduct } from "./sparse-product.js";

/** A matrix [rows, columns] by its entries that are not zero, row after row. */
export interface CsrMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Where each row begins in the other two, and the end: [rows + 1]. */
  readonly rowStarts: Int32Array;
  /** [entries]. */
  readonly columnIndices: Int32Array;
  /** As a tensor [entries], so that derivatives in the entries exist. */
  readonly values: Tensor;
}

/**
 * From entries in any order; those at the same place are added up.
 *
 * @param rowIndices - [entries].
 * @param columnIndices - [entries].
 * @param values - [entries].
 */
export function csrFromEntries(
  rows: number,
  columns: number,
  rowIndices: ArrayLike<number>,
  columnIndices: ArrayLike<number>,
  values: ArrayLike<number>,
  options: { readonly dtype?: "float32" | "float64" } = {},
): CsrMatrix {
  expectArguments("csrFromEntries", {
    rowIndices: [rowIndices, "numbers"],
    columnIndices: [columnIndices, "numbers"],
    values: [values, "numbers"],
  });
  expectOptions("csrFromEntries", options, { dtype: "text" });
  const { dtype = "float64" } = options;
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`csrFromEntries: dtype is ${JSON.stringify(dtype)}; wants "float32" or "float64".`);
  }
  for (const [side, size] of Object.entries({ rows, columns })) {
    if (!Number.isInteger(size) || size < 0) {
      throw new DomainError(`csrFromEntries: ${side} is ${size}; wants an integer >= 0.`);
    }
  }
  const count = values.length;
  if (rowIndices.length !== count || columnIndices.length !== count) {
    throw new ShapeError(
      `csrFromEntries: ${rowIndices.length} rowIndices, ${columnIndices.length} columnIndices and ${count} values; wants as many of each.`,
    );
  }
  for (let k = 0; k < count; k++) {
    const [i, j] = [rowIndices[k], columnIndices[k]];
    if (!(Number.isInteger(i) && Number.isInteger(j) && i >= 0 && i < rows && j >= 0 && j < columns)) {
      throw new DomainError(`csrFromEntries: entry ${k} is at [${i}, ${j}]; wants a place in [${rows}, ${columns}].`);
    }
  }
  const order = Array.from({ length: count }, (_, k) => k).sort(
    (a, b) => rowIndices[a] - rowIndices[b] || columnIndices[a] - columnIndices[b],
  );
  const [places, sums]: [number[], number[]] = [[], []];
  const rowStarts = new Int32Array(rows + 1);
  let last = -1;
  for (const k of order) {
    const at = rowIndices[k] * columns + columnIndices[k];
    if (at === last) sums[sums.length - 1] += values[k];
    else {
      places.push(columnIndices[k]);
      sums.push(values[k]);
      rowStarts[rowIndices[k] + 1]++;
    }
    last = at;
  }
  for (let i = 0; i < rows; i++) rowStarts[i + 1] += rowStarts[i];
  return { rows, columns, rowStarts, columnIndices: Int32Array.from(places), values: tensor(sums, { dtype }) };
}

/** The row of each entry. */
export function rowsOfEntries({ rows, rowStarts, columnIndices }: CsrMatrix): Int32Array {
  const list = new Int32Array(columnIndices.length);
  for (let i = 0; i < rows; i++) list.fill(i, rowStarts[i], rowStarts[i + 1]);
  return list;
}

/** The operator of a sparse matrix: 2 flops an entry and product. Differentiable in the entries. */
export function sparseOperator(matrix: CsrMatrix, structure: Structure = {}): LinearOperator {
  expectArguments("sparseOperator", { matrix: [matrix, "matrix"], options: [structure, "options"] });
  const { rows, columns, rowStarts, columnIndices, values } = matrix;
  if (
    rowStarts.length !== rows + 1 ||
    rowStarts[rows] !== columnIndices.length ||
    values.size !== columnIndices.length
  ) {
    throw new ShapeError(
      `sparseOperator: ${rowStarts.length} row starts, ${columnIndices.length} column indices and ${values.size} values; wants rows + 1 = ${rows + 1} and as many of the others as the last start says.`,
    );
  }
  const { positiveSemidefinite = false, symmetric = positiveSemidefinite } = structure;
  if (symmetric && rows !== columns) {
    throw new ShapeError(`sparseOperator: symmetric, but it is ${rows} × ${columns}; wants a square one.`);
  }
  const dtype = floatOf(values, "sparseOperator", "values");
  const sparsity = { rows, columns, rowStarts, columnIndices, rowIndices: rowsOfEntries(matrix) };
  const columnsOf =
    (transposed: boolean) =>
    (v: Tensor): Tensor =>
      sparseProduct(values, v, { sparsity, transposed });
  const vectorOf =
    (transposed: boolean) =>
    (v: Tensor): Tensor =>
      sparseProduct(values, v.expandDims(1), { sparsity, transposed }).squeeze(1);
  return fromVectors({
    domain: vectors(columns, dtype),
    range: vectors(rows, dtype),
    symmetric,
    positiveSemidefinite,
    matvec: vectorOf(false),
    rmatvec: vectorOf(true),
    matmat: columnsOf(false),
    rmatmat: columnsOf(true),
  });
}
