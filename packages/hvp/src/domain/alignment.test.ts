/** The paper's statements about the head's statistics and the alignment penalty. Numbers are those of the list in the specification. */

import { fc, test as property } from "@fast-check/vitest";
import { dense } from "@curv/nn";
import { activation, sequential } from "@curv/nn";
import { grad, tensor, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { describe, expect, test, vi } from "vitest";
import {
  alignHeads,
  autodiffHeadStatistics,
  diagonalEstimate,
  headedModel,
  headProblem,
  headStatistics,
  hessianAlignment,
  igaPenalty,
  viewEnvironments,
  type AlignmentMethod,
  type AlignOptions,
  type Environment,
  type HeadStatistics,
} from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const maxAbs = (x: Tensor): number => x.abs().max().itemSync();
const methods: readonly AlignmentMethod[] = ["hgp", "hutchinson", "exact-diagonal", "exact-hessian"];
const withKey = (method: AlignmentMethod): AlignOptions => ({ method, key: random.key(5), probes: 20 });

/** A random head of K logits on d features, in closed form and by differentiation in [W b], row-major. */
function heads(seed: number, n: number, d: number, classes: number): Record<"closed" | "autodiff", HeadStatistics> {
  const z = draw(seed, [n, d]);
  const h = draw(seed + 1, [classes * (d + 1)]);
  const y = random.randint(random.key(seed + 2), 0, Math.max(2, classes), { shape: [n] });
  const logits = (v: Tensor): Tensor => {
    const rows = v.reshape(classes, d + 1);
    return z.matmul(rows.slice(null, [0, d]).T).add(rows.slice(null, d));
  };
  const model = { features: (_: object, x: Tensor) => x, headKind: "general", headParams: ["h"] } as const;
  const { loss } = headProblem({ ...model, head: ({ h: v }: { h: Tensor }) => logits(v) }, { h }, { x: z, y });
  return { closed: headStatistics(z, logits(h), y), autodiff: autodiffHeadStatistics(loss, h) };
}

describe("1: closed forms are the derivatives", () => {
  property.prop(
    [fc.nat(1e6), fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 2, 3, 5)],
    {
      numRuns: 12,
    },
  )(
    "gradient, H g, H v, diagonal and H to 1e-9",
    (seed, n, d, classes) => {
      const { closed, autodiff } = heads(seed, n, d, classes);
      const v = draw(seed + 3, [closed.size]);
      const differences = [
        closed.gradient().sub(autodiff.gradient()),
        closed.hvp(closed.gradient()).sub(autodiff.hvp(autodiff.gradient())),
        closed.hvp(v).sub(autodiff.hvp(v)),
        closed.diagonal().sub(autodiff.diagonal()),
        closed.dense().sub(autodiff.dense()),
      ];
      for (const difference of differences) expect(maxAbs(difference)).toBeLessThan(1e-9);
    },
    30_000,
  );

  test("without a bias its rows and columns are missing", () => {
    const [z, y] = [draw(1, [9, 3]), tensor(Int32Array.of(0, 1, 1, 0, 1, 0, 0, 1, 1))];
    const logits = draw(2, [9]);
    const [whole, part] = [headStatistics(z, logits, y), headStatistics(z, logits, y, { bias: false })];
    expect(part.size).toBe(3);
    expect(maxAbs(whole.dense().slice([0, 3], [0, 3]).sub(part.dense()))).toBe(0);
    expect(maxAbs(whole.gradient().slice([0, 3]).sub(part.gradient()))).toBe(0);
  });

  test("float32 stays float32", () => {
    const stats = headStatistics(
      draw(1, [9, 3]).cast("float32"),
      draw(2, [9, 4]).cast("float32"),
      zeros([9], { dtype: "int32" }),
    );
    const all = [stats.gradient(), stats.hvp(stats.gradient()), stats.diagonal(), stats.dense()];
    expect(all.map(({ dtype }) => dtype)).toEqual(["float32", "float32", "float32", "float32"]);
  });
});

