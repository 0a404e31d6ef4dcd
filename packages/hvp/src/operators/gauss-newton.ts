/** Matrices JᵀM J of a model's outputs: the generalised Gauss–Newton matrix, the Fisher matrices, the Jacobian itself. */

import { DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { expectArguments, expectOptions, linearOperator, type LinearOperator } from "@curv/linsolve";
import * as random from "@curv/tensor/random";
import { refuseNoData, asInputBatches, examplesIn, meanOverExamples, type Batches, type Data } from "../data.js";
import { checkLoss, exampleLosses, type LossFunction, type LossOptions } from "../loss-function.js";
import type { OutputLoss } from "../output-loss.js";
import { checkRepeatable, someDirection } from "../repeatable.js";
import { checkedModel, checkOutputLoss, type Model, type ModelOptions } from "./model.js";
import { gradient, inner, linearized, withPullback } from "../transforms.js";

/**
 * The generalised Gauss–Newton matrix G = (1/rows) Σ Jᵢᵀ Hᵢ Jᵢ, where J is the Jacobian of the outputs and H the Hessian of the loss with
 * respect to them. Positive semi-definite; it equals the Hessian of the mean loss for a model that is linear in its parameters, and for a
 * squared loss where nothing is left of the error. For these losses it is the Fisher matrix, too.
 *
 * A product is one product with J and one with Jᵀ: about 2 gradients. The loss is never differentiated by the machine.
 *
 * @param model - (params, inputs) ↦ outputs [examples, ..., C].
 * @param outputLoss - `crossEntropyOutput`, `squaredErrorOutput`, `binaryCrossEntropyOutput`, or one of your own.
 * @param data - `{inputs}`; targets are not looked at.
 * @throws ShapeError for outputs without a last axis; DomainError for no examples, and where outputs or a product on the first batch are not
 * the same when they are computed again (unless `check` is false).
 * Source: Schraudolph, Fast curvature matrix-vector products (2002).
 *
 * @example
 * const g = gaussNewtonOperator(model.apply, crossEntropyOutput, params, { inputs });
 */
export function gaussNewtonOperator<P, X>(
  model: Model<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<{ readonly inputs: X }>,
  options: ModelOptions = {},
): LinearOperator<P> {
  checkOutputLoss(outputLoss, "gaussNewtonOperator");
  expectOptions("gaussNewtonOperator", options, {});
  return outputSandwich("gaussNewtonOperator", model, params, data, options, (outputs) => {
    const count = rowsOf(outputs);
    return (u) => outputLoss.hessianProduct(outputs, u).div(count);
  });
}

export interface FisherOptions extends ModelOptions {
  /** Targets drawn for each row. Default 1. */
  readonly samples?: number;
}

/**
 * A Monte-Carlo Fisher matrix (1/(rows·S)) Σ g gᵀ, where g are the gradients of the loss for targets that are drawn from the model's own
 * distribution: an unbiased estimate of the exact Fisher matrix, which is {@link gaussNewtonOperator}, at the same cost a product.
 *
 * The targets are functions of the key alone: the operator is one matrix, the same in every product.
 *
 * @throws As {@link gaussNewtonOperator}; DomainError for samples that are no positive integer.
 * Source: Kunstner, Balles & Hennig, Limitations of the empirical Fisher approximation (2019), eq. 4.
 */
export function fisherOperator<P, X>(
  model: Model<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<{ readonly inputs: X }>,
  key: random.Key,
  options: FisherOptions = {},
): LinearOperator<P> {
  checkOutputLoss(outputLoss, "fisherOperator");
  expectArguments("fisherOperator", { key: [key, "key"] });
  expectOptions("fisherOperator", options, { samples: "number" });
  const { samples = 1 } = options;
  if (!Number.isInteger(samples) || samples < 1) {
    throw new DomainError(`fisherOperator: samples is ${samples}; wants a positive integer.`);
  }
  return outputSandwich("fisherOperator", model, params, data, options, (outputs, place) => {
    const count = rowsOf(outputs);
    const keys = random.split(random.foldIn(key, place), samples);
    // The gradients with respect to the outputs, of each draw.
    const draws = keys.map((k) => {
      const targets = outputLoss.sample(k, outputs);
      return gradient((o: Tensor) => outputLoss.losses(o, targets).sum())(outputs);
    });
    return (u) =>
      draws
        .map((r) => r.mul(r.mul(u).sum(-1, { keepDims: true })))
        .reduce((a, b) => a.add(b))
        .div(count * samples);
  });
}

/** The mean over batches of v ↦ Jᵀ M(J v), with M made from the outputs. */
function outputSandwich<P, X>(
  caller: string,
  model: Model<P, X>,
  params: P,
  data: Data<{ readonly inputs: X }>,
  { check = true }: ModelOptions,
  middle: (outputs: Tensor, place: Tensor | number) => (u: Tensor) => Tensor,
): LinearOperator<P> {
  const checked = checkedModel(model, params, caller);
  const batches = asInputBatches(data, caller);
  const ofBatch = ({ inputs }: { readonly inputs: X }, place: Tensor | number): ((v: P) => P) => {
    const outputsAt = (p: P): Tensor => checked(p, inputs);
    const { value: outputs, linear } = linearized(outputsAt, params);
    if (outputs.rank < 2) {
      throw new ShapeError(
        `${caller}: the model's outputs have shape [${outputs.shape.join(", ")}]; wants [examples, ..., outputs].`,
      );
    }
    const between = middle(outputs, place);
    const { pullback } = withPullback(outputsAt, params);
    return (v: P) => pullback(between(linear(v)))[0];
  };
  if (check) {
    for (const batch of batches.each()) {
      examplesIn(batch, caller);
      checkRepeatable(
        {
          "the model's outputs": () => checked(params, batch.inputs),
          "a product": () => ofBatch(batch, 0)(someDirection(params)),
        },
        caller,
      );
      break;
    }
  }
  const { mean, eager } = meanOverExamples(batches, ofBatch, caller);
  return linearOperator({ matvec: mean, domain: params, positiveSemidefinite: true, eager, compiled: !eager });
}

function rowsOf(outputs: Tensor): number {
  return outputs.size / outputs.shape[outputs.rank - 1];
}

/**
 * The empirical Fisher matrix (1/n) Σ gᵢ gᵢᵀ, with the gradients gᵢ of the examples' own losses. It is not the Fisher matrix, nor close to
 * the Hessian away from a good fit; it is what gradient noise and M-FAC are made of.
 *
 * A product is one forward and one backward derivative of the vector of losses; no gradient of one example is stored.
 *
 * @throws As `hessianOperator`.
 */
export function empiricalFisherOperator<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: LossOptions = {},
): LinearOperator<P> {
  const caller = "empiricalFisherOperator";
  refuseNoData(data, caller);
  const batches = checkLoss(loss, params, data, caller, options);
  return secondMoment(caller, loss, params, batches);
}

