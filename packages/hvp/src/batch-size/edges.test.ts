/** Edges of batch curvature and the rules that stand on them (paper 01, "Must be true" 1 to 3, 5 and 8). */

import { diag, tensor, triu } from "@curv/tensor";
import { eigh, eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import { edgesOf } from "./batch-edges.js";
import {
  batchEdges,
  crossoverBatch,
  effectiveBatch,
  maxLearningRate,
  scaleDamping,
  scaleLearningRate,
  type BatchNoise,
  type MeasuredCurvature,
} from "./index.js";

// Seconds of work, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const wigner = (lambdaMax: number, pSigma2: number, lambdaMin?: number): MeasuredCurvature => ({
  lambdaMax,
  ...(lambdaMin !== undefined && { lambdaMin }),
  noise: { model: "wigner", pSigma2 },
});
const spiked = (lambdaMax: number, bulk: number, params: number, rankPerSample = 1): MeasuredCurvature => ({
  lambdaMax,
  noise: { model: "spiked-covariance", bulk, params, rankPerSample },
});
const additive = (lambdaMax: number, bulk: number, params: number, rankPerSample = 1): MeasuredCurvature => ({
  lambdaMax,
  noise: { model: "mp-additive", bulk, params, rankPerSample },
});

const anyNoise: fc.Arbitrary<BatchNoise> = fc.oneof(
  fc.record({ model: fc.constant("wigner" as const), pSigma2: fc.double({ min: 0, max: 1e4, noNaN: true }) }),
  fc.record({
    model: fc.constantFrom("spiked-covariance" as const, "mp-additive" as const),
    bulk: fc.double({ min: 0, max: 10, noNaN: true }),
    params: fc.integer({ min: 1, max: 100_000 }),
    rankPerSample: fc.integer({ min: 1, max: 10 }),
  }),
);
const anyCurvature = fc
  .tuple(fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0, max: 50, noNaN: true }), anyNoise)
  .map(([lambdaMax, depth, noise]): MeasuredCurvature => {
    // An outlier of positive semi-definite curvature is above the level of its bulk.
    const top = noise.model === "wigner" ? lambdaMax : noise.bulk + lambdaMax;
    const lambdaMin = noise.model === "wigner" ? -depth : Math.max(0, Math.min(top, noise.bulk - depth));
    return { lambdaMax: top, lambdaMin, noise };
  });

describe("effectiveBatch", () => {
  test("is 1/(1/B − 1/N)", () => {
    expect(effectiveBatch(100, 400)).toBeCloseTo(1 / (1 / 100 - 1 / 400), 12);
    expect(effectiveBatch(32)).toBe(32);
    expect(effectiveBatch(400, 400)).toBe(Infinity);
  });

  test("the variance of a mean without replacement is that of b draws, to 1 + 1/N", () => {
    // All 6 batches of 2 out of 4 numbers.
    const x = [1, 2, 4, 9];
    const mean = 4;
    const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / 4;
    const means = x.flatMap((a, i) => x.slice(i + 1).map((b) => (a + b) / 2));
    const ofMeans = means.reduce((sum, v) => sum + (v - mean) ** 2, 0) / means.length;
    expect(ofMeans).toBeCloseTo((variance / effectiveBatch(2, 4)) * (4 / 3), 12);
  });
});

