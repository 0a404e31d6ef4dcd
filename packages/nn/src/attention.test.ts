/** What holds for attention. */

import { fc, test } from "@fast-check/vitest";
import {
  concat,
  full,
  grad,
  hessian,
  jacrev,
  jit,
  ones,
  stack,
  take,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect } from "vitest";

const float64 = { dtype: "float64" } as const;
const [paramsKey, dataKey, contextKey] = random.split(random.key(3), 3);
const distance = (x: Tensor, y: Tensor): number => x.sub(y).abs().max().itemSync();
const normal = (key: random.Key, ...shape: number[]): Tensor => random.normal(key, { shape, ...float64 });
const bool = (data: number[], ...shape: number[]): Tensor => tensor(data, { dtype: "bool" }).reshape(shape);

const layer = nn.multiHeadAttention({ features: 6, heads: 3 });
const params = layer.init(paramsKey, float64);
const x = normal(dataKey, 2, 5, 6);

describe("attentionWeights", () => {
  test.prop([fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }), fc.boolean()], { numRuns: 20 })(
    "are positive and sum to 1 over the keys",
    (queries, keys, causal) => {
      const weights = nn.attentionWeights(normal(dataKey, 2, queries, 3), normal(contextKey, 2, keys, 3), {
        causal: causal && queries <= keys,
      });
      expect(weights.min().itemSync()).toBeGreaterThanOrEqual(0);
      expect(distance(weights.sum(-1), ones([2, queries], float64))).toBeLessThan(1e-14);
    },
  );

  test("with one query hold the keys by softmax(q·k/√d)", () => {
    const weights = nn.attentionWeights(tensor([[2, 0, 0, 0]], float64), tensor([[3, 1, 0, 0], [1, 0, 5, 0]], float64)); // prettier-ignore
    expect(distance(weights, tensor([[Math.exp(3), Math.exp(1)]], float64).div(Math.exp(3) + Math.exp(1)))).toBeLessThan(1e-15); // prettier-ignore
  });

  test("causal: fewer queries than keys are the last ones", () => {
    const keys = normal(contextKey, 4, 3);
    const queries = normal(dataKey, 4, 3);
    const all = nn.attentionWeights(queries, keys, { causal: true });
    expect(distance(nn.attentionWeights(queries.slice([2, 4]), keys, { causal: true }), all.slice([2, 4]))).toBe(0);
    expect([...all.notEqual(0).cast("int32").dataSync()].join("")).toBe("1000110011101111");
  });

  test("of a query that may look nowhere are 0, with derivatives 0, in float32 and with huge scores too", () => {
    const mask = bool([1, 1, 0, 0], 2, 2);
    for (const dtype of ["float32", "float64"] as const) {
      const k = normal(contextKey, 2, 3).mul(1e18).cast(dtype);
      const f = (q: Tensor): Tensor => nn.attentionWeights(q, k, { mask });
      const q = normal(dataKey, 2, 3).mul(1e18).cast(dtype);
      expect([...f(q).sum(-1).dataSync()]).toEqual([1, 0]);
      expect([...hessian((p: Tensor) => f(p).mul(tensor([1, 2], { dtype })).sum())(q).dataSync()].every(Number.isFinite)).toBe(true); // prettier-ignore
    }
  });
});

