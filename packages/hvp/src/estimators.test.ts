/** Estimators against matrices whose answers are known (theme-curvature, "Must be true" 3 and 5, and the table of its section 3). */

import { denseOperator, diagonalOperator, lanczos, linearOperator, toDense } from "@curv/linsolve";
import { eye, matmul, take, tensor, type Tensor } from "@curv/tensor";
import { qr, solve } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import {
  conditionNumber,
  effectiveDimension,
  frobeniusNorm,
  hutchinsonDiagonal,
  hutchinsonTrace,
  hutchPlusPlus,
  logDeterminant,
  negativeFraction,
  spectralDensity,
  spectralMeasure,
  spectralNorm,
  traceOf,
  xDiagonal,
  xTrace,
  type ProbeDistribution,
} from "./index.js";

// Thousands of estimates; a busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const dtype = "float64";
const key = random.key(5);
const draw = (i: number, shape: number[]): Tensor => random.normal(random.foldIn(key, i), { shape, dtype });

/** A symmetric matrix with these eigenvalues and random eigenvectors. */
function withSpectrum(values: readonly number[], seed: number): Tensor {
  const { q } = qr(draw(seed, [values.length, values.length]));
  return q.mul(tensor(Float64Array.from(values))).matmul(q.transpose());
}

const symmetric = { symmetric: true } as const;
const range = (n: number, f: (i: number) => number): number[] => Array.from({ length: n }, (_, i) => f(i));
const sum = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0);
const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1];

