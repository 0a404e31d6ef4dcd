/** The exact threshold of mean-square stability (paper 16, "Must be true" 1 to 4, 6 and 8). */

import { concat, diag, eye, matmul, stack, tensor, type Tensor } from "@curv/tensor";
import { cholesky, eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { denseOperator } from "@curv/linsolve";
import { describe, expect, test, vi } from "vitest";
import {
  interpolantOf,
  meanSquareThreshold,
  noiseAlignment,
  sharpness,
  stabilityReport,
  type Interpolant,
} from "./index.js";

// Seconds of work, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(16);
const draw = (seed: number, n: number, p: number): Tensor =>
  random.normal(random.foldIn(key, seed), { shape: [n, p], dtype });
/** Rows whose lengths differ much. */
const uneven = (seed: number, n: number, p: number): Tensor =>
  draw(seed, n, p).mul(random.normal(random.foldIn(key, 5000 + seed), { shape: [n, 1], dtype }).exp());
const gaussNewton = (a: Tensor): Tensor => matmul(a.transpose(), a).div(a.shape[0]);

/** Spectral radius of the second-moment map by the paper's iteration in the space of residuals, R ← E[r rᵀ], from R = K. */
function residualRadius(a: Tensor, eta: number, q: number): number {
  const n = a.shape[0];
  const k = matmul(a, a.transpose()).arraySync() as number[][];
  const times = (x: number[][], y: number[][]): number[][] =>
    x.map((row) => y[0].map((_, j) => row.reduce((sum, v, i) => sum + v * y[i][j], 0)));
  let r = k;
  let growth = 0;
  for (let t = 0; t < 2000; t++) {
    const [kr, rk] = [times(k, r), times(r, k)];
    const krk = times(kr, k);
    const noise = times(
      k.map((row) => row.map((v, i) => v * r[i][i])),
      k,
    );
    const next = r.map((row, i) =>
      row.map(
        (v, j) =>
          v -
          (eta / n) * (kr[i][j] + rk[i][j]) +
          (((1 - q) * eta ** 2) / n ** 2) * krk[i][j] +
          ((q * eta ** 2) / n) * noise[i][j],
      ),
    );
    const before = growth;
    const size = (x: number[][]): number => Math.hypot(...x.flat());
    growth = size(next) / size(r);
    r = next.map((row) => row.map((v) => v / size(next)));
    if (Math.abs(growth - before) < 1e-13) break;
  }
  return growth;
}

describe("meanSquareThreshold", () => {
  test.each([
    [6, 4, 1],
    [6, 4, 2],
    [5, 9, 1],
    [5, 9, 3],
  ])("1: the spectral radius crosses 1 at η*: n = %i, p = %i, B = %i", async (n, p, batch) => {
    const a = uneven(n + p, n, p);
    const q = (n - batch) / (batch * (n - 1));
    for (const method of ["dense", "lanczos"] as const) {
      const { eta, spectralRadiusAt, converged } = await meanSquareThreshold(interpolantOf(a), { batch, method });
      expect(converged).toBe(true);
      expect(await spectralRadiusAt(0.999 * eta)).toBeLessThan(1);
      expect(await spectralRadiusAt(1.001 * eta)).toBeGreaterThan(1);
      if (method === "lanczos") continue;
      // More residuals than parameters have a kernel of their own, where nothing ever shrinks.
      if (n <= p) expect(residualRadius(a, 0.95 * eta, q)).toBeLessThan(1);
      expect(residualRadius(a, 1.05 * eta, q)).toBeGreaterThan(1);
      expect(await spectralRadiusAt(1.2 * eta)).toBeCloseTo(residualRadius(a, 1.2 * eta, q), 8);
    }
  });

  test("2: B = n is gradient descent, η* grows with B, and the methods agree", async () => {
    const n = 12;
    for (const a of [uneven(1, n, 7), uneven(2, n, 20)]) {
      const m = interpolantOf(a);
      const largest = eigvalsh(gaussNewton(a)).max().itemSync();
      let before = 0;
      for (const batch of [1, 2, 3, 6, 11, 12]) {
        const { eta, method } = await meanSquareThreshold(m, { batch });
        expect(method).toBe("lanczos");
        const dense = await meanSquareThreshold(m, { batch, method: "dense" });
        expect(Math.abs(eta / dense.eta - 1)).toBeLessThan(1e-6);
        expect(eta).toBeGreaterThanOrEqual(before * (1 - 1e-10));
        before = eta;
      }
      expect(Math.abs((before * largest) / 2 - 1)).toBeLessThan(1e-10);
      const [without, with_] = [
        await meanSquareThreshold(m, { batch: 1 }),
        await meanSquareThreshold(m, { batch: 1, replacement: true }),
      ];
      expect(with_.eta).toBe(without.eta);
      const four = await meanSquareThreshold(m, { batch: 4, replacement: true });
      expect(four.eta).toBeLessThan((await meanSquareThreshold(m, { batch: 4 })).eta);
    }
  });

  test("2: the lottery has the second moments of batches: all of them, one by one", async () => {
    const [n, p, batch, eta] = [5, 3, 2, 0.3];
    const a = uneven(3, n, p);
    const q = (n - batch) / (batch * (n - 1));
    const m = draw(4, p, p);
    const moments = matmul(m, m.transpose());
    const after = (rows: Tensor): Tensor => {
      const step = eye(p, p, { dtype }).sub(gaussNewton(rows).mul(eta));
      return matmul(matmul(step, moments), step);
    };
    const pairs: Tensor[] = [];
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) pairs.push(after(concat([a.slice([i, i + 1]), a.slice([j, j + 1])])));
    }
    const mean = (list: readonly Tensor[]): Tensor => list.reduce((x, y) => x.add(y)).div(list.length);
    const singles = Array.from({ length: n }, (_, i) => after(a.slice([i, i + 1])));
    const lottery = after(a)
      .mul(1 - q)
      .add(mean(singles).mul(q));
    expect(mean(pairs).sub(lottery).abs().max().itemSync()).toBeLessThan(1e-12);
  });

  test("3: η*(B = 1) tr G ≤ 2 for 1000 random problems", { timeout: 300_000 }, async () => {
    let largest = 0;
    for (let i = 0; i < 1000; i++) {
      const a = uneven(100 + i, 1 + (i % 8), 1 + ((i >> 3) % 8));
      const { eta } = await meanSquareThreshold(interpolantOf(a), { batch: 1, method: "dense" });
      largest = Math.max(largest, (eta * a.square().sum().itemSync()) / a.shape[0]);
    }
    expect(largest).toBeLessThanOrEqual(2 + 1e-9);
    expect(largest).toBeGreaterThan(1.9);
  });

  test("3: equality for orthogonal rows of equal length; for B = 2 the bound is false", async () => {
    const a = random.orthogonal(key, 7, { dtype }).slice([0, 5]).mul(3);
    const one = await meanSquareThreshold(interpolantOf(a), { batch: 1 });
    expect(one.eta * 9).toBeCloseTo(2, 9);
    const two = await meanSquareThreshold(interpolantOf(a), { batch: 2 });
    expect(two.eta * 9).toBeGreaterThan(3);
  });

  test("4: one parameter, B = 1: η* = 2 mean a²/mean a⁴", async () => {
    const a = uneven(7, 9, 1);
    const wanted = (2 * a.square().mean().itemSync()) / a.square().square().mean().itemSync();
    const { eta } = await meanSquareThreshold(interpolantOf(a), { batch: 1 });
    expect(Math.abs(eta / wanted - 1)).toBeLessThan(1e-12);
  });

  test("more parameters than examples, in float32, in blocks of rows", async () => {
    const a = uneven(8, 30, 200);
    const whole = interpolantOf(a);
    const parts: Interpolant = { ...whole, rows: () => [0, 8, 16, 24].map((i) => a.slice([i, Math.min(30, i + 8)])) };
    const { eta } = await meanSquareThreshold(whole, { batch: 3 });
    expect((await meanSquareThreshold(parts, { batch: 3 })).eta / eta).toBeCloseTo(1, 10);
    expect((await meanSquareThreshold(interpolantOf(a.cast("float32")), { batch: 3 })).eta / eta).toBeCloseTo(1, 5);
    const tall = uneven(9, 200, 12);
    const flat = { ...interpolantOf(tall), rows: () => [tall.slice([0, 77]), tall.slice([77, 200])] };
    const [x, y] = [interpolantOf(tall), flat].map((m) => meanSquareThreshold(m, { batch: 3 }));
    expect((await x).eta / (await y).eta).toBeCloseTo(1, 10);
  });

  test("by simulation: within 5 %, with and without noise, and it says where it has had too few steps", async () => {
    const a = draw(10, 40, 15);
    const m = interpolantOf(a);
    for (const batch of [1, 8, 40]) {
      const exact = await meanSquareThreshold(m, { batch });
      const simulated = await meanSquareThreshold(m, { batch, method: "montecarlo" });
      expect(simulated).toMatchObject({ method: "montecarlo", converged: true });
      expect(Math.abs(simulated.eta / exact.eta - 1)).toBeLessThan(0.05);
      const short = await meanSquareThreshold(m, { batch, method: "montecarlo", steps: 150 });
      if (batch === 1) expect(short.converged).toBe(false);
      if (batch < 40) expect(simulated.standardError).toBeGreaterThan(0);
      const [got, wanted] = [simulated, exact].map((t) => t.spectralRadiusAt(1.3 * exact.eta));
      expect(Math.abs((await got) / (await wanted) - 1)).toBeLessThan(0.05);
    }
  });
});

