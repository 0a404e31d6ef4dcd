/** Partial transport: only some of the mass moves, the part that moves cheapest. */

import { check, concat, DomainError, full, isTensor, tensor, type Tensor } from "@curv/tensor";
import { checkNumber, checkSameDType, checkWeights } from "./arguments.js";
import { checkCost, costMatrix, type Cost } from "./cost.js";
import { emd, type EmdOptions, type EmdResult } from "./emd.js";
import { emdCore, type EmdCore, type EmdCoreOptions } from "./emd-core.js";

export interface PartialEmdCoreOptions extends EmdCoreOptions {
  /** How much moves, > 0: at most the smaller of the two sums. A tensor may be traced. */
  readonly mass: number | Tensor;
}

export interface PartialEmdCore extends Pick<EmdCore, "value" | "converged" | "iterations" | "residual"> {
  /** The optimal plan [n, m]: P1 ≤ a, Pᵀ1 ≤ b, Σ P = `mass`. */
  readonly plan: Tensor;
}

export interface PartialEmdOptions extends Omit<EmdOptions, "warmStart"> {
  /** How much moves, > 0: at most the smaller of the two sums. */
  readonly mass: number;
}

export interface PartialEmdResult extends Pick<
  EmdResult,
  "converged" | "status" | "iterations" | "residual" | "history"
> {
  /** The optimal plan [n, m]: P1 ≤ a, Pᵀ1 ≤ b, Σ P = `mass`. */
  plan(): Tensor;
  /** ⟨C, P⟩. */
  readonly cost: number;
}

interface Extended {
  readonly a: Tensor;
  readonly b: Tensor;
  /** [n + 1, m + 1]. */
  readonly C: Tensor;
  /** The costs as they were given. */
  readonly costs: Tensor;
}

/** Checks a problem of partial transport, and returns the mass that moves. */
export function checkPartial(a: Tensor, b: Tensor, cost: Cost, mass: number | Tensor, caller: string): Tensor {
  const { n, m, leaf } = checkCost(cost, caller);
  checkWeights(a, n, caller, "a");
  checkWeights(b, m, caller, "b");
  checkSameDType([leaf, a, b], caller);
  if (!isTensor(mass)) checkNumber(mass, caller, "mass", { low: 0 });
  const moved = isTensor(mass) ? mass : tensor(mass, { dtype: a.dtype });
  check([a.sum(), b.sum(), moved], [0, 0, 0], ([s], [t], [wanted]) => {
    const most = Math.min(s, t);
    if (wanted <= most * (1 + (a.dtype === "float32" ? 1e-6 : 1e-12))) return null;
    return new DomainError(`${caller}: mass is ${wanted}; wants at most the smaller of the sums of a and b, ${most}.`);
  });
  return moved;
}

/** The balanced problem in which one more source and one more sink take, free of charge, what stays. */
function extended(a: Tensor, b: Tensor, cost: Cost, mass: number | Tensor, caller: string): Extended {
  const moved = checkPartial(a, b, cost, mass, caller);
  const [n, m] = [a.shape[0], b.shape[0]];
  const [inA, inB] = [a.sum(), b.sum()];
  const costs = costMatrix(cost);
  // The mass that moves is given, so that a constant may be added to the costs: none is cheaper than to stay.
  const raised = costs.sub(costs.min());
  const free = (shape: number[]): Tensor => full(shape, 0, { dtype: costs.dtype });
  const dear = raised.max().mul(2).add(1).reshape([1, 1]);
  return {
    a: concat([a, inB.sub(moved).maximum(0).reshape([1])], 0),
    b: concat([b, inA.sub(moved).maximum(0).reshape([1])], 0),
    C: concat([concat([raised, free([n, 1])], 1), concat([free([1, m]), dear], 1)], 0),
    costs,
  };
}

/**
 * The traceable core of {@link partialEmd}. Differentiates in weights, costs and `mass` as {@link emdCore} does.
 *
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and a mass that is not there.
 * Source: Caffarelli & McCann (2010); the two dummy points: Chapel, Alaya & Gasso, Partial optimal transport with applications on
 * positive-unlabeled learning (2020), prop. 1.
 */
export function partialEmdCore(a: Tensor, b: Tensor, cost: Cost, options: PartialEmdCoreOptions): PartialEmdCore {
  const { mass, ...rest } = options;
  const problem = extended(a, b, cost, mass, "partialEmdCore");
  const { plan: whole, converged, iterations, residual } = emdCore(problem.a, problem.b, problem.C, rest);
  const plan = whole.slice([0, a.shape[0]], [0, b.shape[0]]);
  return { value: plan.mul(problem.costs).sum(), plan, converged, iterations, residual };
}

/**
 * Partial exact transport: min ⟨C, P⟩ over P ≥ 0 with P1 ≤ a, Pᵀ1 ≤ b and Σ P = `mass`.
 *
 * Equals POT's `ot.partial.partial_wasserstein`. Costs may have any sign.
 *
 * @param a - Weights ≥ 0, [n].
 * @param b - Weights ≥ 0, [m]; its sum may be another.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and a mass that is not there.
 * Source: Chapel, Alaya & Gasso (2020), prop. 1.
 *
 * @example
 * const { cost, plan } = await partialEmd(a, b, C, { mass: 0.5 });
 */
export async function partialEmd(
  a: Tensor,
  b: Tensor,
  cost: Cost,
  options: PartialEmdOptions,
): Promise<PartialEmdResult> {
  const { mass, ...rest } = options;
  const problem = extended(a, b, cost, mass, "partialEmd");
  const {
    plan: whole,
    converged,
    status,
    iterations,
    residual,
    history,
  } = await emd(problem.a, problem.b, problem.C, rest);
  const plan = (): Tensor => whole().slice([0, a.shape[0]], [0, b.shape[0]]);
  const value = await plan().mul(problem.costs).sum().item();
  return { plan, cost: value, converged, status, iterations, residual, history };
}
