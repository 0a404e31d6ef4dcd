/**
 * The dual of entropic transport, as functions of the potentials f and g of the plan P_ij = a_i b_j exp((f_i + g_j − C_ij)/ε).
 *
 * Maximise D(f, g) = Σ a r₁(f) + Σ b r₂(g) − ε (Σ P − Σ a Σ b), with r(f) = f where the marginal is kept, and ρ (1 − exp(−f/ρ)) where it
 * may differ from a at the price ρ KL. D is concave, and its gradient is what the marginals miss.
 */

import { expm1, logSumExp, type Tensor } from "@curv/tensor";
import type { Reducer } from "./cost.js";

/** An entropic problem. Tensors may be traced. */
export interface Problem {
  /** [n]. */
  readonly a: Tensor;
  /** [m]. */
  readonly b: Tensor;
  readonly costs: Reducer;
  /** Scalar. */
  readonly epsilon: Tensor;
  /** Penalties of the two marginals; Infinity keeps a marginal. */
  readonly rho: readonly [number, number];
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

/** The marginal that the first-order condition wants: a, or a exp(−f/ρ). */
function wantedMarginal(weights: Tensor, potential: Tensor, rho: number): Tensor {
  return rho === Infinity ? weights : weights.mul(potential.div(-rho).exp());
}

/** −∇D: what each marginal has too much. */
export function dualResidual(problem: Problem, z: Potentials): Potentials {
  const { a, b, rho } = problem;
  return {
    f: rowMarginal(problem, z).sub(wantedMarginal(a, z.f, rho[0])),
    g: columnMarginal(problem, z).sub(wantedMarginal(b, z.g, rho[1])),
  };
}

/** D(f, g): at the optimum the value of min ⟨C, P⟩ + ε KL(P | a bᵀ) + ρ₁ KL(P1 | a) + ρ₂ KL(Pᵀ1 | b), generalised KL. */
export function dualValue(problem: Problem, z: Potentials): Tensor {
  const { a, b, rho, epsilon } = problem;
  const reward = (weights: Tensor, potential: Tensor, r: number): Tensor =>
    weights.mul(r === Infinity ? potential : expm1(potential.div(-r)).mul(-r)).sum();
  const excess = rowMarginal(problem, z).sum().sub(a.sum().mul(b.sum()));
  return reward(a, z.f, rho[0])
    .add(reward(b, z.g, rho[1]))
    .sub(excess.mul(epsilon));
}

/** Σ w log w, with 0 log 0 = 0. */
export function negativeEntropy(weights: Tensor): Tensor {
  const positive = weights.greater(0);
  return positive.where(weights.mul(positive.where(weights, 1).log()), 0).sum();
}
