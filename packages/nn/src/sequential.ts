/** One layer after another. */

import { TreeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { childOptions, tapped } from "./container.js";
import type { ApplyOptions, Layer, ParamsOf, StateOf } from "./layer.js";

/** Parameters of a chain: those of its layers, in order. Their paths, "0.weight", are those of PyTorch's `Sequential`. */
export type SequentialParams<L extends readonly Layer[]> = { readonly [K in keyof L]: ParamsOf<L[K]> };

export type SequentialState<L extends readonly Layer[]> = { readonly [K in keyof L]: StateOf<L[K]> };

export interface Sequential<L extends readonly Layer[]> extends Layer<SequentialParams<L>, SequentialState<L>> {
  readonly name: "sequential";
  readonly layers: L;
}

/**
 * A network that applies its layers one after another. Parameters and state are arrays with an entry for each layer; each layer draws
 * from its own part of the key.
 *
 * @example
 * const model = sequential([dense({ in: 2, out: 8 }), activation("tanh"), dense({ in: 8, out: 1 })]);
 * const params = model.init(random.key(0)); // [{ weight, bias }, null, { weight, bias }]
 */
export function sequential<const L extends readonly Layer[]>(layers: L): Sequential<L> {
  const keysFor = (key: random.Key): random.Key[] => random.split(key, Math.max(1, layers.length));

  /** Checks and distributes what belongs to each layer. */
  function plan(params: unknown, options: ApplyOptions): ApplyOptions[] {
    checkEntries(params, layers.length, "params");
    if (options.state !== undefined) checkEntries(options.state, layers.length, "state");
    const keys = options.key === undefined ? undefined : keysFor(options.key);
    return layers.map((_, i) =>
      childOptions(options, i, keys?.[i], (options.state as readonly unknown[] | undefined)?.[i]),
    );
  }

  const chain: Layer<readonly unknown[], readonly unknown[]> = {
    name: "sequential",
    init: (key, options) => {
      const keys = keysFor(key);
      return layers.map((layer, i) => layer.init(keys[i], options));
    },
    initState: (options) => layers.map((layer) => layer.initState(options)),
    apply: (params, x, options = {}) => {
      const own = plan(params, options);
      return layers.reduce(
        (input, layer, i) => tapped(options, i, layer, input, layer.apply(params[i], input, own[i])),
        x,
      );
    },
    applyWithState: (params, x, options = {}) => {
      const own = plan(params, options);
      const next: unknown[] = [];
      let y: Tensor = x;
      layers.forEach((layer, i) => {
        const [output, state] = layer.applyWithState(params[i], y, own[i]);
        next.push(state);
        y = tapped(options, i, layer, y, output);
      });
      return [y, next];
    },
  };
  return { ...(chain as Layer as Layer<SequentialParams<L>, SequentialState<L>>), name: "sequential", layers };
}

function checkEntries(tree: unknown, count: number, what: string): asserts tree is readonly unknown[] {
  if (Array.isArray(tree) && tree.length === count) return;
  const got = Array.isArray(tree) ? `has ${tree.length} entries` : `is ${tree === null ? "null" : typeof tree}`;
  throw new TreeError(`sequential: ${what} ${got}; wants an array of ${count}, one entry for each layer.`);
}