test("of 100,000 parameters no square matrix is made: it would take 80 GB", async () => {
  const p = 100_000;
  const rows = [1, 2, 3].map((k) => Float64Array.from({ length: p }, (_, i) => Math.sin(k * i) / (100 * k)));
  const a = stack(rows.map((row) => tensor(row)));
  const options = { lr: 0.1, batch: 2 };
  const { margins } = await stabilityReport(interpolantOf(a), options);
  // The same inner products, in 3 dimensions.
  const small = cholesky(matmul(a, a.transpose()));
  const { margins: wanted } = await stabilityReport(interpolantOf(small), options);
  for (const name of ["gd", "loss", "sufficient", "meanSquare", "nonUniformity"] as const) {
    expect(margins[name] / wanted[name]).toBeCloseTo(1, 8);
  }
});

test("beyond 500 examples and parameters the default is a simulation, and it says so", async () => {
  // All rows but one alike in length: λ_max = 100/501, and the others' are 1/501.
  const a = diag(tensor(Float64Array.from({ length: 501 }, (_, i) => (i === 7 ? 10 : 1))));
  const { eta, method } = await meanSquareThreshold(interpolantOf(a), { batch: 501, steps: 150, chains: 2 });
  expect(method).toBe("montecarlo");
  expect(Math.abs((eta * 100) / 501 / 2 - 1)).toBeLessThan(0.05);
});

