/** The Kullback–Leibler divergence of categorical distributions. */

import { DomainError, softmax, where, type Tensor } from "@curv/tensor";
import { checkFloatTensor, checkSameShape } from "./arguments.js";
import { classesLast, expected, negativeLog, softmaxParts } from "./log-softmax.js";
import { reduceLosses, type LossOptions } from "./reduction.js";

export interface KlDivergenceOptions extends LossOptions {
  /** Axis of the classes. Default −1. */
  readonly axis?: number;
  /** Whether the targets are probabilities t (default) or logits, t = softmax(targets). */
  readonly targetsAre?: "probabilities" | "logits";
}

/**
 * KL(t ‖ p) = Σ_k t_k (log t_k − log p_k) from targets t to p = softmax(logits), one for each example. Terms with t_k = 0 are 0.
 *
 * Its gradient with respect to the logits is that of softmaxCrossEntropy; its minimum, at p = t, is 0. The mean is over examples
 * (PyTorch's `batchmean`).
 *
 * @param logits - [..., classes], or with the classes on `axis`.
 * @param targets - The same shape.
 * @returns A scalar; with reduction "none" of the logits' shape without the class axis.
 * @throws ShapeError, DTypeError if the arguments do not fit.
 * Source: Kullback & Leibler, On Information and Sufficiency (1951).
 */
export function klDivergence(logits: Tensor, targets: Tensor, options: KlDivergenceOptions = {}): Tensor {
  const caller = "klDivergence";
  const { axis = -1, targetsAre = "probabilities" } = options;
  const z = classesLast(logits, axis, caller);
  checkFloatTensor(targets, caller, "targets");
  checkSameShape(logits, targets, caller, "logits", "targets");
  const last = classesLast(targets, axis, caller, "targets");
  const minusLogP = negativeLog(softmaxParts(z));
  switch (targetsAre) {
    case "probabilities": {
      const positive = last.greater(0);
      const entropy = where(positive, last.mul(where(positive, last, 1).log()), 0).sum(-1);
      return reduceLosses(entropy.add(expected(last, minusLogP)), options, caller);
    }
    case "logits": {
      const t = softmax(last);
      // A class that the targets rule out has the difference −∞ or NaN, and takes no part.
      const difference = where(t.equal(0), 0, minusLogP.sub(negativeLog(softmaxParts(last))));
      return reduceLosses(t.mul(difference).sum(-1), options, caller);
    }
    default:
      throw new DomainError(`${caller}: targetsAre is "${String(targetsAre)}"; wants "probabilities" or "logits".`);
  }
}
