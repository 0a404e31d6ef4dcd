/** Layers and networks against PyTorch: outputs, gradients, Hessian-vector products, running statistics. */

import { readFileSync } from "node:fs";
import {
  arange,
  cos,
  grad,
  hessian,
  hvp,
  jvp,
  logSoftmax,
  oneHot,
  sin,
  tensor,
  type Tensor,
  type TensorData,
} from "@curv/tensor";
import * as linalg from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { expect, test } from "vitest";

type Named = Record<string, TensorData>;

interface Case {
  readonly name: string;
  readonly train: boolean;
  /** Whether x holds integers, and has no gradient. */
  readonly tokens?: boolean;
  readonly x: TensorData;
  readonly mask?: TensorData;
  readonly context?: TensorData;
  readonly params: Named;
  readonly state: Named;
  readonly y: TensorData;
  readonly gradientX?: TensorData;
  readonly gradientContext?: TensorData;
  readonly gradient: Named;
  readonly product: Named;
  readonly nextState: Named;
}

const norm = (features: number): nn.NormLayer => nn.batchNorm({ features });

const networks: Record<string, nn.Layer> = {
  dense: nn.dense({ in: 5, out: 3 }),
  "dense, no bias, three axes": nn.dense({ in: 4, out: 6, bias: false }),
  "conv 1-d": nn.conv({ in: 3, out: 4, kernel: 3, dimensions: 1, stride: 2, padding: 1 }),
  "conv 2-d": nn.conv({ in: 2, out: 3, kernel: [3, 2], stride: [2, 1], padding: [[1, 1], [2, 2]], dilation: [1, 2] }), // prettier-ignore
  "conv 2-d, groups": nn.conv({ in: 4, out: 6, kernel: 3, groups: 2, bias: false }),
  "conv 2-d, same": nn.conv({ in: 2, out: 3, kernel: 3, padding: "same" }),
  "conv 3-d": nn.conv({ in: 2, out: 3, kernel: [2, 2, 2] }),
  batchNorm: nn.batchNorm({ features: 3 }),
  "batchNorm of images": nn.batchNorm({ features: 3, epsilon: 1e-3, momentum: 0.3 }),
  "batchNorm, not affine": nn.batchNorm({ features: 3, affine: false }),
  residualBlock: nn.residualBlock({ in: 2, out: 4, stride: 2 }),
  "residualBlock, identity": nn.residualBlock({ in: 3, out: 3 }),
  cnn: nn.cnn({ input: [1, 8, 9], channels: [3, 4], hidden: [5], out: 3, activation: "tanh", norm }),
  layerNorm: nn.layerNorm({ features: 5 }),
  "layerNorm, two axes": nn.layerNorm({ features: [3, 4], epsilon: 1e-3 }),
  "layerNorm, not affine": nn.layerNorm({ features: 5, affine: false }),
  groupNorm: nn.groupNorm({ features: 6, groups: 2 }),
  "groupNorm, one group": nn.groupNorm({ features: 4, groups: 1, affine: false }),
  "groupNorm, each channel": nn.groupNorm({ features: 4, groups: 4 }),
  maxPool: nn.maxPool({ window: 3, stride: 2, padding: 1 }),
  avgPool: nn.avgPool({ window: 3, stride: 2, padding: 1 }),
  globalAvgPool: nn.globalAvgPool(),
  resnet: nn.resnet({ depth: 8, width: 1, out: 3 }),
  "resnet, projection": nn.resnet({ depth: 8, width: 1, out: 3, shortcut: "projection" }),
  gru: nn.gru({ in: 3, out: 4 }),
  "gru, last, no bias": nn.gru({ in: 2, out: 3, output: "last", bias: false }),
  "gru, reverse": nn.gru({ in: 2, out: 3, reverse: true }),
  "gru, two layers": nn.sequential([nn.gru({ in: 2, out: 3 }), nn.gru({ in: 3, out: 2, output: "last" })]),
  lstm: nn.lstm({ in: 3, out: 4 }),
  "lstm, last, no bias": nn.lstm({ in: 2, out: 3, output: "last", bias: false }),
  "lstm, reverse": nn.lstm({ in: 2, out: 3, reverse: true }),
  "lstm, two layers": nn.sequential([nn.lstm({ in: 2, out: 3 }), nn.lstm({ in: 3, out: 2, output: "last" })]),
  transformerBlock: nn.transformerBlock({ features: 4, heads: 2 }),
  "transformerBlock, mask": nn.transformerBlock({ features: 4, heads: 2, hidden: 5 }),
  gpt: nn.gpt({ vocabulary: 5, length: 4, features: 4, heads: 2, layers: 2 }),
  "gpt, untied": nn.gpt({ vocabulary: 5, length: 3, features: 4, heads: 1, layers: 1, tied: false }),
  embedding: nn.embedding({ vocabulary: 5, features: 3 }),
  positionEmbedding: nn.positionEmbedding({ length: 6, features: 3 }),
  attention: nn.multiHeadAttention({ features: 6, heads: 2 }),
  "attention, one head, no bias": nn.multiHeadAttention({ features: 3, heads: 1, bias: false }),
  "attention, causal": nn.multiHeadAttention({ features: 4, heads: 2, causal: true }),
  "attention, mask": nn.multiHeadAttention({ features: 4, heads: 2 }),
  "attention, causal, mask": nn.multiHeadAttention({ features: 4, heads: 4, causal: true }),
  "attention, context": nn.multiHeadAttention({ features: 4, heads: 2, contextFeatures: 3 }),
  "attention, context, mask": nn.multiHeadAttention({ features: 4, heads: 2, contextFeatures: 3 }),
  ...Object.fromEntries(
    (["elu", "gelu", "leakyRelu", "relu", "sigmoid", "silu", "softplus", "tanh"] as const).map((activation) => [
      `mlp, ${activation}`,
      nn.mlp({ sizes: [3, 4, 4, 2], activation }),
    ]),
  ),
};

