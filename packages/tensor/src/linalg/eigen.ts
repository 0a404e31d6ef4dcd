/** Eigenvalues and eigenvectors. */

import type { Complex } from "../complex.js";
import { tril } from "../create.js";
import { DomainError, ShapeError } from "../errors.js";
import { epsilon, type FloatDType } from "../dtype.js";
import { stopGradient } from "../ops/elementwise.js";
import { takeAlong } from "../ops/gather.js";
import { broadcastAll, expandDims, matrixTranspose } from "../ops/movement.js";
import { argMax } from "../ops/reduce.js";
import { where } from "../ops/select.js";
import { check } from "../primitives/check.js";
import { eigPrimitive } from "../primitives/linalg/eig.js";
import { eighPrimitive } from "../primitives/linalg/eigh.js";
import type { Tensor } from "../tensor.js";
import { formatShape } from "../shape.js";
import { bind } from "../transform/trace.js";
import { cholesky } from "./cholesky.js";
import { asSquare, checkConverged, checkFinite } from "./operands.js";
import { triangularSolve } from "./triangular-solve.js";

export interface EighOptions {
  /** Throw unless the matrix is symmetric to rounding. By default only the lower triangle is read, and nobody looks. */
  readonly check?: boolean;
  /**
   * Symmetric positive definite B [..., n, n] of the generalised problem A V = B V diag(w), whose vectors have VᵀBV = I. Only its lower
   * triangle is read. Default: I.
   */
  readonly b?: Tensor;
}

function prepare(a: Tensor, caller: string, { check: checked = false }: EighOptions): Tensor {
  const matrices = asSquare(a, caller);
  checkFinite(matrices, caller);
  if (checked) checkSymmetric(matrices, caller);
  return matrices;
}

function checkSymmetric(a: Tensor, caller: string): void {
  const n = a.shape[a.rank - 1];
  const tolerance = 100 * epsilon(a.dtype as FloatDType);
  check([stopGradient(a)], [2], (values) => {
    let size = 0;
    for (const v of values) size = Math.max(size, Math.abs(v));
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < i; j++) {
        if (Math.abs(values[i * n + j] - values[j * n + i]) > tolerance * size) {
          return new DomainError(
            `${caller}: matrix is not symmetric: [${i}, ${j}] is ${values[i * n + j]}, [${j}, ${i}] is ${values[j * n + i]}.`,
          );
        }
      }
    }
    return null;
  });
}

/**
 * A = V diag(w) Vᵀ for symmetric A: w ascending [..., n], orthonormal columns in V [..., n, n], the first of the largest components of each
 * positive. Only the lower triangle is read.
 *
 * Inside a cluster of eigenvalues (|w_i − w_j| ≤ 4nε max|w|) derivatives of single vectors do not exist and are taken as 0 there: right for
 * functions that treat the cluster as one. For functions of a matrix use `symmetricFunction`.
 */
export function eigh(a: Tensor, options: EighOptions = {}): { readonly values: Tensor; readonly vectors: Tensor } {
  if (options.b !== undefined) return generalised(a, options.b, options);
  const [values, vectors, info] = bind(eighPrimitive, [prepare(a, "eigh", options)], { vectors: true });
  checkConverged(info, "eigh");
  return { values, vectors };
}

/** By B = LLᵀ: the eigenvectors Y of L⁻¹AL⁻ᵀ are LᵀV. */
function generalised(
  a: Tensor,
  b: Tensor,
  options: EighOptions,
): { readonly values: Tensor; readonly vectors: Tensor } {
  const { reduced, l } = reduce(prepare(a, "eigh", options), b, "eigh");
  const { values, vectors } = eigh(reduced);
  const v = triangularSolve(l, vectors, { transpose: true });
  return { values, vectors: v.mul(stopGradient(signs(v))) };
}

/** L⁻¹AL⁻ᵀ and L, from the lower triangles of A and B = LLᵀ. */
function reduce(a: Tensor, b: Tensor, caller: string): { readonly reduced: Tensor; readonly l: Tensor } {
  const right = asSquare(b, caller, "b");
  if (right.shape[right.rank - 1] !== a.shape[a.rank - 1]) {
    throw new ShapeError(
      `${caller}: b has shape ${formatShape(right.shape)}; wants matrices as large as those of A, ${formatShape(a.shape)}.`,
    );
  }
  const [x, y] = broadcastAll(a, right);
  const l = cholesky(y);
  const whole = tril(x).add(matrixTranspose(tril(x, -1)));
  const half = triangularSolve(l, whole);
  return { reduced: triangularSolve(l, matrixTranspose(half)), l };
}

/** What columns are multiplied by for the first of their largest components to be positive. */
function signs(v: Tensor): Tensor {
  const size = v.abs();
  const first = argMax(size.greaterEqual(size.max(-2, { keepDims: true }).mul(1 - 2 ** -10)).cast("int32"), -2);
  return where(takeAlong(v, expandDims(first, -2), -2).less(0), -1, 1).cast(v.dtype);
}

/** Eigenvalues of symmetric matrices, ascending [..., n]. */
export function eigvalsh(a: Tensor, options: EighOptions = {}): Tensor {
  if (options.b !== undefined) {
    return eigvalsh(reduce(prepare(a, "eigvalsh", options), options.b, "eigvalsh").reduced);
  }
  const [values, info] = bind(eighPrimitive, [prepare(a, "eigvalsh", options)], { vectors: false });
  checkConverged(info, "eigvalsh");
  return values;
}

/**
 * A V = V diag(w) for general real A: complex eigenvalues [..., n] and unit eigenvectors [..., n, n] (columns). Differentiable for functions
 * that do not depend on the phases of the vectors; a defective matrix gives NaN derivatives.
 */
export function eig(a: Tensor): { readonly values: Complex; readonly vectors: Complex } {
  const matrices = asSquare(a, "eig");
  checkFinite(matrices, "eig");
  const [wr, wi, vr, vi, info] = bind(eigPrimitive, [matrices], { vectors: true });
  checkConverged(info, "eig");
  return { values: { re: wr, im: wi }, vectors: { re: vr, im: vi } };
}

/** Complex eigenvalues of general real matrices. */
export function eigvals(a: Tensor): Complex {
  const matrices = asSquare(a, "eigvals");
  checkFinite(matrices, "eigvals");
  const [wr, wi, info] = bind(eigPrimitive, [matrices], { vectors: false });
  checkConverged(info, "eigvals");
  return { re: wr, im: wi };
}
