/** A `tf.LayersModel` as a pure function of its weights. */

import {
  BackendError,
  DTypeError,
  DomainError,
  ShapeError,
  TreeError,
  isTensor,
  tensor,
  type Shape,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { foldIn, type Key } from "@curv/tensor/random";
import {
  unsupported,
  type LayerCall,
  type LayerParams,
  type LayerVariable,
  type LiveLayer,
  type SymbolicTensor,
} from "./layers/layer.js";
import { isKnownCell, timeDistributed } from "./layers/recurrent.js";
import { applyLayer, isKnown, resultOf } from "./layers/table.js";
import {
  at,
  isModelForEveryStep,
  placesOf,
  put,
  replaced,
  slotsOf,
  valueIn,
  weightAt,
  type Place,
  type Tree,
} from "./layers/weights.js";
import { checkOptions, isPlain, kindOf } from "./options.js";
import type { TfjsModule, TfjsTensor } from "./tfjs.js";

/** A `tf.LayersModel` or `tf.Sequential`. */
export interface TfjsLayersModel {
  readonly name: string;
  readonly layers: readonly object[];
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}

export interface LayersModelFunction {
  /** The weights when the model was read: `params[layer][weight]`, nested as models are nested. */
  readonly params: LayerParams;
  /**
   * The model's prediction: dropout and noise do nothing, batch normalisation takes its moving statistics. Pure, so it can be differentiated in
   * params and inputs to any order, compiled, and run on any backend.
   *
   * @param params - Weights by name, as the model's own; names beside those of the model are ignored.
   * @param inputs - One tensor for each input of the model, in its order and with its axes (channels where the model has them).
   * @returns The output of a model that has one; {@link applyAll} is for others.
   * @throws ShapeError for inputs or weights of other shapes, or a model of several outputs; TreeError for a weight that is missing.
   */
  apply(params: LayerParams, ...inputs: readonly Tensor[]): Tensor;
  /** {@link apply} for models with several outputs: always a list. */
  applyAll(params: LayerParams, ...inputs: readonly Tensor[]): readonly Tensor[];
  /**
   * What the stateful recurrent layers of the model had when it was read, `states[layer].state_0` and so on; empty for a model that has none.
   * {@link apply} and {@link applyAll} start from them and leave them as they are.
   */
  readonly states: LayerParams;
  /**
   * The outputs from given states, and the states after them: one `predict` of a stateful model after the other as a pure function.
   *
   * @param states - As in `states`; their batch is that of the inputs.
   * @throws As {@link applyAll}; TreeError for a state that is missing.
   */
  advance(params: LayerParams, states: LayerParams, ...inputs: readonly Tensor[]): LayersModelStep;
  /**
   * The model as it is while it trains: dropout and noise draw from a key, batch normalisation takes the statistics of the batch, and `params` of
   * the result are those given with the moving statistics moved on, through which no derivative passes. Pure, as {@link apply} is.
   *
   * What is dropped is other than in TensorFlow.js, whose generator Curv does not have, and AlphaDropout is that of its paper. Penalties on weights
   * (`kernelRegularizer` and so on) are part of a loss, not of a model.
   *
   * @param inputs - As of {@link apply}, in a list.
   * @throws As {@link applyAll}; DomainError naming the layer if one drops or adds noise and there is no key; BackendError for a ConvLSTM2D that drops.
   *
   * @example
   * const loss = (p) => {
   *   const { outputs: [y], params: next } = applyTraining(p, [x], { key });
   *   return [mean(y.sub(target).square()), next];
   * };
   */
  applyTraining(
    params: LayerParams,
    inputs: readonly Tensor[],
    options?: LayersModelTrainingOptions,
  ): LayersModelTrainingStep;
}

/** Of {@link LayersModelFunction.applyTraining}. */
export interface LayersModelTrainingOptions {
  /** For dropout and noise; a layer that draws has its own part of it. Default: none. */
  readonly key?: Key;
  /** What stateful layers go on from. Default: what they had when the model was read. */
  readonly states?: LayerParams;
}

/** Of {@link LayersModelFunction.applyTraining}. */
export interface LayersModelTrainingStep extends LayersModelStep {
  /** The weights, their moving statistics moved on. */
  readonly params: LayerParams;
}

/** Of {@link LayersModelFunction.advance}. */
export interface LayersModelStep {
  readonly outputs: readonly Tensor[];
  readonly states: LayerParams;
}

export interface LayersModelOptions {
  /** Of the weights. Default "float32"; "float64" computes all in double precision, on backends that have it. */
  readonly dtype?: "float32" | "float64";
}

/** Refuses at once what could not be run later. */
function checkLayer(layer: LiveLayer): void {
  if (layer.getClassName() === "InputLayer") return;
  if (!isKnown(layer.getClassName())) throw unsupported(layer, "is not known");
  if (layer.getClassName() === "RNN" && !isKnownCell(layer.cell!))
    throw unsupported(layer, "has a cell that is not known");
  if (isModelForEveryStep(layer)) return;
  if (layer.layer !== undefined && isModelForEveryStep(layer.layer)) throw unsupported(layer, "holds a model twice for every step"); // prettier-ignore
  for (const inner of [layer.layer, layer.forwardLayer]) if (inner !== undefined) checkLayer(inner);
}

const isStateful = (layer: LiveLayer): boolean => layer.getConfig().stateful === true && layer.getStates !== undefined;
const stateName = (i: number): string => `state_${i}`;

async function readStates(places: readonly Place[], dtype: "float32" | "float64"): Promise<LayerParams> {
  const states: Tree = {};
  for (const { layer, path } of places.filter((place) => isStateful(place.layer))) {
    for (const [i, value] of (layer.getStates!() ?? []).entries()) {
      const data = (await value.data()) as TypedArray;
      put(states, [...path, stateName(i)], tensor(data, { shape: value.shape, dtype }));
    }
  }
  return states as LayerParams;
}

/**
 * Turns a Keras-style model of TensorFlow.js, sequential or functional, with shared layers and models within models, into a pure function of its
 * weights in Curv: for Hessians, Lanczos, pruning, quantisation, on any backend. The model is only read.
 *
 * Layers: dense, embedding, convolutions (1-D to 3-D, depthwise, separable, transposed), pooling, batch and layer normalisation, activations,
 * merges, padding, resizing and reshaping, SimpleRNN, GRU, LSTM, ConvLSTM2D, `rnn` of one such cell or a stack, Bidirectional and TimeDistributed. Masks of Embedding and Masking
 * reach the recurrent layers as they do in TensorFlow.js.
 *
 * @param model - Built, that is with known input shapes.
 * @throws BackendError naming the layer, for a layer of another class or with a setting that cannot be translated; or if the model was disposed.
 *
 * @example
 * const { apply, params } = await functionFromLayersModel(model);
 * const H = hessianOperator((p, { x, y }) => mean(apply(p, x).sub(y).square()), params, batch);
 */
export async function functionFromLayersModel(
  model: TfjsLayersModel,
  options: LayersModelOptions = {},
): Promise<LayersModelFunction> {
  const caller = "functionFromLayersModel";
  const root = checkModel(model, caller);
  checkOptions(caller, options, {});
  const { dtype = "float32" } = options;
  if (!["float32", "float64"].includes(dtype)) {
    throw new DTypeError(`${caller}: dtype is ${kindOf(dtype)}; wants float32 or float64.`);
  }
  const places = placesOf(root);
  for (const { layer } of places) checkLayer(layer);
  const params: Tree = {};
  const shapes: (readonly [path: readonly string[], shape: Shape])[] = [];
  for (const slot of places.flatMap(slotsOf)) {
    const value = valueIn(caller, slot);
    put(params, slot.path, tensor((await value.data()) as TypedArray, { shape: value.shape, dtype }));
    shapes.push([slot.path, [...value.shape]]);
  }
  const states = await readStates(places, dtype);
  const paths = new Map(places.map(({ layer, path }) => [layer, path]));

  const checkInputs = (inputs: readonly Tensor[]): void => {
    const wanted = root.inputs!.length;
    if (inputs.length !== wanted) {
      throw new ShapeError(`${caller}: ${model.name} got ${inputs.length} inputs; wants ${wanted}, after the weights.`);
    }
    root.inputs!.forEach(({ shape }, i) => {
      if (!isTensor(inputs[i])) {
        throw new TreeError(
          `${caller}: input ${i} of ${model.name} is no Tensor of Curv; wants apply(params, x), x from tensor(…) or fromTfjs(…).`,
        );
      }
      const { shape: got } = inputs[i];
      if (got.length === shape.length && got.every((n, axis) => shape[axis] === null || shape[axis] === n)) return;
      const want = shape.map((n) => n ?? "any").join(", ");
      throw new ShapeError(`${caller}: input ${i} of ${model.name} has shape [${got.join(", ")}]; wants [${want}].`);
    });
  };

  /** One run of the model, from some states to others. */
  const step = (
    own: LayerParams,
    before: LayerParams,
    inputs: readonly Tensor[],
    training?: { readonly key: Key | undefined },
  ): LayersModelTrainingStep => {
    checkInputs(inputs);
    if (!isPlain(before)) {
      throw new TreeError(`${caller}: states is ${kindOf(before)}; wants states as advance returns them.`);
    }
    for (const [path, shape] of shapes) weightAt(caller, own, path, shape);
    const current = new Map<LiveLayer, readonly Tensor[]>();
    for (const { layer, path } of places) {
      if (isStateful(layer)) current.set(layer, statesAt(before, path, layer.getStates!()?.length ?? 0));
    }
    const moved = new Map<LiveLayer, Readonly<Record<string, Tensor>>>();
    const paramsOf = (layer: LiveLayer): LayerParams => ({
      ...(at(own, paths.get(layer)!) as LayerParams | undefined),
      ...moved.get(layer),
    });
    const context: Context = { paramsOf, current, moved, ...(training && { keyOf: keysOf(training.key) }) };
    const { outputs } = run(root, context, inputs, inputs.map(() => null)); // prettier-ignore
    const after: Tree = {};
    for (const [layer, list] of current) {
      list.forEach((state, i) => put(after, [...paths.get(layer)!, stateName(i)], state));
    }
    const entries = [...moved].flatMap(([layer, values]) =>
      Object.entries(values).map(([name, value]) => [[...paths.get(layer)!, name], value] as const),
    );
    return { outputs, states: after as LayerParams, params: replaced(own, entries) };
  };

  const advance = (own: LayerParams, before: LayerParams, ...inputs: readonly Tensor[]): LayersModelStep => {
    const { outputs, states: after } = step(own, before, inputs);
    return { outputs, states: after };
  };
  const applyAll = (own: LayerParams, ...inputs: readonly Tensor[]): readonly Tensor[] =>
    step(own, states, inputs).outputs;
  return {
    params: params as LayerParams,
    states,
    applyAll,
    advance,
    apply: (own, ...inputs) => {
      const outputs = applyAll(own, ...inputs);
      if (outputs.length !== 1) {
        throw new ShapeError(`${caller}: ${model.name} has ${outputs.length} outputs; call applyAll.`);
      }
      return outputs[0];
    },
    applyTraining: (own, inputs, trainingOptions = {}) => {
      if (!Array.isArray(inputs)) {
        throw new TreeError(`applyTraining: inputs of ${model.name} is ${kindOf(inputs)}; wants a list of Tensors.`);
      }
      checkOptions("applyTraining", trainingOptions, {});
      const { key, states: before = states } = trainingOptions;
      if (key !== undefined && !isTensor(key)) {
        throw new DomainError(`applyTraining: key is ${kindOf(key)}; wants one of random.key(seed).`);
      }
      return step(own, before, inputs as readonly Tensor[], { key });
    },
  };
}

/** Gives every draw of a run a key of its own: the n-th has the root's n-th part. */
function keysOf(root: Key | undefined): (layer: LiveLayer) => Key {
  let draws = 0;
  return (layer) => {
    if (root !== undefined) return foldIn(root, draws++);
    throw new DomainError(
      `applyTraining: layer "${layer.name}" (${layer.getClassName()}) draws random numbers; wants applyTraining(params, inputs, { key: random.key(0) }).`,
    );
  };
}

function statesAt(states: LayerParams, path: readonly string[], count: number): readonly Tensor[] {
  return Array.from({ length: count }, (_, i) => {
    const found = at(states, [...path, stateName(i)]);
    if (isTensor(found)) return found;
    throw new TreeError(
      `functionFromLayersModel: states.${[...path, stateName(i)].join(".")} is missing; wants states as advance returns them.`,
    );
  });
}

function checkModel(model: TfjsLayersModel, caller: string): LiveLayer {
  const root = model as unknown as LiveLayer;
  const lists = [root?.layers, root?.inputs, root?.outputs] as readonly unknown[];
  const isModel = lists.every((list) => Array.isArray(list) && list.length > 0 && list.every((x) => isPlain(x)));
  if (!isModel || root.layers!.some((layer) => typeof layer.getClassName !== "function")) {
    throw new BackendError(
      `${caller}: model is not a built tf.LayersModel; give its first layer an inputShape. (A tf.GraphModel has no layers.)`,
    );
  }
  return root;
}

interface Context {
  readonly paramsOf: (layer: LiveLayer) => LayerParams;
  /** Of the stateful layers, as the run goes on. */
  readonly current: Map<LiveLayer, readonly Tensor[]>;
  /** Weights that the run itself changes. */
  readonly moved: Map<LiveLayer, Readonly<Record<string, Tensor>>>;
  /** A new key for a layer that draws; absent when the model predicts. */
  readonly keyOf?: (layer: LiveLayer) => Key;
}

interface Values {
  readonly outputs: readonly Tensor[];
  readonly masks: readonly (Tensor | null)[];
}

/** The outputs of a model: each symbolic tensor is the result of one call of one layer, which runs once. */
function run(model: LiveLayer, context: Context, inputs: readonly Tensor[], masks: readonly (Tensor | null)[]): Values {
  const known = new Map<number, readonly [Tensor, Tensor | null]>();
  model.inputs!.forEach((symbol, i) => known.set(symbol.id, [inputs[i], masks[i]]));
  const calls = new Map<string, Values>();
  const value = (symbol: SymbolicTensor): readonly [Tensor, Tensor | null] => {
    const found = known.get(symbol.id);
    if (found !== undefined) return found;
    const key = `${symbol.sourceLayer.name} ${symbol.nodeIndex}`;
    let results = calls.get(key);
    if (results === undefined) {
      const operands = symbol.inputs.map(value);
      results = call(symbol.sourceLayer, context, operands.map(([x]) => x), operands.map(([, m]) => m)); // prettier-ignore
      calls.set(key, results);
    }
    const at = symbol.outputTensorIndex ?? 0;
    const result = [results.outputs[at], results.masks[at]] as const;
    known.set(symbol.id, result);
    return result;
  };
  const results = model.outputs!.map(value);
  return { outputs: results.map(([x]) => x), masks: results.map(([, m]) => m) };
}

function call(
  layer: LiveLayer,
  context: Context,
  inputs: readonly Tensor[],
  masks: readonly (Tensor | null)[],
): Values {
  if (layer.layers !== undefined) return run(layer, context, inputs, masks);
  const { paramsOf, current, moved, keyOf } = context;
  const before = current.get(layer);
  const call: LayerCall = {
    layer,
    config: layer.getConfig(),
    params: paramsOf(layer),
    inputs,
    masks,
    ...(before && { states: before }),
    ...(keyOf && { training: { key: () => keyOf(layer) } }),
  };
  const every = isModelForEveryStep(layer)
    ? timeDistributed(({ inputs: steps }) => ({ outputs: run(layer.layer!, context, steps, [null]).outputs }))
    : null;
  const { outputs, mask, states, moved: changed } = every === null ? applyLayer(call) : resultOf(every(call));
  if (states !== undefined) current.set(layer, states);
  if (changed !== undefined) moved.set(layer, { ...moved.get(layer), ...changed });
  const passed = mask === undefined ? (layer.supportsMasking ? masks[0] : null) : mask;
  return { outputs, masks: outputs.map(() => passed) };
}

/**
 * Writes weights back into the model that they came from, or one of the same architecture: `model.predict` then gives what `apply(params, …)` does.
 *
 * @param tf - The module that the model was made with.
 * @param params - All weights of the model; names beside them are ignored.
 * @throws TreeError if a weight is missing or no tensor, ShapeError or DTypeError if one has another shape or no floats, BackendError if the model is none or was disposed.
 */
export async function weightsToLayersModel(tf: TfjsModule, model: TfjsLayersModel, params: LayerParams): Promise<void> {
  if (typeof (tf as Partial<TfjsModule> | undefined)?.tensor !== "function") {
    throw new BackendError(
      "weightsToLayersModel: tf is not the module of TensorFlow.js; wants weightsToLayersModel(tf, model, params).",
    );
  }
  const caller = "weightsToLayersModel";
  const root = checkModel(model, caller);
  // Everything is checked and read before anything is written.
  const writes: { readonly variable: LayerVariable; readonly data: TypedArray }[] = [];
  for (const slot of placesOf(root).flatMap(slotsOf)) {
    const { shape } = valueIn(caller, slot);
    const data = Float32Array.from(await weightAt(caller, params, slot.path, shape).data());
    writes.push({ variable: slot.variable, data });
  }
  for (const { variable, data } of writes) {
    const value: TfjsTensor = tf.tensor(data as never, variable.read().shape as never, "float32" as never);
    variable.write(value);
    value.dispose();
  }
}
