/**
 * Neural network layers as pure functions, with parameters and state as trees of tensors.
 *
 * @packageDocumentation
 */

export {
  activation,
  elu,
  gelu,
  silu,
  type Activation,
  type ActivationFunction,
  type ActivationName,
} from "./activation.js";
export { attentionWeights, type AttentionWeightsOptions } from "./attention-weights.js";
export { batchNorm, type BatchNorm, type BatchNormOptions, type BatchNormState } from "./batch-norm.js";
export { cnn, type Cnn, type CnnLayer, type CnnOptions } from "./cnn.js";
export { conv, type Conv, type ConvOptions, type ConvParams } from "./conv.js";
export { dense, type Dense, type DenseOptions, type DenseParams } from "./dense.js";
export { dropout, type Dropout, type DropoutOptions } from "./dropout.js";
export {
  embedding,
  positionEmbedding,
  type Embedding,
  type EmbeddingOptions,
  type EmbeddingParams,
  type PositionEmbedding,
  type PositionEmbeddingOptions,
} from "./embedding.js";
export { flatten, type Flatten } from "./flatten.js";
export { generate, type GenerateOptions, type GenerateProgress } from "./generate.js";
export { gpt, type Gpt, type GptOptions, type GptParams } from "./gpt.js";
export { groupNorm, type GroupNorm, type GroupNormOptions } from "./group-norm.js";
export { gru, type Gru } from "./gru.js";
export { layerNorm, type LayerNorm, type LayerNormOptions } from "./layer-norm.js";
export {
  stateless,
  type ApplyOptions,
  type InitOptions,
  type Layer,
  type ParamsOf,
  type Stateless,
  type StateOf,
  type Tap,
  type TapPlace,
} from "./layer.js";
export { lstm, type Lstm, type LstmState } from "./lstm.js";
export { mlp, type Mlp, type MlpOptions } from "./mlp.js";
export {
  multiHeadAttention,
  type MultiHeadAttention,
  type MultiHeadAttentionOptions,
  type MultiHeadAttentionParams,
} from "./multi-head-attention.js";
export { type NormLayer, type NormOptions, type NormParams } from "./normalize.js";
export { padShortcut, type PadShortcut, type PadShortcutOptions } from "./pad-shortcut.js";
export { avgPool, globalAvgPool, maxPool, type GlobalAvgPool, type Pool } from "./pooling.js";
export { type Recurrent, type RecurrentOptions, type RecurrentParams, type Unrolled } from "./recurrent.js";
export { residual, type Residual, type ResidualOptions, type ResidualParams, type ResidualState } from "./residual.js";
export {
  residualBlock,
  type ResidualBlock,
  type ResidualBlockLayer,
  type ResidualBlockOptions,
  type ShortcutKind,
} from "./residual-block.js";
export { resnet, type Resnet, type ResnetLayer, type ResnetOptions } from "./resnet.js";
export { sequential, type Sequential, type SequentialParams, type SequentialState } from "./sequential.js";
export {
  transformerBlock,
  type TransformerBlock,
  type TransformerBlockLayer,
  type TransformerBlockOptions,
} from "./transformer-block.js";