const float64 = (data: TensorData): Tensor => tensor(data, { dtype: "float64" });

/** max |a − b| / max |b|. */
function relativeError(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const x = [...a.dataSync()];
  const y = [...b.dataSync()];
  const scale = y.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  return x.reduce((m, v, i) => Math.max(m, Math.abs(v - y[i])), 0) / (scale || 1);
}

/** The tree of `template` with the values of the same names. */
function fill<T>(template: T, values: Named): T {
  const names = tree.leavesWithPath(template as never).map(({ path }) => path.join("."));
  expect(names.sort()).toEqual(Object.keys(values).sort());
  const { leaves, structure } = tree.flatten(template as never);
  const order = tree.leavesWithPath(template as never).map(({ path }) => path.join("."));
  return tree.unflatten(
    structure,
    leaves.map((_, i) => float64(values[order[i]])),
  ) as T;
}

function expectTree(got: unknown, wanted: Named, tolerance: number): void {
  const leaves = tree.leavesWithPath(got as never);
  expect(leaves.map(({ path }) => path.join(".")).sort()).toEqual(Object.keys(wanted).sort());
  // Against the largest of all: a bias before a batch norm has the derivative 0.
  const scale = Math.max(1e-3, ...Object.values(wanted).map((v) => float64(v).abs().max().itemSync()));
  for (const { path, leaf } of leaves) {
    const name = path.join(".");
    const error = leaf.sub(float64(wanted[name])).abs().max().itemSync() / scale;
    expect(error, name).toBeLessThan(tolerance);
  }
}

const cases = ["torch-layers", "torch-networks"].flatMap(
  (file) => JSON.parse(readFileSync(new URL(`./fixtures/${file}.json`, import.meta.url), "utf8")) as Case[],
);

test.each(cases)("$name", { timeout: 30_000 }, (given) => {
  const model = networks[given.name.replace(/, (train|eval)$/, "")];
  const key = random.key(0);
  const params = fill(model.init(key, { dtype: "float64" }), given.params);
  const state = fill(model.initState({ dtype: "float64" }), given.state);
  const mask = given.mask && tensor(given.mask, { dtype: "bool" });
  const context = given.context && float64(given.context);
  const options: nn.ApplyOptions = {
    train: given.train,
    state,
    ...(mask && (context ? { contextMask: mask } : { mask })),
    ...(context && { context }),
  };
  const x = given.tokens ? tensor(given.x, { dtype: "int32" }) : float64(given.x);

  const [y, next] = model.applyWithState(params, x, options);
  expect(relativeError(y, float64(given.y))).toBeLessThan(1e-13);
  expect(relativeError(model.apply(params, x, options), y)).toBe(0);
  expectTree(next, given.nextState, 1e-14);

  const f = (p: unknown, input: Tensor, more: nn.ApplyOptions = options): Tensor => {
    const out = model.apply(p, input, more);
    const c = cos(arange(out.size, { dtype: "float64" }).add(1)).reshape(out.shape);
    return out.square().div(2).add(out).mul(c).sum();
  };
  const loss = f as unknown as (p: { weight: Tensor }, input: Tensor) => Tensor;
  const p = params as { weight: Tensor };
  if (given.gradientX) {
    expect(relativeError(grad((input: Tensor) => f(params, input))(x), float64(given.gradientX))).toBeLessThan(1e-12);
  }
  if (context) {
    const slope = grad((c: Tensor) => f(params, x, { ...options, context: c }))(context);
    expect(relativeError(slope, float64(given.gradientContext!))).toBeLessThan(1e-12);
  }
  if (Object.keys(given.params).length === 0) return;
  expectTree(grad(loss)(p, x), given.gradient, 1e-12);

  // v = sin(0.5, 1.5, …) in the order of the names.
  let first = 0.5;
  const direction: Named = {};
  for (const name of Object.keys(given.params).sort()) {
    const { shape, size } = float64(given.params[name]);
    direction[name] = sin(arange(size, { dtype: "float64" }).add(first))
      .reshape(shape)
      .arraySync() as TensorData;
    first += size;
  }
  expectTree(hvp(loss, p, fill(p, direction), x), given.product, 1e-12);
});

