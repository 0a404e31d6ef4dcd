/** The block that transformers are stacked from. */

import { activation as activationLayer, type Activation, type ActivationFunction } from "./activation.js";
import { checkFraction, checkSize } from "./arguments.js";
import { dense, type DenseParams } from "./dense.js";
import { dropout as dropoutLayer } from "./dropout.js";
import { hiddenInit } from "./hidden-init.js";
import type { Initializer } from "./init/initializer.js";
import { lecun } from "./init/variance-scaling.js";
import { layerNorm } from "./layer-norm.js";
import type { Layer } from "./layer.js";
import { multiHeadAttention, type MultiHeadAttentionParams } from "./multi-head-attention.js";
import type { NormParams } from "./normalize.js";
import { residual, type Residual } from "./residual.js";
import { sequential, type Sequential } from "./sequential.js";

export interface TransformerBlockOptions {
  /** Number of features of input and output. */
  readonly features: number;
  /** Number of heads; it divides `features`. */
  readonly heads: number;
  /** Number of hidden features after the attention. Default 4 · features. */
  readonly hidden?: number;
  /** Whether a position sees only itself and those before it. Default false. */
  readonly causal?: boolean;
  /** Between the two dense layers. Default "gelu". */
  readonly activation?: ActivationFunction;
  /** Rate of dropout on the weights of the attention and on both terms that are added. Default 0. */
  readonly dropout?: number;
  /** Of the two maps that end in a sum. Default `init.lecun()`; with a smaller variance deep stacks start nearer to the identity. */
  readonly residualInit?: Initializer;
}

/** What a block is made of. */
export type TransformerBlockLayer = Layer<NormParams | MultiHeadAttentionParams | DenseParams | null, null>;

export type TransformerBlock = Sequential<
  readonly Residual<Sequential<readonly TransformerBlockLayer[]>, Activation>[]
>;

/**
 * Self-attention and a perceptron, each with a layer norm before it and the identity around it: h = x + attention(norm(x)),
 * y = h + mlp(norm(h)), over [..., length, features].
 *
 * The options `mask` and `tap` of `apply` reach the layers inside.
 *
 * @throws DomainError if the heads do not divide the features.
 * Source: Vaswani et al., Attention Is All You Need (2017), section 3.1, with the norm before as in Xiong et al., On Layer Normalization in
 * the Transformer Architecture (2020), table 1.
 */
export function transformerBlock(options: TransformerBlockOptions): TransformerBlock {
  const { features, heads, causal = false, activation = "gelu", dropout = 0, residualInit = lecun() } = options;
  const { hidden = 4 * features } = options;
  checkSize(features, "transformerBlock", "features");
  checkSize(hidden, "transformerBlock", "hidden");
  checkFraction(dropout, "transformerBlock", "dropout");
  const drop: TransformerBlockLayer[] = dropout === 0 ? [] : [dropoutLayer({ rate: dropout })];
  const branch = (layers: readonly TransformerBlockLayer[]): TransformerBlock["layers"][number] =>
    residual(sequential<readonly TransformerBlockLayer[]>([layerNorm({ features }), ...layers, ...drop]));
  return sequential<TransformerBlock["layers"]>([
    branch([multiHeadAttention({ features, heads, causal, dropout, outInit: residualInit })]),
    branch([
      dense({ in: features, out: hidden, weightInit: hiddenInit(activation) }),
      activationLayer(activation),
      dense({ in: hidden, out: features, weightInit: residualInit }),
    ]),
  ]);
}
