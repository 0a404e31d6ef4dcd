/** What holds for every layer and every network made of layers. */

import { fc, test } from "@fast-check/vitest";
import {
  concat,
  grad,
  hessian,
  hvp,
  isCurvError,
  jit,
  ones,
  stack,
  tensor,
  valueAndGrad,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect, expectTypeOf } from "vitest";

const float64 = { dtype: "float64" } as const;
const key = random.key(7);
const [paramsKey, dataKey, dropoutKey, directionKey] = random.split(key, 4);
const distance = (x: Tensor, y: Tensor): number => x.sub(y).abs().max().itemSync();
const largest = (x: unknown): number => Math.max(0, ...leavesOf(x).map((leaf) => leaf.abs().max().itemSync()));
const leavesOf = (x: unknown): Tensor[] => tree.flatten(x as never).leaves;
const treeDistance = (x: unknown, y: unknown): number => largest(tree.sub(x as never, y as never));

const norm = (features: number): nn.NormLayer => nn.batchNorm({ features });

/** A network with everything: state, randomness, branches. */
const model = nn.sequential([
  nn.conv({ in: 2, out: 3, kernel: 3, padding: "same", bias: false }),
  nn.batchNorm({ features: 3 }),
  nn.activation("tanh"),
  nn.residualBlock({ in: 3, out: 4, stride: 2, activation: "gelu" }),
  nn.maxPool({ window: 2 }),
  nn.groupNorm({ features: 4, groups: 2 }),
  nn.flatten(),
  nn.dropout({ rate: 0.3 }),
  nn.residual(nn.dense({ in: 4, out: 4 }), { activation: "silu" }),
  nn.layerNorm({ features: 4 }),
  nn.dense({ in: 4, out: 2 }),
]);
const params = model.init(paramsKey, float64);
const x = random.normal(dataKey, { shape: [5, 2, 4, 4], ...float64 });
/** Statistics of some training. */
const state = [1, 2, 3].reduce(
  (s) => model.applyWithState(params, x, { train: true, key: dropoutKey, state: s })[1],
  model.initState(float64),
);
const modes = [
  { mode: "evaluation", options: { state } },
  { mode: "training", options: { state, train: true, key: dropoutKey } },
];

describe.each(modes)("$mode", ({ options }) => {
  const loss = (p: typeof params, input: Tensor): Tensor => model.apply(p, input, options).square().sum();

  test("apply is the first result of applyWithState", () => {
    expect(distance(model.apply(params, x, options), model.applyWithState(params, x, options)[0])).toBe(0);
  });

  test("jit gives the same outputs, states and gradients", () => {
    const both = jit((p: typeof params, input: Tensor, s: typeof state, k: random.Key) => {
      const f = (q: typeof params): [Tensor, typeof state] => {
        const [y, next] = model.applyWithState(q, input, { ...options, state: s, key: k });
        return [y.square().sum(), next];
      };
      return valueAndGrad(f, { hasAux: true })(p);
    });
    const compiled = both(params, x, state, dropoutKey);
    expect(distance(compiled.value, loss(params, x))).toBeLessThan(1e-12);
    expect(treeDistance(compiled.grad, grad(loss)(params, x))).toBeLessThan(1e-12);
    expect(treeDistance(compiled.aux, model.applyWithState(params, x, options)[1])).toBeLessThan(1e-14);
  });

  test("vmap over parameters is an ensemble", () => {
    const members = random.split(key, 3).map((k) => model.init(k, float64));
    const stacked = tree.map((...leaves: Tensor[]) => stack(leaves), members[0], ...members.slice(1));
    const all = vmap((p: typeof params) => model.apply(p, x, options))(stacked);
    members.forEach((p, i) => expect(distance(all.slice(i), model.apply(p, x, options))).toBeLessThan(1e-13));
  });

  test("the Hessian is symmetric and its products are differences of gradients", () => {
    const v = tree.randomLike(directionKey, params);
    const w = tree.randomLike(dataKey, params);
    const Hv = hvp(loss, params, v, x);
    const Hw = hvp(loss, params, w, x);
    const scale = largest(Hv) * Math.sqrt(tree.size(params));
    expect(tree.dot(w, Hv).sub(tree.dot(v, Hw)).abs().itemSync() / scale).toBeLessThan(1e-11);
    const h = 1e-6;
    const ahead = grad(loss)(tree.axpy(h, v, params), x);
    const behind = grad(loss)(tree.axpy(-h, v, params), x);
    const difference = tree.scale(1 / (2 * h), tree.sub(ahead, behind));
    expect(treeDistance(Hv, difference) / scale).toBeLessThan(1e-7);
  });
});

