/** Jacobi's preconditioner, and by blocks. */

import { DomainError, ShapeError, stack, type Tensor } from "@curv/tensor";
import { inv } from "@curv/tensor/linalg";
import { matmul } from "@curv/tensor";
import { expectArguments } from "../arguments.js";
import { fromVectors, type LinearOperator } from "../linear-operator.js";
import { diagonalOperator, floatOf } from "../operators/dense.js";
import { refuseNotFinite } from "../system.js";
import { vectors } from "../vector-space.js";

/**
 * The inverse of a diagonal, as a preconditioner.
 *
 * @param diagonal - Of A [n], or an estimate; entries that are not positive count as their absolute value, zeros as 1.
 * @throws DomainError for NaN and infinities, naming the first.
 */
export function jacobiPreconditioner(diagonal: Tensor): LinearOperator {
  expectArguments("jacobiPreconditioner", { diagonal: [diagonal, "tensor"] });
  if (diagonal.rank !== 1) {
    throw new ShapeError(`jacobiPreconditioner: diagonal has shape [${diagonal.shape.join(", ")}]; wants a vector.`);
  }
  refuseNotFinite(diagonal, "jacobiPreconditioner", "diagonal");
  const size = diagonal.abs();
  const zero = size.equal(0).cast(size.dtype);
  return diagonalOperator(size.add(zero).reciprocal(), { positiveSemidefinite: true });
}

/**
 * The inverses of the square blocks on the diagonal of a symmetric matrix.
 *
 * @param matrix - [n, n].
 * @param blockSize - Divides n.
 * @throws DomainError if a block is singular, or if the size does not divide n.
 */
export function blockJacobiPreconditioner(matrix: Tensor, blockSize: number): LinearOperator {
  expectArguments("blockJacobiPreconditioner", { matrix: [matrix, "tensor"] });
  const n = matrix.shape[0];
  if (matrix.rank !== 2 || matrix.shape[1] !== n) {
    throw new ShapeError(
      `blockJacobiPreconditioner: matrix has shape [${matrix.shape.join(", ")}]; wants a square one.`,
    );
  }
  if (!Number.isInteger(blockSize) || blockSize < 1 || n % blockSize !== 0) {
    throw new DomainError(`blockJacobiPreconditioner: blockSize is ${blockSize}; wants a divisor of ${n}.`);
  }
  refuseNotFinite(matrix.reshape([-1]), "blockJacobiPreconditioner", "matrix, row after row,");
  const count = n / blockSize;
  const range = (i: number): readonly [number, number] => [i * blockSize, (i + 1) * blockSize];
  const inverses = inv(
    stack(
      Array.from({ length: count }, (_, i) => matrix.slice(range(i), range(i))),
      0,
    ),
  );
  const product =
    (blocks: Tensor) =>
    (v: Tensor): Tensor =>
      matmul(blocks, v.reshape([count, blockSize, v.rank === 1 ? 1 : v.shape[1]])).reshape(v.shape);
  const [forward, backward] = [product(inverses), product(inverses.transpose([0, 2, 1]))];
  const space = vectors(n, floatOf(matrix, "blockJacobiPreconditioner", "matrix"));
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite: false,
    matvec: forward,
    rmatvec: backward,
    matmat: forward,
    rmatmat: backward,
  });
}
