/** Matrices that are there, and diagonal ones. */

import { DomainError, DTypeError, matmul, matrixTranspose, ShapeError, type Tensor } from "@curv/tensor";
import { expectArguments } from "../arguments.js";
import { fromVectors, type LinearOperator, type Structure } from "../linear-operator.js";
import { vectors, type FloatDType } from "../vector-space.js";

/** The operator of a matrix [m, n]. */
export function denseOperator(matrix: Tensor, structure: Structure = {}): LinearOperator {
  expectArguments("denseOperator", { matrix: [matrix, "tensor"], options: [structure, "options"] });
  if (matrix.rank !== 2) {
    throw new ShapeError(`denseOperator: matrix has shape [${matrix.shape.join(", ")}]; wants [rows, columns].`);
  }
  const dtype = floatOf(matrix, "denseOperator", "matrix");
  const [rows, columns] = matrix.shape;
  const { positiveSemidefinite = false, symmetric = positiveSemidefinite } = structure;
  if (symmetric && rows !== columns) {
    throw new ShapeError(`denseOperator: symmetric, but the matrix is [${rows}, ${columns}]; wants a square one.`);
  }
  const transposed = matrixTranspose(matrix);
  return fromVectors({
    domain: vectors(columns, dtype),
    range: vectors(rows, dtype),
    symmetric,
    positiveSemidefinite,
    matvec: (v) => matmul(matrix, v),
    rmatvec: (u) => matmul(transposed, u),
    matmat: (v) => matmul(matrix, v),
    rmatmat: (u) => matmul(transposed, u),
  });
}

/** diag(d) for d [n]. */
export function diagonalOperator(d: Tensor, structure: Structure = {}): LinearOperator {
  expectArguments("diagonalOperator", { d: [d, "tensor"], options: [structure, "options"] });
  const { positiveSemidefinite = false } = structure;
  if (d.rank !== 1) throw new ShapeError(`diagonalOperator: d has shape [${d.shape.join(", ")}]; wants a vector.`);
  const space = vectors(d.shape[0], floatOf(d, "diagonalOperator", "d"));
  const vector = (v: Tensor): Tensor => v.mul(d);
  const columns = (v: Tensor): Tensor => v.mul(d.expandDims(1));
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite,
    matvec: vector,
    rmatvec: vector,
    matmat: columns,
    rmatmat: columns,
  });
}

/**
 * I on vectors [n].
 *
 * @throws DomainError if `n` is no integer, or negative.
 */
export function identityOperator(n: number, dtype: FloatDType = "float64"): LinearOperator {
  if (!Number.isInteger(n) || n < 0) throw new DomainError(`identityOperator: n is ${n}; wants an integer ≥ 0.`);
  const space = vectors(n, dtype);
  const same = (v: Tensor): Tensor => v;
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite: true,
    matvec: same,
    rmatvec: same,
    matmat: same,
    rmatmat: same,
  });
}

/** U diag(d) Uᵀ for U [n, k], d [k]: symmetric, of rank k at most. */
export function lowRankOperator(u: Tensor, d: Tensor, structure: Structure = {}): LinearOperator {
  expectArguments("lowRankOperator", { u: [u, "tensor"], d: [d, "tensor"], options: [structure, "options"] });
  const { positiveSemidefinite = false } = structure;
  if (u.rank !== 2 || d.rank !== 1 || u.shape[1] !== d.shape[0]) {
    throw new ShapeError(
      `lowRankOperator: u and d have shapes [${u.shape.join(", ")}] and [${d.shape.join(", ")}]; wants [n, k] and [k].`,
    );
  }
  const space = vectors(u.shape[0], floatOf(u, "lowRankOperator", "u"));
  const transposed = matrixTranspose(u);
  const vector = (v: Tensor): Tensor => matmul(u, matmul(transposed, v).mul(d));
  const columns = (v: Tensor): Tensor => matmul(u, matmul(transposed, v).mul(d.expandDims(1)));
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite,
    matvec: vector,
    rmatvec: vector,
    matmat: columns,
    rmatmat: columns,
  });
}

/** The dtype of a tensor of real numbers. */
export function floatOf(x: Tensor, caller: string, argument: string): FloatDType {
  if (x.dtype === "float32" || x.dtype === "float64") return x.dtype;
  throw new DTypeError(`${caller}: ${argument} is ${x.dtype}; wants float32 or float64.`);
}
