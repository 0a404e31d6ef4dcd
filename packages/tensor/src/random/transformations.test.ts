/** Samplers inside transformations: jit is eager, and vmap over keys or parameters is the loop. */

import { describe, expect, test } from "vitest";
import { tensor } from "../create.js";
import type { Tensor } from "../tensor.js";
import { jit } from "../transform/jit.js";
import { scan, whileLoop } from "../transform/control.js";
import { vmap } from "../transform/vmap.js";
import * as random from "./index.js";

const shape = [2, 3];
const f64 = { shape, dtype: "float64" } as const;
const logits = tensor([0.5, -1, 2]);
const mean = tensor([1, 2], { dtype: "float64" });
const covariance = tensor(
  [
    [2, 0.5],
    [0.5, 1],
  ],
  { dtype: "float64" },
);

const samplers: Record<string, (k: Tensor) => Tensor> = {
  bits: (k) => random.bits(k, { shape }),
  bits64: (k) => random.bits64(k, { shape }).low,
  splitKeys: (k) => random.splitKeys(k, 3),
  split: (k) => random.split(k, 3)[1],
  foldIn: (k) => random.foldIn(k, 7),
  uniform: (k) => random.uniform(k, f64),
  "uniform between": (k) => random.uniform(k, { shape, low: tensor([-1, 0, 1]), high: 4 }),
  randint: (k) => random.randint(k, -3, 100, { shape }),
  "randint of tensors": (k) => random.randint(k, tensor(Int32Array.of(0, 5, -7)), 50, { shape }),
  permutation: (k) => random.permutation(k, 9),
  "independent permutation": (k) =>
    random.permutation(
      k,
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      { axis: 1, independent: true },
    ),
  choice: (k) => random.choice(k, 9, { shape }),
  "choice without replacement": (k) => random.choice(k, 9, { shape, replace: false }),
  "choice with weights": (k) => random.choice(k, 3, { shape, p: [0.2, 0.5, 0.3] }),
  "choice with weights, without replacement": (k) =>
    random.choice(k, 3, { shape: [2], replace: false, p: [0.2, 0.5, 0.3] }),
  bernoulli: (k) => random.bernoulli(k, 0.3, { shape }),
  rademacher: (k) => random.rademacher(k, { shape }),
  normal: (k) => random.normal(k, { shape }),
  truncatedNormal: (k) => random.truncatedNormal(k, -1, 2, f64),
  "truncatedNormal in the tail": (k) => random.truncatedNormal(k, tensor([3, -8, -1]), Infinity, { shape }),
  multivariateNormal: (k) => random.multivariateNormal(k, mean, covariance, { shape: [3] }),
  exponential: (k) => random.exponential(k, f64),
  gumbel: (k) => random.gumbel(k, f64),
  laplace: (k) => random.laplace(k, f64),
  logistic: (k) => random.logistic(k, f64),
  cauchy: (k) => random.cauchy(k, f64),
  pareto: (k) => random.pareto(k, tensor([1, 2, 3]), { shape }),
  geometric: (k) => random.geometric(k, 0.1, { shape }),
  gamma: (k) => random.gamma(k, tensor([0.3, 1, 20]), { shape }),
  logGamma: (k) => random.logGamma(k, 0.01, f64),
  beta: (k) => random.beta(k, 0.5, 2, f64),
  dirichlet: (k) => random.dirichlet(k, tensor([0.5, 1, 3]), { shape: [2] }),
  chiSquare: (k) => random.chiSquare(k, 3, f64),
  studentT: (k) => random.studentT(k, 3, f64),
  poisson: (k) => random.poisson(k, tensor([0.5, 9, 30]), { shape }),
  binomial: (k) => random.binomial(k, tensor(Int32Array.of(5, 100, 1000)), 0.4, { shape }),
  categorical: (k) => random.categorical(k, logits, { shape }),
  orthogonal: (k) => random.orthogonal(k, 3, { dtype: "float64" }),
  sphere: (k) => random.sphere(k, 3, f64),
  ball: (k) => random.ball(k, 3, f64),
};

const values = (x: Tensor): unknown => x.arraySync();

describe.each(Object.entries(samplers))("%s", (_name, draw) => {
  const key = random.key(5);
  test("is the same under jit", () => {
    const compiled = jit(draw);
    expect(values(compiled(key))).toEqual(values(draw(key)));
    expect(values(compiled(random.key(6)))).toEqual(values(draw(random.key(6))));
  });
  test("vmap over keys is the loop, also under jit", () => {
    const keys = random.splitKeys(key, 4);
    const loop = random.split(key, 4).map((k) => values(draw(k)));
    expect(values(vmap(draw)(keys))).toEqual(loop);
    expect(values(jit(vmap(draw))(keys))).toEqual(loop);
  });
});