describe("multiHeadAttention", () => {
  test("does not know the order of positions", () => {
    const order = tensor([3, 0, 4, 1, 2], { dtype: "int32" });
    const y = layer.apply(params, take(x, order, 1));
    expect(distance(y, take(layer.apply(params, x), order, 1))).toBeLessThan(1e-14);
  });

  test("is, head by head, the sum of values by weights", () => {
    const affine = (name: "query" | "key" | "value" | "out", v: Tensor): Tensor =>
      v.matmul(params[name].weight.T).add(params[name].bias!);
    const heads = [0, 1, 2].map((h) => {
      const part = (name: "query" | "key" | "value"): Tensor =>
        affine(name, x.slice(1)).slice(null, [2 * h, 2 * h + 2]);
      const scores = part("query").matmul(part("key").T).div(Math.SQRT2).exp();
      return scores.div(scores.sum(-1, { keepDims: true })).matmul(part("value"));
    });
    expect(distance(layer.apply(params, x).slice(1), affine("out", concat(heads, 1)))).toBeLessThan(1e-14);
  });

  test("causal: a position depends on itself and those before it alone", () => {
    const causal = nn.multiHeadAttention({ features: 6, heads: 3, causal: true });
    const J = jacrev((v: Tensor) => causal.apply(params, v))(x.slice(0))
      .abs()
      .sum([1, 3]);
    expect([...J.notEqual(0).cast("int32").dataSync()].join("")).toBe("1000011000111001111011111");
  });

  test("a mask hides padding: outputs and gradients are those of the shorter sequence", () => {
    const mask = bool([1, 1, 1, 0, 0], 1, 1, 1, 5);
    const short = x.slice(null, [0, 3]);
    expect(distance(layer.apply(params, x, { mask }).slice(null, [0, 3]), layer.apply(params, short))).toBeLessThan(1e-14); // prettier-ignore
    const loss = (p: typeof params, v: Tensor, options: nn.ApplyOptions<null>): Tensor =>
      layer.apply(p, v, options).slice(null, [0, 3]).square().sum();
    const difference = tree.sub(
      grad((p: typeof params) => loss(p, x, { mask }))(params),
      grad((p: typeof params) => loss(p, short, {}))(params),
    );
    expect(tree.norm(difference).itemSync()).toBeLessThan(1e-13);
  });

  test("sees the context alone for keys and values, through containers too, where contextMask lets it", () => {
    const net = nn.sequential([
      nn.multiHeadAttention({ features: 6, heads: 2 }),
      nn.residual(nn.multiHeadAttention({ features: 6, heads: 2, contextFeatures: 4 })),
    ]);
    const p = net.init(paramsKey, float64);
    const context = normal(contextKey, 2, 7, 4);
    const contextMask = full([2, 1, 1, 7], 1).notEqual(0);
    const y = net.apply(p, x, { context });
    expect(distance(net.apply(p, x, { context, contextMask }), y)).toBe(0);
    const [own, cross] = [p[0], p[1].body];
    const inner = net.layers[0].apply(own, x);
    const wanted = net.layers[1].body.apply(cross, inner, { context }).add(inner);
    expect(distance(y, wanted)).toBe(0);
    const half = concat([contextMask.slice(null, null, null, [0, 3]), zeros([2, 1, 1, 4]).notEqual(0)], 3);
    const shorter = net.apply(p, x, { context: context.slice(null, [0, 3]) });
    expect(distance(net.apply(p, x, { context, contextMask: half }), shorter)).toBeLessThan(1e-14);
    // The mask of self-attention is another one.
    expect(distance(net.apply(p, x, { context, mask: zeros([5, 5]).notEqual(0) }), y)).toBeGreaterThan(0.1);
  });

  test("masks may be arguments of compiled and mapped functions", () => {
    const masks = random.bernoulli(contextKey, 0.2, { shape: [2, 1, 5, 5] });
    const loss = (p: typeof params, v: Tensor, mask: Tensor): Tensor => layer.apply(p, v, { mask }).square().sum();
    const whole = grad(loss)(params, x, masks);
    const compiled = jit(grad(loss))(params, x, masks);
    const each = vmap(grad(loss), { inAxes: [null, 0, 0] })(params, x, masks);
    for (const other of [compiled, tree.map((g: Tensor) => g.sum(0), each)]) {
      expect(tree.norm(tree.sub(other, whole)).itemSync()).toBeLessThan(1e-12);
    }
    // Some of the queries see nothing at all, or this shows less than it says.
    expect(masks.any(-1).all().itemSync()).toBe(0);
  });

  test("the bias of the keys is a flat direction; that of the queries is not", () => {
    const loss = (p: typeof params): Tensor => layer.apply(p, x).square().sum();
    const gradient = grad(loss)(params);
    expect(gradient.key.bias!.abs().max().itemSync()).toBeLessThan(1e-13);
    expect(gradient.query.bias!.abs().max().itemSync()).toBeGreaterThan(1e-3);
  });

  test("drops weights in training: the mean over keys is the output of evaluation", () => {
    const drops = nn.multiHeadAttention({ features: 6, heads: 3, dropout: 0.4 });
    expect(distance(drops.apply(params, x), layer.apply(params, x))).toBe(0);
    const keys = stack([...random.split(contextKey, 1000)]);
    const all = vmap((key: random.Key) => drops.apply(params, x, { train: true, key }))(keys);
    const mean = all.mean(0);
    const deviation = all.sub(mean).square().mean(0).div(1000).sqrt();
    expect(deviation.min().itemSync()).toBeGreaterThan(0);
    // Affine in the weights; 60 values, 5 standard errors.
    expect(mean.sub(layer.apply(params, x)).div(deviation).abs().max().itemSync()).toBeLessThan(5);
  });

  test("taps see the four maps", () => {
    const seen: string[] = [];
    const tap: nn.Tap = (y, { path, layer }) => (seen.push(`${path.join(".")} ${layer.name}`), y);
    nn.sequential([layer]).apply([params], x, { tap });
    expect(seen).toEqual(["0.query dense", "0.key dense", "0.value dense", "0.out dense", "0 multiHeadAttention"]);
  });
});
