/** Singular values, and what rests on them: pseudo-inverse, least squares, rank, condition. */

import { eye } from "../create.js";
import { epsilon, isFloat, type FloatDType } from "../dtype.js";
import { DTypeError } from "../errors.js";
import { matmul } from "../ops/dot.js";
import { matrixTranspose } from "../ops/movement.js";
import { stopGradient } from "../ops/elementwise.js";
import { where } from "../ops/select.js";
import { svdPrimitive } from "../primitives/linalg/svd.js";
import type { Tensor } from "../tensor.js";
import { customJvp } from "../transform/custom.js";
import { bind } from "../transform/trace.js";
import { asMatrices, checkConverged, checkFinite } from "./operands.js";
import { asSystem } from "./right-hand-side.js";

export interface SvdOptions {
  /** Square U and Vᵀ. Default false: [..., m, k] and [..., k, n], k = min(m, n). */
  readonly full?: boolean;
  /** Relative accuracy of small singular values too, at several times the cost. Default false. */
  readonly accurate?: boolean;
}

/**
 * A = U diag(s) Vᵀ: s descending and ≥ 0 [..., k], orthonormal columns in U and rows in Vᵀ. The first of the largest components of each
 * column of U is positive. Derivatives at equal or zero singular values are as for `eigh`: right for functions of the whole cluster.
 */
export function svd(
  a: Tensor,
  { full = false, accurate = false }: SvdOptions = {},
): { readonly u: Tensor; readonly s: Tensor; readonly vt: Tensor } {
  const matrices = asMatrices(a, "svd");
  checkFinite(matrices, "svd");
  const [s, u, vt, info] = bind(svdPrimitive, [matrices], { vectors: true, full, accurate });
  checkConverged(info, "svd");
  return { u, s, vt };
}

/** Singular values, descending [..., min(m, n)]. */
export function svdvals(a: Tensor, { accurate = false }: { readonly accurate?: boolean } = {}): Tensor {
  return singularValues(a, "svdvals", accurate);
}

/** {@link svdvals} on behalf of `caller`. @internal */
export function singularValues(a: Tensor, caller: string, accurate = false): Tensor {
  const matrices = asMatrices(a, caller);
  checkFinite(matrices, caller);
  const [s, info] = bind(svdPrimitive, [matrices], { vectors: false, full: false, accurate });
  checkConverged(info, caller);
  return s;
}

export interface RankOptions {
  /** Singular values up to `relativeTolerance` times the largest count as zero. Default max(m, n)·ε. */
  readonly relativeTolerance?: number;
}

function cutoff(a: Tensor, s: Tensor, relative: number | undefined): Tensor {
  const [m, n] = a.shape.slice(-2);
  const factor = relative ?? Math.max(m, n) * epsilon(a.dtype as FloatDType);
  return stopGradient(s).max(-1, { keepDims: true }).mul(factor);
}

/** Number of singular values that do not count as zero, int32 [...]. */
export function matrixRank(a: Tensor, { relativeTolerance }: RankOptions = {}): Tensor {
  const matrices = asMatrices(a, "matrixRank");
  const s = singularValues(stopGradient(matrices), "matrixRank");
  if (s.shape[s.rank - 1] === 0) return s.sum(-1).cast("int32");
  return s.greater(cutoff(matrices, s, relativeTolerance)).sum(-1);
}

/** Ratio of the largest to the smallest singular value; ∞ if the smallest is 0. */
export function conditionNumber(a: Tensor): Tensor {
  const s = singularValues(a, "conditionNumber");
  return s.max(-1).div(s.min(-1));
}

/** 1/s, and 0 for what counts as zero. */
function inverted(a: Tensor, s: Tensor, relative: number | undefined): Tensor {
  if (s.shape[s.rank - 1] === 0) return s;
  const zero = s.lessEqual(cutoff(a, s, relative));
  return where(zero, 0, where(zero, 1, s).reciprocal());
}

/**
 * The Moore–Penrose pseudo-inverse A⁺ [..., n, m]. Its derivative supposes that the rank does not change.
 */
export function pinv(a: Tensor, { relativeTolerance }: RankOptions = {}): Tensor {
  const matrices = asMatrices(a, "pinv");
  checkFinite(matrices, "pinv");
  return pinvWith(relativeTolerance)(matrices);
}

