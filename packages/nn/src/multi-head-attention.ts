/** Multi-head attention. */

import { DomainError, swapAxes, TreeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkBranches, checkFraction, checkSequence, checkSize } from "./arguments.js";
import { attentionWeights } from "./attention-weights.js";
import { applyChild } from "./container.js";
import { dense, type DenseParams } from "./dense.js";
import { dropout as dropoutLayer } from "./dropout.js";
import type { Initializer } from "./init/initializer.js";
import { stateless, type Stateless } from "./layer.js";

export interface MultiHeadAttentionOptions {
  /** Number of features of input and output. */
  readonly features: number;
  /** Number of heads; it divides `features`. */
  readonly heads: number;
  /** Number of features of the context: makes it cross-attention, whose keys and values come from `context`. Default self-attention. */
  readonly contextFeatures?: number;
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
  /** Whether the four maps have a bias. Default true. That of the keys changes nothing: along it every loss is flat. */
  readonly bias?: boolean;
  /** Rate of dropout on the weights. Default 0. */
  readonly dropout?: number;
  /** Of queries, keys and values. Default `init.lecun()`. */
  readonly weightInit?: Initializer;
  /** Of the output. Default that of the others. */
  readonly outInit?: Initializer;
}

/** Those of four dense layers. */
export interface MultiHeadAttentionParams {
  readonly query: DenseParams;
  readonly key: DenseParams;
  readonly value: DenseParams;
  readonly out: DenseParams;
}

export interface MultiHeadAttention extends Stateless<MultiHeadAttentionParams> {
  readonly name: "multiHeadAttention";
  readonly options: MultiHeadAttentionOptions;
}

const branches = ["query", "key", "value", "out"] as const;

/**
 * MultiHead(x) = concat(head₁, …, head_h) Wₒᵀ + bₒ over [..., length, features], with headᵢ = softmax(QᵢKᵢᵀ/√d) Vᵢ, d = features/heads, and
 * Q, K, V affine maps of x, or, with `contextFeatures`, Q of x and K, V of the option `context` [..., keys, contextFeatures].
 *
 * The option `mask` of `apply` (for cross-attention `contextMask`) is bool, true where a query may look at a key, and broadcasts to
 * the shape [..., heads, queries, keys]; one of shape [batch, 1, 1, keys] hides padding. A query that may look nowhere gets zero from
 * every head.
 *
 * The four maps are dense layers, `query`, `key`, `value` and `out`, which taps see under these names. PyTorch's `MultiheadAttention` has
 * the first three as one: rows 0, features and 2·features of `in_proj_weight` are where they begin.
 *
 * @throws DomainError if the heads do not divide the features, or for causal cross-attention; TreeError, when applied, for a missing
 * context; ShapeError for an input, context or mask that does not fit.
 * Source: Vaswani et al., Attention Is All You Need (2017), section 3.2.2.
 *
 * @example
 * const layer = multiHeadAttention({ features: 32, heads: 4, causal: true });
 */
export function multiHeadAttention(options: MultiHeadAttentionOptions): MultiHeadAttention {
  const caller = "multiHeadAttention";
  const { features, heads, contextFeatures, causal = false, bias = true, dropout = 0 } = options;
  const { weightInit, outInit = weightInit } = options;
  checkSize(features, caller, "features");
  checkSize(heads, caller, "heads");
  if (features % heads !== 0) {
    throw new DomainError(`${caller}: heads is ${heads}; wants a divisor of features = ${features}.`);
  }
  if (contextFeatures !== undefined) checkSize(contextFeatures, caller, "contextFeatures");
  if (causal && contextFeatures !== undefined) {
    throw new DomainError(`${caller}: causal is true, but a context has no order in common with x; leave one out.`);
  }
  checkFraction(dropout, caller, "dropout");
  const source = contextFeatures ?? features;
  const map = (from: number, init: Initializer | undefined): ReturnType<typeof dense> =>
    dense({ in: from, out: features, bias, ...(init === undefined ? {} : { weightInit: init }) });
  const layers = {
    query: map(features, weightInit),
    key: map(source, weightInit),
    value: map(source, weightInit),
    out: map(features, outInit),
  };
  const drop = dropoutLayer({ rate: dropout });

  return {
    name: caller,
    options,
    init: (key, initOptions) => {
      const [query, forKey, value, out] = random.split(key, 4);
      return {
        query: layers.query.init(query, initOptions),
        key: layers.key.init(forKey, initOptions),
        value: layers.value.init(value, initOptions),
        out: layers.out.init(out, initOptions),
      };
    },
    ...stateless((params: MultiHeadAttentionParams, x, applyOptions) => {
      checkBranches(params, branches, caller, "params");
      checkSequence(x, features, caller);
      const { train = false, key, context, contextMask } = applyOptions;
      const isCross = contextFeatures !== undefined;
      const mask = isCross ? contextMask : applyOptions.mask;
      const seen = isCross ? context : x;
      if (seen === undefined) throw new TreeError(`${caller}: context is missing; pass {context}.`);
      if (isCross) checkSequence(seen, contextFeatures, caller, "context");

      const apply = (name: (typeof branches)[number], input: Tensor): Tensor =>
        applyChild(applyOptions, name, layers[name], params[name], input);
      const query = splitHeads(apply("query", x), heads);
      const weights = attentionWeights(query, splitHeads(apply("key", seen), heads), {
        causal,
        ...(mask === undefined ? {} : { mask }),
      });
      const kept = drop.apply(null, weights, { train, ...(key === undefined ? {} : { key }) });
      const y = kept.matmul(splitHeads(apply("value", seen), heads));
      return apply("out", joinHeads(y));
    }),
  };
}

/** [..., length, heads·d] to [..., heads, length, d]. */
function splitHeads(x: Tensor, heads: number): Tensor {
  const last = x.shape[x.rank - 1];
  return swapAxes(x.reshape([...x.shape.slice(0, -1), heads, last / heads]), -2, -3);
}

/** [..., heads, length, d] to [..., length, heads·d]. */
function joinHeads(x: Tensor): Tensor {
  const y = swapAxes(x, -2, -3);
  return y.reshape([...y.shape.slice(0, -2), y.shape[y.rank - 2] * y.shape[y.rank - 1]]);
}
