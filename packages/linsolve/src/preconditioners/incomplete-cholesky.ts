/** Incomplete Cholesky factorisation. */

import { DomainError, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { expectArguments } from "../arguments.js";
import { fromVectors, type LinearOperator } from "../linear-operator.js";
import type { CsrMatrix } from "../operators/sparse.js";
import { vectors, type FloatDType } from "../vector-space.js";

/**
 * (L Lᵀ)⁻¹ for an L with the sparsity of the lower triangle of a symmetric positive definite A: IC(0). Where a pivot is not positive, the
 * diagonal is raised by a factor, doubled until there is a factorisation.
 *
 * The triangular solves go through the entries one after the other, outside of traces: solvers take their steps one by one.
 *
 * @param matrix - Both triangles, or the lower one; the upper one is not read.
 * @throws DomainError for a diagonal entry that is missing or not positive.
 * Source: Meijerink & van der Vorst (1977); the shift of Manteuffel (1980).
 */
export function incompleteCholeskyPreconditioner(matrix: CsrMatrix): LinearOperator {
  expectArguments("incompleteCholeskyPreconditioner", { matrix: [matrix, "matrix"] });
  const { rows: n, columns, rowStarts, columnIndices, values } = matrix;
  if (n !== columns) {
    throw new ShapeError(`incompleteCholeskyPreconditioner: matrix is ${n} × ${columns}; wants a square one.`);
  }
  const entries = values.dataSync();
  // The lower triangle, row after row, the diagonal last in its row.
  const starts = new Int32Array(n + 1);
  const [places, lower]: [number[], number[]] = [[], []];
  for (let i = 0; i < n; i++) {
    let diagonal = NaN;
    for (let k = rowStarts[i]; k < rowStarts[i + 1]; k++) {
      const j = columnIndices[k];
      if (j === i) diagonal = entries[k];
      if (j < i) {
        places.push(j);
        lower.push(entries[k]);
      }
    }
    if (!(diagonal > 0)) {
      const got = Number.isNaN(diagonal) ? "missing or NaN" : String(diagonal);
      throw new DomainError(
        `incompleteCholeskyPreconditioner: the diagonal entry of row ${i} is ${got}; wants it positive.`,
      );
    }
    places.push(i);
    lower.push(diagonal);
    starts[i + 1] = places.length;
  }
  let factor: Float64Array | null = null;
  for (let shift = 0; factor === null; shift = shift === 0 ? 1e-3 : 2 * shift)
    factor = factorise(n, starts, places, lower, shift);
  const l = factor;

  const solve = (b: ArrayLike<number>): Float64Array => {
    const x = Float64Array.from(b);
    for (let i = 0; i < n; i++) {
      const end = starts[i + 1] - 1;
      let sum = x[i];
      for (let k = starts[i]; k < end; k++) sum -= l[k] * x[places[k]];
      x[i] = sum / l[end];
    }
    for (let i = n - 1; i >= 0; i--) {
      const end = starts[i + 1] - 1;
      const value = (x[i] /= l[end]);
      for (let k = starts[i]; k < end; k++) x[places[k]] -= l[k] * value;
    }
    return x;
  };
  const apply = (v: Tensor): Tensor => tensor(solve(v.dataSync())).cast(v.dtype);
  const space = vectors(n, values.dtype as FloatDType);
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite: true,
    eager: true,
    matvec: apply,
    rmatvec: apply,
  });
}

/** L in the places of the lower triangle of A with its diagonal times 1 + shift; null if a pivot is not positive. */
function factorise(
  n: number,
  starts: Int32Array,
  places: readonly number[],
  a: readonly number[],
  shift: number,
): Float64Array | null {
  const l = Float64Array.from(a);
  for (let i = 0; i < n; i++) {
    const [from, end] = [starts[i], starts[i + 1] - 1];
    for (let k = from; k <= end; k++) {
      const j = places[k];
      let sum = k === end ? a[k] * (1 + shift) : a[k];
      // Rows i and j, where both have an entry before column j.
      for (let [p, q] = [from, starts[j]]; p < k && q < starts[j + 1] - 1;) {
        if (places[p] === places[q]) sum -= l[p++] * l[q++];
        else if (places[p] < places[q]) p++;
        else q++;
      }
      if (k < end) l[k] = sum / l[starts[j + 1] - 1];
      else if (sum > 0) l[k] = Math.sqrt(sum);
      else return null;
    }
  }
  return l;
}
