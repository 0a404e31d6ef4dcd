/** The spectral learner (paper 01, "Must be true" 6 to 8). */

import { tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { denseOperator, diagonalOperator, linearOperator } from "@curv/linsolve";
import { fc, test } from "@fast-check/vitest";
import { describe, expect, vi } from "vitest";
import { spectralLearner, spectralRates, spectralRatesAt, type SpectralRateOptions } from "./index.js";

// Seconds of work, on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000 });

const f64 = (data: ArrayLike<number>): Tensor => tensor(Float64Array.from(data));
const key = random.key(5);

/** Steps of a method on ½xᵀdiag(λ)x from random x, and the factor of ‖x‖ a step at the end. */
function factor(lambda: readonly number[], lr: number, momentum: number, nesterov: boolean): number {
  let x = lambda.map((_, i) => 1 + ((i * 7) % 3));
  let before = x;
  const norms: number[] = [];
  const steps = 600;
  for (let t = 0; t < steps; t++) {
    const y = x.map((v, i) => v + momentum * (v - before[i]));
    const next = nesterov ? y.map((v, i) => v - lr * lambda[i] * v) : y.map((v, i) => v - lr * lambda[i] * x[i]);
    [before, x] = [x, next];
    norms.push(Math.hypot(...x));
    if (norms[t] < 1e-250) break;
  }
  const last = norms.length - 1;
  const from = last >> 1;
  return Math.exp((Math.log(norms[last]) - Math.log(norms[from])) / (last - from));
}

describe("on an exact quadratic", () => {
  // Eight distinct eigenvalues, each several times.
  const distinct = [1, 2, 5, 10, 20, 40, 70, 100];
  const lambda = Array.from({ length: 64 }, (_, i) => distinct[i % 8]);
  const operator = diagonalOperator(f64(lambda));
  const root = Math.sqrt(100);

  test("6: the Ritz values are the spectrum, and heavy-ball converges at the optimal rate", async () => {
    const rates = await spectralLearner(operator, key, { steps: 8 });
    expect(Math.max(...rates.weights)).toBeLessThan(0.5);
    expect(rates.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    rates.ritz.forEach((x, i) => expect(x).toBeCloseTo(distinct[i], 8));
    expect(rates.lambdaMax).toBeCloseTo(100, 8);
    expect(rates.mu).toBeCloseTo(1, 8);
    const optimal = (root - 1) / (root + 1);
    expect(Math.sqrt(rates.momentum)).toBeCloseTo(optimal, 8);
    const slope = Math.log(factor(lambda, rates.lr, rates.momentum, false));
    expect(Math.abs(slope / Math.log(optimal) - 1)).toBeLessThan(0.05);
    // Plain descent with its own best rate is far slower.
    expect(Math.log(factor(lambda, 2 / 101, 0, false)) / slope).toBeLessThan(0.2);
  });

  test("ends where the space is exhausted", async () => {
    const two = diagonalOperator(f64(Array.from({ length: 40 }, (_, i) => 1 + (i % 2))));
    const rates = await spectralLearner(two, key, { weightThreshold: 0.99 });
    expect(rates.ritz).toHaveLength(2);
    expect(rates.lambdaMax).toBeCloseTo(2, 12);
    expect(rates.mu).toBeCloseTo(1, 12);
  });

  test("nesterov converges at 1 − 1/√k or better, sgd does not diverge", async () => {
    const nesterov = await spectralLearner(operator, key, { steps: 8, mode: "nesterov" });
    expect(nesterov.lr).toBeCloseTo(1 / 100, 8);
    expect(factor(lambda, nesterov.lr, nesterov.momentum, true)).toBeLessThan(Math.sqrt(1 - 1 / root) * 1.01);
    const sgd = await spectralLearner(operator, key, { steps: 8, mode: "sgd" });
    expect(sgd.lr).toBeCloseTo(2 / (100 + 15), 8);
    expect(sgd.momentum).toBe(0);
    expect(factor(lambda, sgd.lr, 0, false)).toBeLessThan(1);
  });

  test("same key, same rates; eager operators too, in float32 too", async () => {
    const [one, two] = [
      await spectralLearner(operator, key, { steps: 8 }),
      await spectralLearner(operator, key, { steps: 8 }),
    ];
    expect(two).toEqual(one);
    const eager = linearOperator({
      matvec: (v: Tensor) => v.mul(f64(lambda)),
      domain: f64(lambda),
      symmetric: true,
      eager: true,
    });
    expect((await spectralLearner(eager, key, { steps: 8 })).lr).toBeCloseTo(one.lr, 8);
    const single = await spectralLearner(diagonalOperator(tensor(Float32Array.from(lambda))), key, { steps: 8 });
    expect(single.lr / one.lr).toBeCloseTo(1, 3);
  });
});

describe("spectra with a heavy zero and negative values", () => {
  const spectrum = [...Array<number>(180).fill(0), ...Array.from({ length: 18 }, (_, i) => 1 + i / 10), 30, -12];

  test("μ is the smallest light value, not the zero that most sits at; magnitudes count", async () => {
    const rates = await spectralLearner(diagonalOperator(f64(spectrum)), key, { steps: 20 });
    const heaviest = rates.weights.indexOf(Math.max(...rates.weights));
    expect(rates.weights[heaviest]).toBeGreaterThan(0.5);
    expect(Math.abs(rates.ritz[heaviest])).toBeLessThan(1e-6);
    expect(rates.mu).toBeGreaterThan(0.5);
    expect(rates.momentum).toBeLessThan(0.8);
    expect(rates.lambdaMax).toBeCloseTo(30, 8);
    const upsideDown = spectralRates({ nodes: rates.ritz.map((x) => -x), weights: rates.weights });
    expect(upsideDown.lr).toBe(rates.lr);
    expect(upsideDown.momentum).toBe(rates.momentum);
  });

  test("no ghosts: an eigenvalue far outside comes once", async () => {
    const far = f64([1000, ...Array.from({ length: 199 }, (_, i) => 1 - i / 198)]);
    const { ritz } = await spectralLearner(diagonalOperator(far), key, { steps: 60 });
    expect(ritz.filter((x) => x > 500)).toHaveLength(1);
  });
});

const spectra = fc
  .array(fc.tuple(fc.double({ min: -50, max: 50, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true })), {
    minLength: 3,
    maxLength: 20,
  })
  .filter((pairs) => Math.max(...pairs.map(([x]) => Math.abs(x))) > 1e-3)
  .map((pairs) => {
    const total = pairs.reduce((sum, [, w]) => sum + w, 0);
    return { nodes: pairs.map(([x]) => x), weights: pairs.map(([, w]) => w / total) };
  });
const options: fc.Arbitrary<SpectralRateOptions> = fc.record({
  mode: fc.constantFrom("heavy-ball" as const, "nesterov" as const, "sgd" as const),
  mu: fc.constantFrom("minimum" as const, "median" as const),
  safety: fc.double({ min: 0.01, max: 1, noNaN: true }),
});

const batches = fc.record({
  batch: fc.integer({ min: 1, max: 1024 }),
  curvatureSet: fc.constant(1024),
  noise: fc.oneof(
    fc.record({ model: fc.constant("wigner" as const), pSigma2: fc.double({ min: 0, max: 1e4, noNaN: true }) }),
    fc.record({
      model: fc.constantFrom("spiked-covariance" as const, "mp-additive" as const),
      bulk: fc.double({ min: 0, max: 10, noNaN: true }),
      params: fc.integer({ min: 1, max: 100_000 }),
    }),
  ),
});

test.prop([spectra, options, batches])(
  "7: nor for the L of smaller batches, which is never below that of all",
  (spectrum, o, trainBatch) => {
    const all = spectralRates(spectrum, o);
    const { lr, momentum, lambdaMax, mu } = spectralRates(spectrum, { ...o, trainBatch });
    expect(lambdaMax).toBeGreaterThanOrEqual(all.lambdaMax * (1 - 1e-12));
    expect(lr).toBeLessThanOrEqual(((2 * (1 + momentum)) / lambdaMax) * (1 + 1e-12));
    expect(lr).toBeLessThanOrEqual(all.lr * (1 + 1e-12));
    expect(mu).toBe(all.mu);
  },
);

test.prop([spectra, options])("7: never more than 2(1 + ρ)/L", (spectrum, o) => {
  const { lr, momentum, lambdaMax, mu } = spectralRates(spectrum, o);
  expect(lr).toBeLessThanOrEqual(((2 * (1 + momentum)) / lambdaMax) * (1 + 1e-12));
  expect(lr).toBeGreaterThan(0);
  expect(momentum).toBeGreaterThanOrEqual(0);
  expect(momentum).toBeLessThanOrEqual(1);
  expect(mu).toBeLessThanOrEqual(lambdaMax);
});

describe("rates", () => {
  const even = { nodes: [4, 1, 9, 16], weights: [0.25, 0.25, 0.25, 0.25] };

  test("the formulas", () => {
    expect(spectralRates(even)).toMatchObject({ lr: (2 / 5) ** 2, momentum: (3 / 5) ** 2, lambdaMax: 16, mu: 1 });
    expect(spectralRates(even, { mu: "median" })).toMatchObject({ mu: 6.5 });
    expect(spectralRates(even, { mode: "nesterov" })).toMatchObject({ lr: 1 / 16, momentum: 3 / 5 });
    expect(spectralRates(even, { mode: "sgd" })).toMatchObject({ lr: 2 / 22.5, momentum: 0 });
    expect(spectralRates(even, { safety: 0.5 }).lr).toBe((2 / 5) ** 2 / 2);
  });

  test("as the authors' scripts", () => {
    const four = { nodes: [4, 25], weights: [0.5, 0.5] };
    const heavy = spectralRates(four, { compat: "authors" });
    expect(heavy.momentum).toBeCloseTo((3 / 9) ** 2, 14);
    expect(heavy.lr).toBeCloseTo((2 / 7) ** 2, 14);
    expect(spectralRates(four, { compat: "authors", mode: "nesterov" }).lr).toBeCloseTo(Math.sqrt(4 / 25), 14);
  });

  test("corrected to a smaller batch of training", () => {
    const noise = { model: "spiked-covariance", bulk: 0.5, params: 1000 } as const;
    const at = (batch: number): number =>
      spectralRates(even, { trainBatch: { batch, curvatureSet: 1024, noise } }).lambdaMax;
    expect(at(1024)).toBe(16);
    expect(at(32)).toBeCloseTo(16 * (1 + (1000 * (1 / 32 - 1 / 1024) * 0.5) / 15.5), 10);
    expect(at(8)).toBeGreaterThan(at(32));
  });
});

describe("the schedule", () => {
  test("an estimate before training and every so many epochs", async () => {
    const calls: number[] = [];
    let rates: Awaited<ReturnType<typeof spectralRatesAt>> | null = null;
    for (let epoch = 0; epoch < 9; epoch++) {
      const curvature = (): ReturnType<typeof diagonalOperator> => {
        calls.push(epoch);
        return diagonalOperator(f64([1 + epoch, 2 + epoch, 3 + epoch]));
      };
      rates = await spectralRatesAt(epoch, rates, curvature, key, { every: 4, steps: 3 });
      expect(rates.lambdaMax).toBeCloseTo(3 + 4 * Math.floor(epoch / 4), 8);
    }
    expect(calls).toEqual([0, 4, 8]);
  });
});

test("defaults: 20 products an estimate and no more, one before training and then every 20 epochs", async () => {
  const lambda = f64(Array.from({ length: 100 }, (_, i) => 1 + i));
  let products = 0;
  const operator = linearOperator({
    matvec: (v: Tensor) => (products++, v.mul(lambda)),
    domain: lambda,
    symmetric: true,
    eager: true,
  });
  const estimates: number[] = [];
  let rates: Awaited<ReturnType<typeof spectralRatesAt>> | null = null;
  for (let epoch = 0; epoch <= 40; epoch++) {
    const curvature = (): typeof operator => (estimates.push(epoch), operator);
    rates = await spectralRatesAt(epoch, rates, curvature, key);
    expect(rates.ritz).toHaveLength(20);
  }
  expect(estimates).toEqual([0, 20, 40]);
  expect(products).toBe(60);
});

describe("8: what is refused", () => {
  const operator = diagonalOperator(f64([1, 2, 3]));
  test("bad calls", async () => {
    await expect(spectralLearner(operator, key, { steps: 1 })).rejects.toThrow(
      "steps is 1; wants an integer from 2 to 3",
    );
    await expect(spectralLearner(operator, key, { steps: 4 })).rejects.toThrow("steps is 4");
    await expect(spectralLearner(operator, key, { mode: "adam" as never })).rejects.toThrow('mode is "adam"');
    await expect(spectralLearner(operator, key, { safety: 1.1 })).rejects.toThrow("safety is 1.1");
    await expect(spectralLearner(operator, key, { weightThreshold: 0 })).rejects.toThrow("weightThreshold is 0");
    const crooked = denseOperator(f64([0, 1, 2, 0]).reshape(2, 2));
    await expect(spectralLearner(crooked, key)).rejects.toThrow("not symmetric");
    await expect(spectralLearner(diagonalOperator(f64([1, NaN, 1])), key)).rejects.toThrow("NaN");
    await expect(spectralLearner(diagonalOperator(f64([0, 0, 0])), key)).rejects.toThrow("not zero");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(spectralLearner(operator, key, { signal })).rejects.toThrow("enough");
  });

  test("all Ritz values dropped: the identity has one, with all of the weight", async () => {
    await expect(spectralLearner(diagonalOperator(f64([2, 2, 2])), key)).rejects.toMatchObject({
      name: "DomainError",
      message: expect.stringContaining("weightThreshold") as string,
    });
  });
});
