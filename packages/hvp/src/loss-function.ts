/** The losses that operators are made of, and what is checked of them. */

import { DomainError, DTypeError, isFloat, isTensor, ShapeError, TreeError, type Tensor } from "@curv/tensor";
import { leavesWithPath, map } from "@curv/tensor/tree";
import { expectArguments, expectOptions } from "@curv/linsolve";
import { asBatches, examplesIn, type Batches, type Data } from "./data.js";
import { checkRepeatable, remedy, valueOf, type Computations } from "./repeatable.js";
import { gradient, mapped } from "./transforms.js";

/** The mean loss of a batch of examples: a scalar. It must be the mean of what it is on batches of one. */
export type LossFunction<P, B> = (params: P, batch: B) => Tensor;

/** What every operator on a loss can be told. */
export interface LossOptions {
  /**
   * Compute the loss of the first batch twice, then its gradient and one product, and refuse what is not the same again: dropout from a key
   * that changes, say, be it only in a derivative. A loss must be a finite scalar, too. The cost is that of about 8 gradients of one batch.
   * Default true.
   */
  readonly check?: boolean;
}

/** What a caller makes of a loss: derivatives of p ↦ loss(p, batch) at the parameters, by name. */
export type Derivatives<P> = (ofBatch: (p: P) => Tensor, params: P) => Computations;

/** The gradient. */
export function gradientOf<P>(ofBatch: (p: P) => Tensor, params: P): Computations {
  return { "the gradient": () => gradient(ofBatch)(params) };
}

/**
 * Refuses a loss that no operator can be made of, and what it cannot be given.
 *
 * @param derivatives - What must be the same twice beside the loss of the first batch.
 * @returns The data in batches.
 * @throws TreeError, ShapeError for a loss that is no function, or gives no float scalar; DomainError where it is not finite or it, or a
 * derivative, is not the same twice; TracingError for a derivative that there is not.
 */
export function checkLoss<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  caller: string,
  options: LossOptions,
  derivatives: Derivatives<P> = gradientOf,
): Batches<B> {
  if (typeof loss !== "function") {
    throw new TreeError(
      `${caller}: the loss is ${loss === null ? "null" : typeof loss}; wants a function (params, batch) => scalar.`,
    );
  }
  checkParams(params, caller);
  expectOptions(caller, options, {});
  const batches = asBatches(data, caller);
  if (options.check === false) return batches;
  for (const batch of batches.each()) {
    examplesIn(batch, caller);
    const [once, twice] = [loss(params, batch), loss(params, batch)];
    const [a, b] = [valueOf(scalar(once, caller)), valueOf(twice)];
    // Inside a transformation there is no value to check.
    if (a === null || b === null) return batches;
    if (!Number.isFinite(a)) throw new DomainError(`${caller}: the loss is ${a} at these parameters; wants a number.`);
    if (a !== b) {
      throw new DomainError(`${caller}: the loss is ${a} and then ${b} for the same parameters and batch; ${remedy}.`);
    }
    checkRepeatable(
      derivatives((p) => loss(p, batch), params),
      caller,
    );
    return batches;
  }
  throw new DomainError(`${caller}: the loader yields no batch; wants at least one.`);
}

/** Refuses what is no tree of parameters: Tensors of floats. */
export function checkParams(params: unknown, caller: string): void {
  expectArguments(caller, { params: [params, "tree"] });
  for (const { path, leaf } of leavesWithPath(params as never)) {
    if (isFloat(leaf.dtype)) continue;
    throw new DTypeError(`${caller}: ${["params", ...path].join(".")} is ${leaf.dtype}; wants float32 or float64.`);
  }
}

/** What a loss returned, if it can be a loss. */
export function scalar(value: Tensor, caller: string): Tensor {
  if (!isTensor(value)) throw new TreeError(`${caller}: the loss returned ${typeof value}; wants a scalar Tensor.`);
  if (value.rank !== 0 || !isFloat(value.dtype)) {
    throw new ShapeError(
      `${caller}: the loss returned ${value.dtype} of shape [${value.shape.join(", ")}]; wants a float scalar, the mean over the batch.`,
    );
  }
  return value;
}

/** The losses of the examples of a batch, one by one: params ↦ [examples]. */
export function exampleLosses<P, B>(loss: LossFunction<P, B>, batch: B): (params: P) => Tensor {
  return (params) => mapped((example: B) => loss(params, asBatch(example)))(batch);
}

/** One example as a batch of one. */
export function asBatch<B>(example: B): B {
  return map(((x: Tensor) => x.expandDims(0)) as never, example as never);
}
