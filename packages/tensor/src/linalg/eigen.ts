/** Eigenvalues and eigenvectors. */

import type { Complex } from "../complex.js";
import { DomainError } from "../errors.js";
import { epsilon, type FloatDType } from "../dtype.js";
import { stopGradient } from "../ops/elementwise.js";
import { check } from "../primitives/check.js";
import { eigPrimitive } from "../primitives/linalg/eig.js";
import { eighPrimitive } from "../primitives/linalg/eigh.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { asSquare, checkConverged, checkFinite } from "./operands.js";

export interface EighOptions {
  /** Throw unless the matrix is symmetric to rounding. By default only the lower triangle is read, and nobody looks. */
  readonly check?: boolean;
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
  const [values, vectors, info] = bind(eighPrimitive, [prepare(a, "eigh", options)], { vectors: true });
  checkConverged(info, "eigh");
  return { values, vectors };
}

/** Eigenvalues of symmetric matrices, ascending [..., n]. */
export function eigvalsh(a: Tensor, options: EighOptions = {}): Tensor {
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
