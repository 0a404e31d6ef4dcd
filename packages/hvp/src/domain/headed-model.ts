/** A model with a head: features of the input, and a classifier on top of them, whose gradient and curvature are looked at. */

import { expectArguments, expectOptions } from "@curv/linsolve";
import type { InitOptions, Layer } from "@curv/nn";
import { DomainError, ShapeError, TreeError, type Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import { flatten, ravel } from "@curv/tensor/tree";
import { checkEnvironment, type Environment } from "./environment.js";
import { checkParams } from "../loss-function.js";
import { logitDerivatives, type HeadLoss } from "./logit-loss.js";

/**
 * φ and the head as functions of one tree of parameters.
 *
 * @typeParam P - Tree of parameters: an object whose entries `headParams` belong to the head.
 */
export interface HeadedModel<P> {
  /** z = φ(x), [n, d]. */
  readonly features: (params: P, x: Tensor) => Tensor;
  /** Logits [n, K] of features z; [n] or [n, 1] for a binary head. */
  readonly head: (params: P, z: Tensor) => Tensor;
  /** Entries of the parameters that belong to the head. */
  readonly headParams: readonly (keyof P & string)[];
  /** "linear" for logits W z + b or W z, which have closed forms; "general" for anything else. */
  readonly headKind: "linear" | "general";
}

/** Parameters of {@link headedModel}. */
export interface HeadedParams<F, H> {
  readonly features: F;
  readonly head: H;
}

/** What {@link headedModel} returns: a model that can be drawn from a key. */
export interface HeadedLayers<F, H> extends HeadedModel<HeadedParams<F, H>> {
  /** Parameters of both parts, each from its own half of the key. */
  init(key: Key, options?: InitOptions): HeadedParams<F, H>;
}

/**
 * A headed model of two layers of `@curv/nn`. A `dense` head is linear and gets the closed forms.
 *
 * Both are applied in evaluation mode: layers with state (batch norm) stay as they are.
 *
 * @example
 * const model = headedModel({
 *   features: sequential([dense({ in: 392, out: 64 }), activation("relu")]),
 *   head: dense({ in: 64, out: 1 }),
 * });
 */
export function headedModel<F, H>(layers: {
  readonly features: Layer<F>;
  readonly head: Layer<H>;
}): HeadedLayers<F, H> {
  expectArguments("headedModel", { layers: [layers, "object"] });
  const { features, head } = layers;
  expectArguments("headedModel", { "layers.features": [features, "object"], "layers.head": [head, "object"] });
  return {
    features: (params, x) => features.apply(params.features, x),
    head: (params, z) => head.apply(params.head, z),
    headParams: ["head"],
    headKind: head.name === "dense" ? "linear" : "general",
    init: (key, options) => ({
      features: features.init(key, options),
      head: head.init(key, options),
    }),
  };
}

/** Refuses what is no headed model, and parameters that are no tree. */
export function checkModel<P>(model: HeadedModel<P>, params: P, caller: string): void {
  expectArguments(caller, { model: [model, "object"] });
  expectArguments(caller, {
    "model.features": [model.features, "function"],
    "model.head": [model.head, "function"],
    "model.headParams": [model.headParams, "list"],
  });
  if (params !== null && typeof params === "object") checkParams(params, caller);
}

/** The head's parameters as one vector, and the logits as a function of it. */
export interface HeadVector {
  /** h, [D]: leaf after leaf. */
  readonly vector: Tensor;
  /** Logits of features at another h. */
  readonly logits: (h: Tensor, z: Tensor) => Tensor;
}

/** Takes the head's parameters out of all parameters. */
export function headVector<P>(model: HeadedModel<P>, params: P, caller: string): HeadVector {
  const part = headPart(model, params, caller);
  const { vector, unravel } = ravel(part as never);
  return { vector, logits: (h, z) => model.head({ ...params, ...(unravel(h) as object) }, z) };
}

/** Number of parameters of the head. */
export function headSize<P>(model: HeadedModel<P>, params: P, caller: string): number {
  return flatten(headPart(model, params, caller) as never).leaves.reduce((total, leaf) => total + leaf.size, 0);
}

function headPart<P>(model: HeadedModel<P>, params: P, caller: string): object {
  if (typeof params !== "object" || params === null) {
    throw new TreeError(`${caller}: params is ${params === null ? "null" : typeof params}; wants an object.`);
  }
  const entries = model.headParams.map((name) => {
    if (!(name in params)) {
      const there = Object.keys(params).join(", ");
      throw new TreeError(`${caller}: params has no entry "${name}", which the model's headParams name; has ${there}.`);
    }
    return [name, params[name]] as const;
  });
  const part = Object.fromEntries(entries);
  if (flatten(part as never).leaves.length === 0) {
    throw new TreeError(`${caller}: the entries [${model.headParams.join(", ")}] of params hold no tensors.`);
  }
  return part;
}

/** Whether a linear head of K logits on d features has a bias, by its number of parameters. */
export function hasBias(size: number, classes: number, features: number, caller: string): boolean {
  if (size === classes * (features + 1)) return true;
  if (size === classes * features) return false;
  throw new DomainError(
    `${caller}: the head has ${size} parameters for ${features} features and ${classes} logits; a linear one has ` +
      `${classes * features} or, with bias, ${classes * (features + 1)}. Say headKind: "general".`,
  );
}

/** Features as [n, d], logits as [n, K]. */
export function checkedForward<P>(
  model: HeadedModel<P>,
  params: P,
  x: Tensor,
  caller: string,
): { readonly z: Tensor; readonly logits: Tensor } {
  const z = model.features(params, x);
  if (z.rank !== 2 || z.shape[0] !== x.shape[0]) {
    throw new ShapeError(`${caller}: features have shape [${z.shape.join(", ")}]; wants [${x.shape[0]}, d].`);
  }
  return { z, logits: model.head(params, z) };
}

/** A loss as a function of the head alone. */
export interface HeadProblem {
  /** Mean loss of the environment with the head h [D], its features fixed. */
  readonly loss: (h: Tensor) => Tensor;
  /** The head of the parameters, [D]. */
  readonly head: Tensor;
}

/**
 * The mean loss of an environment as a function of the head's parameters alone: what a transfer measure is about.
 *
 * @param options - `loss`: "bce" or "ce"; by default "bce" for one logit, else "ce".
 * @throws TreeError if `headParams` names nothing; ShapeError, DomainError for data that do not fit.
 */
export function headProblem<P>(
  model: HeadedModel<P>,
  params: P,
  environment: Environment,
  options: { readonly loss?: HeadLoss } = {},
): HeadProblem {
  checkModel(model, params, "headProblem");
  expectOptions("headProblem", options, { loss: "text" });
  checkEnvironment(environment, "headProblem", "environment");
  const { vector, logits } = headVector(model, params, "headProblem");
  const { z } = checkedForward(model, params, environment.x, "headProblem");
  return {
    head: vector,
    loss: (h) => logitDerivatives(logits(h, z), environment.y, options.loss, "headProblem").losses.mean(),
  };
}
