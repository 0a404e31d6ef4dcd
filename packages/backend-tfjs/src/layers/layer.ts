/** A layer of TensorFlow.js as Curv sees it: its settings, its weights as a tree, and a function of them. */

import { BackendError, type Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import type { TfjsTensor } from "../tfjs.js";

/** Weights of a layer by name ("kernel", "bias", "gamma", …), or of the layers inside it by theirs. */
export interface LayerParams {
  readonly [name: string]: Tensor | LayerParams;
}

/** A weight of a layer: a `LayerVariable`. */
export interface LayerVariable {
  readonly originalName: string;
  read(): TfjsTensor;
  write(value: TfjsTensor): unknown;
}

/** A symbolic tensor: which call of which layer made it from what. */
export interface SymbolicTensor {
  readonly id: number;
  readonly name: string;
  /** The batch first; null where any length will do. */
  readonly shape: readonly (number | null)[];
  readonly sourceLayer: LiveLayer;
  readonly inputs: readonly SymbolicTensor[];
  readonly outputTensorIndex?: number;
  readonly nodeIndex: number;
}

export type LayerConfig = Readonly<Record<string, unknown>>;

/** A `tf.layers.Layer`. Those that hold others have `layers` (models), `layer` (TimeDistributed), `cell` (RNN), `cells` (a stack of them) or two (Bidirectional). */
export interface LiveLayer {
  readonly name: string;
  readonly weights: readonly LayerVariable[];
  readonly supportsMasking: boolean;
  getClassName(): string;
  getConfig(): LayerConfig;
  readonly layers?: readonly LiveLayer[];
  readonly inputs?: readonly SymbolicTensor[];
  readonly outputs?: readonly SymbolicTensor[];
  readonly layer?: LiveLayer;
  readonly cell?: LiveLayer;
  readonly cells?: readonly LiveLayer[];
  readonly forwardLayer?: LiveLayer;
  readonly backwardLayer?: LiveLayer;
  /** Of a layer that drops: for which elements it decides; null is the length that the input has. */
  readonly noiseShape?: readonly (number | null)[] | null;
  /** Of a stateful recurrent layer: what its last call ended with. */
  getStates?(): readonly TfjsTensor[] | null;
}

/** One call of a layer. */
export interface LayerCall {
  readonly layer: LiveLayer;
  readonly config: LayerConfig;
  readonly params: LayerParams;
  readonly inputs: readonly Tensor[];
  /** Which steps of each input count, [N, T]; null where all do. */
  readonly masks: readonly (Tensor | null)[];
  /** What a stateful layer goes on from. */
  readonly states?: readonly Tensor[];
  /** Absent when the model predicts. */
  readonly training?: Training;
}

/** What a layer may ask for while the model trains. */
export interface Training {
  /** A key that no other call gets. */
  key(): Key;
}

export interface LayerResult {
  readonly outputs: readonly Tensor[];
  /** Of every output. Absent: that of the first input, if the layer passes masks on. */
  readonly mask?: Tensor | null;
  /** What a stateful layer ends with. */
  readonly states?: readonly Tensor[];
  /** Weights that the call itself changes while the model trains: moving statistics. */
  readonly moved?: Readonly<Record<string, Tensor>>;
}

/** What a layer computes; a lone tensor is its one output. */
export type LayerFunction = (call: LayerCall) => Tensor | LayerResult;

/** The weight of that name, which the layer has. */
export function weight({ params }: Pick<LayerCall, "params">, name: string): Tensor {
  return params[name] as Tensor;
}

/** The weight, or null if the layer was made without it. */
export function optional({ params }: LayerCall, name: string): Tensor | null {
  return (params[name] as Tensor | undefined) ?? null;
}

/** The refusal of what cannot be translated, naming the layer. */
export function unsupported(layer: LiveLayer, what: string): BackendError {
  return new BackendError(
    `functionFromLayersModel: layer "${layer.name}" (${layer.getClassName()}) ${what}; replace it, or cut the model before it.`,
  );
}

/** Settings that a layer must not have. */
export function refuse(layer: LiveLayer, is: boolean, what: string): void {
  if (is) throw unsupported(layer, what);
}
