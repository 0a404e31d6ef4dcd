/** Every public function, called with arguments that make no sense. */

import { eye, ones, tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { sweepArguments, type Call } from "../test/support/nonsense.js";
import * as linsolve from "./index.js";
import { csrFromEntries, denseOperator, identityOperator } from "./index.js";

const n = 6;
const dtype = "float64";
const diagonal = tensor(Float64Array.of(1, 2, 3, 4, 5, 6));
const matrix = eye(n, n, { dtype }).mul(diagonal);
const operator = denseOperator(matrix, { positiveSemidefinite: true });
const v = ones([n], { dtype });
const key = random.key(0);
const sparse = csrFromEntries(2, 2, [0, 1], [0, 1], [2, 3]);
const { signal } = new AbortController();
const onProgress = (): void => undefined;
const driver = { signal, onProgress };
const limits = { rtol: 1e-6, atol: 1e-9, maxIter: 5, x0: v };
const system = { ...limits, preconditioner: identityOperator(n) };
// What is not compiled anew for each call.
const eager = { ...operator, eager: true };
const solve = (options: object = {}) => ({ a: eager, b: v, options: { ...system, ...driver, ...options } });
const core = (options: object = {}) => ({ a: operator, b: v, options: { ...system, ...options } });
const leastSquares = { ...limits, damping: 0.1 };
const sketched = () => ({ key, sketch: { kind: "block", size: 2 }, rtol: 1e-3, maxSweeps: 9, x0: v });
const structure = { symmetric: true, positiveSemidefinite: true };
const two = (): Call => ({ a: operator, b: operator });
const one = (): Call => ({ a: operator });

// These two are what refuses.
const { expectArguments: _, expectOptions: __, ...functions } = linsolve;

sweepArguments(functions, {
  calls: {
    cg: () => solve(),
    cgCore: () => core(),
    minres: () => solve(),
    minresCore: () => core(),
    gmres: () => solve({ restart: 4 }),
    gmresCore: () => core({ restart: 4 }),
    bicgstab: () => solve(),
    bicgstabCore: () => core(),
    chebyshev: () => solve({ lower: 1, upper: 6 }),
    chebyshevCore: () => core({ lower: 1, upper: 6 }),
    richardson: () => solve({ stepSize: 0.1 }),
    richardsonCore: () => core({ stepSize: 0.1 }),
    lsqr: () => ({ a: eager, b: v, options: { ...leastSquares, ...driver } }),
    lsqrCore: () => ({ a: operator, b: v, options: leastSquares }),
    lsmr: () => ({ a: eager, b: v, options: { ...leastSquares, ...driver } }),
    lsmrCore: () => ({ a: operator, b: v, options: leastSquares }),
    lsrn: () => ({
      a: eager,
      b: v,
      options: { key, oversampling: 2, rcond: 1e-9, rtol: 1e-6, atol: 1e-6, maxIter: 9, ...driver },
    }),
    sor: () => ({
      matrix: sparse,
      b: ones([2], { dtype }),
      options: { omega: 1, symmetric: false, rtol: 1e-6, atol: 0, maxIter: 9, x0: ones([2], { dtype }), ...driver },
    }),
    lsrnCore: () => ({
      a: operator,
      b: v,
      options: { key, oversampling: 2, rcond: 1e-9, rtol: 1e-6, atol: 1e-6, maxIter: 9 },
    }),
    sorCore: () => ({
      matrix: sparse,
      b: ones([2], { dtype }),
      options: { omega: 1, symmetric: false, rtol: 1e-6, atol: 0, maxIter: 9, x0: ones([2], { dtype }) },
    }),
    sorPreconditioner: () => ({ matrix: sparse, options: { omega: 1, symmetric: true } }),
    sketchSolve: () => ({ a: matrix, b: v, options: { ...sketched(), ...driver } }),
    sketchSolveCore: () => ({ a: matrix, b: v, options: sketched() }),
    eigsh: () => ({
      a: eager,
      options: {
        k: 2, which: "largest", basisSize: 6, tol: 1e-6, maxProducts: 40, start: v, key,
        ...driver,
      }, // prettier-ignore
    }),
    eigshCore: () => ({
      a: operator,
      options: { k: 2, which: "largest", basisSize: 6, tol: 1e-6, maxProducts: 40, start: v, key },
    }),
    blockLanczos: () => ({ a: eager, start: matrix.slice(null, [0, 2]), options: { steps: 3, key, ...driver } }),
    blockLanczosCore: () => ({ a: operator, start: matrix.slice(null, [0, 2]), options: { steps: 3, key } }),
    lobpcg: () => ({
      a: operator,
      options: {
        k: 1, which: "largest", preconditioner: identityOperator(n), tol: 1e-3, maxIter: 9,
        start: ones([n, 1], { dtype }), key, ...driver,
      }, // prettier-ignore
    }),
    lobpcgCore: () => ({
      a: operator,
      options: {
        k: 1, which: "largest", preconditioner: identityOperator(n), tol: 1e-3, maxIter: 9,
        start: ones([n, 1], { dtype }), key,
      }, // prettier-ignore
    }),
    lanczos: () => ({
      a: operator,
      start: v,
      options: { steps: 3, reorthogonalise: "full", ...driver },
    }),
    lanczosCore: () => ({ a: operator, start: v, options: { steps: 3 } }),
    arnoldi: () => ({ a: eager, start: v, options: { steps: 3, ...driver } }),
    arnoldiCore: () => ({ a: operator, start: v, options: { steps: 3 } }),
    powerIteration: () => ({ a: eager, options: { key, k: 2, tol: 1e-2, maxIter: 9, ...driver } }),
    powerIterationCore: () => ({ a: operator, options: { key, k: 2, tol: 1e-2, maxIter: 9 } }),
    nystrom: () => ({ a: operator, options: { rank: 3, key } }),
    lowRankPreconditioner: () => ({ u: ones([n, 2], { dtype }), d: ones([2], { dtype }), diagonal: 0.1 }),
    nystromPreconditioner: () => ({ a: operator, options: { rank: 3, damping: 0.1, key } }),
    randomizedSvd: () => ({ a: operator, options: { rank: 2, key, oversampling: 2, powerIterations: 1 } }),
    eighTridiagonal: () => ({ alpha: [1, 2, 3], beta: [1, 1] }),
    linearOperator: () => ({
      options: {
        matvec: (x: unknown) => x, domain: v, range: v, rmatvec: (x: unknown) => x, matmat: (x: unknown) => x,
        ...structure,
      }, // prettier-ignore
    }),
    toDense: () => ({ a: operator, options: { limit: 9 } }),
    addOperators: two,
    composeOperators: two,
    scaleOperator: () => ({ c: 2, a: operator }),
    shiftOperator: () => ({ a: operator, c: 2 }),
    gramOperator: one,
    transposeOperator: one,
    asVectors: one,
    inverseOperator: () => ({ a: operator, solve: (_: unknown, b: unknown) => b }),
    blockDiagonalOperator: () => ({ blocks: [operator, operator] }),
    kroneckerOperator: () => ({ factors: [matrix, matrix], options: structure }),
    denseOperator: () => ({ matrix, options: structure }),
    diagonalOperator: () => ({ d: diagonal, options: { positiveSemidefinite: true } }),
    identityOperator: () => ({ n: 3, dtype }),
    lowRankOperator: () => ({ u: matrix, d: diagonal, options: { positiveSemidefinite: true } }),
    csrFromEntries: () => ({
      rows: 2, columns: 2, rowIndices: [0, 1], columnIndices: [0, 1], values: [2, 3], options: { dtype },
    }), // prettier-ignore
    sparseOperator: () => ({ matrix: sparse, options: structure }),
    incompleteCholeskyPreconditioner: () => ({ matrix: sparse }),
    jacobiPreconditioner: () => ({ diagonal }),
    blockJacobiPreconditioner: () => ({ matrix, blockSize: 2 }),
  },
});
