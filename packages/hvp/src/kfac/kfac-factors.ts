/** Kronecker factors of a network's curvature, collected from its layers. */

import { expectArguments } from "@curv/linsolve";
import { DomainError, type Tensor } from "@curv/tensor";
import type { Layer } from "@curv/nn";
import { asInputBatches, examplesIn, meanOverExamples, rows, type Batches, type Data } from "../data.js";
import type { OutputLoss } from "../output-loss.js";
import { backwardPasses, sumOverPasses, type BackwardPasses } from "./backward-passes.js";
import { eigenbasis, type Eigenbasis, type KfacFactors } from "./factors.js";
import { checkOptions, checkOthers, fisherOf, type KfacOptions } from "./kfac-options.js";
import { gradientRows, inputRows } from "./layer-rows.js";
import { perExamplePullback } from "./other-parameters.js";
import { gram, inBasis, squaredGradients } from "./row-moments.js";
import {
  asTapped,
  pullbackToVisits,
  rowsByLayer,
  survey,
  watch,
  type Survey,
  type TappedModel,
} from "./tapped-model.js";
import { checkOutputLoss } from "../operators/model.js";
import { checkParams } from "../loss-function.js";

/** Inputs, and targets where they are looked at. */
export interface KfacData<X> {
  readonly inputs: X;
  /** Needed for the empirical Fisher matrix. */
  readonly targets?: Tensor;
}

/**
 * The factors of {@link kfacOperator}, without the operator: what an optimiser keeps a moving average of. Traceable, unless the data come from
 * a loader.
 *
 * For a layer that is applied to R rows x of each of N examples, and a network with T rows of outputs for each (1 for a classifier),
 *
 * A = 1/(N R) Σ x xᵀ, S = 1/(N T) Σ g gᵀ.
 *
 * The gradients g are those of the loss of one row of outputs, for each column of the root of its Hessian or the mean over targets that are
 * drawn, with respect to each row of the layer's outputs. For the empirical Fisher matrix they are those of an example's loss, the mean over
 * its rows, and S = 1/N Σ g gᵀ. With `reduce`, x is the mean over the layer's rows and g the sum, and R = 1. If a layer is called several
 * times, all rows of all calls count.
 *
 * @throws As {@link kfacOperator}.
 * Source: Eschenhagen, Immer, Turner, Schneider & Hennig, Kronecker-Factored Approximate Curvature for Modern Neural Network Architectures
 * (2023), sections 3.1 and 3.2.
 *
 * @example
 * const factorsOf = jit((p: Params, batch: Batch) => kfacFactors(model, crossEntropyOutput, p, batch));
 * averaged = updateFactors(averaged, factorsOf(params, batch));
 * const direction = kfacFromFactors(params, averaged).inverse({ damping: 1e-3 }).apply(gradient);
 */
export function kfacFactors<P, X>(
  model: Layer<P> | TappedModel<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<KfacData<X>>,
  options: KfacOptions = {},
): KfacFactors {
  return collectFactors("kfacFactors", model, outputLoss, params, data, options);
}

/** {@link kfacFactors} on behalf of `caller`. */
export function collectFactors<P, X>(
  caller: string,
  layerOrModel: Layer<P> | TappedModel<P, X>,
  outputLoss: OutputLoss,
  params: P,
  data: Data<KfacData<X>>,
  options: KfacOptions,
): KfacFactors {
  checkOutputLoss(outputLoss, caller);
  if (typeof layerOrModel !== "function") {
    expectArguments(caller, { model: [layerOrModel, "object"] });
    expectArguments(caller, { "model.apply": [layerOrModel.apply, "function"] });
  }
  checkParams(params, caller);
  checkOptions(options, caller);
  const batches = asInputBatches(data, caller);
  const model = asTapped(layerOrModel);
  const { inputs } = firstExample(batches, caller);
  const seen = survey(model, params, inputs, caller);
  checkOthers(seen.others, options, caller);
  const setting = { caller, model, outputLoss, options, ...seen };

  const moments = meanOverExamples(
    batches,
    (batch, place) => (p: P) => secondMoments(setting, p, batch, place),
    caller,
  );
  const factors = moments.mean(params);
  if (options.ekfac !== true) return factors;

  const bases = mapLayers(factors.layers, eigenbasis);
  const projected = meanOverExamples(
    batches,
    (batch, place) => (x: { readonly p: P; readonly bases: Bases }) =>
      projectedMoments(setting, x.p, batch, place, x.bases),
    caller,
  );
  const eigenvalues = projected.mean({ p: params, bases });
  const layers = mapLayers(factors.layers, (layer, name) => ({
    ...layer,
    corrected: { ...bases[name], eigenvalues: eigenvalues[name] },
  }));
  return { ...factors, layers };
}

