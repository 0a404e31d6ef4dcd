/** Wrong calls name the function, the argument, what it got and what it wants. */

import { isCurvError, tensor, zeros, type CurvErrorCode, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as nn from "@curv/nn";
import * as init from "@curv/nn/init";
import { expect, test } from "vitest";

const key = random.key(0);
const wrong = <T>(value: unknown): T => value as T;
const dense = nn.dense({ in: 3, out: 2 });
const conv = nn.conv({ in: 3, out: 2, kernel: 3 });
const norm = nn.batchNorm({ features: 3 });
const chain = nn.sequential([dense, nn.activation("relu")]);
const applyChain = (params: nn.ParamsOf<typeof chain>, x: Tensor): Tensor => chain.apply(params, x);
const embedding = nn.embedding({ vocabulary: 5, features: 2 });
const positions = nn.positionEmbedding({ length: 4, features: 2 });
const attention = nn.multiHeadAttention({ features: 4, heads: 2 });
const cross = nn.multiHeadAttention({ features: 4, heads: 2, contextFeatures: 3 });
const gru = nn.gru({ in: 3, out: 2 });
const lstm = nn.lstm({ in: 3, out: 2 });
const gpt = nn.gpt({ vocabulary: 5, length: 4, features: 4, heads: 2, layers: 1 });
/** Parameters of a layer without any. */
const none = null;
const image = zeros([1, 3, 4, 4]);

const calls: readonly [call: () => unknown, code: CurvErrorCode, message: string][] = [
  [() => nn.dense({ in: 0, out: 2 }), "CURV_DOMAIN", "dense: in is 0; wants an integer >= 1."],
  [() => nn.dense({ in: 2, out: wrong("3") }), "CURV_DOMAIN", "dense: out is 3; wants an integer >= 1."],
  [() => dense.apply(dense.init(key), zeros([5, 4])), "CURV_SHAPE", "dense: x has shape [5, 4]; wants 3 features on the last axis."],
  [() => dense.apply(dense.init(key), zeros([])), "CURV_SHAPE", "dense: x has shape []; wants 3 features on the last axis."],
  [() => dense.apply(dense.init(key), wrong([1, 2, 3])), "CURV_DTYPE", "dense: x is object; wants a Tensor."],
  [() => dense.apply(dense.init(key), tensor([1, 2, 3], { dtype: "int32" })), "CURV_DTYPE", 'dense: x is int32; wants float32 or float64 (x.cast("float32")).'],
  [() => dense.apply({ weight: zeros([3, 2]), bias: zeros([2]) }, zeros([1, 3])), "CURV_SHAPE", "dense: params.weight has shape [3, 2]; wants [2, 3]."],
  [() => dense.apply({ weight: zeros([2, 3]) }, zeros([1, 3])), "CURV_TREE", "dense: params.bias is undefined; wants a Tensor of shape [2]."],
  [() => nn.conv({ in: 3, out: 2, kernel: 0 }), "CURV_DOMAIN", "conv: kernel is 0; wants an integer >= 1."],
  [() => nn.conv({ in: 3, out: 2, kernel: [3, 3], dimensions: 3 }), "CURV_DOMAIN", "conv: kernel has 2 lengths; wants one for each of 3 dimensions."],
  [() => nn.conv({ in: 3, out: 2, kernel: 3, dimensions: 4 }), "CURV_DOMAIN", "conv: dimensions is 4; wants 1, 2 or 3."],
  [() => nn.conv({ in: 4, out: 6, kernel: 3, groups: 4 }), "CURV_DOMAIN", "conv: groups is 4; wants a divisor of in = 4 and out = 6."],
  [() => conv.apply(conv.init(key), zeros([1, 2, 5, 5])), "CURV_SHAPE", "conv: x has shape [1, 2, 5, 5]; wants [batch, 3, height, width]."],
  [() => conv.apply(conv.init(key), zeros([3, 5, 5])), "CURV_SHAPE", "conv: x has shape [3, 5, 5]; wants [batch, 3, height, width]."],
  [() => nn.batchNorm({ features: 3, momentum: 1.5 }), "CURV_DOMAIN", "batchNorm: momentum is 1.5; wants a number in [0, 1]."],
  [() => nn.batchNorm({ features: 3, epsilon: -1 }), "CURV_DOMAIN", "batchNorm: epsilon is -1; wants a finite number >= 0."],
  [() => norm.apply(norm.init(key), image), "CURV_TREE", "batchNorm: state is missing; pass {state}, which initState or the last applyWithState returned, or use apply with {train: true}."],
  [() => norm.applyWithState(norm.init(key), image, { train: true }), "CURV_TREE", "batchNorm: state is missing; pass {state}, which initState or the last applyWithState returned, or use apply with {train: true}."],
  [() => norm.apply(norm.init(key), zeros([2, 4]), { train: true }), "CURV_SHAPE", "batchNorm: x has shape [2, 4]; wants [batch, 3, …]."],
  [() => norm.apply(norm.init(key), zeros([1, 3]), { train: true }), "CURV_SHAPE", "batchNorm: x has shape [1, 3]: 1 value for each channel; training wants at least 2."],
  [() => norm.apply(norm.init(key), image, { state: { mean: zeros([2]), variance: zeros([3]) } }), "CURV_SHAPE", "batchNorm: state.mean has shape [2]; wants [3]."],
  [() => nn.layerNorm({ features: 4 }).apply({}, zeros([2, 3])), "CURV_SHAPE", "layerNorm: x has shape [2, 3]; wants […, 4]."],
  [() => nn.groupNorm({ features: 6, groups: 4 }), "CURV_DOMAIN", "groupNorm: groups is 4; wants a divisor of features = 6."],
  [() => nn.dropout({ rate: 1 }), "CURV_DOMAIN", "dropout: rate is 1; wants a number in [0, 1)."],
  [() => nn.dropout({ rate: 0.5 }).apply(none, image, { train: true }), "CURV_TREE", "dropout: key is missing; training wants {train: true, key}."],
  [() => nn.embedding({ vocabulary: 0, features: 2 }), "CURV_DOMAIN", "embedding: vocabulary is 0; wants an integer >= 1."],
  [() => embedding.apply(embedding.init(key), zeros([2])), "CURV_DTYPE", 'embedding: x is float32; wants int32 or uint32 (x.cast("int32")).'],
  [() => embedding.apply(embedding.init(key), wrong(3)), "CURV_DTYPE", "embedding: x is number; wants a Tensor."],
  [() => embedding.apply(embedding.init(key), tensor([0, 5], { dtype: "int32" })), "CURV_DOMAIN", "embedding: x has the token 5; wants 0 to 4."],
  [() => embedding.apply(embedding.init(key), tensor([-1], { dtype: "int32" })), "CURV_DOMAIN", "embedding: x has the token -1; wants 0 to 4."],
  [() => positions.apply(positions.init(key), zeros([5, 2])), "CURV_SHAPE", "positionEmbedding: x has shape [5, 2]: 5 positions; wants at most 4."],
  [() => positions.apply(positions.init(key), zeros([3, 3])), "CURV_SHAPE", "positionEmbedding: x has shape [3, 3]; wants […, length, 2]."],
  [() => nn.multiHeadAttention({ features: 6, heads: 4 }), "CURV_DOMAIN", "multiHeadAttention: heads is 4; wants a divisor of features = 6."],
  [() => nn.multiHeadAttention({ features: 6, heads: 2, contextFeatures: 3, causal: true }), "CURV_DOMAIN", "multiHeadAttention: causal is true, but a context has no order in common with x; leave one out."],
  [() => attention.apply(attention.init(key), zeros([2, 5])), "CURV_SHAPE", "multiHeadAttention: x has shape [2, 5]; wants […, length, 4]."],
  [() => attention.apply(wrong({ query: null }), zeros([2, 4])), "CURV_TREE", "multiHeadAttention: params is object; wants {query, key, value, out}."],
  [() => attention.apply(attention.init(key), zeros([2, 4]), { mask: zeros([2, 2]) }), "CURV_DTYPE", "attentionWeights: mask is float32; wants a bool Tensor."],
  [() => attention.apply(attention.init(key), zeros([2, 4]), { mask: zeros([3, 2]).equal(0) }), "CURV_SHAPE", "attentionWeights: mask has shape [3, 2]; it must broadcast to [2, 2, 2], […, queries, keys]."],
  [() => cross.apply(cross.init(key), zeros([2, 4])), "CURV_TREE", "multiHeadAttention: context is missing; pass {context}."],
  [() => cross.apply(cross.init(key), zeros([2, 4]), { context: zeros([5, 4]) }), "CURV_SHAPE", "multiHeadAttention: context has shape [5, 4]; wants […, length, 3]."],
  [() => nn.attentionWeights(zeros([2, 3]), zeros([2, 4])), "CURV_SHAPE", "attentionWeights: query has shape [2, 3], key [2, 4]; wants […, queries, d] and […, keys, d]."],
  [() => nn.attentionWeights(zeros([2, 3]), zeros([2, 3], { dtype: "int32" })), "CURV_DTYPE", 'attentionWeights: key is int32; wants float32 or float64 (key.cast("float32")).'],
  [() => nn.maxPool({ window: 2 }).apply(none, zeros([2, 3])), "CURV_SHAPE", "maxPool: x has shape [2, 3]; wants [batch, channels, …] with spatial axes."],
  [() => nn.globalAvgPool().apply(none, zeros([2, 3])), "CURV_SHAPE", "globalAvgPool: x has shape [2, 3]; wants [batch, channels, …] with spatial axes."],
  [() => nn.flatten().apply(none, zeros([])), "CURV_SHAPE", "flatten: x is a scalar; wants [batch, …]."],
  [() => nn.activation(wrong("swish")), "CURV_DOMAIN", 'activation: activation is "swish"; wants a function or one of elu, gelu, identity, leakyRelu, relu, sigmoid, silu, softplus, tanh.'],
  [() => applyChain(wrong([dense.init(key)]), zeros([1, 3])), "CURV_TREE", "sequential: params has 1 entries; wants an array of 2, one entry for each layer."],
  [() => applyChain(wrong(null), zeros([1, 3])), "CURV_TREE", "sequential: params is null; wants an array of 2, one entry for each layer."],
  [() => chain.applyWithState(chain.init(key), zeros([1, 3]), { state: wrong([]) }), "CURV_TREE", "sequential: state has 0 entries; wants an array of 2, one entry for each layer."],
  [() => nn.residual(dense).apply({ body: dense.init(key), shortcut: null }, zeros([1, 3])), "CURV_SHAPE", "residual: body returned shape [1, 2], shortcut [1, 3]; they must be equal. Give a shortcut that changes the shape as the body does."],
  [() => nn.residual(dense).apply(wrong(undefined), zeros([1, 3])), "CURV_TREE", "residual: params is undefined; wants {body, shortcut}."],
  [() => nn.mlp({ sizes: [3] }), "CURV_DOMAIN", "mlp: sizes has 1 entries; wants at least two, [in, …hidden, out]."],
  [() => nn.mlp({ sizes: [3, 2.5, 1] }), "CURV_DOMAIN", "mlp: sizes is 2.5; wants an integer >= 1."],
  [() => nn.cnn({ input: [28], channels: [4], out: 10 }), "CURV_DOMAIN", "cnn: input is [28]; wants [channels, …space] with 1 to 3 spatial axes."],
  [() => nn.cnn({ input: [1, 4, 4], channels: [2, 2, 2], out: 1 }), "CURV_DOMAIN", "cnn: 3 poolings by 2 leave nothing of [4, 4]; use fewer channels entries or pool: 1."],
  [() => nn.resnet({ depth: 21, out: 10 }), "CURV_DOMAIN", "resnet: depth is 21; wants 6n + 2: 8, 14, 20, …."],
  [() => nn.resnet({ depth: 20, out: 0 }), "CURV_DOMAIN", "resnet: out is 0; wants an integer >= 1."],
  [() => nn.residualBlock({ in: 1, out: 2, shortcut: wrong("A") }), "CURV_DOMAIN", 'residualBlock: shortcut is "A"; wants "projection" or "pad".'],
  [() => nn.padShortcut({ in: 3, out: 2 }), "CURV_DOMAIN", "padShortcut: out is 2; wants at least in = 3."],
  [() => nn.padShortcut({ in: 2, out: 2 }).apply(none, image), "CURV_SHAPE", "padShortcut: x has shape [1, 3, 4, 4]; wants [batch, 2, …]."],
  [() => nn.gru({ in: 0, out: 2 }), "CURV_DOMAIN", "gru: in is 0; wants an integer >= 1."],
  [() => nn.lstm({ in: 1, out: 2, output: wrong("all") }), "CURV_DOMAIN", 'lstm: output is "all"; wants "sequence" or "last".'],
  [() => gru.apply(gru.init(key), zeros([2, 5, 4])), "CURV_SHAPE", "gru: x has shape [2, 5, 4]; wants […, length, 3]."],
  [() => gru.apply(wrong({ weight: null }), zeros([2, 5, 3])), "CURV_TREE", "gru: params is object; wants {input, hidden}."],
  [() => gru.unroll(gru.init(key), zeros([2, 5, 3]), zeros([2])), "CURV_SHAPE", "gru: state has shape [2]; wants [2, 2]."],
  [() => lstm.unroll(lstm.init(key), zeros([5, 3]), wrong(zeros([2]))), "CURV_TREE", "lstm: state is object; wants {h, c}."],
  [() => lstm.step(lstm.init(key), zeros([3]), { h: zeros([2]), c: zeros([3]) }), "CURV_SHAPE", "lstm: state.c has shape [3]; wants [2]."],
  [() => nn.transformerBlock({ features: 4, heads: 3 }), "CURV_DOMAIN", "multiHeadAttention: heads is 3; wants a divisor of features = 4."],
  [() => nn.gpt({ vocabulary: 5, length: 4, features: 4, heads: 2, layers: 0 }), "CURV_DOMAIN", "gpt: layers is 0; wants an integer >= 1."],
  [() => gpt.apply(wrong({ embedding: null }), zeros([2], { dtype: "int32" })), "CURV_TREE", "gpt: params is object; wants {embedding, positions, blocks, norm}."],
  [() => gpt.apply(gpt.init(key), zeros([1, 5], { dtype: "int32" })), "CURV_SHAPE", "positionEmbedding: x has shape [1, 5, 4]: 5 positions; wants at most 4."],
  [() => init.he({ distribution: wrong("cauchy") }), "CURV_DOMAIN", 'varianceScaling: distribution is "cauchy"; wants "normal", "truncated" or "uniform".'],
  [() => init.varianceScaling(0), "CURV_DOMAIN", "varianceScaling: scale is 0; wants a finite number > 0."],
  [() => init.lecun()(key, [5]), "CURV_SHAPE", "fansOf: shape [5] has no fans; wants [out, in, …]."],
  [() => init.orthogonal()(key, [5]), "CURV_SHAPE", "orthogonal: shape [5] is no matrix; wants [out, in, …]."],
  [() => dense.init(wrong(0)), "CURV_DTYPE", "split: key is number; wants a key (random.key(0))."],
]; // prettier-ignore

test.each(calls.map(([call, code, message]) => ({ call, code, message })))("$message", ({ call, code, message }) => {
  let thrown: unknown;
  try {
    call();
  } catch (error) {
    thrown = error;
  }
  expect((thrown as Error | undefined)?.message).toBe(message);
  expect(isCurvError(thrown, code)).toBe(true);
});
