/** An interpolant without the directions that no example sees. */

import { concat, diag, DomainError, matmul, ShapeError, zeros, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import type { Interpolant } from "./interpolant.js";

/** Largest min(n, p) for which eigenvalues of all of G are computed. */
export const largestRank = 500;

/** Rows in an orthonormal basis of the range of G, in which G is diagonal. All inner products of rows are those of the interpolant. */
export interface RangeCoordinates {
  /** B [n, r], r the rank of G; float64. */
  readonly rows: Tensor;
  /** Eigenvalues of G [r], > 0, ascending. */
  readonly values: Tensor;
  /** ‖aᵢ‖² [n]. */
  readonly squaredNorms: Tensor;
}

/**
 * The kernel of G never moves under SGD: every second-moment map has the eigenvalue 1 there, which says nothing. Here it is left out, by an
 * eigendecomposition of A Aᵀ [n, n] or AᵀA [p, p], whichever is smaller; nothing of size p × p is made for a network.
 *
 * @throws DomainError for rows with NaN, or all zero; ShapeError for rows that are not as the interpolant says.
 */
export function rangeCoordinates(m: Interpolant, caller: string): RangeCoordinates {
  const { examples: n, params: p } = m;
  const inExamples = n <= p;
  const gram = inExamples ? gramMatrix(m, caller) : secondMoment(m, caller);
  const { values, vectors } = eigh(gram);
  const lambda = values.dataSync();
  const size = lambda.length;
  const epsilon = dtypeOf(m) === "float64" ? 2 ** -52 : 2 ** -23;
  const least = lambda[size - 1] * epsilon * Math.max(n, p);
  if (!(lambda[size - 1] > 0))
    throw new DomainError(`${caller}: all rows are zero; wants a model that its parameters change.`);
  const from = lambda.findIndex((x) => x > least);
  const kept = values.slice([from, size]);
  const basis = vectors.slice(null, [from, size]);
  // A = U √Λ Vᵀ: B = U √Λ from the eigenvectors U of A Aᵀ, B = A V from those of AᵀA.
  const rows = inExamples
    ? basis.mul(kept.sqrt())
    : concat(
        Array.from(blocks(m, caller), (block) => matmul(block, basis)),
        0,
      );
  return { rows, values: kept.div(n), squaredNorms: rows.square().sum(1) };
}

/** (1/n) Σ Hᵢ² − G² [r, r], the scatter of the examples' curvature, in these coordinates, where G is diagonal. */
export function scatterMatrix({ rows, values, squaredNorms }: RangeCoordinates): Tensor {
  const second = matmul(rows.transpose(), rows.mul(squaredNorms.expandDims(1))).div(rows.shape[0]);
  return second.sub(diag(values.square()));
}

/** A Aᵀ [n, n], float64: each block of rows against all from it on, so that two blocks are in memory. */
export function gramMatrix(m: Interpolant, caller: string): Tensor {
  const strips: Tensor[] = [];
  let start = 0;
  for (const block of blocks(m, caller)) {
    const parts: Tensor[] = [];
    for (const other of blocks(m, caller)) parts.push(matmul(block, other.transpose()));
    strips.push(parts.length === 1 ? parts[0] : concat(parts, 1));
    start += block.shape[0];
  }
  if (start !== m.examples) {
    throw new ShapeError(`${caller}: there are ${start} rows; wants one for each of ${m.examples} examples.`);
  }
  return strips.length === 1 ? strips[0] : concat(strips, 0);
}

function secondMoment(m: Interpolant, caller: string): Tensor {
  let sum = zeros([m.params, m.params], { dtype: "float64" });
  for (const block of blocks(m, caller)) sum = sum.add(matmul(block.transpose(), block));
  return sum;
}

/** The rows in float64, checked. */
export function* blocks(m: Interpolant, caller: string): Generator<Tensor, void, undefined> {
  for (const block of wideRows(m, caller)) {
    if (!Number.isFinite(block.mul(0).sum().itemSync())) {
      throw new DomainError(`${caller}: a row has NaN or an infinity; wants finite gradients of the examples.`);
    }
    yield block;
  }
}

/** The rows in float64; their values are not looked at. */
export function* wideRows(m: Interpolant, caller: string): Generator<Tensor, void, undefined> {
  for (const block of m.rows()) {
    if (block.rank !== 2 || block.shape[1] !== m.params) {
      throw new ShapeError(`${caller}: rows have shape [${block.shape.join(", ")}]; wants [some, ${m.params}].`);
    }
    yield block.cast("float64");
  }
}

function dtypeOf(m: Interpolant): string {
  for (const block of m.rows()) return block.dtype;
  return "float64";
}