test("beyond 500 the report says what it cannot judge", async () => {
  const a = diag(tensor(Float64Array.from({ length: 501 }, (_, i) => (i === 7 ? 10 : 1))));
  // λ_max = 100/501: 2/λ_max is 10.02.
  const options = { lr: 9, batch: 501, steps: 150, chains: 2 };
  const report = await stabilityReport(interpolantOf(a), options);
  expect(report).toMatchObject({ gd: true, lossNecessary: "n/a", sufficient: "n/a", traceNecessary: "n/a" });
  expect(report.margins.gd).toBeCloseTo(10.02 / 9, 6);
  for (const name of ["loss", "sufficient", "trace"] as const) expect(report.margins[name]).toBeNaN();
  // With a bound of the alignment the condition of loss stability is judged: nothing is lost with the whole batch.
  expect((await stabilityReport(interpolantOf(a), { ...options, alignment: 0.5 })).lossNecessary).toBe(true);
  // Up to 500 all of them are.
  const small = await stabilityReport(interpolantOf(a.slice([0, 20])), { lr: 0.01, batch: 1 });
  expect(Object.values(small)).not.toContain("n/a");
});

/** λ_max((I − ηG)² + η² q S), with all matrices p × p. */
function sufficientAt(a: Tensor, eta: number, batch: number): number {
  const [n, p] = a.shape;
  const q = (n - batch) / (batch * (n - 1));
  const g = gaussNewton(a);
  const second = matmul(a.transpose(), a.mul(a.square().sum(1, { keepDims: true }))).div(n);
  const step = eye(p, p, { dtype }).sub(g.mul(eta));
  const scatter = second.sub(matmul(g, g)).mul(eta ** 2 * q);
  return eigvalsh(matmul(step, step).add(scatter)).max().itemSync();
}

