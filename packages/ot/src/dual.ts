/**
 * The dual of entropic transport, as functions of the potentials f and g of the plan P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε).
 *
 * Maximise D(f, g) = r₁(f) + r₂(g) − ε (Σ P − Σ a Σ b), with r(f) = Σ a f where the marginal is kept, and else the reward of its price (see
 * `penalty.ts`). D is concave, and its gradient is what the marginals miss.
 */

import { customJvp, jvp, logSumExp, type Tensor } from "@curv/tensor";
import type { Reducer } from "./cost.js";
import { reward, wantedMarginal, type Price } from "./penalty.js";

/** An entropic problem. Tensors may be traced. */
export interface Problem {
  /** [n]. */
  readonly a: Tensor;
  /** [m]. */
  readonly b: Tensor;
  readonly costs: Reducer;
  /** Scalar. */
  readonly epsilon: Tensor;
  /** What the deviations of the two marginals cost. */
  readonly prices: readonly [Price, Price];
}

/** Dual potentials. */
export interface Potentials {
  /** [n]. */
  readonly f: Tensor;
  /** [m]. */
  readonly g: Tensor;
}

/** −ε log Σ_j b_j exp((g_j − C_ij)/ε) for each row i: the f that fits the rows to a. */
export function softMinRows({ a, b, costs, epsilon }: Problem, g: Tensor): Tensor {
  const scaled = g.div(epsilon).add(b.log());
  const inverse = epsilon.reciprocal();
  return costs.rows((C) => logSumExp(scaled.sub(C.mul(inverse)), 1), a).mul(epsilon.neg());
}

/** −ε log Σ_i a_i exp((f_i − C_ij)/ε) for each column j: the g that fits the columns to b. */
export function softMinColumns({ a, b, costs, epsilon }: Problem, f: Tensor): Tensor {
  const scaled = f.div(epsilon).add(a.log()).expandDims(1);
  const inverse = epsilon.reciprocal();
  return costs.columns((C) => logSumExp(scaled.sub(C.mul(inverse)), 0), b).mul(epsilon.neg());
}

/** P 1, without logarithms of weights: differentiable where a weight is 0. */
export function rowMarginal({ a, b, costs, epsilon }: Problem, { f, g }: Potentials): Tensor {
  return a.mul(costs.rows((C, v) => v.expandDims(1).add(g).sub(C).div(epsilon).exp().mul(b).sum(1), f));
}

/** Pᵀ 1. */
export function columnMarginal({ a, b, costs, epsilon }: Problem, { f, g }: Potentials): Tensor {
  return b.mul(
    costs.columns((C, v) => f.expandDims(1).add(v).sub(C).div(epsilon).exp().mul(a.expandDims(1)).sum(0), g),
  );
}

/** −∇D: what each marginal has too much. */
export function dualResidual(problem: Problem, z: Potentials): Potentials {
  const { a, b, prices } = problem;
  const [rows, columns] = [rowMarginal(problem, z), columnMarginal(problem, z)];
  return {
    f: rows.sub(wantedMarginal(prices[0], a, z.f, rows)),
    g: columns.sub(wantedMarginal(prices[1], b, z.g, columns)),
  };
}

/** D(f, g): at the optimum the value of min ⟨C, P⟩ + ε KL(P | a bᵀ) + the prices of P1 and Pᵀ1, generalised KL. */
export function dualValue(problem: Problem, z: Potentials): Tensor {
  const { a, b, prices, epsilon } = problem;
  const excess = rowMarginal(problem, z).sum().sub(a.sum().mul(b.sum()));
  return reward(prices[0], a, z.f)
    .add(reward(prices[1], b, z.g))
    .sub(excess.mul(epsilon));
}

/** Σ w log w, with 0 log 0 = 0. */
export function negativeEntropy(weights: Tensor): Tensor {
  const positive = weights.greater(0);
  return positive.where(weights.mul(positive.where(weights, 1).log()), 0).sum();
}

/** Whether both marginals are kept. */
export function isBalanced({ prices }: Pick<Problem, "prices">): boolean {
  return prices.every(({ rho }) => rho === Infinity);
}

/** F(θ, z) at a stationary point in z: its derivative is that in θ alone, and, since z moves with θ, so are all others right. */
export function envelope<P>(F: (theta: P, z: Potentials) => Tensor): (theta: P, z: Potentials) => Tensor {
  const value: (theta: P, z: Potentials) => Tensor = customJvp(
    (theta: P, z: Potentials): Tensor => F(theta, z),
    ([theta, z], [dtheta]) => ({
      value: value(theta, z),
      tangent: jvp((t: P) => F(t, z), [theta] as const, [dtheta] as const).tangent,
    }),
  );
  return value;
}
