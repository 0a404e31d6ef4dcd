/**
 * Loss functions that are accurate for any logits, with correct second derivatives.
 *
 * @packageDocumentation
 */

export { sigmoidFocal, softmaxFocal, type SigmoidFocalOptions, type SoftmaxFocalOptions } from "./focal.js";
export { huber, type HuberOptions } from "./huber.js";
export { klDivergence, type KlDivergenceOptions } from "./kl-divergence.js";
export { mse } from "./mse.js";
export { type LossOptions, type Reduction } from "./reduction.js";
export { sigmoidCrossEntropy, type SigmoidCrossEntropyOptions } from "./sigmoid-cross-entropy.js";
export { softmaxCrossEntropy, type ClassLossOptions } from "./softmax-cross-entropy.js";
