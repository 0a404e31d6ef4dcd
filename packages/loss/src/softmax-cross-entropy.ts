/** Cross-entropy of a softmax: classification with one class for each example. */

import { DTypeError, isFloat, isTensor, ShapeError, type Tensor } from "@curv/tensor";
import { formatShape } from "./arguments.js";
import { classProbabilities, smoothClasses } from "./labels.js";
import { classesLast, expected, negativeLog, softmaxParts } from "./log-softmax.js";
import { reduceLosses, type LossOptions } from "./reduction.js";

/** Options of losses over classes. */
export interface ClassLossOptions extends LossOptions {
  /** Axis of the classes in the logits, and in labels that are probabilities. Default −1; 1 for [n, classes, height, width]. */
  readonly axis?: number;
  /** ε: labels t become (1 − ε) t + ε/classes. Default 0. */
  readonly labelSmoothing?: number;
  /** w, of shape [classes]: the loss becomes −Σ_k w_k t_k log p_k, and the mean divides by Σ_i Σ_k w_k t_ik, t before smoothing. */
  readonly classWeights?: Tensor;
}

/**
 * Cross-entropy −Σ_k t_k log p_k between labels t and p = softmax(logits), one loss for each example.
 *
 * Loss, gradient p − t and Hessian diag p − p pᵀ keep their relative accuracy for logits of any size, also where p_k → 1 (log-softmax
 * rounds such losses to 0). A logit −∞ rules its class out: probability 0, gradient 0.
 *
 * With class indices it equals PyTorch's `cross_entropy`, class weights and smoothing included. With probabilities and class weights the
 * mean divides by the weights of the labels, where PyTorch divides by the number of examples.
 *
 * @param logits - [..., classes], or with the classes on `axis`.
 * @param labels - int32 class indices of the logits' shape without the class axis, or probabilities of the logits' shape. They are not
 * made to sum to 1.
 * @returns A scalar; with reduction "none" the losses, of the logits' shape without the class axis.
 * @throws ShapeError, DTypeError if the arguments do not fit; DomainError for an index that names no class.
 *
 * @example
 * softmaxCrossEntropy(tensor([[2, 0, -1]]), tensor([0], { dtype: "int32" })); // 0.1698
 */
export function softmaxCrossEntropy(logits: Tensor, labels: Tensor, options: ClassLossOptions = {}): Tensor {
  const caller = "softmaxCrossEntropy";
  const { axis = -1, labelSmoothing = 0, classWeights } = options;
  const z = classesLast(logits, axis, caller);
  const plain = classProbabilities(labels, z, axis, caller);
  const { targets, mass } = weighClasses(plain, smoothClasses(plain, labelSmoothing, caller), classWeights, caller);
  return reduceLosses(expected(targets, negativeLog(softmaxParts(z))), options, caller, mass);
}

/** Smoothed labels times class weights, and what the mean counts each example as. @internal */
export function weighClasses(
  plain: Tensor,
  smoothed: Tensor,
  classWeights: Tensor | undefined,
  caller: string,
): { readonly targets: Tensor; readonly mass?: Tensor } {
  if (classWeights === undefined) return { targets: smoothed };
  const classes = plain.shape[plain.rank - 1];
  if (!isTensor(classWeights) || !isFloat(classWeights.dtype)) {
    const got = isTensor(classWeights) ? classWeights.dtype : typeof classWeights;
    throw new DTypeError(`${caller}: classWeights are ${got}; wants a float Tensor of shape [${classes}].`);
  }
  if (classWeights.rank !== 1 || classWeights.shape[0] !== classes) {
    throw new ShapeError(`${caller}: classWeights have shape ${formatShape(classWeights.shape)}; wants [${classes}].`);
  }
  return { targets: smoothed.mul(classWeights), mass: plain.mul(classWeights).sum(-1) };
}
