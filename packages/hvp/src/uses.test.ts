/** What is built on the operators: inverse products, influence functions, noise scale, loss surfaces, traces of layers. */

import { eigsh, toDense } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { eye, grad, tensor, type Tensor } from "@curv/tensor";
import { inv, solve } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { axpy, ravel } from "@curv/tensor/tree";
import { describe, expect, test, vi } from "vitest";
import {
  crossEntropyOutput,
  gaussNewtonOperator,
  gradientNoiseScale,
  hessianOperator,
  inBatches,
  influence,
  inverseProduct,
  lossSurface,
  perSampleGradientRows,
  traceByLayer,
} from "./index.js";

vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(3);
const model = mlp({ sizes: [4, 5, 3], activation: "tanh" });
const params = model.init(random.foldIn(key, 1), { dtype });
type Params = typeof params;
const batch = {
  inputs: random.normal(random.foldIn(key, 2), { shape: [30, 4], dtype }),
  targets: random.randint(random.foldIn(key, 3), 0, 3, { shape: [30] }),
};
type Batch = typeof batch;
const apply = (p: Params, x: Tensor): Tensor => model.apply(p, x);
const loss = (p: Params, { inputs, targets }: Batch): Tensor => softmaxCrossEntropy(apply(p, inputs), targets);
const { vector: theta, unravel } = ravel(params);
const n = theta.size;
const largest = (x: Tensor): number => x.abs().max().itemSync();

describe("inverse products", () => {
  const b = unravel(random.normal(random.foldIn(key, 4), { shape: [n], dtype }));
  const g = gaussNewtonOperator(apply, crossEntropyOutput, params, batch);
  const h = hessianOperator(loss, params, batch);

  test.each(["cg", "minres", "neumann"] as const)("of the damped Gauss–Newton matrix, %s", async (method) => {
    const { x, converged, residual, history } = await inverseProduct(g, b, { damping: 0.1, method, maxIter: 2000 });
    expect(converged).toBe(true);
    const dense = solve(toDense(g).add(eye(n, n, { dtype }).mul(0.1)), ravel(b).vector);
    expect(largest(ravel(x).vector.sub(dense))).toBeLessThan(1e-6);
    expect(residual).toBeLessThan(1e-7);
    expect(history.length).toBeGreaterThan(3);
  });

  test("an indefinite Hessian: CG says so, MINRES solves", async () => {
    const cg = await inverseProduct(h, b, { damping: 1e-3 });
    expect(cg.converged).toBe(false);
    expect(cg.status).toBe("indefinite");
    const { x, converged } = await inverseProduct(h, b, { damping: 1e-3, method: "minres", maxIter: 2000, rtol: 1e-9 });
    expect(converged).toBe(true);
    const image = h.apply(x);
    const residual = ravel(image).vector.add(ravel(x).vector.mul(1e-3)).sub(ravel(b).vector);
    expect(largest(residual)).toBeLessThan(1e-7);
  });

  test("what is refused", async () => {
    await expect(inverseProduct(h, b, { damping: -1 })).rejects.toThrow(/damping is -1; wants a finite number >= 0/);
    await expect(inverseProduct(h, b, { method: "lu" as never })).rejects.toThrow(/method is "lu"; wants "cg"/);
  });
});

describe("influence functions", () => {
  // Ridge regression: the Hessian is positive definite, and retraining is a linear system.
  const x = random.normal(random.foldIn(key, 10), { shape: [25, 3], dtype });
  const y = random.normal(random.foldIn(key, 11), { shape: [25], dtype });
  const ridge = 0.1;
  const squared = (w: Tensor, { inputs, targets }: Batch): Tensor =>
    inputs
      .matmul(w)
      .sub(targets)
      .square()
      .mean()
      .mul(0.5)
      .add(
        w
          .square()
          .sum()
          .mul(ridge / 2),
      );
  const fit = (weights: Tensor): Tensor => {
    const wx = x.mul(weights.expandDims(1));
    return solve(
      x
        .transpose()
        .matmul(wx)
        .add(eye(3, 3, { dtype }).mul(weights.sum().mul(ridge))),
      wx.transpose().matmul(y),
    );
  };
  const even = tensor(new Float64Array(25).fill(1 / 25));
  const w = fit(even);
  const training = { inputs: x, targets: y };
  const testing = {
    inputs: random.normal(random.foldIn(key, 12), { shape: [4, 3], dtype }),
    targets: random.normal(random.foldIn(key, 13), { shape: [4], dtype }),
  };

  test("are the derivatives of the test losses with respect to the weights of training examples", async () => {
    const scores = await influence(squared, w, hessianOperator(squared, w, training), {
      training: inBatches(training, { batchSize: 7 }),
      test: testing,
    });
    expect(scores.shape).toEqual([4, 25]);
    const ofWeights = (v: Tensor, i: number): Tensor =>
      squared(fit(v), { inputs: testing.inputs.slice([i, i + 1]), targets: testing.targets.slice([i, i + 1]) });
    for (let i = 0; i < 4; i++) {
      // Through the whole of the training, at weights 1/n.
      const exact = grad((v: Tensor) => ofWeights(v, i))(even);
      expect(largest(exact.sub(scores.slice(i)))).toBeLessThan(1e-6);
    }
  });

  test("predict what it is to leave an example out", async () => {
    const scores = await influence(squared, w, hessianOperator(squared, w, training), { training, test: testing });
    const without = Array.from({ length: 25 }, (_, j) => {
      const weights = Float64Array.from({ length: 25 }, (_, i) => (i === j ? 0 : 1 / 24));
      const one = { inputs: testing.inputs.slice([0, 1]), targets: testing.targets.slice([0, 1]) };
      return squared(fit(tensor(weights)), one)
        .sub(squared(w, one))
        .itemSync();
    });
    const predicted = Array.from(scores.slice(0).dataSync(), (s) => -s / 25);
    const correlation = pearson(predicted, without);
    expect(correlation).toBeGreaterThan(0.99);
  });

  test("take an inverse that is given, and say when a solve does not converge", async () => {
    const a = hessianOperator(squared, w, training);
    const inverse = inv(toDense(a));
    const data = { training, test: testing };
    const exact = await influence(squared, w, a, data, { inverse: (v) => inverse.matmul(v) });
    expect(largest(exact.sub(await influence(squared, w, a, data)))).toBeLessThan(1e-7);
    await expect(influence(squared, w, a, data, { maxIter: 1 })).rejects.toThrow(
      /the solve for test example 0 ended with status "maxIter"/,
    );
  });
});

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (xs: readonly number[]): number => xs.reduce((x, y) => x + y) / xs.length;
  const [ma, mb] = [mean(a), mean(b)];
  const dot = (xs: readonly number[], mx: number, ys: readonly number[], my: number): number =>
    xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i] - my), 0);
  return dot(a, ma, b, mb) / Math.sqrt(dot(a, ma, a, ma) * dot(b, mb, b, mb));
}