test("a Hessian over raveled parameters is that of the network", () => {
  const small = nn.mlp({ sizes: [2, 3, 1], activation: "tanh" });
  const p = small.init(paramsKey, float64);
  const input = random.normal(dataKey, { shape: [6, 2], ...float64 });
  const { vector, unravel } = tree.ravel(p);
  const H = hessian((v: Tensor) => small.apply(unravel(v), input).square().mean())(vector);
  expect(H.shape).toEqual([13, 13]);
  expect(distance(H, H.T)).toBeLessThan(1e-15);
});

test("gradients of single examples, by vmap over a batch of one", () => {
  const loss = (p: typeof params, example: Tensor): Tensor =>
    model.apply(p, example.expandDims(0), { state }).square().sum();
  const each = vmap(grad(loss), { inAxes: [null, 0] })(params, x);
  const total = tree.map((g: Tensor) => g.sum(0), each);
  const whole = grad((p: typeof params) => model.apply(p, x, { state }).square().sum())(params);
  expect(treeDistance(total, whole)).toBeLessThan(1e-12);
});

describe("sequential", () => {
  test.prop([fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 5 })], { numRuns: 20 })(
    "is the composition of its layers, whatever the bracketing",
    (sizes) => {
      const layers = sizes.slice(1).map((out, i) => nn.dense({ in: sizes[i], out }));
      const p = layers.map((layer, i) => layer.init(random.foldIn(paramsKey, i), float64));
      const input = random.normal(dataKey, { shape: [3, sizes[0]], ...float64 });
      const wanted = layers.reduce((y, layer, i) => layer.apply(p[i], y), input);
      expect(distance(nn.sequential(layers).apply(p, input), wanted)).toBe(0);
      const nested = nn.sequential([nn.sequential([layers[0]]), nn.sequential(layers.slice(1))]);
      expect(distance(nested.apply([[p[0]], p.slice(1)], input), wanted)).toBe(0);
    },
  );

  test("the types of parameters and state are those of the layers", () => {
    const small = nn.sequential([nn.dense({ in: 1, out: 2 }), nn.batchNorm({ features: 2 }), nn.flatten()]);
    type P = nn.ParamsOf<typeof small>;
    expectTypeOf<P>().toEqualTypeOf<readonly [nn.DenseParams, nn.NormParams, null]>();
    expectTypeOf<nn.StateOf<typeof small>>().toEqualTypeOf<readonly [null, nn.BatchNormState, null]>();
    const gradient = grad((p: P) => small.apply(p, ones([2, 1]), { train: true }).sum())(small.init(key));
    expectTypeOf(gradient).toEqualTypeOf<P>();
    expect(gradient[0].weight.shape).toEqual([2, 1]);
  });

  test("layers draw different parameters and masks", () => {
    const twins = nn.sequential([nn.dense({ in: 5, out: 5 }), nn.dense({ in: 5, out: 5 })]);
    const [a, b] = twins.init(paramsKey);
    expect(distance(a.weight, b.weight)).toBeGreaterThan(0.1);
    const drops = nn.sequential([nn.dropout({ rate: 0.5 }), nn.dropout({ rate: 0.5 })]);
    const kept = drops.apply([null, null], ones([10_000]), { train: true, key }).notEqual(0);
    expect(kept.cast("float64").mean().itemSync()).toBeCloseTo(0.25, 1);
  });

  test("of nothing is the identity", () => {
    expect(distance(nn.sequential([]).apply([], x), x)).toBe(0);
  });
});

