/** What is never made: P × P numbers, or the gradients of all examples at once (theme-curvature, "Must be true" 8; paper 02, 6). */

import { eigsh } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { tensor, use, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { counting } from "../test/support/counting-backend.js";
import {
  crossEntropyOutput,
  curvatureNoise,
  empiricalFisherOperator,
  fisherOperator,
  gaussNewtonOperator,
  gradientCovarianceOperator,
  hessianOperator,
  hutchinsonDiagonal,
  hutchinsonTrace,
  inBatches,
  perSampleGradients,
  perSampleHessianProducts,
  spectralMeasure,
  staticInverseFisher,
  traceByLayer,
} from "./index.js";

const counts = counting();
beforeAll(() => use(counts.backend));
afterAll(() => use("cpu"));
beforeEach(() => counts.reset());

describe("operators of a network with 19,680 parameters, 128 examples", () => {
  const n = 128;
  const model = mlp({ sizes: [100, 150, 30], activation: "tanh" });
  const P = 100 * 150 + 150 + 150 * 30 + 30;
  const made = () => {
    const key = random.key(0);
    const params = model.init(key);
    const batch = {
      inputs: random.normal(random.foldIn(key, 1), { shape: [n, 100] }),
      targets: random.randint(random.foldIn(key, 2), 0, 30, { shape: [n] }),
    };
    const apply = (p: typeof params, x: Tensor): Tensor => model.apply(p, x);
    const loss = (p: typeof params, { inputs, targets }: typeof batch): Tensor =>
      softmaxCrossEntropy(apply(p, inputs), targets);
    const v = ravel(params).vector;
    expect(v.size).toBe(P);
    counts.reset();
    return { key, params, batch, apply, loss, v };
  };
  type Made = ReturnType<typeof made>;

  /** A quarter of what all examples' gradients take: 32 vectors of parameters. */
  const few = (n / 4) * P;

  const products: Record<string, (m: Made) => unknown> = {
    "Hessian, forward over reverse": ({ loss, params, batch, v }) => hessianOperator(loss, params, batch).matvec(v),
    "Hessian, reverse over reverse": ({ loss, params, batch, v }) =>
      hessianOperator(loss, params, batch, { mode: "reverse-over-reverse" }).matvec(v),
    "Hessian, in batches": ({ loss, params, batch, v }) =>
      hessianOperator(loss, params, inBatches(batch, { batchSize: 50 })).matvec(v),
    "Gauss–Newton": ({ apply, params, batch, v }) =>
      gaussNewtonOperator(apply, crossEntropyOutput, params, batch).matvec(v),
    "Fisher of drawn targets": ({ apply, params, batch, key, v }) =>
      fisherOperator(apply, crossEntropyOutput, params, batch, key, { samples: 2 }).matvec(v),
    "empirical Fisher": ({ loss, params, batch, v }) => empiricalFisherOperator(loss, params, batch).matvec(v),
    "covariance of gradients": ({ loss, params, batch, v }) =>
      gradientCovarianceOperator(loss, params, batch).matvec(v),
  };
  test.each(Object.keys(products))("%s: a product takes arrays of a few vectors", (name) => {
    products[name](made());
    expect(counts.now).toBeGreaterThan(10);
    expect(counts.largest).toBeLessThanOrEqual(2 * P);
  });

  const estimates: Record<string, (m: Made) => Promise<unknown>> = {
    "Hutchinson's trace": ({ loss, params, batch, key }) =>
      hutchinsonTrace(hessianOperator(loss, params, batch), key, { probes: 8, atOnce: 4 }),
    "Hutchinson's diagonal": ({ loss, params, batch, key }) =>
      hutchinsonDiagonal(hessianOperator(loss, params, batch), key, { probes: 8, atOnce: 4 }),
    "trace by layer": ({ loss, params, batch, key }) =>
      traceByLayer(hessianOperator(loss, params, batch), key, { probes: 4, atOnce: 4 }),
    "Lanczos for a density": ({ loss, params, batch, key }) =>
      spectralMeasure(hessianOperator(loss, params, batch), key, { probes: 1, steps: 12 }),
    "Lanczos for eigenvalues": ({ apply, params, batch }) =>
      eigsh(gaussNewtonOperator(apply, crossEntropyOutput, params, batch), {
        ...{ k: 2, basisSize: 12, tol: 0.1, maxProducts: 24, verifyMultiplicity: false },
      }),
    "curvature's noise, in batches": ({ loss, params, batch, key }) =>
      curvatureNoise(perSampleHessianProducts(loss, params, inBatches(batch, { batchSize: 8 })), params, key, {
        probes: 2,
      }),
  };
  test.each(Object.keys(estimates))("%s: no P × P, and no gradient of every example", async (name) => {
    await estimates[name](made());
    expect(counts.largest).toBeGreaterThanOrEqual(P);
    expect(counts.largest).toBeLessThan(few);
  });

  test("which this count would see: gradients of all examples, when they are asked for", () => {
    const { loss, params, batch } = made();
    perSampleGradients(loss, params, batch);
    expect(counts.largest).toBeGreaterThanOrEqual(n * 100 * 150);
  });
});

describe("M-FAC", () => {
  /** Gradients as they come: each is made when it is asked for, and asked for once. */
  function* gradients(m: number, d: number): Generator<Tensor> {
    let state = 1;
    for (let i = 0; i < m; i++) {
      yield tensor(Float64Array.from({ length: d }, () => (state = (state * 48271) % 2147483647) / 2 ** 30 - 1));
    }
  }
  const build = (m: number, d: number) => staticInverseFisher(gradients(m, d), { count: m, damping: 1e-2 });

  test.each([
    [32, 20_000],
    [64, 10_000],
    [11, 20_000],
  ])("%i gradients of %i numbers: at most 1.2 times their room, while it is built and after", (m, d) => {
    const inverse = build(m, d);
    // Small arrays are cut from slabs of 16 kB.
    const room = 1.2 * m * d * 8 + 8 * m * m + 2 ** 15;
    expect(counts.peak()).toBeLessThan(room);
    // The gradients themselves, and V, are never there together.
    expect(counts.peak()).toBeGreaterThan(m * d * 8);
    expect(counts.largest).toBeLessThan(m * d);
    const before = counts.now;
    inverse.apply(zeros([d], { dtype: "float64" }).add(1));
    expect(counts.keptFrom(before)).toBeLessThan(room);
    expect(counts.keptFrom(before)).toBeGreaterThanOrEqual(m * d * 8);
  });

  /** log(f(to)/f(from)) / log(to/from). */
  function exponent(f: (x: number) => number, from: number, to: number): number {
    return Math.log(f(to) / f(from)) / Math.log(to / from);
  }
  const workOf = (run: () => unknown): number => {
    const before = counts.work;
    run();
    return counts.work - before;
  };

  test("the work to build grows like m² d, that of a product like m d", () => {
    const built = (m: number, d: number): number => workOf(() => build(m, d));
    expect(Math.abs(exponent((m) => built(m, 500), 32, 128) - 2)).toBeLessThan(0.3);
    expect(Math.abs(exponent((d) => built(64, d), 500, 4000) - 1)).toBeLessThan(0.2);
    const applied = (m: number, d: number): number => {
      const [inverse, x] = [build(m, d), zeros([d], { dtype: "float64" })];
      return workOf(() => inverse.apply(x));
    };
    expect(Math.abs(exponent((m) => applied(m, 500), 32, 128) - 1)).toBeLessThan(0.2);
    expect(Math.abs(exponent((d) => applied(64, d), 500, 4000) - 1)).toBeLessThan(0.2);
  });
});