/**
 * The covariance of the examples' gradients, (1/n) Σ (gᵢ − ḡ)(gᵢ − ḡ)ᵀ: divided by the batch size it is the noise of a mini-batch gradient
 * that is drawn with replacement.
 *
 * @throws As `hessianOperator`.
 */
export function gradientCovarianceOperator<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: LossOptions = {},
): LinearOperator<P> {
  const caller = "gradientCovarianceOperator";
  refuseNoData(data, caller);
  const batches = checkLoss(loss, params, data, caller, options);
  const mean = meanOverExamples(batches, (batch) => gradient((p: P) => loss(p, batch)), caller).mean(params);
  return secondMoment(caller, loss, params, batches, mean);
}

/** (1/n) Σ (gᵢ − center)(gᵢ − center)ᵀ. */
function secondMoment<P, B>(
  caller: string,
  loss: LossFunction<P, B>,
  params: P,
  batches: Batches<B>,
  center?: P,
): LinearOperator<P> {
  const { mean, eager } = meanOverExamples(
    batches,
    (batch) => {
      const losses = exampleLosses(loss, batch);
      // The losses less what they would be if all gradients were the center.
      const centered = (p: P): Tensor =>
        center === undefined ? losses(p) : losses(p).sub(inner(center, p).expandDims(0));
      const { value, linear } = linearized(centered, params);
      const { pullback } = withPullback(centered, params);
      return (v: P) => pullback(linear(v).div(value.size))[0];
    },
    caller,
  );
  return linearOperator({ matvec: mean, domain: params, positiveSemidefinite: true, eager, compiled: !eager });
}