describe("taps", () => {
  test("see every layer with the path of its parameters, innermost first", () => {
    const seen: string[] = [];
    const block = nn.sequential([nn.residual(nn.sequential([nn.dense({ in: 2, out: 2 })])), nn.activation("relu")]);
    const p = block.init(key);
    block.apply(p, ones([1, 2]), {
      tap: (y, { path, layer }) => {
        seen.push(`${path.join(".")} ${layer.name}`);
        return y;
      },
    });
    expect(seen).toEqual([
      "0.body.0 dense",
      "0.body sequential",
      "0.shortcut activation",
      "0 residual",
      "1 activation",
    ]);
    expect(tree.leavesWithPath(p).map(({ path }) => path.join("."))).toEqual(["0.body.0.bias", "0.body.0.weight"]);
  });

  test("collect inputs and, by a perturbation of zero, the gradients of outputs", () => {
    const small = nn.mlp({ sizes: [3, 4, 2], activation: "tanh" });
    const p = small.init(paramsKey, float64);
    const input = random.normal(dataKey, { shape: [6, 3], ...float64 });
    const inputs: Tensor[] = [];
    const f = (delta: Tensor): [Tensor, Tensor[]] => {
      inputs.length = 0;
      const tap: nn.Tap = (y, place) => {
        if (place.layer.name === "dense") inputs.push(place.input);
        return place.path[0] === 0 ? y.add(delta) : y;
      };
      return [small.apply(p, input, { tap }).square().sum(), [...inputs]];
    };
    const { grad: outputs, aux } = grad(f, { hasAux: true })(zeros([6, 4], float64));
    const wanted = grad((q: typeof p) => small.apply(q, input).square().sum())(p);
    // ∂f/∂W = gᵀ x.
    expect(distance(outputs.T.matmul(aux[0]), wanted[0]!.weight)).toBeLessThan(1e-13);
  });

  test("work in applyWithState, too", () => {
    const tap: nn.Tap = (y, { path }) => (path.length === 1 && path[0] === 10 ? y.mul(0) : y);
    expect(largest(model.applyWithState(params, x, { state, tap })[0])).toBe(0);
  });
});