describe("2: what it is 0 for, and invariant under", () => {
  const head = (seed: number): HeadStatistics => heads(seed, 12, 4, 3).closed;
  test.each(methods)("%s: 0 for identical environments, two or three", (method) => {
    for (const count of [2, 3]) {
      const { penalty } = alignHeads(Array(count).fill(head(3)), withKey(method));
      expect(penalty.itemSync()).toBeLessThan(1e-14);
      expect(penalty.itemSync()).toBeGreaterThanOrEqual(0);
    }
  });
  test.each(methods)("%s: invariant under permutations", (method) => {
    const three = [head(3), head(13), head(23)];
    const value = (order: number[]): number =>
      alignHeads(
        order.map((i) => three[i]),
        withKey(method),
      ).penalty.itemSync();
    expect(value([0, 1, 2])).toBeGreaterThan(1e-3);
    for (const order of [
      [1, 2, 0],
      [2, 1, 0],
    ])
      expect(value(order) / value([0, 1, 2])).toBeCloseTo(1, 12);
  });
  test.each(methods)(
    "%s: the gaps are the distances whose squares are the penalty; α = β = 1, 150 probes",
    (method) => {
      const three = [head(3), head(13), head(23)];
      const key = random.key(5);
      const { penalty, gradientGaps, curvatureGaps } = alignHeads(three, { method, key });
      const mean = (x: readonly Tensor[]): Tensor => x.reduce((a, b) => a.add(b)).div(x.length);
      const distances = (x: readonly Tensor[], target: Tensor): number[] =>
        x.map((v) => v.sub(target).square().sum().sqrt().itemSync());
      const gradients = three.map((h) => h.gradient());
      const probes = random.rademacher(key, { shape: [150, three[0].size], dtype: "float64" });
      const compared = three.map((h, e) => {
        if (method === "hgp") return h.hvp(gradients[e]);
        if (method === "hutchinson") return diagonalEstimate(h, probes);
        return method === "exact-diagonal" ? h.diagonal() : h.dense();
      });
      // H̄ ḡ is not the mean of H_e g_e.
      const target = method === "hgp" ? mean(three.map((h) => h.hvp(mean(gradients)))) : mean(compared);
      const [g, c] = [distances(gradients, mean(gradients)), distances(compared, target)];
      for (let e = 0; e < 3; e++) {
        expect(gradientGaps.slice(e).itemSync()).toBeCloseTo(g[e], 12);
        expect(curvatureGaps.slice(e).itemSync()).toBeCloseTo(c[e], 12);
      }
      expect(penalty.itemSync()).toBeCloseTo([...g, ...c].reduce((sum, x) => sum + x ** 2, 0) / 3, 12);
    },
  );

  test("a sum is E means", () => {
    const two = [head(3), head(13)];
    const sum = alignHeads(two, { method: "hgp", reduce: "sum" }).penalty.itemSync();
    expect(sum).toBeCloseTo(2 * alignHeads(two, { method: "hgp" }).penalty.itemSync(), 14);
  });
});

describe("3: the Hessian-gradient product", () => {
  test("is ‖g‖ ∇‖g‖ to 1e-8", () => {
    const z = draw(1, [20, 4]);
    const y = random.randint(random.key(2), 0, 2, { shape: [20] });
    const logits = (h: Tensor): Tensor => z.matmul(h.slice([0, 4])).add(h.slice(4));
    const h = draw(3, [5]);
    const norm = (v: Tensor): Tensor => headStatistics(z, logits(v), y).gradient().square().sum().sqrt();
    const stats = headStatistics(z, logits(h), y);
    expect(maxAbs(grad(norm)(h).mul(norm(h)).sub(stats.hvp(stats.gradient())))).toBeLessThan(1e-8);
  });

  test.each(["closed-form", "autodiff"] as const)("penalty and gradient are finite where g = 0 (%s)", (mode) => {
    // Each input comes with both labels, at logit 0: all gradients vanish.
    const x = tensor(
      [
        [1, 2],
        [1, 2],
        [-1, 0.5],
        [-1, 0.5],
      ],
      { dtype: "float64" },
    );
    const y = tensor(Int32Array.of(0, 1, 1, 0));
    const model = headedModel({ features: dense({ in: 2, out: 3 }), head: dense({ in: 3, out: 1 }) });
    const params = { ...model.init(random.key(0), { dtype: "float64" }), head: zeroHead(3) };
    const environments = [
      { x, y },
      { x: x.mul(2), y },
    ];
    const value = (p: typeof params): Tensor =>
      hessianAlignment(model, p, environments, { method: "hgp", mode, detachTarget: false }).penalty;
    expect(maxAbs(viewEnvironments(model, params, environments, { mode })[0].head.gradient())).toBe(0);
    expect(value(params).itemSync()).toBe(0);
    expect(Number.isFinite(maxAbs(ravel(grad(value)(params)).vector))).toBe(true);
  });
});

function zeroHead(inputs: number): { weight: Tensor; bias: Tensor } {
  return { weight: zeros([1, inputs], { dtype: "float64" }), bias: zeros([1], { dtype: "float64" }) };
}