describe("parameters", () => {
  const key = random.key(11);
  const cases: Record<string, [(a: Tensor) => Tensor, Tensor]> = {
    uniform: [(a) => random.uniform(key, { shape: [4], low: a.neg(), high: a }), tensor([1, 2, 3])],
    gamma: [(a) => random.gamma(key, a, { shape: [4] }), tensor([0.1, 2, 30])],
    poisson: [(a) => random.poisson(key, a, { shape: [4] }), tensor([0.1, 2, 30])],
    binomial: [(a) => random.binomial(key, 20, a, { shape: [4] }), tensor([0.1, 0.4, 0.9])],
    bernoulli: [(a) => random.bernoulli(key, a, { shape: [4] }), tensor([0.1, 0.4, 0.9])],
    truncatedNormal: [(a) => random.truncatedNormal(key, a, a.add(1), { shape: [4] }), tensor([-7, 0.5, 6])],
    categorical: [(a) => random.categorical(key, a.mul(tensor([0, 1, 2])), { shape: [9] }), tensor([-1, 0, 3])],
    foldIn: [(i) => random.foldIn(key, i), tensor(Int32Array.of(0, 3, 9))],
  };
  test.each(Object.entries(cases))("%s: vmap is the loop", (_name, [draw, batch]) => {
    const loop = Array.from({ length: batch.shape[0] }, (_, i) => values(draw(batch.slice(i))));
    expect(values(vmap(draw)(batch))).toEqual(loop);
    const keys = random.splitKeys(key, 3);
    // Keys and parameters together, one shared and one mapped within the other.
    const gamma = (k: Tensor, a: Tensor): Tensor => random.gamma(k, a, { shape: [2] });
    const table = vmap((k: Tensor) => vmap(gamma, { inAxes: [null, 0] })(k, tensor([0.5, 5])))(keys);
    expect(values(table.slice(2, 1))).toEqual(values(gamma(keys.slice(2), tensor(5))));
  });

  test("a number through jit is a parameter like any other", () => {
    const draw = jit((k: Tensor, a: number | Tensor) => random.gamma(k, a, { shape: [3] }));
    expect(values(draw(key, 2.5))).toEqual(values(random.gamma(key, 2.5, { shape: [3] })));
    expect(draw(key, 2.5).dtype).toBe("float32");
  });

  test("the parameters give shape and dtype", () => {
    const a = tensor([[1], [2]], { dtype: "float64" });
    const x = random.beta(key, a, tensor([1, 2, 3]));
    expect([x.shape, x.dtype]).toEqual([[2, 3], "float64"]);
    expect(random.beta(key, 1, 2).shape).toEqual([]);
    expect(random.gamma(key, a, { dtype: "float32" }).dtype).toBe("float32");
    expect(random.binomial(key, tensor([3, 4]), 0.5).shape).toEqual([2]);
    expect(
      random.categorical(
        key,
        tensor([
          [1, 2],
          [3, 4],
          [5, 6],
        ]),
        { axis: 0 },
      ).shape,
    ).toEqual([2]);
    for (const draw of [random.normal, random.uniform, random.bits]) expect(draw(key, { shape: [0, 3] }).size).toBe(0);
    expect(random.gamma(key, 2, { shape: [3, 0] }).shape).toEqual([3, 0]);
    expect(random.poisson(key, 2, { shape: [0] }).shape).toEqual([0]);
    expect(
      random.choice(
        key,
        tensor([
          [1, 2, 3],
          [4, 5, 6],
        ]),
        { axis: 1, shape: [2, 2] },
      ).shape,
    ).toEqual([2, 2, 2]);
  });
});

describe("loops", () => {
  test("keys are carried through scan and whileLoop", () => {
    const walk = (k: Tensor): Tensor => {
      const [, steps] = scan(
        (c: Tensor, _x: null) => {
          const [next, use] = random.split(c);
          return [next, random.normal(use)] as const;
        },
        k,
        null,
        { length: 3 },
      );
      return steps as unknown as Tensor;
    };
    let k = random.key(3);
    const wanted = Array.from({ length: 3 }, () => {
      const [next, use] = random.split(k);
      k = next;
      return random.normal(use).itemSync();
    });
    expect(values(walk(random.key(3)))).toEqual(wanted);
    expect(values(jit(walk)(random.key(3)))).toEqual(wanted);
    // Throws until a six comes.
    const throws = (start: Tensor): Tensor =>
      whileLoop(
        ({ face }: { k: Tensor; face: Tensor; count: Tensor }) => face.notEqual(6),
        ({ k: c, count }) => {
          const [next, use] = random.split(c);
          return { k: next, face: random.randint(use, 1, 7), count: count.add(1) };
        },
        { k: start, face: tensor(0, { dtype: "int32" }), count: tensor(0, { dtype: "int32" }) },
      ).count;
    const keys = random.splitKeys(random.key(1), 6);
    const loop = random.split(random.key(1), 6).map((each) => throws(each).itemSync());
    expect(values(vmap(throws)(keys))).toEqual(loop);
    expect(new Set(loop).size).toBeGreaterThan(1);
  });
});
