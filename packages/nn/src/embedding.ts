/** Vectors for tokens and for positions. */

import { check, DomainError, ShapeError, take, type Tensor } from "@curv/tensor";
import { checkIndices, checkLeaf, checkSequence, checkSize, formatShape } from "./arguments.js";
import type { Initializer } from "./init/initializer.js";
import { lecun } from "./init/variance-scaling.js";
import { stateless, type Stateless } from "./layer.js";

export interface EmbeddingOptions {
  /** Number of different tokens, 0 … vocabulary − 1. */
  readonly vocabulary: number;
  /** Length of the vector of each. */
  readonly features: number;
  /** Default `init.lecun()`: normal with variance 1/features, so that products of vectors keep their size. */
  readonly weightInit?: Initializer;
}

export interface EmbeddingParams {
  /** A row for each token or position: [vocabulary, features] or [length, features]. */
  readonly weight: Tensor;
}

export interface Embedding extends Stateless<EmbeddingParams> {
  readonly name: "embedding";
  readonly options: EmbeddingOptions;
}

/**
 * A vector for each token: int32 or uint32 of any shape [...] to [..., features]. Layout and names are those of PyTorch's `Embedding`.
 *
 * Linear in its parameters, which get the dtype of what follows; rows of tokens that do not occur have the gradient 0.
 *
 * @throws DTypeError, when applied, for tokens that are no integers; DomainError for a token outside the vocabulary.
 *
 * @example
 * const layer = embedding({ vocabulary: 27, features: 16 });
 * layer.apply(layer.init(random.key(0)), tensor([[3, 1, 4]], { dtype: "int32" })); // [1, 3, 16]
 */
export function embedding(options: EmbeddingOptions): Embedding {
  const { vocabulary, features, weightInit = lecun() } = options;
  checkSize(vocabulary, "embedding", "vocabulary");
  checkSize(features, "embedding", "features");
  const shape = [vocabulary, features];
  return {
    name: "embedding",
    options,
    init: (key, initOptions = {}) => ({ weight: weightInit(key, shape, initOptions) }),
    ...stateless((params: EmbeddingParams, x) => {
      checkIndices(x, "embedding");
      const weight = checkLeaf(params.weight, shape, "embedding", "params.weight");
      check([x], [x.rank], (tokens) => {
        const outside = tokens.find((token) => token < 0 || token >= vocabulary);
        if (outside === undefined) return null;
        return new DomainError(`embedding: x has the token ${outside}; wants 0 to ${vocabulary - 1}.`);
      });
      return take(weight, x, 0, { mode: "clip" });
    }),
  };
}

export interface PositionEmbeddingOptions {
  /** Largest number of positions. */
  readonly length: number;
  /** Length of the vector of each. */
  readonly features: number;
  /** Default `init.lecun()`: normal with variance 1/features, as tokens have. */
  readonly weightInit?: Initializer;
}

export interface PositionEmbedding extends Stateless<EmbeddingParams> {
  readonly name: "positionEmbedding";
  readonly options: PositionEmbeddingOptions;
}

/**
 * Adds a learned vector to each position: y_t = x_t + w_t over [..., positions, features], for at most `length` positions.
 *
 * @throws ShapeError, when applied, for more positions or other features.
 * Source: Gehring, Auli, Grangier, Yarats & Dauphin, Convolutional Sequence to Sequence Learning (2017), section 3.1.
 */
export function positionEmbedding(options: PositionEmbeddingOptions): PositionEmbedding {
  const { length, features, weightInit = lecun() } = options;
  checkSize(length, "positionEmbedding", "length");
  checkSize(features, "positionEmbedding", "features");
  const shape = [length, features];
  return {
    name: "positionEmbedding",
    options,
    init: (key, initOptions = {}) => ({ weight: weightInit(key, shape, initOptions) }),
    ...stateless((params: EmbeddingParams, x) => {
      checkSequence(x, features, "positionEmbedding");
      const weight = checkLeaf(params.weight, shape, "positionEmbedding", "params.weight");
      const positions = x.shape[x.rank - 2];
      if (positions > length) {
        throw new ShapeError(
          `positionEmbedding: x has shape ${formatShape(x.shape)}: ${positions} positions; wants at most ${length}.`,
        );
      }
      return x.add(weight.slice([0, positions]));
    }),
  };
}
