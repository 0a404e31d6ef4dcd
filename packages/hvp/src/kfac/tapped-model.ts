/** Networks whose layers can be watched: what the layers with Kronecker factors are given, and the gradients of what they return. */

import { concat, DomainError, ShapeError, TreeError, zeros, type DType, type Shape, type Tensor } from "@curv/tensor";
import { leavesWithPath } from "@curv/tensor/tree";
import type { Layer, Tap, TapPlace } from "@curv/nn";
import { examplesIn } from "../data.js";
import { withPullback } from "../transforms.js";
import { hasFactors, type FactoredLayer } from "./layer-rows.js";
import { expectArguments } from "@curv/linsolve";

/**
 * (params, inputs, tap) ↦ outputs [examples, ..., C]: a network that shows each layer's output to `tap` and goes on with what that returns,
 * as layers of `@curv/nn` do with the option `tap`. Examples must not depend on each other, as they do in batch norm in training mode.
 *
 * @example
 * const model: TappedModel<Params, Tensor> = (p, x, tap) => net.apply(p, x, { state, mask, tap });
 */
export type TappedModel<P, X> = (params: P, inputs: X, tap: Tap) => Tensor;

/** A layer as a model: one that is no container, and does not tap itself, is shown as a whole. */
export function asTapped<P, X>(model: Layer<P> | TappedModel<P, X>): TappedModel<P, X> {
  if (typeof model === "function") return model;
  return (params, inputs, tap) => {
    const input = inputs as Tensor;
    return tap(model.apply(params, input, { tap }), { path: [], layer: model as Layer, input });
  };
}

/** One call of a layer. */
export interface Visit {
  /** Path of the layer's parameters, joined by dots. */
  readonly name: string;
  readonly layer: FactoredLayer;
  readonly input: Tensor;
  /** Of the output. */
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Outputs of a model, and each call of a layer with Kronecker factors on the way to them, in order. */
export function watch<P, X>(
  model: TappedModel<P, X>,
  params: P,
  inputs: X,
): { readonly outputs: Tensor; readonly visits: readonly Visit[] } {
  const visits: Visit[] = [];
  const outputs = model(params, inputs, (y, place) => {
    const { layer } = place;
    if (hasFactors(layer)) {
      visits.push({ name: nameOf(place), layer, input: place.input, shape: y.shape, dtype: y.dtype });
    }
    return y;
  });
  return { outputs, visits };
}

/**
 * Cotangents of the outputs to gradients with respect to what the layers returned, one for each visit: the gradients with respect to zeros
 * that are added to it.
 */
export function pullbackToVisits<P, X>(
  model: TappedModel<P, X>,
  params: P,
  inputs: X,
  visits: readonly Visit[],
): (cotangent: Tensor) => readonly Tensor[] {
  const perturbed = (perturbations: readonly Tensor[]): Tensor => {
    let visit = 0;
    return model(params, inputs, (y, { layer }) => (hasFactors(layer) ? y.add(perturbations[visit++]) : y));
  };
  const nothing = visits.map(({ shape, dtype }) => zeros(shape, { dtype }));
  const { pullback } = withPullback(perturbed, nothing as readonly Tensor[]);
  return (cotangent) => pullback(cotangent)[0];
}

/** Rows of each layer, those of several visits one after the other: [..., examples, rows, k]. */
export function rowsByLayer(
  names: readonly string[],
  visits: readonly Visit[],
  ofVisit: (visit: Visit, i: number) => Tensor,
): readonly Tensor[] {
  const all = visits.map(ofVisit);
  return names.map((name) => {
    const own = all.filter((_, i) => visits[i].name === name);
    return own.length === 1 ? own[0] : concat(own, -2);
  });
}

/** What of a model has Kronecker factors, and what has not. */
export interface Survey {
  /** Layers by name, in the order of their first call. */
  readonly layers: ReadonlyMap<string, FactoredLayer>;
  /** Names of the leaves of the parameters that belong to none of them. */
  readonly others: readonly string[];
}

/**
 * Runs a model on some examples to see its layers.
 *
 * @throws TreeError for a layer whose path leads to no parameters; ShapeError for outputs without a last axis, or for a layer whose first
 * axis is not that of the examples; DomainError where no layer has factors.
 */
export function survey<P, X>(model: TappedModel<P, X>, params: P, inputs: X, caller: string): Survey {
  const examples = examplesIn(inputs, caller);
  const { outputs, visits } = watch(model, params, inputs);
  expectArguments(caller, { "what the model returned": [outputs, "tensor"] });
  if (outputs.rank < 2 || outputs.shape[0] !== examples) {
    throw new ShapeError(
      `${caller}: the model's outputs have shape [${outputs.shape.join(", ")}]; wants [${examples}, ..., outputs] for ${examples} examples.`,
    );
  }
  const names = new Set(leavesWithPath(params as never).map(({ path }) => path.join(".")));
  const layers = new Map<string, FactoredLayer>();
  for (const { name, layer, input, shape } of visits) {
    if (input.rank < 2 || input.shape[0] !== examples || shape[0] !== examples) {
      throw new ShapeError(
        `${caller}: the ${layer.name} layer ${describe(name)} maps [${input.shape.join(", ")}] to [${shape.join(", ")}]; wants the ${examples} examples as the first axis.`,
      );
    }
    if (!names.has(leafName(name, "weight"))) {
      throw new TreeError(
        `${caller}: a ${layer.name} layer says that it is ${describe(name)}, but the parameters have no ${leafName(name, "weight")}; wants paths from the root of the parameters: tap: (y, place) => tap(y, { ...place, path: ["net", ...place.path] }).`,
      );
    }
    layers.set(name, layer);
  }
  if (layers.size === 0) {
    throw new DomainError(
      `${caller}: no dense or conv layer was seen; wants a model that hands \`tap\` to its layers, as the containers of @curv/nn do.`,
    );
  }
  for (const [name, { options }] of layers) {
    names.delete(leafName(name, "weight"));
    if (options.bias ?? true) names.delete(leafName(name, "bias"));
  }
  return { layers, others: [...names] };
}

/** Name of a leaf of a layer's parameters. */
export function leafName(layer: string, leaf: string): string {
  return layer === "" ? leaf : `${layer}.${leaf}`;
}

function nameOf({ path }: TapPlace): string {
  return path.join(".");
}

function describe(name: string): string {
  return name === "" ? "at the root" : `"${name}"`;
}
