/** Cross-entropy of a sigmoid: independent yes/no questions. */

import { DTypeError, isFloat, isTensor, softplus, type Tensor } from "@curv/tensor";
import { checkFloatTensor, checkNumber } from "./arguments.js";
import { binaryLabels } from "./labels.js";
import { reduceLosses, type LossOptions } from "./reduction.js";

export interface SigmoidCrossEntropyOptions extends LossOptions {
  /** ε: labels t become (1 − ε) t + ε/2. Default 0. */
  readonly labelSmoothing?: number;
  /** Factor of the loss of positive labels, for rare positives: a number or a tensor that broadcasts to the logits. Default 1. */
  readonly positiveWeight?: number | Tensor;
}

/**
 * Binary cross-entropy −t log σ(x) − (1 − t) log(1 − σ(x)) of logits x, one loss for each element.
 *
 * Computed as t·softplus(−x) + (1 − t)·softplus(x): loss, gradient and second derivative keep their relative accuracy for any finite x.
 * Equals PyTorch's `binary_cross_entropy_with_logits`.
 *
 * @param logits - Any shape.
 * @param labels - The same shape: floats in [0, 1], bools, or integers 0 and 1.
 * @throws ShapeError, DTypeError if the arguments do not fit; DomainError for an integer label that is neither 0 nor 1.
 */
export function sigmoidCrossEntropy(logits: Tensor, labels: Tensor, options: SigmoidCrossEntropyOptions = {}): Tensor {
  const caller = "sigmoidCrossEntropy";
  const { labelSmoothing = 0, positiveWeight = 1 } = options;
  checkFloatTensor(logits, caller, "logits");
  const plain = binaryLabels(labels, logits, caller);
  checkPositiveWeight(positiveWeight, caller);
  const t = smoothBits(plain, labelSmoothing, caller);
  const whenPositive = t.mul(softplus(logits.neg())).mul(positiveWeight);
  return reduceLosses(whenPositive.add(t.neg().add(1).mul(softplus(logits))), options, caller);
}

/** (1 − ε) t + ε/2. */
function smoothBits(targets: Tensor, labelSmoothing: number, caller: string): Tensor {
  checkNumber(labelSmoothing, caller, "labelSmoothing", { low: 0, high: 1 });
  return labelSmoothing === 0 ? targets : targets.mul(1 - labelSmoothing).add(labelSmoothing / 2);
}

function checkPositiveWeight(weight: number | Tensor, caller: string): void {
  if (typeof weight === "number") checkNumber(weight, caller, "positiveWeight", { low: 0 });
  else if (!isTensor(weight) || !isFloat(weight.dtype)) {
    const got = isTensor(weight) ? weight.dtype : typeof weight;
    throw new DTypeError(`${caller}: positiveWeight is ${got}; wants a number or a float Tensor.`);
  }
}