describe("the gradient noise scale", () => {
  test("is tr Σ / ‖G‖² with both unbiased", () => {
    const [rows] = [...perSampleGradientRows(loss, params, batch)];
    const mean = rows.mean(0);
    const trace = rows.sub(mean).square().sum().div(29).itemSync();
    const squared = mean.square().sum().itemSync() - trace / 30;
    for (const data of [batch, inBatches(batch, { batchSize: 8 })]) {
      const found = gradientNoiseScale(loss, params, data);
      expect(found.traceCovariance).toBeCloseTo(trace, 12);
      expect(found.squaredGradientNorm).toBeCloseTo(squared, 12);
      expect(found.noiseScale).toBeCloseTo(trace / squared, 9);
    }
  });

  test("refuses one example, and noise without a gradient", () => {
    const one = { inputs: batch.inputs.slice([0, 1]), targets: batch.targets.slice([0, 1]) };
    expect(() => gradientNoiseScale(loss, params, one)).toThrow(/hold 1 examples; wants two/);
    const opposed = { inputs: tensor(Float64Array.of(1, -1), { shape: [2, 1] }), targets: tensor(Int32Array.of(0, 0)) };
    const linear = (w: Tensor, { inputs }: Batch): Tensor => inputs.matmul(w).mean();
    expect(() => gradientNoiseScale(linear, tensor(Float64Array.of(1)), opposed)).toThrow(/hides the gradient/);
  });
});

describe("loss surfaces", () => {
  test("are parabolas along eigenvectors, near the place", async () => {
    const h = hessianOperator(loss, params, batch);
    const { vectors, values } = await eigsh(h, { k: 2 });
    const [d1, d2] = [0, 1].map((i) => unravel(vectors.slice(null, i)));
    const { steps, losses } = await lossSurface(loss, params, batch, [d1, d2], { radius: 1e-3, points: 5 });
    const gradient = grad(loss)(params, batch);
    const slope = (d: Params): number => ravel(gradient).vector.mul(ravel(d).vector).sum().itemSync();
    const [l1, l2] = values.dataSync();
    const base = loss(params, batch).itemSync();
    steps.forEach((alpha, i) =>
      steps.forEach((beta, j) => {
        const model = base + alpha * slope(d1) + beta * slope(d2) + (l1 * alpha ** 2 + l2 * beta ** 2) / 2;
        expect(Math.abs(losses[i][j] - model)).toBeLessThan(1e-8);
      }),
    );
    expect(losses[2][2]).toBeCloseTo(base, 14);
  });

  test("along one direction, in batches, watched and stopped", async () => {
    const direction = unravel(random.normal(random.foldIn(key, 20), { shape: [n], dtype }));
    const controller = new AbortController();
    const seen: number[] = [];
    const { steps, losses } = await lossSurface(loss, params, inBatches(batch, { batchSize: 7 }), [direction], {
      points: 3,
      onProgress: ({ losses: done, of }) => seen.push(done / of),
    });
    expect(seen).toEqual([1 / 3, 2 / 3, 1]);
    steps.forEach((step, i) => {
      const moved = axpy(step, direction, params);
      expect(losses[i][0]).toBeCloseTo(loss(moved, batch).itemSync(), 12);
    });
    controller.abort();
    await expect(lossSurface(loss, params, batch, [direction], { signal: controller.signal })).rejects.toThrow(/abort/);
    await expect(lossSurface(loss, params, batch, [direction], { points: 4 })).rejects.toThrow(/points is 4/);
    await expect(lossSurface(loss, params, batch, [direction], { radius: 0 })).rejects.toThrow(/radius is 0/);
  });
});

test("traces of layers are those of the blocks, and add up", async () => {
  const h = hessianOperator(loss, params, batch);
  const diagonal = toDense(h)
    .mul(eye(n, n, { dtype }))
    .sum(1);
  const first = 5 + 20;
  const { total, layers } = await traceByLayer(h, key, { probes: 4000, atOnce: 1000 });
  expect([...layers.keys()]).toEqual(["0", "2"]);
  const exact = [diagonal.slice([0, first]), diagonal.slice([first, n])].map((x) => x.sum().itemSync());
  [...layers.values()].forEach(({ trace, standardError, size }, i) => {
    expect(size).toBe([first, n - first][i]);
    expect(Math.abs(trace - exact[i])).toBeLessThan(4 * standardError);
  });
  const parts = [...layers.values()].reduce((sum, { trace }) => sum + trace, 0);
  expect(parts).toBeCloseTo(total.trace, 10);
});