describe("6: loss stability", () => {
  test("E L(θ′) ≥ (η²μ/B) ‖G‖_F² L(θ), for every displacement, by the mean over all single-example steps", async () => {
    const [n, p] = [8, 5];
    const a = uneven(20, n, p);
    const g = gaussNewton(a);
    const operator = denseOperator(g, { positiveSemidefinite: true });
    const { frobenius } = await sharpness(interpolantOf(a));
    const lossAt = (delta: Tensor): number => matmul(a, delta).square().mean().itemSync() / 2;
    const least: number[] = [];
    for (let i = 0; i < 20; i++) {
      const delta = draw(200 + i, p, 1).reshape([p]);
      const loss = lossAt(delta);
      const gradients = a.mul(matmul(a, delta).expandDims(1));
      const mu = await noiseAlignment(gradients, operator, { loss, frobenius });
      least.push(mu);
      for (const eta of [0.01, 0.1, 1]) {
        let after = 0;
        for (let k = 0; k < n; k++) after += lossAt(delta.sub(gradients.slice(k).mul(eta))) / n;
        expect(after).toBeGreaterThanOrEqual(eta ** 2 * mu * frobenius ** 2 * loss * (1 - 1e-12));
      }
    }
    // The default of the report is below each of them, and not below all possible ones.
    const { margins } = await stabilityReport(interpolantOf(a), { lr: 1, batch: 1 });
    const mu0 = 1 / (margins.loss * frobenius) ** 2;
    expect(mu0).toBeLessThanOrEqual(Math.min(...least) * (1 + 1e-9));
    expect(mu0).toBeGreaterThan(0);
  });

  test("what is left between both sides is η²μ‖G‖_F² L exactly, so μ is no guess: E L(θ′) − L(θ − η∇L)", async () => {
    const [n, p, eta] = [8, 5, 0.3];
    const a = uneven(21, n, p);
    const { frobenius } = await sharpness(interpolantOf(a));
    const lossAt = (delta: Tensor): number => matmul(a, delta).square().mean().itemSync() / 2;
    for (const seed of [1, 2, 3]) {
      const delta = draw(220 + seed, p, 1).reshape([p]);
      const gradients = a.mul(matmul(a, delta).expandDims(1));
      const operator = denseOperator(gaussNewton(a), { positiveSemidefinite: true });
      const mu = await noiseAlignment(gradients, operator, { loss: lossAt(delta), frobenius });
      let after = 0;
      for (let k = 0; k < n; k++) after += lossAt(delta.sub(gradients.slice(k).mul(eta))) / n;
      const noise = after - lossAt(delta.sub(gradients.mean(0).mul(eta)));
      expect(noise / (eta ** 2 * mu * frobenius ** 2 * lossAt(delta))).toBeCloseTo(1, 10);
    }
  });

  test("the margins are those of the paper's conditions", async () => {
    const [n, p, lr, batch, alignment] = [9, 5, 0.07, 4, 0.3];
    const a = uneven(22, n, p);
    const m = interpolantOf(a);
    const { trace, lambdaMax, frobenius, nonUniformity } = await sharpness(m);
    const { margins } = await stabilityReport(m, { lr, batch, replacement: true, alignment });
    expect(margins.gd).toBeCloseTo(2 / lambdaMax / lr, 10);
    expect(margins.loss).toBeCloseTo(Math.sqrt(batch / alignment) / lr / frobenius, 10);
    expect(margins.trace).toBeNaN();
    const without = await stabilityReport(m, { lr, batch });
    expect(without.margins.nonUniformity).toBeCloseTo(
      Math.sqrt((batch * (n - 1)) / (n - batch)) / lr / nonUniformity!,
      10,
    );
    const { margins: single, lossNecessary } = await stabilityReport(m, { lr, batch: 1, alignment: 1e6 });
    expect(single.trace).toBeCloseTo(2 / trace / lr, 10);
    // The condition is one on ‖G‖_F and μ₀ together: with noise that is aligned so strongly nothing passes.
    expect(lossNecessary).toBe(false);
  });

  test("where the examples' curvatures commute, η* meets the condition on non-uniformity", async () => {
    for (const a of [
      uneven(23, 7, 1),
      matmul(diag(uneven(24, 6, 1).reshape([6])), random.orthogonal(key, 6, { dtype })),
    ]) {
      for (const batch of [1, 3]) {
        const m = interpolantOf(a);
        const { eta } = await meanSquareThreshold(m, { batch });
        const { margins } = await stabilityReport(m, { lr: eta, batch });
        expect(margins.nonUniformity).toBeGreaterThanOrEqual(1 - 1e-9);
        // 2018's sufficient condition is the exact one here.
        expect(margins.sufficient).toBeCloseTo(1, 9);
      }
    }
  });

  test("what is stable in mean square meets every necessary condition", async () => {
    for (let i = 0; i < 6; i++) {
      const a = uneven(300 + i, 6, 3 + (i % 6));
      for (const batch of [1, 2, 6]) {
        const m = interpolantOf(a);
        const { eta } = await meanSquareThreshold(m, { batch });
        const report = await stabilityReport(m, { lr: 0.999 * eta, batch });
        expect(report).toMatchObject({ gd: true, lossNecessary: true, meanSquare: true, heuristic: false });
        expect(report.traceNecessary).toBe(batch === 1 ? true : "n/a");
        expect(report.margins.meanSquare).toBeCloseTo(1 / 0.999, 8);
        // The sufficient condition is met below its own rate, which is below η*, and equal to it for gradient descent.
        expect(report.margins.sufficient).toBeLessThanOrEqual(report.margins.meanSquare * (1 + 1e-9));
        if (batch === 6) expect(report.margins.sufficient).toBeCloseTo(report.margins.meanSquare, 9);
        const rate = 0.999 * eta * report.margins.sufficient;
        expect(sufficientAt(a, 0.999 * rate, batch)).toBeLessThanOrEqual(1 + 1e-12);
        expect(sufficientAt(a, 1.01 * rate, batch)).toBeGreaterThan(1);
        expect((await stabilityReport(m, { lr: 1.001 * eta, batch })).meanSquare).toBe(false);
      }
    }
  });

  test("a minimum that is stable for gradient descent and not for SGD", async () => {
    const a = draw(30, 10, 40);
    const m = interpolantOf(a);
    const lr = 1.9 / eigvalsh(gaussNewton(a)).max().itemSync();
    const report = await stabilityReport(m, { lr, batch: 1 });
    expect(report).toMatchObject({ gd: true, traceNecessary: false, meanSquare: false });
    expect((await stabilityReport(m, { lr, batch: 10 })).meanSquare).toBe(true);
  });
});

