/** Successive over-relaxation. */

import { check, DomainError, ShapeError, stopGradient, tensor, type Tensor } from "@curv/tensor";
import type { DriverOptions } from "./iteration.js";
import { expectArguments, expectOptions } from "./arguments.js";
import { fromVectors, type LinearOperator } from "./linear-operator.js";
import { rowsOfEntries, sparseOperator, type CsrMatrix } from "./operators/sparse.js";
import { sparseTriangularSolve } from "./operators/sparse-triangular.js";
import { richardsonMethod } from "./richardson.js";
import { solve, solveCore, type SolveCoreResult, type SolveOptions, type SolveResult } from "./system.js";
import { vectors, type FloatDType } from "./vector-space.js";

export interface SorOptions {
  /** Between 0 and 2; 1 is Gauss–Seidel. Default 1. */
  readonly omega?: number;
  /** A sweep forwards and one back, which keeps symmetry: SSOR. Default false. */
  readonly symmetric?: boolean;
}

/**
 * One sweep of successive over-relaxation as a preconditioner: ω (D + ωL)⁻¹, or for SSOR ω(2 − ω) (D + ωU)⁻¹ D (D + ωL)⁻¹, for
 * A = L + D + U. The sweep goes through the rows one after the other. Traceable, and differentiable in the entries.
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
  const dtype = values.dtype as FloatDType;
  const sparsity = { rows: n, columns, rowStarts, columnIndices, rowIndices: rowsOfEntries(matrix) };
  const isDiagonal = Array.from(columnIndices, (j, p) => j === sparsity.rowIndices[p]);
  check([stopGradient(values)], [1], (entries) => {
    const fine = new Array<boolean>(n).fill(false);
    isDiagonal.forEach((here, p) => here && (fine[columnIndices[p]] = Math.abs(entries[p]) > 0));
    const row = fine.indexOf(false);
    if (row < 0) return null;
    return new DomainError(`${caller}: the diagonal entry of row ${row} is missing, zero or NaN.`);
  });
  /** The entries of A times a number beside its diagonal, and another one on it. */
  const scaled = (beside: number, along: number): Tensor =>
    values.mul(
      tensor(
        Float64Array.from(isDiagonal, (here) => (here ? along : beside)),
        { dtype },
      ),
    );
  const relaxed = scaled(omega, 1);
  const diagonal = sparseOperator({ ...matrix, values: scaled(0, omega * (2 - omega)) });
  const substitute = (v: Tensor, triangle: "lower" | "upper", transposed = false): Tensor =>
    sparseTriangularSolve(relaxed, v.expandDims(1), { sparsity, triangle, transposed }).squeeze(1);
  const forwards = (v: Tensor): Tensor => substitute(v, "lower").mul(omega);
  const both = (v: Tensor): Tensor => substitute(diagonal.matvec(substitute(v, "lower")), "upper");
  const forwardsBack = (u: Tensor): Tensor => substitute(u, "lower", true).mul(omega);
  const bothBack = (u: Tensor): Tensor => substitute(diagonal.matvec(substitute(u, "upper", true)), "lower", true);
  const space = vectors(n, dtype);
  return fromVectors({
    domain: space,
    range: space,
    symmetric,
    positiveSemidefinite: false,
    matvec: symmetric ? both : forwards,
    rmatvec: symmetric ? bothBack : forwardsBack,
  });
}

/**
 * x with A x = b for a sparse A by successive over-relaxation. Converges for every symmetric positive definite and for every strictly
 * diagonally dominant A (with omega ≤ 1); where it does not, the status is `diverged` when the residual comes to 10⁴ times the first.
 *
 * @throws DomainError for a diagonal entry that is missing or zero, an omega outside of (0, 2), or NaN in b.
 * Source: Young (1971); Saad (2003), §4.1.
 */
export async function sor(
  matrix: CsrMatrix,
  b: Tensor,
  options: SorOptions & Omit<SolveOptions, "preconditioner"> & DriverOptions = {},
): Promise<SolveResult> {
  const preconditioner = sweepOperator(matrix, options, "sor");
  return solve(richardsonMethod(1, false, "sor"), sparseOperator(matrix), b, { ...options, preconditioner });
}

/** {@link sor} as a traceable function; b may be [n, k]. Derivatives in the entries of A and in b come from one more solve each. */
export function sorCore(
  matrix: CsrMatrix,
  b: Tensor,
  options: SorOptions & Omit<SolveOptions, "preconditioner"> = {},
): SolveCoreResult {
  const preconditioner = sweepOperator(matrix, options, "sorCore");
  return solveCore(richardsonMethod(1, false, "sorCore"), sparseOperator(matrix), b, { ...options, preconditioner });
}
