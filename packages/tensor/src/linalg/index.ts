/** Linear algebra on the last two axes, batched over the others. `import * as linalg from "@curv/tensor/linalg"`. */

export { cholesky, choleskySolve } from "./cholesky.js";
export type { Complex } from "../complex.js";
export { eig, eigh, eigvals, eigvalsh, type EighOptions } from "./eigen.js";
export { expm, invsqrtm, logm, powm, sqrtm, symmetricFunction, type ScalarFunction } from "./matrix-functions.js";
export { cross, matrixNorm, normalize, vectorNorm, type NormOptions } from "./norm.js";
export { qr } from "./qr.js";
export { det, inv, lu, slogdet, solve, type LuFactors, type SolveOptions } from "./solve.js";
export {
  conditionNumber,
  lstsq,
  matrixRank,
  pinv,
  svd,
  svdvals,
  type LeastSquares,
  type RankOptions,
  type SvdOptions,
} from "./svd.js";
export { kronMatmul, toeplitz, toeplitzMatmul } from "./structured.js";
export { triangularSolve, type TriangularSolveOptions } from "./triangular-solve.js";