describe("batchEdges", () => {
  test.prop([anyCurvature, fc.integer({ min: 1, max: 1000 })])("1: B = N gives the ends of all the data", (c, n) => {
    const edges = batchEdges(c, { batch: n, dataset: n });
    expect(edges.lambdaMax).toBe(c.lambdaMax);
    expect(edges.lambdaMin).toBe(c.lambdaMin);
    expect(edges.overlap).toBe(1);
  });

  test.prop([anyCurvature, fc.integer({ min: 2, max: 100 })])("1: λ₁′ falls and λ_P′ grows with B", (c, n) => {
    const all = Array.from({ length: n }, (_, i) => batchEdges(c, { batch: i + 1, dataset: n }));
    const slack = 1e-12 * Math.max(...all.map((e) => Math.abs(e.lambdaMax) + Math.abs(e.lambdaMin)), 1);
    const ordered = all.every(
      (e, i) =>
        e.lambdaMax >= c.lambdaMax - slack &&
        (i === 0 ||
          (e.lambdaMax <= all[i - 1].lambdaMax + slack &&
            e.lambdaMin >= all[i - 1].lambdaMin - slack &&
            e.overlap >= all[i - 1].overlap - 1e-12)),
    );
    expect(ordered).toBe(true);
  });

  test.prop([fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: 0.1, max: 50, noNaN: true })])(
    "2: continuous at the threshold, all models",
    (level, b) => {
      const near = (f: (x: number) => number, at: number): void => {
        const [below, above] = [f(at * (1 - 1e-13)), f(at * (1 + 1e-13))];
        expect(Math.abs(above / below - 1)).toBeLessThan(1e-12);
      };
      // Wigner: the value is twice the threshold.
      const threshold = Math.sqrt(level / b);
      near((l) => edgesOf(wigner(l, level), b).lambdaMax, threshold);
      expect(edgesOf(wigner(threshold, level), b).lambdaMax / (2 * threshold)).toBeCloseTo(1, 12);
      const q = 7 / b;
      near((l) => edgesOf(spiked(l, level, 7), b).lambdaMax, level * (1 + Math.sqrt(q)));
      near((l) => edgesOf(additive(l, level, 7), b).lambdaMax, level * (1 + q + Math.sqrt(q)));
    },
  );

  describe("3: λ = 4, Pσ² = 8, against symmetric Gaussian matrices of order 600", () => {
    const n = 600;
    // 4 e₁e₁ᵀ + c G for every c from one G = Q diag(g) Qᵀ: its eigenvalues x solve 1 = 4 Σ w/(x − c g), w = Q₁².
    const draws = Array.from({ length: 4 }, (_, i) => {
      const half = triu(random.normal(random.key(i), { shape: [n, n], dtype: "float64" }));
      const { values, vectors } = eigh(half.add(triu(half, 1).transpose()));
      return { g: Array.from(values.dataSync()), w: Array.from(vectors.slice(0).square().dataSync()) };
    });
    test.each([
      [4, 4.5],
      [1, 6],
      [0.4, 2 * Math.sqrt(20)],
      [64, 4.03125],
    ])("b = %d: %d", (b, expected) => {
      const edges = edgesOf(wigner(4, 8), b);
      expect(edges.lambdaMax).toBeCloseTo(expected, 10);
      // Entries of variance σ²/b = 8/(P b).
      const scale = Math.sqrt(8 / (n * b));
      let [top, cosines] = [0, 0];
      for (const { g, w } of draws) {
        const resolvent = (x: number, power: number): number =>
          w.reduce((sum, weight, i) => sum + weight / (x - scale * g[i]) ** power, 0);
        let [low, high] = [scale * g[n - 1], scale * g[n - 1] + 4];
        for (let i = 0; i < 60; i++) {
          const middle = (low + high) / 2;
          if (4 * resolvent(middle, 1) > 1) low = middle;
          else high = middle;
        }
        top += high / 4;
        cosines += 1 / (16 * resolvent(high, 2)) / 4;
      }
      expect(Math.abs(top / edges.lambdaMax - 1)).toBeLessThan(0.03);
      expect(Math.abs(cosines - edges.overlap)).toBeLessThan(0.1);
    });
  });

  test.each(["spiked-covariance", "mp-additive"] as const)(
    "%s: as random matrices have",
    (model) => {
      const [n, samples, level, top, draws] = [300, 100, 0.5, 8, 6];
      let [largest, cosines] = [0, 0];
      for (let draw = 0; draw < draws; draw++) {
        const noise = random.normal(random.key(draw), { shape: [samples, n], dtype: "float64" });
        const population = Float64Array.from({ length: n }, (_, i) =>
          i === 0 && model === "spiked-covariance" ? top : level,
        );
        const rows = noise.mul(tensor(population.map(Math.sqrt)));
        const spike = Float64Array.from({ length: n }, (_, i) =>
          i === 0 && model === "mp-additive" ? top - level : 0,
        );
        const { values, vectors } = eigh(
          rows
            .transpose()
            .matmul(rows)
            .div(samples)
            .add(diag(tensor(spike))),
        );
        largest += values.dataSync()[n - 1] / draws;
        cosines += vectors.slice(0).dataSync()[n - 1] ** 2 / draws;
      }
      const edges = batchEdges({ lambdaMax: top, noise: { model, bulk: level, params: n } }, { batch: samples });
      expect(edges.outlier).toBe(true);
      expect(Math.abs(largest / edges.lambdaMax - 1)).toBeLessThan(model === "mp-additive" ? 0.02 : 0.1);
      expect(Math.abs(cosines - edges.overlap)).toBeLessThan(0.05);
    },
    60_000,
  );

  test("the lowest eigenvalue of Wigner noise moves as the largest one does, downwards", () => {
    for (const b of [0.3, 0.5, 1, 4, 64]) {
      const edges = edgesOf(wigner(4, 8, -4), b);
      expect(edges.lambdaMin).toBe(-edges.lambdaMax);
    }
    // λ_P = −2 stands out of the noise at b = 4 and drowns at b = 1.
    expect(edgesOf(wigner(4, 8, -2), 4).lambdaMin).toBe(-2 - 8 / (4 * 2));
    expect(edgesOf(wigner(4, 8, -2), 1).lambdaMin).toBe(-2 * Math.sqrt(8));
  });

  test("an example of rank r is worth r examples of rank 1", () => {
    for (const of of [spiked, additive]) {
      const [nine, one] = [of(8, 0.5, 300, 9), of(8, 0.5, 300)];
      for (const b of [1, 4, 20]) {
        expect(edgesOf(nine, b).lambdaMax).toBeCloseTo(edgesOf(one, 9 * b).lambdaMax, 12);
        expect(edgesOf(nine, b).lambdaMax).toBeLessThan(edgesOf(one, b).lambdaMax);
      }
      expect(crossoverBatch(nine)).toBeCloseTo(crossoverBatch(one) / 9, 12);
    }
  });

  test("for an outlier far above the bulk, 1/lr is affine in 1/b with the bulk's trace as slope", () => {
    const c = spiked(1000, 0.01, 100_000);
    const inverse = (b: number): number => 1 / maxLearningRate(edgesOf(c, b), { method: "sgd" });
    for (const b of [2, 30, 500]) expect(((inverse(b) - 500) * 2 * b) / 1000).toBeCloseTo(1, 3);
  });

  test("Marchenko–Pastur without an outlier: both ends of the bulk", () => {
    const [n, samples] = [200, 400];
    const x = random.normal(random.key(3), { shape: [samples, n], dtype: "float64" });
    const spectrum = eigvalsh(x.transpose().matmul(x).div(samples)).dataSync();
    const edges = batchEdges(spiked(1, 1, n), { batch: samples });
    expect(edges.outlier).toBe(false);
    expect(Math.abs(spectrum[n - 1] / edges.lambdaMax - 1)).toBeLessThan(0.05);
    expect(Math.abs(spectrum[0] - edges.lambdaMin)).toBeLessThan(0.02);
  });

  test("Wigner noise misses what low-rank curvature does at small batches by a factor", () => {
    // The scaled experiment of the paper: measured 19.6 at B = 8.
    expect(batchEdges(spiked(5, 0.5, 200), { batch: 8, dataset: 4000 }).lambdaMax).toBeGreaterThan(18);
    expect(batchEdges(wigner(5, 57.8), { batch: 8, dataset: 4000 }).lambdaMax).toBeLessThan(7);
  });
});