describe("8: what is refused, and what is flagged", () => {
  const a = draw(40, 6, 3);
  const m = interpolantOf(a);

  test("residuals that are not zero make every verdict heuristic", async () => {
    const targets = tensor([1, -1, 2, 0, 1, 3], { dtype });
    const of = (size: number): Interpolant =>
      interpolantOf(a, { residuals: tensor(Array<number>(6).fill(size), { dtype }), targets });
    // Variance of the targets: 5/3.
    expect((await stabilityReport(of(1e-2), { lr: 0.1, batch: 1 })).heuristic).toBe(true);
    expect((await stabilityReport(of(1e-4), { lr: 0.1, batch: 1 })).heuristic).toBe(false);
    expect(of(0.1).residual).toBeCloseTo(0.01 / (5 / 3), 12);
    expect((await meanSquareThreshold(of(1e-2), { batch: 1 })).heuristic).toBe(true);
    const other: Interpolant = { ...m, squaredError: false };
    expect((await meanSquareThreshold(other, { batch: 1 })).heuristic).toBe(true);
  });

  test.each<[string, () => Promise<unknown> | Interpolant, string]>([
    ["batch 0", () => meanSquareThreshold(m, { batch: 0 }), "batch is 0"],
    ["batch 7 of 6", () => stabilityReport(m, { lr: 1, batch: 7 }), "batch is 7"],
    ["lr 0", () => stabilityReport(m, { lr: 0, batch: 1 }), "lr is 0"],
    ["lr NaN", () => stabilityReport(m, { lr: NaN, batch: 1 }), "lr is NaN"],
    ["alignment", () => stabilityReport(m, { lr: 1, batch: 1, alignment: 0 }), "alignment is 0"],
    ["no data", () => interpolantOf(a.slice([0, 0])), "[0, 3]"],
    ["a vector", () => interpolantOf(a.slice(0)), "[3]"],
    ["a NaN", () => meanSquareThreshold(interpolantOf(a.div(a.mul(0))), { batch: 1 }), "NaN"],
    ["zero rows", () => sharpness(interpolantOf(a.mul(0))), "all rows are zero"],
    ["residuals alone", () => interpolantOf(a, { residuals: a.slice(0) }), "both residuals and targets"],
    ["a method", () => meanSquareThreshold(m, { batch: 1, method: "x" as never }), 'method is "x"'],
    ["too few steps", () => meanSquareThreshold(m, { batch: 1, method: "montecarlo", steps: 10 }), "steps is 10"],
    [
      "a short pass",
      () => sharpness({ ...m, params: 3, examples: 2, rows: () => [a.slice([0, 1])] }),
      "wants one for each of 2 examples",
    ],
    [
      "the loss",
      () => noiseAlignment(a, denseOperator(gaussNewton(a), { symmetric: true }), { loss: 0, frobenius: 1 }),
      "loss is 0",
    ],
    [
      "other gradients",
      () => noiseAlignment(a.transpose(), denseOperator(gaussNewton(a)), { loss: 1, frobenius: 1 }),
      "gradients have shape [3, 6]",
    ],
  ])("%s", async (_, call, message) => {
    await expect((async () => call())()).rejects.toMatchObject({
      code: expect.stringMatching(/^CURV_(DOMAIN|SHAPE)$/) as string,
      message: expect.stringContaining(message) as string,
    });
  });

  test("a rate for the spectral radius that is not positive; an abort", async () => {
    const { spectralRadiusAt } = await meanSquareThreshold(m, { batch: 1 });
    await expect(spectralRadiusAt(-1)).rejects.toThrow("eta is -1");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(stabilityReport(m, { lr: 1, batch: 1, signal })).rejects.toThrow("enough");
  });
});