describe("Hutchinson's estimators", () => {
  const spectrum = range(12, (i) => i - 3);
  const matrix = withSpectrum(spectrum, 1);
  const a = denseOperator(matrix, symmetric);
  const distributions: ProbeDistribution[] = ["rademacher", "normal", "sphere"];
  const many = { probes: 10_000, atOnce: 2000 };

  test.each(distributions)("are unbiased within 4 standard errors, %s", async (distribution) => {
    const options = { ...many, distribution };
    const trace = await hutchinsonTrace(a, key, options);
    expect(Math.abs(trace.trace - sum(spectrum))).toBeLessThan(4 * trace.standardError);
    const norm = await frobeniusNorm(a, key, options);
    const exact = Math.sqrt(sum(spectrum.map((x) => x * x)));
    expect(Math.abs(norm.norm - exact)).toBeLessThan(4 * norm.standardError);
    const { diagonal, standardError } = await hutchinsonDiagonal(a, key, options);
    const off = diagonal.sub(matrix.mul(eye(12, 12, { dtype })).sum(1)).abs();
    expect(off.div(standardError).max().itemSync()).toBeLessThan(4);
  });

  test.each(distributions)("have the variance of the theory, %s", async (distribution) => {
    const { samples } = await hutchinsonTrace(a, key, { ...many, distribution });
    const mean = sum([...samples]) / samples.length;
    const variance = sum(samples.map((x) => (x - mean) ** 2)) / samples.length;
    const n = spectrum.length;
    const diagonal = matrix
      .mul(eye(n, n, { dtype }))
      .square()
      .sum()
      .itemSync();
    const squares = sum(spectrum.map((x) => x * x));
    const wanted = {
      rademacher: 2 * (squares - diagonal),
      normal: 2 * squares,
      // What is left of that when the length of a probe does not vary: E (zᵀAz)² = n((tr A)² + 2‖A‖²)/(n + 2).
      sphere: ((2 * n) / (n + 2)) * (squares - sum(spectrum) ** 2 / n),
    }[distribution];
    expect(variance / wanted).toBeGreaterThan(0.93);
    expect(variance / wanted).toBeLessThan(1.07);
  });

  test("the standard error of 64 probes covers the truth at its nominal rate", async () => {
    const truth = sum(spectrum);
    const runs = 2500;
    let [one, two] = [0, 0];
    for (let i = 0; i < runs; i++) {
      const { trace, standardError } = await hutchinsonTrace(a, random.foldIn(key, 100 + i), {
        probes: 64,
        atOnce: 64,
      });
      if (Math.abs(trace - truth) < standardError) one++;
      if (Math.abs(trace - truth) < 1.96 * standardError) two++;
    }
    expect(Math.abs(one / runs - 0.683)).toBeLessThan(0.03);
    expect(Math.abs(two / runs - 0.95)).toBeLessThan(0.03);
  });

  test("one Rademacher probe is exact for a diagonal matrix", async () => {
    const diagonal = draw(2, [50]);
    const operator = diagonalOperator(diagonal);
    const { trace, standardError } = await hutchinsonTrace(operator, key, { probes: 1 });
    expect(trace).toBeCloseTo(diagonal.sum().itemSync(), 12);
    expect(standardError).toBeNaN();
    const found = await hutchinsonDiagonal(operator, key, { probes: 1 });
    expect(found.diagonal.sub(diagonal).abs().max().itemSync()).toBeLessThan(1e-15);
  });

  test("probes are the same however many are taken at once, and when resumed", async () => {
    const whole = await hutchinsonTrace(a, key, { probes: 20, atOnce: 20 });
    const parts = await hutchinsonTrace(a, key, { probes: 20, atOnce: 3 });
    expect(parts.samples.every((x, i) => Math.abs(x - whole.samples[i]) < 1e-12)).toBe(true);
    const half = await hutchinsonTrace(a, key, { probes: 7, atOnce: 7 });
    const resumed = await hutchinsonTrace(a, key, { probes: 20, atOnce: 13, resume: half });
    expect(resumed.trace).toBeCloseTo(whole.trace, 12);
    expect(resumed.products).toBe(20);

    const [norm, diagonal] = [
      await frobeniusNorm(a, key, { probes: 20 }),
      await hutchinsonDiagonal(a, key, { probes: 20 }),
    ];
    const more = await frobeniusNorm(a, key, { probes: 20, resume: await frobeniusNorm(a, key, { probes: 7 }) });
    expect(more.norm).toBeCloseTo(norm.norm, 12);
    expect(more.standardError).toBeCloseTo(norm.standardError, 12);
    expect(more.products).toBe(20);
    const first = await hutchinsonDiagonal(a, key, { probes: 7 });
    const then = await hutchinsonDiagonal(a, key, { probes: 20, resume: first });
    expect(then.diagonal.sub(diagonal.diagonal).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(then.standardError.sub(diagonal.standardError).abs().max().itemSync()).toBeLessThan(1e-12);
    expect(then.products).toBe(20);
  });

  test("tol ends early and says when it was not reached", async () => {
    const positive = denseOperator(
      withSpectrum(
        range(12, (i) => i + 1),
        3,
      ),
      symmetric,
    );
    const loose = await hutchinsonTrace(positive, key, { probes: 1000, tol: 0.1, atOnce: 1 });
    expect(loose.converged).toBe(true);
    expect(loose.products).toBeGreaterThanOrEqual(10);
    expect(loose.products).toBeLessThan(1000);
    expect(loose.standardError).toBeLessThan(0.1 * loose.trace);
    expect((await hutchinsonTrace(positive, key, { probes: 12, tol: 1e-9 })).converged).toBe(false);
  });
});

describe("Hutch++ and XTrace", () => {
  const n = 200;
  const spectra = {
    "1/j²": range(n, (i) => (i + 1) ** -2),
    "0.7^j": range(n, (i) => 0.7 ** i),
    "flat 3 to 1": range(n, (i) => 3 - (2 * i) / (n - 1)),
  };
  type Name = keyof typeof spectra;
  const methods = {
    hutchinson: (a: ReturnType<typeof denseOperator>, k: random.Key, products: number) =>
      hutchinsonTrace(a, k, { probes: products, atOnce: products }),
    hutchPlusPlus: (a: ReturnType<typeof denseOperator>, k: random.Key, products: number) =>
      hutchPlusPlus(a, k, { products, atOnce: products }),
    xTrace: (a: ReturnType<typeof denseOperator>, k: random.Key, products: number) =>
      xTrace(a, k, { products, atOnce: products }),
  };
  const operators = Object.fromEntries(
    Object.entries(spectra).map(([name, values], i) => [name, denseOperator(withSpectrum(values, 10 + i), symmetric)]),
  ) as Record<Name, ReturnType<typeof denseOperator>>;

  async function errors(name: Name, method: keyof typeof methods, products: number, repeats: number) {
    const truth = sum(spectra[name]);
    const found: { error: number; reported: number }[] = [];
    for (let i = 0; i < repeats; i++) {
      const { trace, standardError } = await methods[method](operators[name], random.foldIn(key, 500 + i), products);
      found.push({ error: Math.abs(trace - truth) / truth, reported: standardError / truth });
    }
    return {
      rmse: Math.sqrt(sum(found.map(({ error }) => error ** 2)) / repeats),
      ratio: median(found.map(({ error, reported }) => reported / Math.max(error, 1e-300))),
    };
  }

  test.each([
    [30, "1/j²", 0.17, 7.3e-3, 4.3e-3],
    [30, "0.7^j", 0.107, 1.1e-2, 2.8e-3],
    [30, "flat 3 to 1", 5.3e-3, 1.1e-2, 1.2e-2],
    [60, "1/j²", 0.094, 1.7e-3, 9.0e-4],
    [60, "0.7^j", 0.071, 1.9e-4, 8.0e-6],
    [60, "flat 3 to 1", 3.9e-3, 8.0e-3, 1.2e-2],
  ] as const)("have the errors of the specification's table for %i products, %s", async (products, name, h, hpp, x) => {
    const [a, b, c] = [
      await errors(name, "hutchinson", products, 60),
      await errors(name, "hutchPlusPlus", products, 60),
      await errors(name, "xTrace", products, 60),
    ];
    for (const [{ rmse }, wanted] of [
      [a, h],
      [b, hpp],
      [c, x],
    ] as const) {
      expect(rmse / wanted).toBeGreaterThan(0.5);
      expect(rmse / wanted).toBeLessThan(2);
    }
    if (name === "flat 3 to 1") return;
    expect(c.rmse).toBeLessThanOrEqual(b.rmse);
    expect(b.rmse * 5).toBeLessThan(a.rmse);
    // Reported over true error, in the median.
    for (const { ratio } of [b, c]) {
      expect(ratio).toBeGreaterThan(1 / 3);
      expect(ratio).toBeLessThan(3);
    }
  });

  test("fall faster with the products than Hutchinson's estimator on a decaying spectrum", async () => {
    const slope = async (method: keyof typeof methods): Promise<number> => {
      const [few, more] = [await errors("1/j²", method, 24, 60), await errors("1/j²", method, 96, 60)];
      return Math.log(more.rmse / few.rmse) / Math.log(4);
    };
    // ‖A − A_k‖/√k falls like k^-2 here, Hutchinson's error like m^-½.
    expect(await slope("hutchinson")).toBeGreaterThan(-0.75);
    expect(await slope("hutchPlusPlus")).toBeLessThan(-1.5);
    expect(await slope("xTrace")).toBeLessThan(-1.5);
  });

  // Four thousand runs: time for a busy machine.
  test("are unbiased within 5 standard errors over 2,000 keys", { timeout: 300_000 }, async () => {
    const a = denseOperator(
      withSpectrum(
        range(20, (i) => 0.8 ** i),
        20,
      ),
      symmetric,
    );
    const truth = sum(range(20, (i) => 0.8 ** i));
    for (const method of [hutchPlusPlus, xTrace]) {
      const values: number[] = [];
      for (let i = 0; i < 2000; i++)
        values.push((await method(a, random.foldIn(key, 3000 + i), { products: 12 })).trace);
      const mean = sum(values) / values.length;
      const error = Math.sqrt(sum(values.map((x) => (x - mean) ** 2)) / values.length / (values.length - 1));
      expect(Math.abs(mean - truth)).toBeLessThan(5 * error);
    }
  });

  test("XTrace and XDiag are exact below the rank of their probes", async () => {
    const u = draw(30, [40, 6]);
    const dense = matmul(u, u.transpose());
    for (const a of [denseOperator(dense, symmetric), denseOperator(dense)]) {
      const { trace, standardError } = await xTrace(a, key, { products: 16 });
      expect(Math.abs(trace / u.square().sum().itemSync() - 1)).toBeLessThan(1e-10);
      expect(standardError).toBe(0);
      const { diagonal } = await xDiagonal(a, key, { products: 16 });
      expect(diagonal.sub(u.square().sum(1)).abs().max().itemSync()).toBeLessThan(1e-10);
    }
  });

  test("take matrices that are not symmetric", async () => {
    const dense = draw(31, [30, 4])
      .matmul(draw(32, [4, 30]))
      .add(draw(33, [30, 30]).mul(1e-3));
    const a = denseOperator(dense);
    const truth = dense.mul(eye(30, 30, { dtype })).sum(1);
    for (const method of [hutchPlusPlus, xTrace]) {
      const { trace } = await method(a, key, { products: 24 });
      expect(Math.abs(trace - truth.sum().itemSync())).toBeLessThan(0.1);
    }
    const { diagonal, standardError } = await xDiagonal(a, key, { products: 24 });
    expect(diagonal.sub(truth).abs().max().itemSync()).toBeLessThan(0.05);
    expect(standardError.max().itemSync()).toBeLessThan(0.05);
    // Hutchinson's diagonal is far from that.
    const plain = await hutchinsonDiagonal(a, key, { probes: 24 });
    expect(plain.diagonal.sub(truth).abs().max().itemSync()).toBeGreaterThan(0.5);
  });

  test.each(["normal", "sphere"] as const)("XTrace with %s probes is what it is defined as", async (distribution) => {
    const [size, k] = [30, 7];
    const dense = withSpectrum(
      range(size, (i) => 0.8 ** i),
      35,
    );
    const a = denseOperator(dense, symmetric);
    const wanted = async (resphere: boolean) => {
      const { trace, standardError, sketch } = await xTrace(a, key, { products: 2 * k, distribution, resphere });
      // The probes are A⁻¹ Q R.
      const w = solve(dense, sketch.basis.matmul(sketch.triangle));
      const estimates = range(k, (i) => {
        const others = tensor(Int32Array.from(range(k, (j) => j).filter((j) => j !== i)));
        const { q } = qr(dense.matmul(take(w, others, 1)));
        const probe = w.slice(null, i);
        const left = probe.sub(q.matmul(q.transpose().matmul(probe)));
        const within = q.mul(dense.matmul(q)).sum().itemSync();
        const rest = left.mul(dense.matmul(left)).sum().itemSync();
        // A uniform vector in the n − k + 1 dimensions that are left has that squared length, in the mean.
        return within + (resphere ? ((size - k + 1) / left.square().sum().itemSync()) * rest : rest);
      });
      const mean = sum(estimates) / k;
      expect(trace).toBeCloseTo(mean, 9);
      const variance = sum(estimates.map((x) => (x - mean) ** 2)) / (k - 1);
      expect(standardError).toBeCloseTo(Math.sqrt(variance / k), 9);
      return trace;
    };
    expect(await wanted(true)).not.toBe(await wanted(false));
    // It is the default.
    expect((await xTrace(a, key, { products: 2 * k, distribution })).trace).toBe(
      (await xTrace(a, key, { products: 2 * k, distribution, resphere: true })).trace,
    );
  });

  test("resphering takes away what the length of a probe adds, and stays unbiased", { timeout: 300_000 }, async () => {
    const flat = diagonalOperator(tensor(Float64Array.from({ length: 40 }, () => 3)));
    for (const distribution of ["normal", "sphere"] as const) {
      const options = { products: 8, distribution };
      // Of a multiple of the identity nothing is left then.
      expect((await xTrace(flat, key, options)).trace).toBeCloseTo(120, 9);
      const without = await xTrace(flat, key, { ...options, resphere: false });
      expect(Math.abs(without.trace - 120)).toBeGreaterThan(0.1);

      const values = range(20, (i) => 1 + 0.8 ** i);
      const a = denseOperator(withSpectrum(values, 36), symmetric);
      const off: { true: number[]; false: number[] } = { true: [], false: [] };
      for (let i = 0; i < 100; i++) {
        for (const resphere of [true, false]) {
          const { trace } = await xTrace(a, random.foldIn(key, 9000 + i), { products: 12, distribution, resphere });
          off[`${resphere}`].push(trace - sum(values));
        }
      }
      const squares = (xs: readonly number[]): number => sum(xs.map((x) => x * x));
      for (const errors of [off.true, off.false]) {
        expect(Math.abs(sum(errors))).toBeLessThan(5 * Math.sqrt(squares(errors)));
      }
      expect(squares(off.true)).toBeLessThan(0.3 * squares(off.false));
    }
  });

  test("XTrace of the whole space is exact to rounding", async () => {
    const a = denseOperator(
      withSpectrum(
        range(10, (i) => i + 1),
        34,
      ),
      symmetric,
    );
    expect((await xTrace(a, key, { products: 20, distribution: "normal" })).trace).toBeCloseTo(55, 9);
  });
});

describe("stochastic Lanczos quadrature", () => {
  const n = 60;
  const spectrum = range(n, (i) => (i < 3 ? 20 + 5 * i : 0.5 + i / n));
  const a = denseOperator(withSpectrum(spectrum, 40), symmetric);

  test("its moments are exact up to degree 2m − 1", async () => {
    const start = random.rademacher(random.foldIn(key, 0), { shape: [n], dtype });
    const { runs } = await spectralMeasure(a, key, { probes: 1, steps: 6 });
    let power = start;
    for (let k = 0; k <= 11; k++) {
      const exact = start.mul(power).sum().itemSync() / n;
      const found = sum(runs[0].nodes.map((x, i) => runs[0].weights[i] * x ** k));
      expect(Math.abs(found / exact - 1)).toBeLessThan(1e-10);
      power = a.matvec(power);
    }
  });

  test("traces of functions within 4 standard errors", async () => {
    const measure = await spectralMeasure(a, key, { probes: 32, steps: 30 });
    expect(measure.products).toBe(32 * 30);
    const expectTrace = (found: { trace: number; standardError: number }, f: (x: number) => number): void => {
      const exact = sum(spectrum.map(f));
      expect(Math.abs(found.trace - exact)).toBeLessThan(4 * found.standardError + 1e-9 * Math.abs(exact));
    };
    expectTrace(
      traceOf(measure, (x) => x),
      (x) => x,
    );
    expectTrace(traceOf(measure, Math.exp), Math.exp);
    expectTrace(logDeterminant(measure), Math.log);
    expectTrace(logDeterminant(measure, { damping: 3 }), (x) => Math.log(x + 3));
    expectTrace(effectiveDimension(measure, { damping: 1 }), (x) => x / (x + 1));
    expect(negativeFraction(measure).trace).toBe(0);
    const shifted = denseOperator(
      withSpectrum(
        spectrum.map((x, i) => (i < 15 ? -x : x)),
        41,
      ),
      symmetric,
    );
    const negative = negativeFraction(await spectralMeasure(shifted, key, { probes: 64, steps: 60 }));
    expect(Math.abs(negative.trace - 0.25)).toBeLessThan(4 * negative.standardError);
  });

  test("all steps give all eigenvalues, each within its residual", async () => {
    const { runs } = await spectralMeasure(a, key, { probes: 1, steps: n });
    const sorted = spectrum.toSorted((x, y) => x - y);
    runs[0].nodes.forEach((x, i) => expect(Math.abs(x - sorted[i])).toBeLessThan(1e-10));
    const few = (await spectralMeasure(a, key, { probes: 1, steps: 12 })).runs[0];
    few.nodes.forEach((x, i) => {
      const nearest = Math.min(...spectrum.map((y) => Math.abs(x - y)));
      expect(nearest).toBeLessThanOrEqual(few.residuals[i] + 1e-12);
    });
  });

  test.each(["range", "pyhessian", "papyan", 0.5] as const)("densities integrate to 1, width %s", async (width) => {
    const measure = await spectralMeasure(a, key, { probes: 8, steps: 20 });
    for (const scale of ["linear", "log"] as const) {
      const { x, density, standardError } = spectralDensity(measure, { width, scale, points: 4000 });
      const step = x[1] - x[0];
      expect(Math.abs(sum([...density]) * step - 1)).toBeLessThan(1e-3);
      expect(standardError.every((e) => e >= 0)).toBe(true);
    }
    const { x, density, width: sigma } = spectralDensity(measure, { width, points: 4000 });
    const step = x[1] - x[0];
    const moment = (k: number): number => sum(x.map((at, i) => density[i] * at ** k * step));
    const first = traceOf(measure, (t) => t);
    const second = traceOf(measure, (t) => t * t);
    expect(moment(1)).toBeCloseTo(first.trace / n, 3);
    expect(moment(2)).toBeCloseTo(second.trace / n + sigma ** 2, 2);
    expect(Math.abs(first.trace - sum(spectrum))).toBeLessThan(3 * first.standardError);
    expect(Math.abs(second.trace - sum(spectrum.map((t) => t * t)))).toBeLessThan(3 * second.standardError);
  });

  test("the widths of the conventions", () => {
    const measured = (nodes: readonly number[]) => {
      const runs = [{ nodes, weights: nodes.map(() => 1 / nodes.length), residuals: nodes.map(() => 0) }];
      return { size: 10, products: nodes.length, runs };
    };
    const wide = measured([-1, 0.25, 0.5, 2, 6]);
    const narrow = measured([0.1, 0.2, 0.3]);
    const width = (m: typeof wide, options: object): number => spectralDensity(m, { points: 3, ...options }).width;
    expect(width(wide, {})).toBeCloseTo(7 / 5, 14);
    expect(width(wide, { width: "range" })).toBeCloseTo(7 / 5, 14);
    expect(width(wide, { width: "pyhessian" })).toBeCloseTo(8.366600265340756e-3, 16); // √7e-5
    expect(width(narrow, { width: "pyhessian" })).toBeCloseTo(3.1622776601683794e-3, 16); // √1e-5
    // curvlinops: 5 % of the range are added at both ends, and what is between them is mapped to [−1, 1].
    const papyan = (low: number, high: number, m: number, kappa: number): number => {
      const margin = 0.05 * (high - low);
      const perUnit = (high + margin - (low - margin)) / 2;
      return (perUnit * 2) / (m - 1) / Math.sqrt(8 * Math.log(kappa));
    };
    expect(width(wide, { width: "papyan" })).toBeCloseTo(papyan(-1, 6, 5, 3), 14);
    expect(papyan(-1, 6, 5, 3)).toBeCloseTo(0.6493271, 7);
    const [low, high] = [Math.log10(0.25 + 1e-5), Math.log10(6 + 1e-5)];
    expect(width(wide, { width: "papyan", scale: "log" })).toBeCloseTo(papyan(low, high, 5, 1.04), 14);
    expect(width(wide, { width: 0.3 })).toBe(0.3);
    // One normal curve of that width for each node.
    const { x, density } = spectralDensity(wide, { width: "papyan", points: 5 });
    const sigma = papyan(-1, 6, 5, 3);
    x.forEach((at, i) => {
      const curves = wide.runs[0].nodes.map((node) => Math.exp(-(((at - node) / sigma) ** 2) / 2));
      expect(density[i]).toBeCloseTo(sum(curves) / 5 / sigma / Math.sqrt(2 * Math.PI), 14);
    });
  });

  test("goes on from an earlier measure, and from its JSON", async () => {
    const whole = await spectralMeasure(a, key, { probes: 4, steps: 10 });
    const half = await spectralMeasure(a, key, { probes: 2, steps: 10 });
    const stored = JSON.parse(JSON.stringify(half)) as typeof half;
    expect(await spectralMeasure(a, key, { probes: 4, steps: 10, resume: stored })).toEqual(whole);
  });

  test("the step-by-step process gives the matrix of the operator, also for one that cannot be traced", async () => {
    const eager = linearOperator({
      matvec: (v: Tensor) => a.matvec(tensor(v.dataSync() as Float64Array)),
      domain: draw(50, [n]),
      symmetric: true,
      eager: true,
    });
    const { alpha, beta, basis } = await lanczos(eager, draw(51, [n]), { steps: 15 });
    const t = basis.matmul(toDense(a)).matmul(basis.transpose()).arraySync() as number[][];
    t.forEach((row, i) =>
      row.forEach((x, j) => {
        const wanted = i === j ? alpha[i] : Math.abs(i - j) === 1 ? beta[Math.min(i, j)] : 0;
        expect(Math.abs(x - wanted)).toBeLessThan(1e-11);
      }),
    );
  });

  test("a space that is exhausted ends a run early", async () => {
    const few = diagonalOperator(tensor(Float64Array.of(1, 1, 2, 2, 5, 5)));
    const { runs, products } = await spectralMeasure(few, key, { probes: 1, steps: 6 });
    expect(products).toBe(3);
    runs[0].nodes.forEach((x, i) => expect(x).toBeCloseTo([1, 2, 5][i], 12));
    expect(traceOf({ size: 6, runs, products }, (x) => x).trace).toBeCloseTo(16, 12);
  });
});

describe("ends of a spectrum", () => {
  test("the spectral norm, of matrices of any shape", async () => {
    const values = range(40, (i) => (i === 0 ? -9 : 0.2 * i));
    const found = await spectralNorm(denseOperator(withSpectrum(values, 60), symmetric));
    expect(found.norm).toBeCloseTo(9, 9);
    expect(found.errorBound).toBeLessThan(1e-8);
    const u = qr(draw(61, [30, 20])).q.mul(tensor(Float64Array.from(range(20, (i) => 20 - i))));
    const rectangular = await spectralNorm(denseOperator(u));
    expect(rectangular.norm).toBeCloseTo(20, 8);
    expect(rectangular.converged).toBe(true);
  });

  test("the condition number, with damping", async () => {
    const a = denseOperator(
      withSpectrum(
        range(30, (i) => 1 + i),
        62,
      ),
      symmetric,
    );
    expect((await conditionNumber(a)).condition).toBeCloseTo(30, 7);
    const { condition, largest, smallest } = await conditionNumber(a, { damping: 2 });
    expect(condition).toBeCloseTo(32 / 3, 7);
    expect([largest, smallest].map((x) => Math.round(x * 1e6) / 1e6)).toEqual([32, 3]);
    const indefinite = diagonalOperator(tensor(Float64Array.of(-1, 2, 3)));
    await expect(conditionNumber(indefinite)).rejects.toThrow(/smallest eigenvalue is -(1|0.99999)/);
  });
});

describe("what is refused", () => {
  const a = diagonalOperator(tensor(Float64Array.of(1, 2, 3, 4)));
  const rectangle = denseOperator(draw(70, [4, 3]));

  test.each([
    ["probes", () => hutchinsonTrace(a, key, { probes: 0 }), /hutchinsonTrace: probes is 0; wants an integer >= 1/],
    ["tol", () => hutchinsonTrace(a, key, { tol: NaN }), /tol is NaN; wants a number >= 0/],
    ["atOnce", () => frobeniusNorm(a, key, { atOnce: 0 }), /atOnce is 0; wants a positive integer/],
    [
      "products for Hutch++",
      () => hutchPlusPlus(a, key, { products: 10 }),
      /products is 10; wants a multiple of 3, as 9/,
    ],
    ["too many", () => hutchPlusPlus(a, key, { products: 30 }), /products is 30; wants an integer from 3 to 12/],
    ["odd products", () => xTrace(a, key, { products: 7 }), /products is 7; wants an even number, as 6/],
    ["resphere", () => xTrace(a, key, { products: 4, resphere: true }), /resphere with distribution "rademacher"/],
    ["distribution", () => hutchinsonTrace(a, key, { distribution: "cauchy" as never }), /distribution is "cauchy"/],
    ["steps", () => spectralMeasure(a, key, { steps: 5 }), /steps is 5; wants an integer from 1 to 4/],
    ["rectangles", () => hutchinsonTrace(rectangle as never, key), /the operator is 4 × 3; wants a square one/],
    ["asymmetry", () => spectralMeasure(denseOperator(draw(72, [4, 4])), key), /not said to be symmetric/],
  ])("%s", async (_, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });

  test("a product with NaN, naming it", async () => {
    let count = 0;
    const poisoned = linearOperator({
      matvec: (v: Tensor) => (++count === 6 ? v.mul(NaN) : v),
      domain: draw(73, [8]),
      symmetric: true,
      eager: true,
    });
    await expect(hutchinsonTrace(poisoned, key, { atOnce: 4 })).rejects.toThrow(
      /NaN or an infinity, one of products 5 to 8/,
    );
    count = 5;
    await expect(spectralMeasure(poisoned, key, { steps: 3 })).rejects.toThrow(/product 1 of the operator has NaN/);
  });

  test("functions without a value, and matrices that are not definite", async () => {
    const measure = await spectralMeasure(diagonalOperator(tensor(Float64Array.of(-1, 0, 2))), key, { probes: 2 });
    expect(() => traceOf(measure, Math.log)).toThrow(/traceOf: f is NaN at the Ritz value -1/);
    expect(() => logDeterminant(measure, { damping: 0.5 })).toThrow(/least Ritz value is -1/);
    expect(() => effectiveDimension(measure, { damping: 0 })).toThrow(/damping is 0; wants a positive number/);
    expect(() => spectralDensity(measure, { points: 1 })).toThrow(/points is 1/);
    expect(() => spectralDensity(measure, { width: "wide" as never })).toThrow(/width is "wide"/);
  });

  test("a run that is stopped", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const big = diagonalOperator(draw(74, [64]));
    const run = hutchinsonTrace(big, key, {
      probes: 100,
      atOnce: 1,
      signal: controller.signal,
      onProgress: ({ products }) => {
        seen.push(products);
        if (products === 3) controller.abort();
      },
    });
    await expect(run).rejects.toThrow(/abort/);
    expect(seen).toEqual([1, 2, 3]);
    await expect(spectralMeasure(big, key, { signal: controller.signal })).rejects.toThrow(/abort/);
  });
});