// Ȧ⁺ = −A⁺ Ȧ A⁺ + A⁺ A⁺ᵀ Ȧᵀ (I − A A⁺) + (I − A⁺ A) Ȧᵀ A⁺ᵀ A⁺   (Golub & Pereyra 1973, constant rank)
function pinvWith(relative: number | undefined): (a: Tensor) => Tensor {
  const f: (a: Tensor) => Tensor = customJvp(
    (a: Tensor) => {
      const { u, s, vt } = svd(a);
      return matmul(matrixTranspose(vt).mul(inverted(a, s, relative).expandDims(-2)), matrixTranspose(u));
    },
    ([a], [da]) => {
      const p = f(a);
      const [m, n] = a.shape.slice(-2);
      const pt = matrixTranspose(p);
      const dat = matrixTranspose(da);
      const left = eye(m, m, { dtype: a.dtype }).sub(matmul(a, p));
      const right = eye(n, n, { dtype: a.dtype }).sub(matmul(p, a));
      const inner = matmul(matmul(p, da), p).neg();
      const range = matmul(matmul(matmul(p, pt), dat), left);
      const kernel = matmul(matmul(matmul(right, dat), pt), p);
      return { value: p, tangent: inner.add(range).add(kernel) };
    },
  );
  return f;
}

/** A least-squares solution. */
export interface LeastSquares {
  /** The x of least norm among those that minimise ‖A x − b‖. */
  readonly x: Tensor;
  /** Squared norms of the columns of A x − b. */
  readonly residuals: Tensor;
  /** int32 [...]. */
  readonly rank: Tensor;
  /** Singular values of A. */
  readonly singularValues: Tensor;
}

/**
 * The x of least norm that minimises ‖A x − b‖, by the singular value decomposition, for any shape and rank.
 *
 * @param b - [..., m] if it has one axis less than A, else [..., m, k].
 */
export function lstsq(a: Tensor, b: Tensor, { relativeTolerance }: RankOptions = {}): LeastSquares {
  if (!isFloat(b.dtype)) throw new DTypeError(`lstsq: b is ${b.dtype}; wants float32 or float64.`);
  const system = asSystem(a, b, "lstsq");
  checkFinite(system.a, "lstsq");
  checkFinite(system.b, "lstsq", "b");
  const { x, s } = leastSquares(system.a, system.b, relativeTolerance);
  const misfit = matmul(system.a, x).sub(system.b);
  const solution = system.finish(x);
  const squares = misfit.square().sum(-2);
  return {
    x: solution,
    residuals: solution.rank === x.rank ? squares : squares.squeeze(-1),
    rank:
      s.shape[s.rank - 1] === 0 ? s.sum(-1).cast("int32") : s.greater(cutoff(system.a, s, relativeTolerance)).sum(-1),
    singularValues: s,
  };
}

/** Values from the factors (x = V S⁺ Uᵀ b loses nothing to forming A⁺), derivatives from those of A⁺ b. */
function leastSquares(a: Tensor, b: Tensor, relative: number | undefined): { x: Tensor; s: Tensor } {
  const { u, s, vt } = svd(stopGradient(a));
  const solveWith: (a: Tensor, b: Tensor) => Tensor = customJvp(
    (m: Tensor, right: Tensor) => {
      const f = svd(m);
      const scaled = inverted(m, f.s, relative)
        .expandDims(-1)
        .mul(matmul(matrixTranspose(f.u), right));
      return matmul(matrixTranspose(f.vt), scaled);
    },
    ([m, right], [dm, dright]) => {
      const x = solveWith(m, right);
      const p = pinvWith(relative)(m);
      const pt = matrixTranspose(p);
      const dmt = matrixTranspose(dm);
      const misfit = right.sub(matmul(m, x));
      const moved = matmul(p, dright.sub(matmul(dm, x)));
      const range = matmul(p, matmul(pt, matmul(dmt, misfit)));
      const v = matmul(dmt, matmul(pt, x));
      const kernel = v.sub(matmul(p, matmul(m, v)));
      return { value: x, tangent: moved.add(range).add(kernel) };
    },
  );
  if ((a.tag | b.tag) === 0) {
    const scaled = inverted(a, s, relative)
      .expandDims(-1)
      .mul(matmul(matrixTranspose(u), b));
    return { x: matmul(matrixTranspose(vt), scaled), s };
  }
  return { x: solveWith(a, b), s };
}
