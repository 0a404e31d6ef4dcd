/** Noise of curvature, outliers and bulk: against dense matrices (paper 01, "Must be true" 4 and 8, and the scaled experiment). */

import { concat, jit, scan, take, tensor, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { denseOperator } from "@curv/linsolve";
import { describe, expect, test, vi } from "vitest";
import { inBatches } from "../data.js";
import { gaussNewtonOperator } from "../operators/gauss-newton.js";
import { squaredErrorOutput } from "../output-loss.js";
import { perSampleGaussNewtonProducts, perSampleHessianProducts } from "../per-sample.js";
import { batchEdges, curvatureNoise, maxLearningRate, spikedCovariance } from "./index.js";

// Seconds of work, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(7);

/** ½(wᵀx)²: the Hessian of an example is x xᵀ. */
const loss = (w: Tensor, { inputs }: { inputs: Tensor }): Tensor => inputs.matmul(w).square().mean().mul(0.5);
const linear = (w: Tensor, inputs: Tensor): Tensor => inputs.matmul(w).expandDims(-1);

describe("curvatureNoise", () => {
  test("4: zero where all examples have the same curvature", async () => {
    const x = random.normal(key, { shape: [1, 6], dtype });
    const inputs = concat(Array.from({ length: 50 }, () => x));
    const w = random.normal(key, { shape: [6], dtype });
    const noise = await curvatureNoise(
      perSampleHessianProducts(loss, w, inBatches({ inputs }, { batchSize: 16 })),
      w,
      key,
    );
    expect(noise.pSigma2).toBeGreaterThanOrEqual(0);
    expect(noise.pSigma2).toBeLessThan(1e-12);
    expect(noise.shrinkage).toBeGreaterThan(1 - 1e-9);
    expect(noise).toMatchObject({ probes: 4, samples: 50 });
  });

  test.each([70, 300])("4: (mean ‖x‖⁴ − ‖H‖_F²)/P within 3 standard errors, in batches of %i", async (batchSize) => {
    const n = 300;
    const scale = tensor([3, 2, 1, 1, 0.5, 0.5, 0.1, 0.1], { dtype });
    const inputs = random.normal(random.foldIn(key, 1), { shape: [n, 8], dtype }).mul(scale);
    const w = random.normal(random.foldIn(key, 2), { shape: [8], dtype });
    const h = inputs.transpose().matmul(inputs).div(n);
    const fourth = inputs.square().sum(1).square().mean().itemSync();
    // Of the examples, as of a sample of a population: n/(n − 1).
    const exact = ((fourth - h.square().sum().itemSync()) / 8) * (n / (n - 1));
    const data = inBatches({ inputs }, { batchSize });
    for (const products of [
      perSampleHessianProducts(loss, w, data),
      perSampleGaussNewtonProducts(linear, squaredErrorOutput, w, data),
    ]) {
      const { pSigma2, standardError } = await curvatureNoise(products, w, random.foldIn(key, 3), { probes: 40 });
      expect(standardError).toBeLessThan(0.3 * exact);
      expect(Math.abs(pSigma2 - exact)).toBeLessThan(3 * standardError);
      // Neither the variance of batches' means, nor the second moment alone.
      expect(pSigma2).toBeGreaterThan(exact / 2);
    }
  });

  test("splits the probe over all blocks of the parameters", async () => {
    // Curvature in the second block only, [0; x][0; x]ᵀ; the same slice of z in both blocks would give other products.
    const inputs = random.normal(random.foldIn(key, 4), { shape: [200, 3], dtype });
    const params = { a: tensor([1, 1, 1], { dtype }), b: tensor([1, 2, 3], { dtype }) };
    const products = perSampleHessianProducts(
      (p: typeof params, batch: { inputs: Tensor }) => loss(p.b, batch).add(p.a.sum().mul(0)),
      params,
      { inputs },
    );
    const [got, alone] = [
      await curvatureNoise(products, params, key, { probes: 100 }),
      await curvatureNoise(perSampleHessianProducts(loss, params.b, { inputs }), params.b, key, { probes: 100 }),
    ];
    const error = Math.hypot(got.standardError, alone.standardError / 2);
    expect(Math.abs(got.pSigma2 - alone.pSigma2 / 2)).toBeLessThan(3 * error);
  });

  test("two blocks that cancel for equal slices of the probe do not for the probe itself", async () => {
    // aᵢ = (x, −x): aᵢᵀz is 0 for z = (w, w), which the authors' code would draw.
    const inputs = random.normal(random.foldIn(key, 5), { shape: [100, 3], dtype });
    const params = { a: tensor([1, 2, 3], { dtype }), b: tensor([0, 1, 0], { dtype }) };
    const model = (p: typeof params, x: Tensor): Tensor => linear(p.a.sub(p.b), x);
    const products = perSampleGaussNewtonProducts(model, squaredErrorOutput, params, { inputs });
    const { pSigma2, standardError } = await curvatureNoise(products, params, key, { probes: 40 });
    const rows = concat([inputs, inputs.neg()], 1);
    const h = rows.transpose().matmul(rows).div(100);
    const fourth = rows.square().sum(1).square().mean().itemSync();
    const exact = ((fourth - h.square().sum().itemSync()) / 6) * (100 / 99);
    expect(standardError).toBeLessThan(0.3 * exact);
    expect(Math.abs(pSigma2 - exact)).toBeLessThan(3 * standardError);
  });

  test("the shrinkage is max(0, 1 − Pσ²/(n Δ)), Δ = ‖H̄z − (zᵀH̄z)z‖²", async () => {
    const inputs = random.normal(random.foldIn(key, 6), { shape: [80, 4], dtype }).mul(tensor([4, 1, 1, 1], { dtype }));
    const w = random.normal(key, { shape: [4], dtype });
    const seen: Tensor[] = [];
    const products = perSampleHessianProducts(loss, w, { inputs });
    const watched = (z: Tensor): ReturnType<typeof products> => (seen.push(z), products(z));
    const { pSigma2, shrinkage } = await curvatureNoise(watched, w, key, { probes: 3 });
    const h = inputs.transpose().matmul(inputs).div(80);
    const deltas = seen.map((z) => {
      expect(z.square().sum().itemSync()).toBeCloseTo(1, 12);
      const image = h.matmul(z);
      return image.sub(z.mul(image.dot(z))).square().sum().itemSync(); // prettier-ignore
    });
    const delta = deltas.reduce((a, b) => a + b) / 3;
    expect(shrinkage).toBeCloseTo(1 - pSigma2 / (80 * delta), 12);
    expect(shrinkage).toBeGreaterThan(0);
  });

  test("float32", async () => {
    const inputs = random.normal(key, { shape: [64, 5], dtype: "float32" });
    const w = random.normal(key, { shape: [5], dtype: "float32" });
    const options = { probes: 40 };
    const noise = await curvatureNoise(perSampleHessianProducts(loss, w, { inputs }), w, key, options);
    const [w64, inputs64] = [w.cast(dtype), inputs.cast(dtype)];
    const wide = await curvatureNoise(perSampleHessianProducts(loss, w64, { inputs: inputs64 }), w64, key, options);
    const error = Math.hypot(noise.standardError, wide.standardError);
    expect(Math.abs(noise.pSigma2 - wide.pSigma2)).toBeLessThan(3 * error);
  });

  test("8: what is refused", async () => {
    const w = random.normal(key, { shape: [3], dtype });
    const of = (rows: number): ReturnType<typeof perSampleHessianProducts<Tensor, { inputs: Tensor }>> =>
      perSampleHessianProducts(loss, w, { inputs: random.normal(key, { shape: [rows, 3], dtype }) });
    await expect(curvatureNoise(undefined as never, w, key)).rejects.toMatchObject({
      name: "DomainError",
      message: expect.stringContaining("products is undefined") as string,
    });
    await expect(curvatureNoise(of(1), w, key)).rejects.toThrow("1 examples; wants at least 2");
    await expect(curvatureNoise(of(4), w, key, { probes: 0 })).rejects.toThrow("probes is 0");
    const nan = function* (): Generator<Tensor, void, undefined> {
      yield tensor([[1, 2, NaN], [1, 2, 3]], { dtype }); // prettier-ignore
    };
    await expect(curvatureNoise(nan, w, key)).rejects.toThrow("NaN");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(curvatureNoise(of(4), w, key, { signal })).rejects.toThrow("enough");
  });
});

describe("spikedCovariance", () => {
  test("outliers, bulk and trace of a matrix that is known", async () => {
    const n = 120;
    const q = random.orthogonal(key, n, { dtype });
    const spectrum = Float64Array.from({ length: n }, (_, i) => (i < 3 ? [40, 20, 10][i] : 0.5 + (i % 5) / 10));
    const matrix = q.mul(tensor(spectrum)).matmul(q.transpose());
    const operator = denseOperator(matrix, { positiveSemidefinite: true });
    const got = await spikedCovariance(operator, key, { dataset: 2000, pairs: 5 });
    const bulk = spectrum.slice(3).reduce((a, b) => a + b) / (n - 3);
    expect(got.converged).toBe(true);
    expect(got.outliers.map((x) => Math.round(x * 1e6) / 1e6)).toEqual([40, 20, 10]);
    expect(got.lambdaMax).toBeCloseTo(40, 6);
    expect(Math.abs(got.noise.bulk - bulk) * (n - 3)).toBeLessThan(4 * got.standardError + 1e-6);
    expect(Math.abs(got.trace - spectrum.reduce((a, b) => a + b))).toBeLessThan(4 * got.standardError + 1e-6);
    expect(got.noise.params).toBe(n);
    const one = await spikedCovariance(operator, key, { dataset: 2000, pairs: 5, outliers: 1 });
    expect(one.noise.bulk).toBeCloseTo((got.trace - 40) / (n - 1), 1);
  });

  test("what is refused", async () => {
    const psd = denseOperator(tensor([[2, 0], [0, 1]], { dtype }), { positiveSemidefinite: true }); // prettier-ignore
    const symmetric = denseOperator(tensor([[2, 0], [0, 1]], { dtype }), { symmetric: true }); // prettier-ignore
    await expect(spikedCovariance(symmetric, key, { dataset: 5 })).rejects.toThrow("positiveSemidefinite");
    await expect(spikedCovariance(psd, key, { dataset: 5, pairs: 2 })).rejects.toThrow("pairs is 2");
    await expect(spikedCovariance(psd, key, { dataset: 0 })).rejects.toThrow("dataset is 0");
    await expect(spikedCovariance(psd, key, { dataset: 5, pairs: 1, outliers: 2 })).rejects.toThrow("outliers is 2");
  });
});

describe("a part of the scaled experiment 1: x ~ N(0, diag(5, 3, ½, ½, …)), squared loss", () => {
  const [p, n] = [200, 1000];
  const scale = Float64Array.from({ length: p }, (_, i) => Math.sqrt([5, 3][i] ?? 0.5));
  const inputs = random.normal(random.foldIn(key, 9), { shape: [n, p], dtype }).mul(tensor(scale));
  const w = random.normal(random.foldIn(key, 10), { shape: [p], dtype });
  const drawn = (k: random.Key, batch: number): Tensor => take(inputs, random.permutation(k, n).slice([0, batch]), 0);

  test("measured curvature predicts the top eigenvalues of batches, and where SGD diverges", async () => {
    const operator = gaussNewtonOperator(linear, squaredErrorOutput, w, { inputs });
    const measured = await spikedCovariance(operator, key, { dataset: n, pairs: 4 });
    expect(measured.outliers).toHaveLength(2);
    for (const batch of [8, 64]) {
      const tops = Array.from({ length: 8 }, (_, i) => {
        const x = drawn(random.foldIn(key, 100 * batch + i), batch);
        return eigvalsh(x.matmul(x.transpose()).div(batch)).dataSync()[batch - 1];
      });
      const mean = tops.reduce((a, b) => a + b) / tops.length;
      const edges = batchEdges(measured, { batch, dataset: n });
      expect(Math.abs(edges.lambdaMax / mean - 1)).toBeLessThan(0.15);

      const run = jit(
        (v: Tensor, lr: Tensor) =>
          scan(
            (u: Tensor, k: Tensor) => {
              const x = take(inputs, random.randint(k, 0, n, { shape: [batch] }), 0);
              return [u.sub(x.transpose().matmul(x.matmul(u)).mul(lr.div(batch))), lr] as const;
            },
            v,
            random.splitKeys(random.foldIn(key, 11), 500),
          )[0],
      );
      const loss500 = (factor: number): number => {
        const lr = tensor(factor * maxLearningRate(edges, { method: "sgd" }), { dtype });
        return loss(run(w, lr), { inputs }).itemSync();
      };
      const before = loss(w, { inputs }).itemSync();
      expect(loss500(0.8)).toBeLessThan(0.01 * before);
      // NaN, where it has overflowed.
      expect(loss500(2.5) < 1e3 * before).toBe(false);
    }
  });

  test("Wigner noise would have it wrong: the top of a batch of 8 is more than twice its edge", async () => {
    const { pSigma2 } = await curvatureNoise(perSampleHessianProducts(loss, w, { inputs }), w, key);
    const x = drawn(key, 8);
    const top = eigvalsh(x.matmul(x.transpose()).div(8)).dataSync()[7];
    const { lambdaMax } = batchEdges({ lambdaMax: 5, noise: { model: "wigner", pSigma2 } }, { batch: 8, dataset: n });
    expect(top).toBeGreaterThan(2 * lambdaMax);
  });
});
