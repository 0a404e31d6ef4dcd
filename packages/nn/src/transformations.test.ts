/** Networks of every kind under the transformations, in float32 and float64. */

import { grad, hvp, jit, jvp, stack, tensor, valueAndGrad, vmap, type FloatDType, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as tree from "@curv/tensor/tree";
import * as nn from "@curv/nn";
import { describe, expect, test } from "vitest";

const [paramsKey, dataKey, directionKey, dropoutKey] = random.split(random.key(11), 4);

interface Example {
  readonly model: nn.Layer;
  /** Shape of a batch of examples; for tokens, how many different ones. */
  readonly shape: readonly number[];
  readonly tokens?: number;
}

const models: Record<string, Example> = {
  resnet: {
    model: nn.resnet({ depth: 8, width: 1, out: 2, in: 1, activation: "tanh" }),
    shape: [3, 1, 5, 4],
  },
  gru: {
    model: nn.sequential([nn.gru({ in: 2, out: 3 }), nn.dense({ in: 3, out: 2 })]),
    shape: [3, 4, 2],
  },
  lstm: {
    model: nn.sequential([nn.lstm({ in: 2, out: 3, output: "last" }), nn.dense({ in: 3, out: 2 })]),
    shape: [3, 4, 2],
  },
  gpt: {
    model: nn.gpt({ vocabulary: 5, length: 4, features: 4, heads: 2, layers: 1, hidden: 5, dropout: 0.2 }),
    shape: [3, 4],
    tokens: 5,
  },
};

type Params = { readonly weight: Tensor };

/** max |a − b| / max |b| over all leaves. */
function relativeDistance(a: unknown, b: unknown): number {
  const largest = (t: unknown): number =>
    Math.max(...tree.flatten(t as Params).leaves.map((leaf) => leaf.abs().max().itemSync()));
  return largest(tree.sub(a as Params, b as Params)) / largest(b);
}

function setUp({ model, shape, tokens }: Example, dtype: FloatDType) {
  const params = tree.map((leaf: Tensor) => leaf.cast(dtype), model.init(paramsKey, { dtype: "float64" }) as Params);
  const state = tree.map((leaf: Tensor) => leaf.cast(dtype), model.initState({ dtype: "float64" }) as Params);
  const x = tokens
    ? random.randint(dataKey, 0, tokens, { shape: [...shape] })
    : random.normal(dataKey, { shape: [...shape], dtype: "float64" }).cast(dtype);
  const v = tree.map(
    (leaf: Tensor) => leaf.cast(dtype),
    tree.randomLike(directionKey, model.init(paramsKey, { dtype: "float64" }) as Params),
  );
  return { params, state, x, v };
}

// Compiling the second derivatives of a deep network takes a while where others compute, too.
describe.each(Object.entries(models))("%s", { timeout: 60_000 }, (_name, example) => {
  const { model } = example;
  const { params, state, x, v } = setUp(example, "float64");

  describe.each([{ train: false }, { train: true }])("train: $train", ({ train }) => {
    const options = { train, state, key: dropoutKey };
    const loss = (p: Params, input: Tensor = x): Tensor => model.apply(p, input, options).square().sum();

    test("compiled: the same values, gradients and Hessian-vector products", () => {
      const both = (p: Params, u: Params, input: Tensor) => ({
        ...valueAndGrad(loss)(p, input),
        product: hvp(loss, p, u, input),
      });
      expect(relativeDistance(jit(both)(params, v, x), both(params, v, x))).toBeLessThan(1e-12);
    });

    test("forward, reverse, and reverse over forward agree", () => {
      const gradient = grad(loss)(params);
      const along = (p: Params): Tensor => jvp(loss, [p], [v]).tangent;
      expect(relativeDistance(along(params), tree.dot(v, gradient))).toBeLessThan(1e-12);
      expect(relativeDistance(grad(along)(params), hvp(loss, params, v))).toBeLessThan(1e-12);
    });

    test("Hessian-vector products are differences of gradients", () => {
      const h = 1e-5;
      const at = (t: number): Params => grad(loss)(tree.axpy(t, v, params));
      const product = hvp(loss, params, v);
      // Central differences at h and 2h, extrapolated: error O(h⁴).
      const d = (t: number): Params => tree.scale(1 / (2 * t), tree.sub(at(t), at(-t)));
      const difference = tree.axpy(-1 / 3, tree.sub(d(2 * h), d(h)), d(h));
      expect(relativeDistance(product, difference)).toBeLessThan(1e-7);
    });

    test("mapped over parameters: an ensemble, with its Hessian-vector products", () => {
      const members = random.split(paramsKey, 2).map((key) => model.init(key, { dtype: "float64" }) as Params);
      const stacked = tree.map((...leaves: Tensor[]) => stack(leaves), members[0], ...members.slice(1));
      const all = vmap((p: Params) => hvp(loss, p, v))(stacked);
      members.forEach((p, i) => {
        const one = tree.map((leaf: Tensor) => leaf.slice(i), all);
        expect(relativeDistance(one, hvp(loss, p, v))).toBeLessThan(1e-12);
      });
    });

    test("float32 gives the numbers of float64", () => {
      const single = setUp(example, "float32");
      const f = (p: Params): Tensor =>
        model
          .apply(p, single.x, { ...options, state: single.state })
          .square()
          .sum();
      const low = { ...valueAndGrad(f)(single.params), product: hvp(f, single.params, single.v) };
      for (const leaf of tree.flatten(low).leaves) expect(leaf.dtype).toBe("float32");
      const wanted = { ...valueAndGrad((p: Params) => loss(p))(params), product: hvp(loss, params, v) };
      const double = tree.map((leaf: Tensor) => leaf.cast("float64"), low);
      expect(relativeDistance(double, wanted)).toBeLessThan(1e-4);
    });
  });

  test("gradients of single examples sum to that of the batch", () => {
    const loss = (p: Params, input: Tensor): Tensor => model.apply(p, input, { state }).square().sum();
    const each = vmap(
      grad((p: Params, one: Tensor) => loss(p, one.expandDims(0))),
      { inAxes: [null, 0] },
    )(params, x);
    const total = tree.map((g: Tensor) => g.sum(0), each);
    expect(relativeDistance(total, grad(loss)(params, x))).toBeLessThan(1e-12);
  });
});

test("tokens may be traced", () => {
  const layer = nn.embedding({ vocabulary: 3, features: 2 });
  const params = layer.init(paramsKey);
  const f = jit((x: Tensor) => layer.apply(params, x));
  expect(f(tensor([2, 0], { dtype: "int32" })).shape).toEqual([2, 2]);
  expect(() => f(tensor([2, 3], { dtype: "int32" }))).toThrow("embedding: x has the token 3; wants 0 to 2.");
});
