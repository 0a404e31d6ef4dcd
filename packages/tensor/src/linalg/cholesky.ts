/** Cholesky factorisation and systems of positive definite matrices. */

import { DomainError } from "../errors.js";
import { cholesky as factor } from "../cpu/linalg/cholesky.js";
import { choleskyPrimitive } from "../primitives/linalg/cholesky.js";
import { check } from "../primitives/check.js";
import { stopGradient } from "../ops/elementwise.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { asSquare } from "./operands.js";
import { triangularSolve } from "./triangular-solve.js";

/**
 * L, lower triangular with positive diagonal, with A = L Lᵀ. Only the lower triangle of A is read; its derivative is symmetric.
 *
 * @param a - Symmetric positive definite matrices [..., n, n].
 * @throws DomainError if a matrix is not positive definite, naming the pivot.
 */
export function cholesky(a: Tensor): Tensor {
  const matrices = asSquare(a, "cholesky");
  const [l, info] = bind(choleskyPrimitive, [matrices], null);
  const n = matrices.shape[matrices.rank - 1];
  check([info, stopGradient(matrices)], [0, 2], ([failed], values) => {
    if (failed === 0) return null;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) {
        if (Number.isNaN(values[i * n + j])) return new DomainError(`cholesky: input has NaN at [${i}, ${j}].`);
      }
    }
    const { pivot } = factor(Float64Array.from(values), n);
    const shown = Number.isNaN(pivot) ? "NaN" : String(Number(pivot.toPrecision(2)));
    return new DomainError(
      `cholesky: matrix is not positive definite: pivot ${failed - 1} is ${shown}. Add jitter (A + 1e-8·I) or check that A is symmetric.`,
    );
  });
  return l;
}

/**
 * x with (L Lᵀ) x = b, from a Cholesky factor.
 *
 * @param l - Lower triangular [..., n, n].
 * @param b - [..., n] for one right-hand side if it has one axis less than L, else [..., n, k].
 */
export function choleskySolve(l: Tensor, b: Tensor): Tensor {
  const factorL = asSquare(l, "choleskySolve", "L");
  const y = triangularSolve(factorL, b);
  return triangularSolve(factorL, y, { transpose: true });
}
