/** Huber's loss. */

import { where, type Tensor } from "@curv/tensor";
import { checkNumber, checkNumbers } from "./arguments.js";
import { reduceLosses, type LossOptions } from "./reduction.js";

export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line. Default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss of the error r = prediction − target, one for each element: r²/2 for |r| ≤ δ, else δ(|r| − δ/2). Equals PyTorch's
 * `huber_loss`.
 *
 * The second derivative is 1 inside and 0 outside; at |r| = δ it is 1.
 *
 * @param predictions - Any shape.
 * @param targets - The same shape, or one number for all.
 * @throws ShapeError if the shapes differ; DomainError unless δ > 0.
 * Source: Huber, Robust Estimation of a Location Parameter (1964).
 */
export function huber(predictions: Tensor, targets: Tensor | number, options: HuberOptions = {}): Tensor {
  const { delta = 1 } = options;
  checkNumbers(predictions, targets, "huber");
  checkNumber(delta, "huber", "delta", { low: 0, open: true });
  const r = predictions.sub(targets);
  const size = r.abs();
  const losses = where(size.lessEqual(delta), r.square().mul(0.5), size.sub(delta / 2).mul(delta));
  return reduceLosses(losses, options, "huber");
}
