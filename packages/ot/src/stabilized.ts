/** Sinkhorn's sweeps as products with a kernel, in which potentials are absorbed so that nothing overflows at small ε. */

import { logicalAnd, whileLoop, type Tensor } from "@curv/tensor";
import type { Problem } from "./dual.js";
import { bestPotential, bestTranslation, wantedMarginal, type Price } from "./penalty.js";
import type { SweepState, Until } from "./sweeps.js";

/** Scalings stay within [1/τ, τ] of the potentials that the kernel has absorbed. */
const tau = 1e3;

interface KernelState {
  readonly f: Tensor;
  readonly g: Tensor;
  readonly error: Tensor;
  readonly beside: Tensor;
  readonly step: Tensor;
  readonly isInside: Tensor;
}

/**
 * Sweeps with the kernel K = exp((α + β − C)/ε) for the potentials (α, β) of `start`, until the marginals fit, `limit` sweeps have been done
 * in all, or a scaling exp((f − α)/ε) would leave [1/τ, τ]: that sweep is left to the log domain, after which a new kernel absorbs what it
 * found. The iterates are those of the log domain; a sweep costs two products with K instead of 2 n m exponentials.
 *
 * Source: Schmitzer, Stabilized sparse scaling algorithms for entropy regularized transport problems (2019), alg. 2.
 */
export function kernelSweeps(problem: Problem, start: SweepState, { tol, limit }: Until): SweepState {
  const { a, b, costs, epsilon, prices } = problem;
  const { f: alpha, g: beta } = start;
  const K = costs.rows((C, at) => at.expandDims(1).add(beta).sub(C).div(epsilon).exp(), alpha);
  const scaling = (potential: Tensor, absorbed: Tensor): Tensor => potential.sub(absorbed).div(epsilon).exp();
  const update = (price: Price, weights: Tensor, absorbed: Tensor, sums: Tensor): { fit: Tensor; best: Tensor } => {
    const fit = absorbed.sub(sums.log().mul(epsilon));
    return { fit, best: bestPotential(price, weights, fit, epsilon) };
  };
  const end = whileLoop(
    (s: KernelState) => logicalAnd(s.isInside, logicalAnd(s.error.greater(tol), s.step.less(limit))),
    (s: KernelState): KernelState => {
      const misses = (price: Price, weights: Tensor, potential: Tensor, fit: Tensor): Tensor => {
        const actual = weights.mul(potential.sub(fit).div(epsilon).exp());
        return actual
          .sub(wantedMarginal(price, weights, potential, actual))
          .abs()
          .sum();
      };
      const rows = update(prices[0], a, alpha, K.matmul(scaling(s.g, beta).mul(b)));
      const off = misses(prices[0], a, s.f, rows.fit);
      const columns = update(prices[1], b, beta, scaling(rows.best, alpha).mul(a).matmul(K));
      const shift = bestTranslation(prices, a, b, rows.best, columns.best);
      const f = shift === null ? rows.best : rows.best.add(shift);
      const g = shift === null ? columns.best : columns.best.sub(shift);
      const beside = shift === null ? s.beside : misses(prices[1], b, g, columns.fit.sub(shift));
      // Not so for NaN, which sums that underflow lead to.
      const isInside = f
        .sub(alpha)
        .abs()
        .max()
        .maximum(g.sub(beta).abs().max())
        .lessEqual(epsilon.mul(Math.log(tau)));
      const error = off.add(s.beside);
      // Columns that were moved do not fit: the error is known of where this step began, which is kept if it will do.
      const moves = shift === null ? isInside : logicalAnd(isInside, error.greater(tol));
      return {
        f: moves.where(f, s.f),
        g: moves.where(g, s.g),
        error: isInside.where(error, s.error),
        beside: isInside.where(beside, s.beside),
        step: s.step.add(isInside.cast("int32")),
        isInside,
      };
    },
    {
      f: alpha,
      g: beta,
      error: start.error,
      beside: start.beside,
      step: start.step,
      isInside: start.error.greaterEqual(0),
    },
  );
  return { ...start, f: end.f, g: end.g, error: end.error, beside: end.beside, step: end.step };
}
