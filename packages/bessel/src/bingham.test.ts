/** The Bingham distribution: against quadrature by mpmath (fixtures/bingham.py), Watson's distribution, its samples, and its fits. */

import {
  DomainError,
  eye,
  grad,
  hessian,
  jit,
  matmul,
  ShapeError,
  TracingError,
  vmap,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { fc, test } from "@fast-check/vitest";
import { expect } from "vitest";
import { f64 } from "../test/measure.js";
import * as bingham from "./bingham/index.js";
import rows from "./fixtures/bingham.json" with { type: "json" };
import * as watson from "./watson/index.js";

const identity = (p: number): Tensor => eye(p, p, { dtype: "float64" });

test("the normaliser for p = 3 and 4, κ to 1000, to 5e-15 of max(1, |value|)", () => {
  for (const [k, wanted] of rows as [number[], number][]) {
    const got = bingham.logConstant(f64(k)).itemSync();
    expect(Math.abs(got - wanted) / Math.max(1, Math.abs(wanted)), `${k}`).toBeLessThan(5e-15);
  }
});

test("with one concentration it is Watson's, p to 5000", () => {
  for (const p of [2, 3, 20, 500, 5000]) {
    for (const k of p > 1000 ? [1, 300, 3000] : [0, 1e-6, 1, -7, 300, -400, 3000]) {
      const kappa = Array.from({ length: p }, (_, i) => (i === 0 ? k : 0));
      const wanted = -watson.logNormalizer(p, f64(k)).itemSync();
      const got = bingham.logConstant(f64(kappa)).itemSync();
      expect(Math.abs(got - wanted) / Math.max(1, Math.abs(wanted)), `${p} ${k}`).toBeLessThan(2e-14);
    }
  }
  const squares = bingham.meanSquares(f64([30, 0, 0, 0])).dataSync();
  expect(squares[0]).toBeCloseTo(watson.meanSquare(4, f64(30)).itemSync(), 14);
  expect(squares[1]).toBeCloseTo(squares[3], 15);
});

test("a constant added to κ is a constant added to the logarithm; mean squares add up to 1; second derivatives are covariances", () => {
  const kappa = f64([-120, 3, 2.5, 40, 0]);
  const c = bingham.logConstant(kappa).itemSync();
  expect(bingham.logConstant(kappa.add(17)).itemSync()).toBeCloseTo(c + 17, 11);
  expect(bingham.meanSquares(kappa).sum().itemSync()).toBeCloseTo(1, 14);
  const covariance = hessian((k: Tensor) => bingham.logConstant(k))(kappa);
  expect(covariance.sum(0).abs().max().itemSync()).toBeLessThan(1e-14); // of Σxᵢ² = 1
  const step = 1e-4;
  const moved = (h: number): Tensor => bingham.meanSquares(f64([-120, 3, 2.5 + h, 40, 0]));
  const difference = moved(step).sub(moved(-step)).div(2 * step); // prettier-ignore
  expect(covariance.slice(2).sub(difference).abs().max().itemSync()).toBeLessThan(1e-9);
});

test.prop([fc.array(fc.double({ min: -8, max: 10, noNaN: true }), { minLength: 2, maxLength: 60 }), fc.integer({ min: 1, max: 8 })], { numRuns: 60, seed: 27 })(
  "mean squares are positive and add up to 1 for spectra over many scales: the contour takes them in",
  (logs, copies) => {
    const kappa = logs.flatMap((t) => new Array<number>(copies).fill(-Math.exp(t)));
    const squares = bingham.meanSquares(f64(kappa));
    expect(Math.abs(squares.sum().itemSync() - 1)).toBeLessThan(2e-14);
    expect(squares.min().itemSync()).toBeGreaterThan(0);
  },
); // prettier-ignore

test("samples: mean squares, means of zero, unit length; entropy and divergence as their means", () => {
  const axes = random.orthogonal(random.key(2), 4, { dtype: "float64" });
  const f = { axes, concentrations: f64([-60, 5, 0, 12]) };
  const g = { axes: identity(4), concentrations: f64([1, -2, 3, 0]) };
  const n = 6000;
  const x = bingham.sample(random.key(1), f, { shape: [n] });
  expect(x.shape).toEqual([n, 4]);
  expect(x.square().sum(-1).sub(1).abs().max().itemSync()).toBeLessThan(1e-13);
  const wanted = bingham.meanSquares(f.concentrations).dataSync();
  const got = matmul(x, axes).square().mean(0).dataSync();
  wanted.forEach((w, i) => expect(Math.abs(got[i] - w)).toBeLessThan(4 * Math.sqrt((2 * w * w) / n)));
  expect(x.mean(0).square().sum().itemSync()).toBeLessThan(12 / n);
  const log = bingham.logProb(x, f);
  const within = (values: Tensor, mean: number): void => {
    const spread = values.sub(values.mean()).square().mean().itemSync();
    expect(Math.abs(values.mean().itemSync() - mean)).toBeLessThan(4 * Math.sqrt(spread / n));
  };
  within(log.neg(), bingham.entropy(f).itemSync());
  within(log.sub(bingham.logProb(x, g)), bingham.kl(f, g).itemSync());
  expect(bingham.kl(f, f).itemSync()).toBeCloseTo(0, 13);
});

test("fits: the moments are those of the data, and κ comes back", { timeout: 30_000 }, async () => {
  const axes = random.orthogonal(random.key(5), 3, { dtype: "float64" });
  const truth = [-25, -6, 0];
  const x = bingham.sample(random.key(6), { axes, concentrations: f64(truth) }, { shape: [8000] });
  const fitted = await bingham.fit(x);
  expect(fitted.converged).toBe(true);
  expect(fitted.residual).toBeLessThan(1e-11);
  const moments = bingham.meanSquares(fitted.concentrations);
  expect(moments.sub(fitted.meanSquares).abs().max().itemSync()).toBeLessThan(1e-11);
  const information = hessian((k: Tensor) => bingham.logConstant(k))(f64(truth)).dataSync();
  fitted.concentrations.dataSync().forEach((k, i) => {
    const error = i === 2 ? 0 : 4 * Math.sqrt(2 / (information[4 * i] * 8000));
    expect(Math.abs(k - truth[i])).toBeLessThanOrEqual(error);
  });
  const mean = bingham.logProb(x, fitted).mean().itemSync();
  expect(mean).toBeCloseTo(fitted.logLikelihood, 10);
  expect(mean).toBeGreaterThan(
    bingham
      .logProb(x, { axes, concentrations: f64(truth) })
      .mean()
      .itemSync(),
  );
});

test("fits: cancellation, progress, too few iterations, refusals", async () => {
  const x = random.sphere(random.key(9), 5, { shape: [50], dtype: "float64" });
  const seen: number[] = [];
  const short = await bingham.fit(x, { maxIter: 2, onProgress: ({ residual }) => seen.push(residual) });
  expect([short.converged, short.status, short.iterations]).toEqual([false, "maxIter", 2]);
  expect(seen).toEqual(short.history);
  await expect(bingham.fit(x, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  const flat = f64([[1, 0, 0], [0, 1, 0], [0.6, 0.8, 0]] as unknown as number[]); // prettier-ignore
  await expect(bingham.fit(flat)).rejects.toThrow(DomainError);
  await expect(bingham.fit(f64([[1, 1]] as unknown as number[]))).rejects.toThrow(DomainError);
  const f = { axes: identity(3), concentrations: f64([1, 2, 3]) };
  expect(() => bingham.logProb(f64([1, 0]), f)).toThrow(ShapeError);
  expect(() => bingham.logProb(f64([1, 0, 0]), { ...f, axes: identity(4) })).toThrow(ShapeError);
  const sampled = (k: Tensor): Tensor => bingham.sample(random.key(0), { ...f, concentrations: k }).sum();
  expect(() => grad(sampled)(f64([1, 2, 3]))).toThrow(TracingError);
});

test("densities jit, vmap and batch; float32 stays", () => {
  const kappa = f64([[1, 2, 3], [-9, 0, 4]] as unknown as number[]); // prettier-ignore
  const eager = bingham.logConstant(kappa);
  const close = (y: Tensor): void => expect(y.sub(eager).abs().max().itemSync()).toBeLessThan(1e-14);
  close(jit((k: Tensor) => bingham.logConstant(k))(kappa));
  close(vmap((k: Tensor) => bingham.logConstant(k))(kappa));
  const single = bingham.logConstant(kappa.cast("float32"));
  expect(single.dtype).toBe("float32");
  expect(single.cast("float64").sub(eager).abs().max().itemSync()).toBeLessThan(2e-6);
});
