/** From one loss for each element or example to the number that is minimised. */

import { broadcastTo, DTypeError, DomainError, isFloat, isTensor, ShapeError, type Tensor } from "@curv/tensor";
import { formatShape } from "./arguments.js";

/**
 * What is done with the single losses: their mean, weighted if there are weights (Σ wᵢ lᵢ / Σ wᵢ, as PyTorch does with class weights),
 * their sum Σ wᵢ lᵢ, or nothing (wᵢ lᵢ).
 */
export type Reduction = "mean" | "sum" | "none";

/** Options of every loss. */
export interface LossOptions {
  /** Default "mean". */
  readonly reduction?: Reduction;
  /**
   * Weight of each single loss; a weight of 0 leaves one out. As many axes as the losses before reduction, each of the same length or 1:
   * weights [n] never spread over the columns of losses [n, n] by accident.
   */
  readonly weights?: Tensor;
}

const reductions: readonly Reduction[] = ["mean", "sum", "none"];

/**
 * Applies weights and reduction.
 *
 * @param losses - One for each element or example.
 * @param mass - What the mean counts each loss as, before `weights`: sums of class weights. Default 1 each.
 * @param caller - For messages.
 */
export function reduceLosses(
  losses: Tensor,
  { reduction = "mean", weights }: LossOptions,
  caller: string,
  mass?: Tensor,
): Tensor {
  if (!reductions.includes(reduction)) {
    throw new DomainError(`${caller}: reduction is "${String(reduction)}"; wants "mean", "sum" or "none".`);
  }
  if (weights !== undefined) checkWeights(weights, losses, caller);
  const weighted = weights === undefined ? losses : losses.mul(weights);
  if (reduction === "none") return weighted;
  if (reduction === "sum") return weighted.sum();
  const counted = weights === undefined ? mass : mass === undefined ? weights : mass.mul(weights);
  if (counted === undefined) return losses.mean();
  return weighted.sum().div(broadcastTo(counted, losses.shape).sum());
}

function checkWeights(weights: Tensor, losses: Tensor, caller: string): void {
  if (!isTensor(weights)) throw new DTypeError(`${caller}: weights are ${typeof weights}; wants a float Tensor.`);
  if (!isFloat(weights.dtype)) {
    throw new DTypeError(`${caller}: weights are ${weights.dtype}; wants float32 or float64 (mask.cast("float32")).`);
  }
  const fits = weights.rank === losses.rank && weights.shape.every((n, axis) => n === 1 || n === losses.shape[axis]);
  if (!fits) {
    throw new ShapeError(
      `${caller}: weights have shape ${formatShape(weights.shape)}; wants that of the losses, ${formatShape(losses.shape)}, with any length 1.`,
    );
  }
}
