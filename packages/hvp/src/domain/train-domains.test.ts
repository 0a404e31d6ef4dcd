/** The trainer, on a task with a shortcut: a colour that tells the label in training, and misleads where its meaning has changed. */

import { activation, dense, sequential } from "@curv/nn";
import { glorot } from "@curv/nn/init";
import { concat, grad, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { describe, expect, test, vi } from "vitest";
import {
  domainAccuracy,
  headedModel,
  hessianAlignment,
  statelessPenalty,
  trainDomains,
  whatAligns,
  type AlgorithmName,
  type AlignOptions,
  type Environment,
  type TrainDomainsOptions,
} from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** Ten weak causal features, a label that is wrong in a quarter of the examples, and a colour that differs from the label with probability e. */
function shortcut(seed: number, n: number, e: number): Environment {
  const [a, b, c, d, f] = random.split(random.key(seed), 5);
  const flips = (k: random.Key, p: number): Tensor => random.bernoulli(k, p, { shape: [n] }).cast("float32");
  const truth = flips(a, 0.5);
  const y = truth.sub(flips(b, 0.25)).abs();
  const color = y.sub(flips(c, e)).abs();
  const sign = (bit: Tensor): Tensor => bit.mul(2).sub(1).expandDims(1);
  const causal = random.normal(d, { shape: [n, 10] }).add(sign(truth).mul(0.7));
  return {
    x: concat(
      [
        causal,
        random
          .normal(f, { shape: [n, 2] })
          .mul(0.1)
          .add(sign(color)),
      ],
      1,
    ),
    y,
  };
}

const weightInit = glorot({ distribution: "uniform" });
const network = (width: number) =>
  headedModel({
    features: sequential([
      dense({ in: 12, out: width, weightInit }),
      activation("relu"),
      dense({ in: width, out: width, weightInit }),
      activation("relu"),
    ]),
    head: dense({ in: width, out: 1, weightInit }),
  });

/** The paper's Coloured MNIST settings on the shortcut, 501 steps: mean accuracy in the training environments, and where e = 0.9. */
async function learn(
  algorithm: AlgorithmName | AlignOptions,
  { n, width, learningRate }: { readonly n: number; readonly width: number; readonly learningRate: number },
): Promise<{ readonly train: number; readonly test: number }> {
  const model = network(width);
  const environments = [shortcut(2, n, 0.2), shortcut(3, n, 0.1)];
  const { watched, status, steps } = await trainDomains(model, model.init(random.key(1)), environments, {
    algorithm,
    annealSteps: 190,
    learningRate,
    weight: 91257.18613115903,
    weightDecay: 0.00110794568,
    watch: { first: environments[0], second: environments[1], test: shortcut(4, 4000, 0.9) },
  });
  expect([status, steps]).toEqual(["completed", 501]);
  const { first, second, test: accuracy } = watched[watched.length - 1].accuracies;
  return { train: (first + second) / 2, test: accuracy };
}

describe("the shortcut (the specification's first reproduction; the app has more methods and two seeds)", () => {
  const timeout = 400_000;
  const small = { n: 2500, width: 16, learningRate: 4e-3 };

  test("the mean loss takes it: test < 0.2", { timeout }, async () => {
    const { train, test: accuracy } = await learn("erm", small);
    expect(train).toBeGreaterThan(0.8);
    expect(accuracy).toBeLessThan(0.2);
  });
  test("with Hessian-gradient products aligned it does not: test > 0.58, train − test < 0.2", { timeout }, async () => {
    const { train, test: accuracy } = await learn({ method: "hgp" }, { n: 5000, width: 32, learningRate: 2e-3 });
    expect(accuracy).toBeGreaterThan(0.58);
    expect(train - accuracy).toBeLessThan(0.2);
  });
  // With half of the examples the effect is smaller, as the specification says.
  test("with diagonals aligned, on half of the examples: test > 0.45", { timeout }, async () => {
    expect((await learn({ method: "exact-diagonal" }, small)).test).toBeGreaterThan(0.45);
  });
});

describe("the trainer", () => {
  const model = network(4);
  const params = model.init(random.key(1));
  const environments = [shortcut(2, 60, 0.2), shortcut(3, 50, 0.1)];
  const few = { steps: 4, key: random.key(0) } as const;
  const distance = (a: unknown, b: unknown): number =>
    ravel(a as never)
      .vector.sub(ravel(b as never).vector)
      .abs()
      .max()
      .itemSync();

  test("is the same for the same key, another for another, and counts its steps", async () => {
    const options = { ...few, algorithm: { method: "hutchinson", probes: 3 }, batchSize: 20, weight: 10 } as const;
    const [a, b] = [
      await trainDomains(model, params, environments, options),
      await trainDomains(model, params, environments, options),
    ];
    const c = await trainDomains(model, params, environments, { ...options, key: random.key(1) });
    expect(a.history).toEqual(b.history);
    expect(distance(a.params, b.params)).toBe(0);
    expect(distance(a.params, c.params)).toBeGreaterThan(0);
    expect(a).toMatchObject({ steps: 4, status: "completed" });
    expect(a.history.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
  });

  test("its first step is Adam's: a move of the learning rate against the sign of the gradient", async () => {
    const { params: moved } = await trainDomains(model, params, environments, { steps: 1, learningRate: 0.01 });
    const moves = ravel(moved as never)
      .vector.sub(ravel(params as never).vector)
      .abs();
    expect(moves.max().itemSync()).toBeCloseTo(0.01, 5);
  });

  test("anneals: the weight is 1, then w; and without rescaling the optimiser starts anew", async () => {
    const options: TrainDomainsOptions<typeof params> = { steps: 4, algorithm: "vrex", weight: 50, annealSteps: 2 };
    const { history } = await trainDomains(model, params, environments, options);
    expect(history.map(({ weight }) => weight)).toEqual([1, 1, 50, 50]);
    const plain = await trainDomains(model, params, environments, { ...options, rescale: false });
    const before = await trainDomains(model, params, environments, { ...options, steps: 2 });
    const after = await trainDomains(model, params, environments, { ...options, rescale: false, steps: 3 });
    // A fresh Adam moves by the learning rate.
    const largest = ravel(after.params as never)
      .vector.sub(ravel(before.params as never).vector)
      .abs()
      .max()
      .itemSync();
    expect(largest).toBeCloseTo(1e-3, 5);
    expect(distance(plain.params, (await trainDomains(model, params, environments, options)).params)).toBeGreaterThan(
      0,
    );
  });

  test("the objective is L + λ‖θ‖² + w R, divided by w where w > 1 and rescaling is on", async () => {
    type Params = typeof params;
    // Steps by the gradient itself show it.
    const descent = { init: () => null, update: (g: Params, state: null) => ({ updates: g, state }) };
    const [lambda, method] = [0.3, { method: "hgp" } as const];
    const gradient = (w: number, scale: number): Tensor =>
      ravel(
        grad((p: Params) => {
          const { nll, penalty } = hessianAlignment(model, p, environments, method);
          const size = ravel(p as never).vector.square().sum(); // prettier-ignore
          return nll.add(size.mul(lambda)).add(penalty.mul(w)).div(scale);
        })(params) as never,
      ).vector;
    const moved = async (options: TrainDomainsOptions<Params>): Promise<Tensor> => {
      const { params: end } = await trainDomains(model, params, environments, {
        steps: 1,
        algorithm: method,
        optimizer: descent,
        weightDecay: lambda,
        ...options,
      });
      return ravel(end as never).vector.sub(ravel(params as never).vector);
    };
    for (const [options, w, scale] of [
      [{ weight: 40 }, 40, 40],
      [{ weight: 40, rescale: false }, 40, 1],
      [{ weight: 0.5 }, 0.5, 1],
      [{ weight: 40, annealSteps: 1 }, 1, 1],
      [{ weight: 40, annealSteps: 1, annealWeight: 0 }, 0, 1],
    ] as const) {
      const wanted = gradient(w, scale);
      const error = (await moved(options)).sub(wanted).abs().max().itemSync();
      expect(error).toBeLessThan(1e-4 * wanted.abs().max().itemSync());
    }
  });

  test("rescaling keeps the first step of a large weight that of the penalty alone", async () => {
    const huge = await trainDomains(model, params, environments, { steps: 1, algorithm: "vrex", weight: 1e12 });
    expect(
      Number.isFinite(
        ravel(huge.params as never)
          .vector.sum()
          .itemSync(),
      ),
    ).toBe(true);
    expect(huge.status).toBe("completed");
  });

  test.each<[AlgorithmName]>([["erm"], ["coral"], ["irm"], ["vrex"], ["iga"], ["fishr"], ["fish"]])(
    "%s lowers the loss",
    async (algorithm) => {
      const { history } = await trainDomains(model, params, environments, { algorithm, steps: 25, learningRate: 0.02 });
      expect(history[24].nll).toBeLessThan(history[0].nll);
      expect(history[0].penalty > 0).toBe(algorithm !== "erm" && algorithm !== "fish");
    },
  );

  test("a penalty of one's own, with a memory", async () => {
    const seen: number[] = [];
    const counting = {
      name: "counting",
      init: () => tensor(0),
      apply: (views: readonly { readonly nll: Tensor }[], state: Tensor) => ({
        penalty: views[0].nll.mul(0).add(state),
        state: state.add(1),
      }),
    };
    const { history } = await trainDomains(model, params, environments, {
      steps: 3,
      algorithm: counting,
      onProgress: ({ penalty }) => seen.push(penalty),
    });
    expect(seen).toEqual([0, 1, 2]);
    expect(history.map(({ penalty }) => penalty)).toEqual([0, 1, 2]);
  });

  test("an optimiser of one's own", async () => {
    const still = {
      init: () => null,
      update: (_grads: typeof params, state: null, p: typeof params) => ({ updates: zero(p), state }),
    };
    const zero = (p: typeof params): typeof params => {
      const { vector, unravel } = ravel(p as never);
      return unravel(vector.mul(0)) as typeof params;
    };
    const { params: same } = await trainDomains(model, params, environments, { steps: 2, optimizer: still });
    expect(distance(same, params)).toBe(0);
  });

  test("three classes, several watched environments", async () => {
    const three = headedModel({ features: dense({ in: 12, out: 5 }), head: dense({ in: 5, out: 3 }) });
    const labelled = environments.map(({ x }, e) => ({
      x,
      y: random.randint(random.key(e), 0, 3, { shape: [x.shape[0]] }),
    }));
    const { watched, params: end } = await trainDomains(three, three.init(random.key(0)), labelled, {
      steps: 4,
      algorithm: { method: "hgp" },
      watch: { a: labelled[0], b: labelled[1] },
      watchEvery: 2,
    });
    expect(watched.map(({ step }) => step)).toEqual([2, 4]);
    expect(watched[1].accuracies["a"]).toBe(await domainAccuracy(three, end, labelled[0]));
    const logits = three.head(end, three.features(end, labelled[1].x));
    const right = Array.from(logits.argMax(-1).dataSync()).filter((k, i) => k === labelled[1].y.dataSync()[i]).length;
    expect(watched[1].accuracies["b"]).toBeCloseTo(right / 50, 6);
  });

  test("a loss that is lost stops it, and is said", async () => {
    const bad = statelessPenalty("bad", ([{ nll }]) => nll.mul(0).add(Infinity));
    const result = await trainDomains(model, params, environments, { ...few, algorithm: bad });
    expect(result).toMatchObject({ status: "notFinite", steps: 0 });
    expect(result.history.length).toBe(1);
    expect(distance(result.params, params)).toBe(0);
  });

  test("parameters that are lost, too: those before are returned", async () => {
    const wild = {
      init: () => null,
      update: (grads: typeof params, state: null) => {
        const { vector, unravel } = ravel(grads as never);
        return { updates: unravel(vector.mul(0).add(Infinity)) as typeof params, state };
      },
    };
    const result = await trainDomains(model, params, environments, { ...few, optimizer: wild });
    expect(result).toMatchObject({ status: "notFinite", steps: 0 });
    expect(distance(result.params, params)).toBe(0);
  });

  test("an abort rejects with its reason, between steps", async () => {
    const controller = new AbortController();
    let steps = 0;
    const running = trainDomains(model, params, environments, {
      steps: 1000,
      signal: controller.signal,
      onProgress: () => {
        if (++steps === 3) controller.abort(new Error("enough"));
      },
    });
    await expect(running).rejects.toThrow("enough");
    expect(steps).toBe(3);
  });

  const [a] = environments;
  const call = (options: object, list: readonly Environment[] = environments): Promise<unknown> =>
    trainDomains(model, params, list, { ...few, ...options });
  test.each<[string, () => Promise<unknown>, string]>([
    ["no environments", () => call({}, []), "trainDomains: environments: there are 0; wants at least 1"],
    ["one, for a penalty", () => call({ algorithm: "irm" }, [a]), "there are 1; wants at least 2"],
    ["an unknown algorithm", () => call({ algorithm: "sad" }), 'algorithm is "sad"; wants one of erm, coral'],
    ["negative alpha", () => call({ algorithm: { method: "hgp", alpha: -1 } }), "trainDomains: alpha is -1"],
    ["negative weight", () => call({ weight: -1 }), "weight is -1"],
    ["no steps", () => call({ steps: 0 }), "steps is 0; wants an integer >= 1"],
    ["no rate", () => call({ learningRate: 0 }), "learningRate is 0; wants a finite number > 0"],
    ["Fish that jumps", () => call({ algorithm: "fish", metaRate: 2 }), "metaRate is 2; wants at most 1"],
    ["NaN", () => call({}, [a, { x: a.x.mul(NaN), y: a.y }]), "environments[1].x has NaN or an infinity"],
    ["infinity", () => call({}, [{ x: a.x.div(0), y: a.y }, a]), "environments[0].x has NaN or an infinity"],
    ["a label", () => call({}, [a, { x: a.x, y: a.y.add(1) }]), "label 2 at position"],
  ])("%s", async (_name, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });

  test("one environment is enough for the mean loss", async () => {
    expect((await trainDomains(model, params, [a], few)).steps).toBe(4);
  });
});

describe("what aligns", () => {
  const model = network(4);
  const params = model.init(random.key(1));
  const [a, b] = [shortcut(2, 400, 0.2), shortcut(3, 400, 0.1)];

  test("nothing differs between an environment and itself", async () => {
    for (const { gap, relativeGap } of await whatAligns(model, params, [a, a]))
      expect([gap, relativeGap]).toEqual([0, 0]);
  });

  test("the rows are the blocks of gradient and Hessian", async () => {
    const rows = await whatAligns(model, params, [a, b]);
    const gap = (quantity: string): number => rows.find((row) => row.quantity === quantity)!.gap;
    const { viewEnvironments } = await import("./index.js");
    const [u, v] = viewEnvironments(model, params, [a, b]).map(({ head }) => ({ g: head.gradient(), h: head.dense() }));
    const norm = (x: Tensor): number => x.square().sum().sqrt().itemSync();
    expect(gap("features weighted by errors")).toBeCloseTo(norm(u.g.sub(v.g).slice([0, 4])), 6);
    expect(gap("errors")).toBeCloseTo(norm(u.g.sub(v.g).slice([4, 5])), 6);
    const h = u.h.sub(v.h);
    expect(gap("second moments weighted by uncertainty")).toBeCloseTo(norm(h.slice([0, 4], [0, 4])), 6);
    expect(gap("features weighted by uncertainty")).toBeCloseTo(norm(h.slice([0, 4], 4)), 6);
    expect(gap("uncertainty")).toBeCloseTo(norm(h.slice([4, 5], 4)), 6);
    for (const method of ["V-REx", "IRM", "IGA", "Fish", "Fishr", "CORAL", "HGP", "Hutchinson"]) {
      expect(rows.some(({ alignedBy }) => alignedBy.includes(method))).toBe(true);
    }
  });

  test("changed labels: what CORAL compares is the same, what the gradient compares is not", async () => {
    const rows = await whatAligns(model, params, [a, { x: a.x, y: a.y.neg().add(1) }]);
    for (const { quantity, alignedBy, gap } of rows) {
      if (alignedBy.includes("CORAL") || quantity.includes("uncertainty")) expect(gap).toBe(0);
      else if (alignedBy.includes("IGA")) expect(gap).toBeGreaterThan(0.01);
    }
  });

  test("wants a linear head, and two environments", async () => {
    await expect(whatAligns({ ...model, headKind: "general" }, params, [a, b])).rejects.toThrow("the head is general");
    await expect(whatAligns(model, params, [a])).rejects.toThrow("there are 1; wants at least 2");
  });
});
