/** General systems: LU factorisation, solve, inverse, determinants. */

import { eye, ones, tril, triu } from "../create.js";
import { DomainError } from "../errors.js";
import { abs, log, mod, sign, stopGradient } from "../ops/elementwise.js";
import { matmul } from "../ops/dot.js";
import { diagonal } from "../ops/diagonal.js";
import { matrixTranspose } from "../ops/movement.js";
import { where } from "../ops/select.js";
import { check } from "../primitives/check.js";
import { luPrimitive, permuteRows } from "../primitives/linalg/lu.js";
import { product } from "../primitives/linalg/matrices.js";
import { triangularSolvePrimitive } from "../primitives/linalg/triangular-solve.js";
import { productsOfOthers } from "../ops/cumulative.js";
import { argSort } from "../ops/sort.js";
import type { Tensor } from "../tensor.js";
import { customJvp } from "../transform/custom.js";
import { customLinearSolve } from "../transform/linear-solve.js";
import { bind, bind1 } from "../transform/trace.js";
import { asMatrices, asSquare, checkFinite } from "./operands.js";
import { asSystem } from "./right-hand-side.js";
import { svd } from "./svd.js";

/** A[permutation] = L U with partial pivoting. */
export interface LuFactors {
  /** [..., m, k], unit lower triangular, k = min(m, n). */
  readonly l: Tensor;
  /** [..., k, n], upper triangular. */
  readonly u: Tensor;
  /** int32 [..., m]: row i of P A is row permutation[i] of A. */
  readonly permutation: Tensor;
}

/** LU factorisation with partial pivoting of [..., m, n]; singular matrices have zeros on the diagonal of U. */
export function lu(a: Tensor): LuFactors {
  const matrices = asMatrices(a, "lu");
  checkFinite(matrices, "lu");
  const [m, n] = matrices.shape.slice(-2);
  const k = Math.min(m, n);
  const [packed, permutation] = bind(luPrimitive, [matrices], null);
  const l = tril(packed.slice("...", [0, k]), -1).add(eye(m, k, { dtype: matrices.dtype }));
  return { l, u: triu(packed.slice("...", [0, k], null)), permutation };
}

/** Solves with the factors, or with their transpose. */
function luSolve(packed: Tensor, permutation: Tensor, b: Tensor, transpose: boolean): Tensor {
  const lower = { lower: true, unit: true, transpose };
  const upper = { lower: false, unit: false, transpose };
  if (!transpose) {
    const y = bind1(triangularSolvePrimitive, [packed, permuteRows(b, permutation)], lower);
    return bind1(triangularSolvePrimitive, [packed, y], upper);
  }
  const y = bind1(triangularSolvePrimitive, [packed, b], upper);
  const z = bind1(triangularSolvePrimitive, [packed, y], lower);
  return permuteRows(z, argSort(permutation, -1));
}

export interface SolveOptions {
  /** Throw for singular and non-finite matrices; without it the result has Inf or NaN. Default true. */
  readonly check?: boolean;
}

/**
 * x with A x = b, by LU with partial pivoting. The factors are used again for derivatives.
 *
 * @param a - [..., n, n].
 * @param b - [..., n] if it has one axis less than A, else [..., n, k].
 * @throws DomainError if A is singular (a pivot is exactly 0) or holds NaN or Inf.
 */
export function solve(a: Tensor, b: Tensor, { check: checked = true }: SolveOptions = {}): Tensor {
  return solveAs("solve", "lstsq", a, b, checked);
}

/** @param instead - What serves where A is singular. */
function solveAs(caller: string, instead: string, a: Tensor, b: Tensor, checked: boolean): Tensor {
  const { a: matrices, b: right, finish } = asSystem(asSquare(a, caller), b, caller);
  if (checked) checkFinite(matrices, caller);
  const [packed, permutation, info] = bind(luPrimitive, [stopGradient(matrices)], null);
  if (checked) checkRegular(info, caller, instead);
  if ((matrices.tag | right.tag) === 0) return finish(luSolve(packed, permutation, right, false));
  return finish(
    customLinearSolve<Tensor>(
      {
        matvec: (x) => matmul(matrices, x),
        solve: (y) => luSolve(packed, permutation, y, false),
        transposeSolve: (y) => luSolve(packed, permutation, y, true),
      },
      right,
    ),
  );
}

