/** Losses as functions of a model's outputs, with their Hessian and a root of it in closed form: what Gauss–Newton and Fisher matrices need. */

import { broadcastTo, eye, sigmoid, softmax, type Tensor } from "@curv/tensor";
import { sigmoidCrossEntropy, softmaxCrossEntropy } from "@curv/loss";
import * as random from "@curv/tensor/random";

/**
 * The loss −log p(target | output) of each row of outputs [..., C], where the last axis is one output vector; a mean is over all rows.
 *
 * For the three below, the model's distribution is an exponential family with the output as its natural parameter: the Hessian does not depend
 * on the target, and the Fisher matrix is the generalised Gauss–Newton matrix.
 */
export interface OutputLoss {
  readonly name: string;
  /** The loss of each row: [..., C] and targets to [...]. */
  readonly losses: (outputs: Tensor, targets: Tensor) => Tensor;
  /** Each row's Hessian times a row of u: [..., C]. */
  readonly hessianProduct: (outputs: Tensor, u: Tensor) => Tensor;
  /** R [..., C, k] with R Rᵀ each row's Hessian. */
  readonly hessianRoot: (outputs: Tensor) => Tensor;
  /** Targets drawn from the model's distribution. */
  readonly sample: (key: random.Key, outputs: Tensor) => Tensor;
}

/** Softmax cross-entropy: outputs are logits, targets int32 classes [...] or probabilities [..., C]. Hessian diag p − p pᵀ. */
export const crossEntropyOutput: OutputLoss = {
  name: "crossEntropyOutput",
  losses: (outputs, targets) => softmaxCrossEntropy(outputs, targets, { reduction: "none" }),
  hessianProduct: (outputs, u) => {
    const p = softmax(outputs, -1);
    const pu = p.mul(u);
    return pu.sub(p.mul(pu.sum(-1, { keepDims: true })));
  },
  // (diag √p − p √pᵀ)(diag √p − p √pᵀ)ᵀ = diag p − p pᵀ, as √p has length 1.
  hessianRoot: (outputs) => {
    const p = softmax(outputs, -1);
    const root = p.sqrt();
    return diagonalMatrix(root).sub(p.expandDims(-1).mul(root.expandDims(-2)));
  },
  sample: (key, outputs) => random.categorical(key, outputs),
};

/** Squared error ½‖output − target‖², the normal distribution of variance 1: Hessian I. */
export const squaredErrorOutput: OutputLoss = {
  name: "squaredErrorOutput",
  losses: (outputs, targets) => outputs.sub(targets).square().sum(-1).mul(0.5),
  hessianProduct: (_, u) => u,
  hessianRoot: (outputs) => {
    const size = outputs.shape[outputs.rank - 1];
    return broadcastTo(eye(size, size, { dtype: outputs.dtype }), [...outputs.shape, size]);
  },
  sample: (key, outputs) =>
    outputs.add(random.normal(key, { shape: outputs.shape, dtype: outputs.dtype as "float32" | "float64" })),
};

/** Sigmoid cross-entropy of each output, summed over the last axis: targets 0 or 1, of the outputs' shape. Hessian diag s(1 − s). */
export const binaryCrossEntropyOutput: OutputLoss = {
  name: "binaryCrossEntropyOutput",
  losses: (outputs, targets) => sigmoidCrossEntropy(outputs, targets, { reduction: "none" }).sum(-1),
  hessianProduct: (outputs, u) => slope(outputs).mul(u),
  hessianRoot: (outputs) => diagonalMatrix(slope(outputs).sqrt()),
  sample: (key, outputs) => random.bernoulli(key, sigmoid(outputs), { shape: outputs.shape }).cast(outputs.dtype),
};

/** s(1 − s), without cancellation where s is near 1. */
function slope(outputs: Tensor): Tensor {
  return sigmoid(outputs).mul(sigmoid(outputs.neg()));
}

/** [..., C] to diagonal matrices [..., C, C]. */
function diagonalMatrix(x: Tensor): Tensor {
  const size = x.shape[x.rank - 1];
  return x.expandDims(-1).mul(eye(size, size, { dtype: x.dtype }));
}
