/** Successive over-relaxation. */

import { DomainError, ShapeError, tensor, type Tensor } from "@curv/tensor";
import type { DriverOptions } from "./iteration.js";
import { expectArguments, expectOptions } from "./arguments.js";
import { fromVectors, type LinearOperator } from "./linear-operator.js";
import { sparseOperator, type CsrMatrix } from "./operators/sparse.js";
import { richardsonMethod } from "./richardson.js";
import { solve, type SolveOptions, type SolveResult } from "./system.js";
import { vectors, type FloatDType } from "./vector-space.js";

export interface SorOptions {
  /** Between 0 and 2; 1 is Gauss–Seidel. Default 1. */
  readonly omega?: number;
  /** A sweep forwards and one back, which keeps symmetry: SSOR. Default false. */
  readonly symmetric?: boolean;
}

/**
 * One sweep of successive over-relaxation as a preconditioner: (D/ω + L)⁻¹, or for SSOR
 * ω(2 − ω) (D + ωU)⁻¹ D (D + ωL)⁻¹, for A = L + D + U. The sweep goes through the rows one after the other, outside of traces.
 *
 * @throws DomainError for a diagonal entry that is missing or zero, or an omega outside of (0, 2).
 * Source: Young (1971); Saad (2003), §4.1.
 */
export function sorPreconditioner(matrix: CsrMatrix, options: SorOptions = {}): LinearOperator {
  return sweepOperator(matrix, options, "sorPreconditioner");
}

function sweepOperator(matrix: CsrMatrix, options: SorOptions, caller: string): LinearOperator {
  expectArguments(caller, { matrix: [matrix, "matrix"] });
  expectOptions(caller, options, { omega: "number" });
  const { omega = 1, symmetric = false } = options;
  const { rows: n, columns, rowStarts, columnIndices, values } = matrix;
  if (n !== columns) throw new ShapeError(`${caller}: matrix is ${n} × ${columns}; wants a square one.`);
  if (!(omega > 0 && omega < 2)) throw new DomainError(`${caller}: omega is ${omega}; wants 0 < omega < 2.`);
  const entries = values.dataSync();
  const diagonal = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let k = rowStarts[i]; k < rowStarts[i + 1]; k++) if (columnIndices[k] === i) diagonal[i] = entries[k];
    if (!(Math.abs(diagonal[i]) > 0)) {
      throw new DomainError(`${caller}: the diagonal entry of row ${i} is missing, zero or NaN.`);
    }
  }
  const sweep = (b: ArrayLike<number>): Float64Array => {
    const x = Float64Array.from(b);
    for (let i = 0; i < n; i++) {
      let sum = x[i];
      for (let k = rowStarts[i]; k < rowStarts[i + 1]; k++)
        if (columnIndices[k] < i) sum -= entries[k] * x[columnIndices[k]];
      x[i] = (omega * sum) / diagonal[i];
    }
    if (!symmetric) return x;
    for (let i = n - 1; i >= 0; i--) {
      let sum = ((2 - omega) / omega) * diagonal[i] * x[i];
      for (let k = rowStarts[i]; k < rowStarts[i + 1]; k++)
        if (columnIndices[k] > i) sum -= entries[k] * x[columnIndices[k]];
      x[i] = (omega * sum) / diagonal[i];
    }
    return x;
  };
  const apply = (v: Tensor): Tensor => tensor(sweep(v.dataSync())).cast(v.dtype);
  const space = vectors(n, values.dtype as FloatDType);
  return fromVectors({
    domain: space,
    range: space,
    symmetric,
    positiveSemidefinite: false,
    eager: true,
    matvec: apply,
    rmatvec: symmetric
      ? apply
      : (): never => {
          throw new DomainError("sorPreconditioner: a sweep has no transpose here; use symmetric: true.");
        },
  });
}

/**
 * x with A x = b for a sparse A by successive over-relaxation. Converges for every symmetric positive definite and for every strictly
 * diagonally dominant A (with omega ≤ 1).
 */
export async function sor(
  matrix: CsrMatrix,
  b: Tensor,
  options: SorOptions & Omit<SolveOptions, "preconditioner"> & DriverOptions = {},
): Promise<SolveResult> {
  const preconditioner = sweepOperator(matrix, options, "sor");
  return solve(richardsonMethod(1, "sor"), sparseOperator(matrix), b, { ...options, preconditioner });
}
