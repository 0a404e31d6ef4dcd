/** What a layer is. */

import type { FloatDType, Tensor } from "@curv/tensor";
import type { Key } from "@curv/tensor/random";
import type { Path } from "@curv/tensor/tree";

/**
 * A layer, and every network made of layers: a plain object of pure functions. What is trained (`params`) and what is only remembered
 * from batch to batch (`state`: running statistics) are separate trees of tensors, so that derivatives with respect to all parameters are
 * `grad((p) => loss(model.apply(p, x), y))`, and both are saved like any tree.
 *
 * Calls hold for a network of any layers: `apply` always returns a tensor; a loop that trains a network with state takes `applyWithState`.
 * Nothing is changed in place, so both may be compiled, mapped and differentiated in any nesting.
 *
 * Anything of this shape is a layer; {@link stateless} supplies the two functions of layers that remember nothing.
 *
 * @typeParam P - Tree of parameters; null for a layer without any.
 * @typeParam S - Tree of the state; null, or a tree of nulls, for a network without any.
 */
export interface Layer<P = unknown, S = unknown> {
  /** As messages and printed models name it: "dense". */
  readonly name: string;
  /** Parameters drawn from a key. */
  init(key: Key, options?: InitOptions): P;
  /** The state before training. */
  initState(options?: InitOptions): S;
  /** y for an input x, in evaluation mode unless `train` is set. */
  apply(params: P, x: Tensor, options?: ApplyOptions<S>): Tensor;
  /** The same y, and the state after it; in evaluation mode the state as it was. */
  applyWithState(params: P, x: Tensor, options?: ApplyOptions<S>): readonly [y: Tensor, state: S];
}

/** How parameters and state are made. */
export interface InitOptions {
  /** Default: the default dtype. */
  readonly dtype?: FloatDType;
}

/** How a layer is applied. */
export interface ApplyOptions<S = unknown> {
  /** Whether layers behave as in training: dropout drops, batch norm uses the statistics of the batch. Default false. */
  readonly train?: boolean;
  /** Randomness for layers that draw in training; the same key gives the same masks. */
  readonly key?: Key;
  /** What `initState` or the last `applyWithState` returned; needed by layers that have one. */
  readonly state?: S;
  /** Where self-attention may look, see {@link multiHeadAttention}. Containers pass it on. */
  readonly mask?: Tensor;
  /** What cross-attention looks at: [..., keys, features]. Containers pass it on. */
  readonly context?: Tensor;
  /** Where cross-attention may look. Containers pass it on. */
  readonly contextMask?: Tensor;
  /** Sees, and may replace, what each layer inside a container returns. */
  readonly tap?: Tap;
}

/**
 * Called with the output of each layer inside a container, innermost first; what it returns is used in the output's place. Collects
 * activations, quantises them, or adds a perturbation whose gradient is that of the output.
 */
export type Tap = (y: Tensor, place: TapPlace) => Tensor;

export interface TapPlace {
  /** Where the layer's parameters are in the parameters of the whole. */
  readonly path: Path;
  readonly layer: Layer;
  /** What the layer was applied to. */
  readonly input: Tensor;
}

/** Parameters of a layer. */
export type ParamsOf<L> = L extends Layer<infer P, infer _S> ? P : never;

/** State of a layer. */
export type StateOf<L> = L extends Layer<infer _P, infer S> ? S : never;

/** A layer that remembers nothing, and perhaps has no parameters. */
export type Stateless<P> = Layer<P, null>;

/**
 * The functions of a layer without state, from its `apply`.
 *
 * @example
 * const scale: Layer<Tensor, null> = { name: "scale", init: () => tensor(1), ...stateless((p: Tensor, x) => x.mul(p)) };
 */
export function stateless<P>(
  apply: (params: P, x: Tensor, options: ApplyOptions<null>) => Tensor,
): Pick<Stateless<P>, "initState" | "apply" | "applyWithState"> {
  return {
    initState: () => null,
    apply: (params, x, options = {}) => apply(params, x, options),
    applyWithState: (params, x, options = {}) => [apply(params, x, options), null],
  };
}