interface CurvatureCase {
  readonly name: string;
  readonly train: boolean;
  readonly x: TensorData;
  readonly labels: TensorData;
  readonly params: Named;
  readonly state: Named;
  readonly logits: TensorData;
  readonly loss: number;
  readonly gradient: Named;
  readonly directions: readonly Named[];
  readonly products: readonly Named[];
  readonly ggnProducts: readonly Named[];
  readonly eigenvalues: readonly number[];
}

const convNet = nn.sequential([
  nn.conv({ in: 2, out: 3, kernel: 3, padding: 1, bias: false }),
  nn.batchNorm({ features: 3 }),
  nn.activation("tanh"),
  nn.avgPool({ window: 2 }),
  nn.conv({ in: 3, out: 4, kernel: 3, padding: 1, bias: false }),
  nn.batchNorm({ features: 4 }),
  nn.activation("tanh"),
  nn.flatten(),
  nn.dense({ in: 16, out: 3 }),
]);

const classifiers: Record<string, nn.Layer> = {
  mlp: nn.mlp({ sizes: [4, 6, 5, 3], activation: "tanh" }),
  "conv net, train": convNet,
  "conv net, eval": convNet,
  gru: nn.sequential([nn.gru({ in: 3, out: 4, output: "last" }), nn.dense({ in: 4, out: 3 })]),
  lstm: nn.sequential([nn.lstm({ in: 3, out: 4, output: "last" }), nn.dense({ in: 4, out: 3 })]),
  "attention block": nn.sequential([
    nn.residual(nn.sequential([nn.layerNorm({ features: 4 }), nn.multiHeadAttention({ features: 4, heads: 2 })])),
    nn.residual(
      nn.sequential([
        nn.layerNorm({ features: 4 }),
        nn.dense({ in: 4, out: 8 }),
        nn.activation("gelu"),
        nn.dense({ in: 8, out: 4 }),
      ]),
    ),
    nn.flatten(),
    nn.dense({ in: 12, out: 3 }),
  ]),
};

const curvatureCases = JSON.parse(
  readFileSync(new URL("./fixtures/torch-curvature.json", import.meta.url), "utf8"),
) as CurvatureCase[];

test.each(curvatureCases)("curvature of a classifier: $name", { timeout: 60_000 }, (given) => {
  const model = classifiers[given.name];
  type Params = { readonly weight: Tensor };
  const params = fill(model.init(random.key(0), { dtype: "float64" }), given.params) as Params;
  const state = fill(model.initState({ dtype: "float64" }), given.state);
  const x = float64(given.x);
  const labels = oneHot(tensor(given.labels, { dtype: "int32" }), 3, { dtype: "float64" });
  const logits = (p: Params): Tensor => model.apply(p, x, { train: given.train, state });
  const cost = (z: Tensor): Tensor => logSoftmax(z).mul(labels).sum(-1).mean().neg();
  const loss = (p: Params): Tensor => cost(logits(p));

  expect(relativeError(logits(params), float64(given.logits))).toBeLessThan(1e-13);
  expect(Math.abs(loss(params).itemSync() - given.loss) / given.loss).toBeLessThan(1e-14);
  expectTree(grad(loss)(params), given.gradient, 1e-12);
  given.directions.forEach((direction, k) => {
    const v = fill(params, direction);
    expectTree(hvp(loss, params, v), given.products[k], 1e-12);
    // Gauss–Newton: through the logits by their tangent, the Hessian of the loss there, and back.
    const Jv = jvp(logits, [params], [v]).tangent;
    const HJv = hvp(cost, logits(params), Jv);
    expectTree(grad((p: Params) => logits(p).mul(HJv).sum())(params), given.ggnProducts[k], 1e-12);
  });

  const { vector, unravel } = tree.ravel(params);
  const H = hessian((p: Tensor) => loss(unravel(p)))(vector);
  expect(relativeError(linalg.eigvalsh(H), float64([...given.eigenvalues]))).toBeLessThan(1e-11);
});