describe("batchNorm", () => {
  const layer = nn.batchNorm({ features: 3, momentum: 0.25 });
  const p = layer.init(key, float64);
  const initial = layer.initState(float64);

  test("in training, outputs have mean 0 and variance 1/(1 + ε/σ²) in each channel", () => {
    const input = random
      .normal(dataKey, { shape: [8, 3, 5], ...float64 })
      .mul(3)
      .add(2);
    const y = layer.apply(p, input, { train: true });
    expect(largest(y.mean([0, 2]))).toBeLessThan(1e-14);
    const variance = input
      .sub(input.mean([0, 2], { keepDims: true }))
      .square()
      .mean([0, 2]);
    expect(distance(y.square().mean([0, 2]), variance.div(variance.add(1e-5)))).toBeLessThan(1e-14);
  });

  test("running statistics are (1 − m)·old + m·batch, with the unbiased variance", () => {
    const input = tensor([[1, 0, 2], [3, 0, 5], [8, 3, 2]], float64); // prettier-ignore
    const [, next] = layer.applyWithState(p, input, { train: true, state: initial });
    expect(distance(next.mean, tensor([4, 1, 3], float64).mul(0.25))).toBeLessThan(1e-15);
    expect(distance(next.variance, tensor([13, 3, 3], float64).mul(0.25).add(0.75))).toBeLessThan(1e-15);
  });

  test("in evaluation an example does not see the others, and the state stays", () => {
    const input = random.normal(dataKey, { shape: [4, 3, 5], ...float64 });
    const [, trained] = layer.applyWithState(p, input, { train: true, state: initial });
    const [y, after] = layer.applyWithState(p, input, { state: trained });
    expect(after).toBe(trained);
    const alone = concat([0, 1, 2, 3].map((i) => layer.apply(p, input.slice([i, i + 1]), { state: trained })));
    expect(distance(alone, y)).toBe(0);
  });

  test("a constant batch gives the shift, with finite derivatives", () => {
    const input = ones([4, 3], float64);
    const loss = (v: Tensor): Tensor => layer.apply(p, v, { train: true }).pow(3).sum();
    expect(largest(layer.apply(p, input, { train: true }))).toBe(0);
    expect([...hessian(loss)(input).dataSync()].every(Number.isFinite)).toBe(true);
  });

  test("the training loss does not change with the scale of the weights before it", () => {
    const net = nn.sequential([nn.dense({ in: 4, out: 3 }), nn.batchNorm({ features: 3, epsilon: 0 })]);
    const q = net.init(paramsKey, float64);
    const input = random.normal(dataKey, { shape: [9, 4], ...float64 });
    const gradient = grad((r: typeof q) => net.apply(r, input, { train: true }).pow(3).sum())(q);
    expect(gradient[0].weight.mul(q[0].weight).sum(1).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(largest(gradient[0].bias!)).toBeLessThan(1e-12);
  });
});

describe("layerNorm and groupNorm", () => {
  test("are the same in training, and each other's special case", () => {
    const input = random.normal(dataKey, { shape: [3, 6, 2, 2], ...float64 });
    const whole = nn.groupNorm({ features: 6, groups: 1, affine: false });
    const layer = nn.layerNorm({ features: [6, 2, 2], affine: false });
    expect(distance(whole.apply({}, input), layer.apply({}, input))).toBeLessThan(1e-14);
    expect(distance(whole.apply({}, input, { train: true }), whole.apply({}, input))).toBe(0);
  });
});

describe("dropout", () => {
  const layer = nn.dropout({ rate: 0.2 });
  const input = ones([100_000], float64);

  test("drops the fraction `rate`, keeps the mean, and is the identity in evaluation", () => {
    const y = layer.apply(null, input, { train: true, key });
    const values = new Set(y.dataSync());
    expect(values).toEqual(new Set([0, 1.25]));
    // 5 standard errors: √(rate/(1 − rate)/n).
    expect(Math.abs(y.mean().itemSync() - 1)).toBeLessThan(5 * Math.sqrt(0.25 / 1e5));
    expect(layer.apply(null, input, { key })).toBe(input);
    expect(nn.dropout({ rate: 0 }).apply(null, input, { train: true })).toBe(input);
  });

  test("depends on the key alone", () => {
    const [a, b] = random.split(key);
    const drop = (k: random.Key): Tensor => layer.apply(null, input, { train: true, key: k });
    expect(distance(drop(a), drop(a))).toBe(0);
    expect(distance(drop(a), drop(b))).toBe(1.25);
  });

  test("keeps NaN and ∞ out of what it drops", () => {
    const y = layer.apply(null, input.mul(Infinity), { train: true, key });
    expect(new Set(y.dataSync())).toEqual(new Set([0, Infinity]));
  });
});

test("a custom layer takes part like any other", () => {
  const scale: nn.Layer<Tensor, null> = {
    name: "scale",
    init: () => tensor(2, float64),
    ...nn.stateless((p: Tensor, v) => v.mul(p)),
  };
  const net = nn.sequential([scale, nn.batchNorm({ features: 2 }), scale]);
  const p = net.init(key, float64);
  const input = random.normal(dataKey, { shape: [3, 2], ...float64 });
  const slope = grad((q: typeof p) => net.apply(q, input, { train: true }).pow(3).sum())(p);
  expect(slope[2].shape).toEqual([]);
  expect(net.initState()[0]).toBe(null);
});

test("init says its dtype, and draws the same numbers from the same key", () => {
  for (const dtype of ["float32", "float64"] as const) {
    for (const leaf of leavesOf(model.init(key, { dtype }))) expect(leaf.dtype).toBe(dtype);
    for (const leaf of leavesOf(model.initState({ dtype }))) expect(leaf.dtype).toBe(dtype);
  }
  expect(leavesOf(model.init(key)).every((leaf) => leaf.dtype === "float32")).toBe(true);
  expect(treeDistance(model.init(key, float64), model.init(key, float64))).toBe(0);
});

test("missing state is an error that says what to pass", () => {
  const stateful = nn.cnn({ input: [1, 4, 4], channels: [2], out: 1, norm });
  const p = stateful.init(key);
  let thrown: unknown;
  try {
    stateful.apply(p, ones([2, 1, 4, 4]));
  } catch (error) {
    thrown = error;
  }
  expect(isCurvError(thrown, "CURV_TREE")).toBe(true);
  expect((thrown as Error).message).toContain("pass {state}");
});