type Bases = Readonly<Record<string, Eigenbasis>>;

interface Setting<P, X> extends Survey {
  readonly caller: string;
  readonly model: TappedModel<P, X>;
  readonly outputLoss: OutputLoss;
  readonly options: KfacOptions;
}

/** A and S of each layer, means over the examples of a batch, and diagonals for the rest. */
function secondMoments<P, X>(
  setting: Setting<P, X>,
  params: P,
  batch: KfacData<X>,
  place: Tensor | number,
): KfacFactors {
  const { model, layers, caller } = setting;
  const { passes, inputs, gradients } = passesThrough(setting, params, batch, place);
  const names = [...layers.keys()];
  const others = setting.options.others === "diagonal" ? setting.others : [];
  const ofOthers = others.length === 0 ? () => [] : perExamplePullback(model, params, batch.inputs, others, caller);
  const reduced = setting.options.approximation === "reduce";

  const sums = sumOverPasses(passes.count, (pass) => {
    const cotangent = passes.cotangent(pass);
    return [
      ...gradients(cotangent).map((g) => gram(reduced ? g.sum(-2, { keepDims: true }) : g)),
      ...ofOthers(cotangent).map((g) => g.square().sum(0)),
    ];
  }).map((sum) => sum.mul(passes.weight));
  const inputMoment = (x: Tensor): Tensor => {
    const [examples, shared] = x.shape.slice(-3);
    return gram(x).div(examples * shared);
  };
  return {
    layers: Object.fromEntries(
      names.map((name, i) => {
        const x = reduced ? inputs[i].mean(-2, { keepDims: true }) : inputs[i];
        return [name, { inputs: inputMoment(x), gradients: sums[i] }];
      }),
    ),
    diagonal: Object.fromEntries(others.map((name, i) => [name, sums[names.length + i]])),
  };
}

/** Mean squares of the elements of the examples' gradients U_Sᵀ G U_A. */
function projectedMoments<P, X>(
  setting: Setting<P, X>,
  params: P,
  batch: KfacData<X>,
  place: Tensor | number,
  bases: Bases,
): Readonly<Record<string, Tensor>> {
  const { passes, inputs, gradients } = passesThrough(setting, params, batch, place);
  const names = [...setting.layers.keys()];
  const projected = inputs.map((x, i) => inBasis(x, bases[names[i]].inputBasis));
  const sums = sumOverPasses(passes.count, (pass) =>
    gradients(passes.cotangent(pass)).map((g, i) =>
      squaredGradients(inBasis(g, bases[names[i]].gradientBasis), projected[i]),
    ),
  );
  return Object.fromEntries(names.map((name, i) => [name, sums[i].mul(passes.weight)]));
}

/** One batch, forward: the passes back, the rows that each layer is applied to, and the gradients of what comes out of each pass. */
function passesThrough<P, X>(
  { model, outputLoss, options, layers, caller }: Setting<P, X>,
  params: P,
  { inputs, targets }: KfacData<X>,
  place: Tensor | number,
): {
  readonly passes: BackwardPasses;
  readonly inputs: readonly Tensor[];
  readonly gradients: (cotangent: Tensor) => readonly Tensor[];
} {
  const { outputs, visits } = watch(model, params, inputs);
  const names = [...layers.keys()];
  const back = pullbackToVisits(model, params, inputs, visits);
  return {
    passes: backwardPasses(outputLoss, outputs, fisherOf(options, targets, place, caller)),
    inputs: rowsByLayer(names, visits, ({ layer, input }) => inputRows(layer, input)),
    gradients: (cotangent) => {
      const gradients = back(cotangent);
      return rowsByLayer(names, visits, ({ layer }, i) => gradientRows(layer, gradients[i]));
    },
  };
}

/** The first example, as a batch. */
function firstExample<B>(batches: Batches<B>, caller: string): B {
  for (const batch of batches.each()) {
    examplesIn(batch, caller);
    return rows(batch, 0, 1);
  }
  throw new DomainError(`${caller}: the loader yields no batch; wants at least one.`);
}

function mapLayers<A, B>(
  layers: Readonly<Record<string, A>>,
  f: (layer: A, name: string) => B,
): Readonly<Record<string, B>> {
  return Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, f(layer, name)]));
}
