/** Mean squared error. */

import type { Tensor } from "@curv/tensor";
import { checkNumbers } from "./arguments.js";
import { reduceLosses, type LossOptions } from "./reduction.js";

/**
 * Squared error (prediction − target)², one loss for each element; by default their mean over all axes, as PyTorch's `mse_loss`. There is
 * no factor ½.
 *
 * @param predictions - Any shape.
 * @param targets - The same shape, or one number for all.
 * @throws ShapeError if the shapes differ: [n, 1] against [n] is never broadcast.
 */
export function mse(predictions: Tensor, targets: Tensor | number, options: LossOptions = {}): Tensor {
  checkNumbers(predictions, targets, "mse");
  return reduceLosses(predictions.sub(targets).square(), options, "mse");
}
