/** Anderson acceleration of a fixed-point iteration x ← T(x), as a step of a traceable loop. */

import { arange, concat, diag, logicalAnd, trace, zeros, type Tensor } from "@curv/tensor";
import * as linalg from "@curv/tensor/linalg";

/** The last values of T and what they differ by from where T was applied, newest first, [memory, m]. */
export interface AndersonHistory {
  readonly values: Tensor;
  readonly misses: Tensor;
}

export function emptyHistory(memory: number, like: Tensor): AndersonHistory {
  const empty = zeros([memory, like.shape[0]], { dtype: like.dtype });
  return { values: empty, misses: empty };
}

/**
 * Σ αₖ T(xₖ) with Σ αₖ = 1 for which Σ αₖ (T(xₖ) − xₖ) is least, of the last `memory` steps. T(x) itself where the α are so large that
 * they would amplify rounding.
 *
 * @param fresh - T(x).
 * @param miss - T(x) − x.
 * @param step - Number of steps before this one, int32.
 * Source: Walker & Ni, Anderson acceleration for fixed-point iterations (2011); for Sinkhorn: Chizat et al. (2020), §4.
 */
export function andersonStep(
  history: AndersonHistory,
  fresh: Tensor,
  miss: Tensor,
  step: Tensor,
): { readonly mixed: Tensor; readonly history: AndersonHistory } {
  const memory = history.values.shape[0];
  const push = (old: Tensor, x: Tensor): Tensor => concat([x.expandDims(0), old.slice([0, memory - 1])], 0);
  const values = push(history.values, fresh);
  const misses = push(history.misses, miss);
  const places = arange(memory, { dtype: "int32" });
  const isFilled = places.lessEqual(step).cast(fresh.dtype);
  const gram = misses.matmul(misses.T);
  const size = trace(gram);
  // Places that are still empty get α = 0 by a one on the diagonal and a zero on the right-hand side.
  const scaled = gram.div(size.greater(0).where(size, 1));
  const ridge = isFilled.mul(-1).add(fresh.dtype === "float32" ? 1 + 1e-6 : 1 + 1e-13);
  const alpha = linalg.solve(scaled.add(diag(ridge)), isFilled);
  const weights = alpha.div(alpha.sum());
  const isSound = logicalAnd(size.greater(0), weights.abs().sum().less(1e4));
  return { mixed: isSound.where(weights.matmul(values), fresh), history: { values, misses } };
}