describe("learning rates", () => {
  const curvature = spiked(10, 0.01, 100_000);
  const crossover = crossoverBatch(curvature);
  const slope = (c: MeasuredCurvature, batch: number, method: "sgd" | "adaptive" = "sgd"): number => {
    const options = { curvature: c, fromBatch: 1, dataset: 1e9, method };
    const at = (toBatch: number): number => scaleLearningRate(0.1, { ...options, toBatch }).lr;
    const [low, high] = [batch, Math.ceil(batch * 1.1)];
    return Math.log(at(high) / at(low)) / Math.log(high / low);
  };

  test("5: linear in B far below the crossover, flat far above", () => {
    expect(crossover).toBeCloseTo(100, 10);
    for (const batch of [1, 2, 5, 10]) {
      expect(slope(curvature, batch)).toBeGreaterThan(0.9);
      expect(slope(curvature, batch)).toBeLessThanOrEqual(1);
    }
    for (const batch of [50 * crossover, 1000 * crossover]) {
      expect(slope(curvature, batch)).toBeGreaterThanOrEqual(0);
      expect(slope(curvature, batch)).toBeLessThan(0.1);
    }
  });

  test("saturates at lr₀ λ₁′(B₀)/λ₁, which lr₀ B/B₀ does not", () => {
    const options = { method: "sgd", curvature, fromBatch: 8, toBatch: 10_000, dataset: 10_000 } as const;
    const { lr, crossoverBatch: end } = scaleLearningRate(0.1, options);
    expect(lr).toBeCloseTo((0.1 * batchEdges(curvature, { batch: 8, dataset: 10_000 }).lambdaMax) / 10, 12);
    expect(lr).toBeLessThan(0.1 * (10_000 / 8) * 0.02);
    expect(end).toBe(crossover);
  });

  test("5, Wigner: a square root below the crossover, where λ₁ drowns, and flat above", () => {
    const c = wigner(10, 10_000);
    expect(crossoverBatch(c)).toBe(100);
    for (const batch of [1, 10, 80]) expect(slope(c, batch)).toBeCloseTo(0.5, 5);
    expect(slope(c, 5000)).toBeLessThan(0.1);
  });

  test.prop([fc.integer({ min: 1, max: 999 }), fc.integer({ min: 1, max: 999 })])(
    "5: adaptive, exactly the square root of b",
    (fromBatch, toBatch) => {
      const { lr } = scaleLearningRate(0.1, { method: "adaptive", fromBatch, toBatch, dataset: 1000 });
      const ratio = effectiveBatch(toBatch, 1000) / effectiveBatch(fromBatch, 1000);
      expect(Math.abs((lr / 0.1) ** 2 / ratio - 1)).toBeLessThan(1e-12);
    },
  );

  test("bounds: 2/λ, 2(1 + ρ)/λ, and the steepest preconditioned direction", () => {
    const edges = batchEdges(wigner(4, 8), { batch: 4 });
    expect(maxLearningRate(edges, { method: "sgd" })).toBe(2 / 4.5);
    expect(maxLearningRate(edges, { method: "heavy-ball", momentum: 0.9 })).toBeCloseTo(3.8 / 4.5, 14);
    expect(maxLearningRate(edges, { method: "adaptive", damping: 0.5 })).toBe((2 * 0.5) / (2 * Math.SQRT2));
    const directions = { curvature: [4, -3, 1], preconditioner: [4, 0.5, 0.9] };
    expect(maxLearningRate(edges, { method: "adaptive", damping: 0.1, directions })).toBeCloseTo(2 / (3 / 0.6), 14);
  });

  test("on a quadratic, steps just below the bound shrink and just above grow", () => {
    const lambda = 4.5;
    const edges = { ...batchEdges(wigner(4, 8), { batch: 4 }) };
    for (const momentum of [0, 0.5, 0.9]) {
      const bound = maxLearningRate(edges, { method: "heavy-ball", momentum });
      const run = (lr: number): number => {
        let [x, v] = [1, 0];
        for (let i = 0; i < 3000; i++) {
          v = momentum * v - lr * lambda * x;
          x += v;
        }
        return Math.abs(x);
      };
      expect(run(0.98 * bound)).toBeLessThan(1e-3);
      expect(run(1.02 * bound)).toBeGreaterThan(1e3);
    }
  });

  test("the authors' rates of Adam: 0.0004 at 128, 0.00056 at 256", () => {
    const options = { method: "adaptive", fromBatch: 128, toBatch: 256, dataset: 50_000 } as const;
    // They have two digits of 0.0004 √2.
    expect(Math.abs(scaleLearningRate(0.0004, options).lr / 0.00056 - 1)).toBeLessThan(0.02);
  });

  test("the authors' K-FAC damping", () => {
    for (const [toBatch, damping] of [
      [32, 8],
      [64, 4],
      [128, 2],
      [256, 1],
    ]) {
      expect(scaleDamping(16, { fromBatch: 16, toBatch })).toBe(damping);
    }
    expect(scaleDamping(1, { lrRatio: 3, fromBatch: 16, toBatch: 32 })).toBe(1.5);
  });
});

