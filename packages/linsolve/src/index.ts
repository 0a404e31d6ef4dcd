/**
 * Linear operators, Krylov and classical solvers, eigen-solvers and sketching.
 *
 * @packageDocumentation
 */

export { expectArguments, expectOptions, type ArgumentKind } from "./arguments.js";
export { bicgstab, bicgstabCore } from "./bicgstab.js";
export { chebyshev, chebyshevCore, type ChebyshevOptions } from "./chebyshev.js";
export { cg, cgCore } from "./cg.js";
export { arnoldi, arnoldiCore, type ArnoldiOptions, type ArnoldiResult, type ArnoldiRun } from "./eigen/arnoldi.js";
export {
  blockLanczos,
  blockLanczosCore,
  type BlockLanczosOptions,
  type BlockLanczosResult,
  type BlockLanczosRun,
} from "./eigen/block-lanczos.js";
export { eigsh, type EigshCoreOptions, type EigshOptions, type EigshResult, type Which } from "./eigen/eigsh.js";
export { eigshCore, type EigshCoreResult } from "./eigen/eigsh-core.js";
export { lanczos, lanczosCore, type LanczosOptions, type LanczosResult, type LanczosRun } from "./eigen/lanczos.js";
export {
  lobpcg,
  lobpcgCore,
  type LobpcgCoreOptions,
  type LobpcgCoreResult,
  type LobpcgOptions,
  type LobpcgResult,
} from "./eigen/lobpcg.js";
export {
  nystrom,
  randomizedSvd,
  type NystromResult,
  type RandomisedOptions,
  type RandomizedSvdOptions,
} from "./eigen/nystrom.js";
export {
  powerIteration,
  powerIterationCore,
  type PowerIterationCoreResult,
  type PowerIterationOptions,
  type PowerIterationResult,
} from "./eigen/power-iteration.js";
export { eighTridiagonal, type SymmetricEigen } from "./eigen/symmetric-eigen.js";
export { gmres, gmresCore, type GmresOptions } from "./gmres.js";
export { statuses, type DriverOptions, type Progress, type SolveStatus } from "./iteration.js";
export {
  linearOperator,
  toDense,
  type AnyOperator,
  type LinearOperator,
  type LinearOperatorOptions,
  type Structure,
} from "./linear-operator.js";
export { lsrn, lsrnCore, type LsrnOptions } from "./lsrn.js";
export { lsmr, lsmrCore } from "./lsmr.js";
export { lsqr, lsqrCore } from "./lsqr.js";
export {
  type LeastSquaresCoreResult,
  type LeastSquaresOptions,
  type LeastSquaresReport,
  type LeastSquaresResult,
} from "./least-squares.js";
export { minres, minresCore } from "./minres.js";
export {
  addOperators,
  asVectors,
  blockDiagonalOperator,
  composeOperators,
  gramOperator,
  inverseOperator,
  kroneckerOperator,
  scaleOperator,
  shiftOperator,
  transposeOperator,
} from "./operators/algebra.js";
export { denseOperator, diagonalOperator, identityOperator, lowRankOperator } from "./operators/dense.js";
export { csrFromEntries, sparseOperator, type CsrMatrix } from "./operators/sparse.js";
export { incompleteCholeskyPreconditioner } from "./preconditioners/incomplete-cholesky.js";
export { blockJacobiPreconditioner, jacobiPreconditioner } from "./preconditioners/jacobi.js";
export { lowRankPreconditioner } from "./preconditioners/low-rank.js";
export { nystromPreconditioner } from "./preconditioners/nystrom.js";
export { richardson, richardsonCore, type RichardsonOptions } from "./richardson.js";
export {
  sketchSolve,
  sketchSolveCore,
  type Sketch,
  type SketchCoreResult,
  type SketchOptions,
  type SketchResult,
} from "./sketch.js";
export { sor, sorCore, sorPreconditioner, type SorOptions } from "./sor.js";
export { type SolveCoreResult, type SolveOptions, type SolveReport, type SolveResult } from "./system.js";
export { type FloatDType, type VectorSpace } from "./vector-space.js";
