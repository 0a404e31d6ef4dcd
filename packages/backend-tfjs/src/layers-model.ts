/** A `tf.LayersModel` as a pure function of its weights. */

import {
  BackendError,
  DTypeError,
  ShapeError,
  TreeError,
  isTensor,
  tensor,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import {
  unsupported,
  type LayerParams,
  type LayerVariable,
  type LiveLayer,
  type SymbolicTensor,
} from "./layers/layer.js";
import { cellName } from "./layers/recurrent.js";
import { applyLayer, isKnown } from "./layers/table.js";
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
   * @param inputs - One tensor for each input of the model, in its order and with its axes (channels where the model has them).
   * @returns The output of a model that has one; {@link applyAll} is for others.
   * @throws ShapeError for inputs of other shapes, or a model of several outputs.
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

/** Where the weights of a layer are in the tree of parameters. */
interface Place {
  readonly layer: LiveLayer;
  /** Names from the root. */
  readonly path: readonly string[];
}

/** The places of all layers of a model, models within it included. A layer that is met again is where it was met first. */
function placesOf(model: LiveLayer): readonly Place[] {
  const places = new Map<LiveLayer, Place>();
  const visit = (layer: LiveLayer, path: readonly string[]): void => {
    if (places.has(layer)) return;
    if (layer.layers !== undefined) for (const inner of layer.layers) visit(inner, [...path, inner.name]);
    else places.set(layer, { layer, path });
  };
  visit(model, []);
  return [...places.values()];
}

/** The weights of a layer, each with its names from the root: TimeDistributed has those of its layer, Bidirectional two sets. */
function variablesOf({ layer, path }: Place): { readonly variable: LayerVariable; readonly path: readonly string[] }[] {
  const { forwardLayer: forward, backwardLayer: backward } = layer;
  if (forward !== undefined) {
    return [
      ...variablesOf({ layer: forward, path: [...path, "forward"] }),
      ...variablesOf({ layer: backward!, path: [...path, "backward"] }),
    ];
  }
  if (layer.getClassName() === "TimeDistributed") return variablesOf({ layer: layer.layer!, path });
  const { cells } = layer.cell ?? {};
  if (cells !== undefined)
    return cells.flatMap((cell, i) => variablesOf({ layer: cell, path: [...path, cellName(i)] }));
  return layer.weights.map((variable) => ({ variable, path: [...path, weightName(variable)] }));
}

/** What stands in the tree at a path; undefined where there is nothing. */
function at(params: LayerParams, path: readonly string[]): Tensor | LayerParams | undefined {
  return path.reduce<Tensor | LayerParams | undefined>(
    (tree, name) => (tree === undefined || isTensor(tree) ? undefined : tree[name]),
    params,
  );
}

/** "kernel" of "dense_1/kernel". */
function weightName({ originalName }: LayerVariable): string {
  return originalName.slice(originalName.lastIndexOf("/") + 1);
}

/** Refuses at once what could not be run later. */
function checkLayer(layer: LiveLayer): void {
  if (layer.getClassName() === "InputLayer") return;
  if (!isKnown(layer.getClassName())) throw unsupported(layer, "is not known");
  for (const inner of [layer.layer, layer.forwardLayer]) if (inner !== undefined) checkLayer(inner);
}

/** The weight's value, if the model was not disposed. */
function readVariable(caller: string, variable: LayerVariable, path: readonly string[]): TfjsTensor {
  try {
    return variable.read();
  } catch (cause) {
    throw new BackendError(`${caller}: the model's weight ${path.join(".")} was disposed.`, { cause });
  }
}

async function readParams(places: readonly Place[], dtype: "float32" | "float64"): Promise<LayerParams> {
  const params: Tree = {};
  for (const { variable, path } of places.flatMap(variablesOf)) {
    const value = readVariable("functionFromLayersModel", variable, path);
    put(params, path, tensor((await value.data()) as TypedArray, { shape: value.shape, dtype }));
  }
  return params as LayerParams;
}

type Tree = Record<string, unknown>;

function put(tree: Tree, path: readonly string[], value: Tensor): void {
  const inner = path.slice(0, -1).reduce<Tree>((t, name) => (t[name] ??= {}) as Tree, tree);
  inner[path[path.length - 1]] = value;
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
  { dtype = "float32" }: LayersModelOptions = {},
): Promise<LayersModelFunction> {
  const caller = "functionFromLayersModel";
  const root = checkModel(model, caller);
  if (!["float32", "float64"].includes(dtype)) {
    throw new DTypeError(`${caller}: dtype is ${dtype}; wants float32 or float64.`);
  }
  const places = placesOf(root);
  for (const { layer } of places) checkLayer(layer);
  const params = await readParams(places, dtype);
  const states = await readStates(places, dtype);
  const paths = new Map(places.map(({ layer, path }) => [layer, path]));
  const advance = (own: LayerParams, before: LayerParams, ...inputs: readonly Tensor[]): LayersModelStep => {
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
    const paramsOf = (layer: LiveLayer): LayerParams => {
      const found = at(own, paths.get(layer)!) ?? {};
      if (!isTensor(found)) return found;
      throw new TreeError(`${caller}: parameters of layer "${layer.name}" are a tensor; wants a tree of its weights.`);
    };
    const current = new Map<LiveLayer, readonly Tensor[]>();
    for (const { layer, path } of places) {
      if (isStateful(layer)) current.set(layer, statesAt(before, path, layer.getStates!()?.length ?? 0));
    }
    const { outputs } = run(root, { paramsOf, current }, inputs, inputs.map(() => null)); // prettier-ignore
    const after: Tree = {};
    for (const [layer, list] of current) {
      list.forEach((state, i) => put(after, [...paths.get(layer)!, stateName(i)], state));
    }
    return { outputs, states: after as LayerParams };
  };
  const applyAll = (own: LayerParams, ...inputs: readonly Tensor[]): readonly Tensor[] =>
    advance(own, states, ...inputs).outputs;
  return {
    params,
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
  if (root?.layers === undefined || !Array.isArray(root.inputs) || root.inputs.length === 0) {
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
  const { paramsOf, current } = context;
  const before = current.get(layer);
  const own = { layer, config: layer.getConfig(), params: paramsOf(layer), inputs, masks };
  const { outputs, mask, states } = applyLayer(before === undefined ? own : { ...own, states: before });
  if (states !== undefined) current.set(layer, states);
  const passed = mask === undefined ? (layer.supportsMasking ? masks[0] : null) : mask;
  return { outputs, masks: outputs.map(() => passed) };
}

/**
 * Writes weights back into the model that they came from, or one of the same architecture: `model.predict` then gives what `apply(params, …)` does.
 *
 * @param tf - The module that the model was made with.
 * @throws TreeError if a weight is missing or no tensor, ShapeError if one has another shape, BackendError if the model is none or was disposed.
 */
export async function weightsToLayersModel(tf: TfjsModule, model: TfjsLayersModel, params: LayerParams): Promise<void> {
  if (typeof (tf as Partial<TfjsModule> | undefined)?.tensor !== "function") {
    throw new BackendError(
      "weightsToLayersModel: tf is not the module of TensorFlow.js; wants weightsToLayersModel(tf, model, params).",
    );
  }
  const root = checkModel(model, "weightsToLayersModel");
  // Everything is checked and read before anything is written.
  const writes: { readonly variable: LayerVariable; readonly data: TypedArray }[] = [];
  for (const { variable, path } of placesOf(root).flatMap(variablesOf)) {
    const name = ["params", ...path].join(".");
    const value = at(params, path);
    if (!isTensor(value)) {
      const what = value === undefined ? "is missing" : "is no Tensor; make one of it with tensor(…)";
      throw new TreeError(`weightsToLayersModel: ${name} ${what}.`);
    }
    const { shape } = readVariable("weightsToLayersModel", variable, path);
    if (value.shape.join() !== shape.join()) {
      throw new ShapeError(
        `weightsToLayersModel: ${name} has shape [${value.shape.join(", ")}]; wants [${shape.join(", ")}].`,
      );
    }
    writes.push({ variable, data: Float32Array.from(await value.data()) });
  }
  for (const { variable, data } of writes) {
    const value: TfjsTensor = tf.tensor(data as never, variable.read().shape as never, "float32" as never);
    variable.write(value);
    value.dispose();
  }
}