describe("4: Hutchinson's diagonal", () => {
  test("is unbiased: the mean of 2000 probes is within 5 standard errors", () => {
    const { closed } = heads(7, 40, 4, 3);
    const probes = random.rademacher(random.key(11), { shape: [2000, closed.size], dtype: "float64" });
    const samples = probes.mul(closed.hvps(probes));
    const mean = diagonalEstimate(closed, probes);
    const error = samples
      .sub(mean)
      .square()
      .sum(0)
      .div(1999 * 2000)
      .sqrt();
    const exact = closed.diagonal();
    const ratio = mean.sub(exact).abs().div(error);
    expect(ratio.max().itemSync()).toBeLessThan(5);
    // The test could not fail if the errors were large.
    expect(error.div(exact).max().itemSync()).toBeLessThan(0.2);
  });

  test("is exact for a diagonal Hessian, with one probe", () => {
    const curvature = tensor([3, -1, 0.5, 2], { dtype: "float64" });
    const head = autodiffHeadStatistics((h) => h.square().mul(curvature).sum().div(2), draw(1, [4]));
    const probe = random.rademacher(random.key(2), { shape: [1, 4], dtype: "float64" });
    expect(maxAbs(diagonalEstimate(head, probe).sub(curvature))).toBe(0);
  });

  test("common probes give exactly 0 for identical environments, fresh ones do not", () => {
    const { closed } = heads(7, 40, 4, 3);
    const options = { method: "hutchinson", beta: 0, probes: 50, key: random.key(3) } as const;
    expect(alignHeads([closed, closed], options).penalty.itemSync()).toBe(0);
    expect(alignHeads([closed, closed], { ...options, commonProbes: false }).penalty.itemSync()).toBeGreaterThan(1e-4);
  });
});

const model = headedModel({
  features: sequential([dense({ in: 3, out: 4 }), activation("tanh")]),
  head: dense({ in: 4, out: 3 }),
});
const params = model.init(random.key(1), { dtype: "float64" });
type Params = typeof params;
const environments: readonly Environment[] = [0, 1, 2].map((e) => ({
  x: draw(50 + e, [10 + e, 3]).add(0.3 * e),
  y: random.randint(random.key(60 + e), 0, 3, { shape: [10 + e] }),
}));

describe("5: special cases", () => {
  test("α = 0 is IGA exactly, value and gradient", () => {
    const iga = (p: Params): Tensor => igaPenalty(viewEnvironments(model, p, environments));
    const align = (p: Params): Tensor =>
      hessianAlignment(model, p, environments, { method: "hgp", alpha: 0, detachTarget: false }).penalty;
    expect(align(params).itemSync()).toBe(iga(params).itemSync());
    expect(maxAbs(ravel(grad(align)(params)).vector.sub(ravel(grad(iga)(params)).vector))).toBeLessThan(1e-15);
  });

  test.each(methods)("%s: one environment gives 0", (method) => {
    const [view] = viewEnvironments(model, params, environments.slice(0, 1));
    expect(alignHeads([view.head], withKey(method)).penalty.itemSync()).toBeLessThan(1e-28);
  });

  test("detaching the targets matters for hgp, and for nothing whose target is the mean", () => {
    const slope = (method: AlignmentMethod, detachTarget: boolean): Tensor =>
      ravel(
        grad((p: Params) => hessianAlignment(model, p, environments, { ...withKey(method), detachTarget }).penalty)(
          params,
        ),
      ).vector;
    for (const method of methods) {
      const difference = maxAbs(slope(method, true).sub(slope(method, false)));
      if (method === "hgp") expect(difference).toBeGreaterThan(1e-5);
      else expect(difference).toBeLessThan(1e-14);
    }
  });
});

describe("6: the gradient goes through the features", () => {
  test.each(methods)("%s: both modes agree, and match central differences to 1e-5", (method) => {
    const value =
      (mode: "closed-form" | "autodiff") =>
      (p: Params): Tensor =>
        hessianAlignment(model, p, environments, { method, mode, detachTarget: false, ...probing(method) }).penalty;
    const slopes = ravel(grad(value("closed-form"))(params)).vector;
    if (method !== "hutchinson") {
      // The modes order the head's parameters differently, so that the same signs mean other probes.
      expect(maxAbs(slopes.sub(ravel(grad(value("autodiff"))(params)).vector))).toBeLessThan(1e-12);
    }
    const { vector, unravel } = ravel(params);
    const features = vector.size - (4 * 3 + 3);
    expect(features).toBe(3 * 4 + 4);
    const numeric = (i: number, mode: "closed-form" | "autodiff"): number => {
      const at = (step: number): number => {
        const moved = Float64Array.from(vector.dataSync());
        moved[i] += step;
        return value(mode)(unravel(tensor(moved))).itemSync();
      };
      return (at(1e-5) - at(-1e-5)) / 2e-5;
    };
    const exact = slopes.dataSync();
    for (let i = 0; i < features; i++) {
      expect(Math.abs(numeric(i, "closed-form") - exact[i])).toBeLessThan(1e-5 * Math.max(1e-3, Math.abs(exact[i])));
    }
    expect(maxAbs(slopes.slice([0, features]))).toBeGreaterThan(1e-4);
  });

  const probing = (method: AlignmentMethod): Partial<AlignOptions> =>
    method === "hutchinson" ? { key: random.key(1), probes: 10 } : {};

  test("hutchinson by autodiff: its gradient matches central differences", () => {
    const value = (t: Tensor): Tensor =>
      hessianAlignment(
        model,
        { ...params, features: [{ ...params.features[0]!, bias: t }, null] as unknown as Params["features"] },
        environments,
        { method: "hutchinson", mode: "autodiff", key: random.key(1), probes: 6, detachTarget: false },
      ).penalty;
    const bias = (params.features[0] as { bias: Tensor }).bias;
    const exact = grad(value)(bias).dataSync();
    exact.forEach((slope, i) => {
      const at = (step: number): number => {
        const moved = Float64Array.from(bias.dataSync());
        moved[i] += step;
        return value(tensor(moved)).itemSync();
      };
      expect(Math.abs((at(1e-5) - at(-1e-5)) / 2e-5 - slope)).toBeLessThan(1e-5 * Math.max(1e-3, Math.abs(slope)));
    });
  });
});