function checkRegular(info: Tensor, caller: string, instead: string): void {
  check([info], [0], ([failed]) =>
    failed === 0
      ? null
      : new DomainError(
          `${caller}: matrix is singular: pivot ${failed - 1} is 0. Use ${instead}, or add regularisation.`,
        ),
  );
}

/** A⁻¹. */
export function inv(a: Tensor): Tensor {
  const matrices = asSquare(a, "inv");
  const n = matrices.shape[matrices.rank - 1];
  const identity = eye(n, n, { dtype: matrices.dtype }).broadcastTo(matrices.shape);
  return solveAs("inv", "pinv", matrices, identity, true);
}

/** Determinant of each permutation: even or odd by its number of pairs out of order. */
function signOf(permutation: Tensor, dtype: Tensor["dtype"]): Tensor {
  const n = permutation.shape[permutation.rank - 1];
  const later = triu(ones([n, n], { dtype: "int32" }), 1);
  const inverted = permutation.expandDims(-1).greater(permutation.expandDims(-2)).cast("int32");
  return mod(inverted.mul(later).sum([-2, -1]), 2)
    .mul(-2)
    .add(1)
    .cast(dtype);
}

/** Sign and logarithm of |det A|; a singular matrix gives sign 0 and −∞. */
export function slogdet(a: Tensor): { readonly sign: Tensor; readonly logAbsDet: Tensor } {
  const matrices = asSquare(a, "slogdet");
  checkFinite(matrices, "slogdet");
  const [packed, permutation] = bind(luPrimitive, [matrices], null);
  const pivots = diagonal(packed);
  return {
    sign: sign(stopGradient(pivots)).prod(-1).mul(signOf(permutation, matrices.dtype)),
    logAbsDet: log(abs(pivots)).sum(-1),
  };
}

/**
 * det A. Its derivative is the matrix of cofactors, finite where A is singular.
 */
export function det(a: Tensor): Tensor {
  const matrices = asSquare(a, "det");
  checkFinite(matrices, "det");
  return detOf(matrices);
}

const detOf: (a: Tensor) => Tensor = /* @__PURE__ */ customJvp(
  (a: Tensor) => {
    const [packed, permutation] = bind(luPrimitive, [a], null);
    return diagonal(packed).prod(-1).mul(signOf(permutation, a.dtype));
  },
  ([a], [da]) => ({ value: detOf(a), tangent: cofactors(a).mul(da).sum([-2, -1]) }),
);

/**
 * det(A) A⁻ᵀ = det(UVᵀ) U diag(Π_{j≠i} s_j) Vᵀ: defined where A is singular, too. It has a derivative of its own because that of U and V is
 * wrong at equal singular values, and the identity has nothing but those.
 */
const cofactors: (a: Tensor) => Tensor = /* @__PURE__ */ customJvp(
  (a: Tensor) => {
    const { u, s, vt } = svd(a);
    if (s.size === 0) return a;
    return matmul(u.mul(productsOfOthers(s).expandDims(-2)), vt).mul(orientation(u, vt));
  },
  ([a], [da]) => ({ value: cofactors(a), tangent: cofactorsAlong(a, da) }),
);

/**
 * With P = Uᵀ E V and Q_ij = Π_{k≠i,j} s_k off the diagonal, 0 on it: det(UVᵀ) U (diag(Q diag P) − (Q ⊙ P)ᵀ) Vᵀ, from
 * det(S + tP) = Π s + t Σ_i P_ii Π_{k≠i} s_k + t²/2 Σ_{i≠j} Q_ij (P_ii P_jj − P_ij P_ji) + ….
 */
function cofactorsAlong(a: Tensor, e: Tensor): Tensor {
  const { u, s, vt } = svd(a);
  const n = s.shape[s.rank - 1];
  if (s.size === 0) return e;
  const same = eye(n, n, { dtype: "float32" }).equal(1);
  const q = where(same, 0, productsOfOthers(where(same, 1, s.expandDims(-2))));
  const p = product(matrixTranspose(u), e, matrixTranspose(vt));
  const diagonals = matmul(q, diagonal(p).expandDims(-1));
  const inner = where(same, diagonals, matrixTranspose(q.mul(p)).neg());
  return product(u, inner, vt).mul(orientation(u, vt));
}

/** det(UVᵀ) = ±1, for matrices. */
function orientation(u: Tensor, vt: Tensor): Tensor {
  const sign = stopGradient(detOf(stopGradient(u)).mul(detOf(stopGradient(vt))));
  return sign.expandDims(-1).expandDims(-1);
}
