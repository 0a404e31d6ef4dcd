/** Focal losses: cross-entropy with less weight on examples that are already right. */

import { softplus, where, type Tensor } from "@curv/tensor";
import { checkFloatTensor, checkNumber } from "./arguments.js";
import { binaryLabels, classProbabilities, smoothClasses } from "./labels.js";
import { classesLast, complement, expected, negativeLog, softmaxParts } from "./log-softmax.js";
import { reduceLosses, type LossOptions } from "./reduction.js";
import { weighClasses, type ClassLossOptions } from "./softmax-cross-entropy.js";

export interface SigmoidFocalOptions extends LossOptions {
  /** γ ≥ 0; 0 is cross-entropy. Default 2. */
  readonly gamma?: number;
  /** Weight of positive labels, 1 − alpha of negative ones; null for 1 and 1. Default 0.25, as in the paper. */
  readonly alpha?: number | null;
}

/**
 * Binary focal loss −t α (1 − p)^γ log p − (1 − t)(1 − α) p^γ log(1 − p), p = σ(logit), one loss for each element.
 *
 * The factors are e^(−γ softplus(±x)), so every derivative is finite for any finite logit and any γ.
 *
 * @param logits - Any shape.
 * @param labels - The same shape: floats in [0, 1], bools, or integers 0 and 1.
 * Source: Lin, Goyal, Girshick, He & Dollár, Focal Loss for Dense Object Detection (2017), eq. 5; values as torchvision's
 * `sigmoid_focal_loss` for labels 0 and 1.
 */
export function sigmoidFocal(logits: Tensor, labels: Tensor, options: SigmoidFocalOptions = {}): Tensor {
  const caller = "sigmoidFocal";
  const { gamma = 2, alpha = 0.25 } = options;
  checkFloatTensor(logits, caller, "logits");
  const t = binaryLabels(labels, logits, caller);
  checkNumber(gamma, caller, "gamma", { low: 0 });
  if (alpha !== null) checkNumber(alpha, caller, "alpha", { low: 0, high: 1 });
  const yes = softplus(logits.neg()); // −log p
  const no = softplus(logits); // −log(1 − p)
  const whenPositive = t.mul(no.mul(-gamma).exp().mul(yes));
  const whenNegative = t.neg().add(1).mul(yes.mul(-gamma).exp().mul(no));
  const losses =
    alpha === null ? whenPositive.add(whenNegative) : whenPositive.mul(alpha).add(whenNegative.mul(1 - alpha));
  return reduceLosses(losses, options, caller);
}

export interface SoftmaxFocalOptions extends ClassLossOptions {
  /** γ ≥ 0; 0 is cross-entropy. Default 2. */
  readonly gamma?: number;
}

/**
 * Focal loss −Σ_k t_k (1 − p_k)^γ log p_k over classes, p = softmax(logits), one loss for each example. `classWeights` are the paper's
 * α_t.
 *
 * @param logits - [..., classes], or with the classes on `axis`.
 * @param labels - Class indices or probabilities, as for softmaxCrossEntropy.
 * Source: Lin et al. (2017), section 3.2, with a softmax in place of the sigmoid.
 */
export function softmaxFocal(logits: Tensor, labels: Tensor, options: SoftmaxFocalOptions = {}): Tensor {
  const caller = "softmaxFocal";
  const { axis = -1, gamma = 2, labelSmoothing = 0, classWeights } = options;
  const z = classesLast(logits, axis, caller);
  const plain = classProbabilities(labels, z, axis, caller);
  checkNumber(gamma, caller, "gamma", { low: 0 });
  const { targets, mass } = weighClasses(plain, smoothClasses(plain, labelSmoothing, caller), classWeights, caller);
  const softmax = softmaxParts(z);
  const losses = power(complement(softmax), gamma).mul(negativeLog(softmax));
  return reduceLosses(expected(targets, losses), options, caller, mass);
}

/** q^γ for q ≥ 0. At q = 0, where the loss and its derivatives vanish faster than q^γ, the derivative of a broken power is set to 0. */
function power(q: Tensor, gamma: number): Tensor {
  if (Number.isInteger(gamma)) return q.pow(gamma);
  const zero = q.equal(0);
  return where(zero, 0, where(zero, 1, q).pow(gamma));
}
