/** Gradients and curvature of the examples, one by one. */

import { expectArguments } from "@curv/linsolve";
import type { Tensor } from "@curv/tensor";
import { refuseNoData, asInputBatches, examplesIn, type Data } from "./data.js";
import {
  asBatch,
  checkLoss,
  checkParams,
  gradientOf,
  scalar,
  type LossFunction,
  type LossOptions,
} from "./loss-function.js";
import { checkedModel, checkOutputLoss, type Model } from "./operators/model.js";
import type { OutputLoss } from "./output-loss.js";
import { someDirection } from "./repeatable.js";
import { asVector, compiled, directional, gradient, linearized, mapped, withPullback } from "./transforms.js";

/**
 * The gradients of the examples of one batch: a tree like the parameters, each leaf with a first axis of examples. Traceable, one
 * vectorised pass; examples × parameters of memory.
 *
 * @param loss - (params, batch) ↦ mean loss; it is given batches of one.
 */
export function perSampleGradients<P, B>(loss: LossFunction<P, B>, params: P, batch: B): P {
  const caller = "perSampleGradients";
  expectArguments(caller, { loss: [loss, "function"], batch: [batch, "tree"] });
  checkParams(params, caller);
  examplesIn(batch, caller, "batch");
  return mapped((example: B) => gradient((p: P) => scalar(loss(p, asBatch(example)), caller))(params))(batch);
}

/**
 * The examples' gradients as rows, a batch at a time: tensors [examples of the batch, parameters], in the order of the examples.
 *
 * @throws As `hessianOperator`, when the first batch is asked for.
 *
 * @example
 * for (const rows of perSampleGradientRows(loss, params, inBatches(data, { batchSize: 64 }))) sum = sum.add(rows.sum(0));
 */
export function* perSampleGradientRows<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: LossOptions = {},
): Generator<Tensor, void, undefined> {
  const caller = "perSampleGradientRows";
  refuseNoData(data, caller);
  const batches = checkLoss(loss, params, data, caller, options);
  const ofBatch = compiled((batch: B) =>
    mapped((example: B) => flat(gradient((p: P) => loss(p, asBatch(example)))(params)))(batch),
  );
  for (const batch of batches.each()) yield ofBatch(batch);
}

/** A matrix of each example, times one vector: rows [examples of the batch, parameters], a batch at a time. */
export type PerSampleProducts<P> = (v: P) => Generator<Tensor, void, undefined>;

/**
 * Products ∇²lᵢ v of every example's own Hessian with one vector, as rows, a batch at a time.
 *
 * @throws As `hessianOperator`.
 */
export function perSampleHessianProducts<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: LossOptions = {},
): PerSampleProducts<P> {
  const caller = "perSampleHessianProducts";
  refuseNoData(data, caller);
  const batches = checkLoss(loss, params, data, caller, options, (ofBatch) => ({
    ...gradientOf(ofBatch, params),
    "a Hessian-vector product": () => directional(gradient(ofBatch), params, someDirection(params)),
  }));
  const ofBatch = compiled((batch: B, v: P) =>
    mapped((example: B) => {
      const ofExample = gradient((p: P) => loss(p, asBatch(example)));
      return flat(directional(ofExample, params, v));
    })(batch),
  );
  return function* (v) {
    for (const batch of batches.each()) yield ofBatch(batch, v);
  };
}

/**
 * Products Gᵢ v of every example's own Gauss–Newton matrix with one vector, as rows, a batch at a time.
 *
 * @throws As `gaussNewtonOperator`.
 */
export function perSampleGaussNewtonProducts<P, X>(
  model: Model<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<{ readonly inputs: X }>,
): PerSampleProducts<P> {
  const caller = "perSampleGaussNewtonProducts";
  checkOutputLoss(outputLoss, caller);
  const checked = checkedModel(model, params, caller);
  const batches = asInputBatches(data, caller);
  const ofBatch = compiled(({ inputs }: { readonly inputs: X }, v: P) =>
    mapped((input: X) => {
      const outputsAt = (p: P): Tensor => checked(p, asBatch(input));
      const { value, linear } = linearized(outputsAt, params);
      const { pullback } = withPullback(outputsAt, params);
      const rows = value.size / value.shape[value.rank - 1];
      return flat(pullback(outputLoss.hessianProduct(value, linear(v)).div(rows))[0]);
    })(inputs),
  );
  return function* (v) {
    for (const batch of batches.each()) yield ofBatch(batch, v);
  };
}

function flat(tree: unknown): Tensor {
  return asVector(tree).vector;
}