describe("9: bad calls", () => {
  const [a, b] = environments;
  const call = (options: object, list: readonly Environment[] = environments): (() => unknown) => {
    return () => hessianAlignment(model, params, list, { method: "hgp", ...options });
  };
  const y = (...labels: number[]): Environment => ({
    x: a.x,
    y: tensor(Int32Array.from({ length: 10 }, (_, i) => labels[i] ?? 0)),
  });
  const empty: Environment = { x: zeros([0, 3], { dtype: "float64" }), y: zeros([0], { dtype: "int32" }) };
  const general = { ...model, headKind: "general" } as const;
  const lost = { ...model, headParams: ["neck"] } as unknown as typeof model;
  test.each<[string, () => unknown, string]>([
    ["one environment", call({}, [a]), "hessianAlignment: environments: there are 1; wants at least 2."],
    ["an empty one", call({}, [a, empty]), "environments[1] is empty"],
    ["a label too large", call({}, [a, y(0, 3)]), "label 3 at position 1; wants 0 to 2"],
    ["a negative label", call({}, [y(-1), b]), "label -1 at position 0"],
    ["other numbers of labels", call({}, [a, { x: a.x, y: b.y }]), "x [10, 3] and y [11]"],
    ["no probes", call({ method: "hutchinson", probes: 0 }), "probes is 0; wants an integer >= 1"],
    ["no key", call({ method: "hutchinson" }), "wants a key"],
    ["negative alpha", call({ alpha: -1 }), "alpha is -1; wants a finite number >= 0"],
    ["negative beta", call({ beta: -0.1 }), "beta is -0.1"],
    ["NaN", call({ alpha: NaN }), "alpha is NaN"],
    ["an unknown method", call({ method: "sad" }), 'method is "sad"; wants one of hgp'],
    ["an unknown reduction", call({ reduce: "max" }), 'reduce is "max"'],
    [
      "no such head parameters",
      () => hessianAlignment(lost, params, environments, { method: "hgp" }),
      'params has no entry "neck", which the model\'s headParams name; has features, head.',
    ],
    [
      "closed forms of a general head",
      () => hessianAlignment(general, params, environments, { method: "hgp", mode: "closed-form" }),
      'mode "closed-form" wants a linear head',
    ],
    ["the loss of another head", call({ loss: "bce" }), 'loss "bce" got 3 logits; wants 1'],
    [
      "a head that is not what it says",
      () => {
        const deep = headedModel({
          features: dense({ in: 3, out: 4 }),
          head: sequential([dense({ in: 4, out: 5 }), dense({ in: 5, out: 3 })]),
        });
        const wrong = { ...deep, headKind: "linear" } as const;
        return hessianAlignment(wrong, deep.init(random.key(0), { dtype: "float64" }), environments, { method: "hgp" });
      },
      "the head has 43 parameters for 4 features and 3 logits",
    ],
    [
      "a binary label",
      () => headStatistics(draw(1, [3, 2]), draw(2, [3]), tensor([0, 1, 2])),
      "label 2 at position 2; wants 0 or 1",
    ],
  ])("%s", (_name, bad, message) => {
    expect(bad).toThrow(message);
  });

  test("a general head is differentiated by itself", () => {
    const value = (m: typeof model | typeof general): number =>
      hessianAlignment(m, params, environments, { method: "hgp" }).penalty.itemSync();
    expect(value(general)).toBeCloseTo(value(model), 12);
  });
});
