/** A small language model. */

import { tensordot, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkBranches, checkSize } from "./arguments.js";
import { applyChild } from "./container.js";
import { dense, type DenseParams } from "./dense.js";
import { dropout as dropoutLayer } from "./dropout.js";
import { embedding, positionEmbedding, type EmbeddingParams } from "./embedding.js";
import { varianceScaling } from "./init/variance-scaling.js";
import { layerNorm } from "./layer-norm.js";
import { stateless, type ParamsOf, type Stateless } from "./layer.js";
import type { NormParams } from "./normalize.js";
import { sequential } from "./sequential.js";
import { transformerBlock, type TransformerBlock } from "./transformer-block.js";

export interface GptOptions {
  /** Number of different tokens: characters, say. */
  readonly vocabulary: number;
  /** Largest number of tokens that are seen at once. */
  readonly length: number;
  /** Number of features of each position. */
  readonly features: number;
  /** Number of heads; it divides `features`. */
  readonly heads: number;
  /** Number of blocks. */
  readonly layers: number;
  /** Number of hidden features of a block. Default 4 · features. */
  readonly hidden?: number;
  /** Rate of dropout, after the embedding and in the blocks. Default 0. */
  readonly dropout?: number;
  /** Whether logits are products with the embedding; otherwise with a matrix of their own, `head`. Default true. */
  readonly tied?: boolean;
}

export interface GptParams {
  /** [vocabulary, features]. */
  readonly embedding: EmbeddingParams;
  /** [length, features]. */
  readonly positions: EmbeddingParams;
  readonly blocks: readonly ParamsOf<TransformerBlock>[];
  readonly norm: NormParams;
  /** [vocabulary, features]; absent if it is tied to the embedding. */
  readonly head?: DenseParams;
}

export interface Gpt extends Stateless<GptParams> {
  readonly name: "gpt";
  readonly options: GptOptions;
}

/**
 * Transformer that predicts the next token: int32 tokens [..., n], n ≤ length, to logits [..., n, vocabulary], where those at position t
 * depend on the tokens up to t alone. Token and position embedding, causal blocks with the norm before, a last norm, and the product with
 * the embedding or a matrix of its own; the loss of a text is the cross-entropy of logits t with token t + 1.
 *
 * Weights start with variance 1/fanIn, those that end in a sum with 1/(2·layers) of it, so that the variance of the sums does not grow with
 * the depth.
 *
 * @throws DomainError if the heads do not divide the features; DTypeError, when applied, for tokens that are no integers; DomainError for
 * one outside the vocabulary; ShapeError for more than `length` of them.
 * Source: Radford et al., Language Models are Unsupervised Multitask Learners (2019), section 2.3; tying: Press & Wolf, Using the Output
 * Embedding to Improve Language Models (2017).
 *
 * @example
 * const model = gpt({ vocabulary: 65, length: 64, features: 32, heads: 4, layers: 2 });
 */
export function gpt(options: GptOptions): Gpt {
  const { vocabulary, length, features, heads, layers: depth, dropout = 0, tied = true } = options;
  checkSize(depth, "gpt", "layers");
  const hidden = options.hidden === undefined ? {} : { hidden: options.hidden };
  const residualInit = varianceScaling(1 / (2 * depth));
  const layers = {
    embedding: embedding({ vocabulary, features }),
    positions: positionEmbedding({ length, features }),
    blocks: sequential<readonly TransformerBlock[]>(
      Array.from({ length: depth }, () =>
        transformerBlock({ features, heads, ...hidden, causal: true, dropout, residualInit }),
      ),
    ),
    norm: layerNorm({ features }),
    head: dense({ in: features, out: vocabulary, bias: false }),
  };
  const drop = dropoutLayer({ rate: dropout });
  const branches = ["embedding", "positions", "blocks", "norm", ...(tied ? [] : ["head"])];

  return {
    name: "gpt",
    options,
    init: (key, initOptions) => {
      const [forEmbedding, forPositions, forBlocks, forNorm, forHead] = random.split(key, 5);
      return {
        embedding: layers.embedding.init(forEmbedding, initOptions),
        positions: layers.positions.init(forPositions, initOptions),
        blocks: layers.blocks.init(forBlocks, initOptions),
        norm: layers.norm.init(forNorm, initOptions),
        ...(tied ? {} : { head: layers.head.init(forHead, initOptions) }),
      };
    },
    ...stateless((params: GptParams, tokens, applyOptions) => {
      checkBranches(params, branches, "gpt", "params");
      const [dropKey, blocksKey] = applyOptions.key === undefined ? [] : random.split(applyOptions.key);
      const { train = false } = applyOptions;
      let x: Tensor = applyChild(applyOptions, "embedding", layers.embedding, params.embedding, tokens);
      x = applyChild(applyOptions, "positions", layers.positions, params.positions, x);
      x = drop.apply(null, x, { train, ...(dropKey === undefined ? {} : { key: dropKey }) });
      x = applyChild(applyOptions, "blocks", layers.blocks, params.blocks, x, blocksKey);
      x = applyChild(applyOptions, "norm", layers.norm, params.norm, x);
      if (tied) return tensordot(x, params.embedding.weight, [[-1], [1]]);
      return applyChild(applyOptions, "head", layers.head, params.head as DenseParams, x);
    }),
  };
}