describe("8: what is refused, with the field's name", () => {
  const good = wigner(4, 8);
  const sgd = { method: "sgd", curvature: good, fromBatch: 8, toBatch: 16 } as const;
  test.each<[string, () => unknown, string]>([
    ["batch 0", () => batchEdges(good, { batch: 0 }), "batch is 0"],
    ["batch 1.5", () => effectiveBatch(1.5), "batch is 1.5"],
    ["batch beyond the data", () => batchEdges(good, { batch: 11, dataset: 10 }), "batch is 11"],
    ["negative variance", () => batchEdges(wigner(4, -1), { batch: 4 }), "noise.pSigma2 is -1"],
    ["negative bulk", () => batchEdges(spiked(4, -1, 9), { batch: 4 }), "noise.bulk is -1"],
    ["no parameters", () => batchEdges(spiked(4, 1, 0), { batch: 4 }), "noise.params is 0"],
    ["rank 0", () => batchEdges(spiked(4, 1, 9, 0), { batch: 4 }), "noise.rankPerSample is 0"],
    ["NaN", () => batchEdges(wigner(NaN, 1), { batch: 4 }), "lambdaMax is NaN"],
    ["ends crossed", () => batchEdges(wigner(1, 1, 2), { batch: 4 }), "lambdaMin is 2"],
    ["a model", () => batchEdges({ lambdaMax: 1, noise: { model: "x" as never, pSigma2: 1 } }, { batch: 1 }), '"x"'],
    ["λ₁ of 0 for sgd", () => scaleLearningRate(1, { ...sgd, curvature: wigner(0, 1) }), "curvature.lambdaMax is 0"],
    ["λ₁ < 0", () => crossoverBatch(wigner(-1, 1)), "lambdaMax is -1"],
    ["lr", () => scaleLearningRate(0, sgd), "lr is 0"],
    ["method", () => scaleLearningRate(1, { ...sgd, method: "adam" as never }), 'method is "adam"'],
    [
      "adaptive, all data",
      () => scaleLearningRate(1, { method: "adaptive", fromBatch: 1, toBatch: 9, dataset: 9 }),
      "all 9",
    ],
    [
      "edges of a zero curvature",
      () => maxLearningRate(batchEdges(wigner(0, 0), { batch: 1 }), { method: "sgd" }),
      "edges.lambdaMax is 0",
    ],
    [
      "momentum 1",
      () => maxLearningRate(batchEdges(good, { batch: 1 }), { method: "heavy-ball", momentum: 1 }),
      "momentum is 1",
    ],
    [
      "no damping on the bulk",
      () => maxLearningRate(batchEdges(good, { batch: 1 }), { method: "adaptive", damping: 0 }),
      "directions.preconditioner[0] + damping is 0",
    ],
    [
      "one direction too few",
      () =>
        maxLearningRate(batchEdges(good, { batch: 1 }), {
          method: "adaptive",
          damping: 1,
          directions: { curvature: [1, 2], preconditioner: [1] },
        }),
      "2 curvatures and 1 eigenvalues",
    ],
    ["damping", () => scaleDamping(-1, { fromBatch: 1, toBatch: 2 }), "damping is -1"],
    ["damping's batch", () => scaleDamping(1, { fromBatch: 0, toBatch: 2 }), "fromBatch is 0"],
  ])("%s", (_, call, message) => {
    let error: unknown;
    try {
      call();
    } catch (e) {
      error = e;
    }
    expect(error).toMatchObject({ name: "DomainError", message: expect.stringContaining(message) as string });
  });
});
