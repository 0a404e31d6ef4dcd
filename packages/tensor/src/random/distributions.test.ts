/** Samples at fixed keys against their distributions: Kolmogorov–Smirnov or χ² with p > 1e-3, the mean within five standard errors. */

import { describe, expect, test } from "vitest";
import { erfc64, lgamma64 } from "../cpu/math/index.js";
import { tensor } from "../create.js";
import type { FloatDType } from "../dtype.js";
import type { Tensor } from "../tensor.js";
import { vmap } from "../transform/vmap.js";
import * as fit from "./fixtures/goodness-of-fit.js";
import * as random from "./index.js";

const n = 100_000;
const key = random.key(2024);
const f64 = { shape: [n], dtype: "float64" } as const;
const f32 = { shape: [n], dtype: "float32" } as const;

/** P(Z > x). */
const upper = (x: number): number => erfc64(x / Math.SQRT2) / 2;

/** Distribution function of the normal distribution between two bounds, from the tail in which they are. */
function truncatedCdf(a: number, b: number): (x: number) => number {
  if (b < 0) return (x) => (upper(-x) - upper(-a)) / (upper(-b) - upper(-a));
  return (x) => (upper(a) - upper(x)) / (upper(a) - upper(b));
}

interface Continuous {
  readonly name: string;
  readonly draw: () => Tensor;
  readonly cdf: (x: number) => number;
  readonly mean?: number;
  readonly variance?: number;
}

const both = (make: (dtype: FloatDType) => Continuous): Continuous[] =>
  (["float32", "float64"] as const).map((dtype) => ({ ...make(dtype), name: `${make(dtype).name}, ${dtype}` }));

const gammas = [0.05, 0.5, 1, 1e4];
const truncations: [number, number, FloatDType][] = [
  [-1.5, 0.75, "float32"],
  [0.5, Infinity, "float64"],
  [-Infinity, Infinity, "float32"],
  [1.9, 4, "float64"],
  [5, 6, "float32"],
  [30, Infinity, "float32"],
  [9, 10, "float64"],
  [-Infinity, -20, "float64"],
  [-3, -2.5, "float32"],
];

const continuous: Continuous[] = [
  ...both((dtype) => ({
    name: "uniform",
    draw: () => random.uniform(key, { shape: [n], dtype }),
    cdf: (x) => x,
    mean: 1 / 2,
    variance: 1 / 12,
  })),
  ...both((dtype) => ({
    name: "normal",
    draw: () => random.normal(key, { shape: [n], dtype }),
    cdf: (x) => upper(-x),
    mean: 0,
    variance: 1,
  })),
  ...both((dtype) => ({
    name: "gamma(2.5)",
    draw: () => random.gamma(random.key(7), 2.5, { shape: [n], dtype }),
    cdf: (x) => fit.gammaP(2.5, x),
    mean: 2.5,
    variance: 2.5,
  })),
  ...gammas.map((a) => ({
    name: `gamma(${a})`,
    draw: () => random.gamma(key, a, f64),
    cdf: (x: number) => fit.gammaP(a, x),
    mean: a,
    variance: a,
  })),
  {
    name: "logGamma(0.001), half of which underflow",
    draw: () => random.logGamma(key, 0.001, f64),
    // P(a, z) = z^a/Γ(a + 1) for small z
    cdf: (w) => (w < -100 ? Math.exp(0.001 * w - lgamma64(1.001)) : fit.gammaP(0.001, Math.exp(w))),
  },
  ...truncations.map(([a, b, dtype]) => ({
    name: `truncatedNormal(${a}, ${b}), ${dtype}`,
    draw: () => random.truncatedNormal(key, a, b, { shape: [n], dtype }),
    cdf: truncatedCdf(a, b),
  })),
  { name: "uniform(-3, 5)", draw: () => random.uniform(key, { ...f32, low: -3, high: 5 }), cdf: (x) => (x + 3) / 8 },
  {
    name: "exponential",
    draw: () => random.exponential(key, f32),
    cdf: (x) => -Math.expm1(-x),
    mean: 1,
    variance: 1,
  },
  {
    name: "gumbel",
    draw: () => random.gumbel(key, f32),
    cdf: (x) => Math.exp(-Math.exp(-x)),
    mean: 0.5772156649015329,
    variance: Math.PI ** 2 / 6,
  },
  {
    name: "laplace",
    draw: () => random.laplace(key, f32),
    cdf: (x) => (x < 0 ? Math.exp(x) / 2 : 1 - Math.exp(-x) / 2),
    mean: 0,
    variance: 2,
  },
  {
    name: "logistic",
    draw: () => random.logistic(key, f32),
    cdf: (x) => 1 / (1 + Math.exp(-x)),
    mean: 0,
    variance: Math.PI ** 2 / 3,
  },
  { name: "cauchy", draw: () => random.cauchy(key, f32), cdf: (x) => 0.5 + Math.atan(x) / Math.PI },
  {
    name: "pareto(3)",
    draw: () => random.pareto(key, 3, f32),
    cdf: (x) => 1 - x ** -3,
    mean: 3 / 2,
    variance: 3 / 4,
  },
  {
    name: "beta(0.5, 0.7)",
    draw: () => random.beta(key, 0.5, 0.7, f64),
    cdf: (x) => fit.betaI(0.5, 0.7, x),
    mean: 0.5 / 1.2,
    variance: 0.35 / (1.44 * 2.2),
  },
  {
    name: "beta(2, 5)",
    draw: () => random.beta(key, 2, 5, f32),
    cdf: (x) => fit.betaI(2, 5, x),
    mean: 2 / 7,
    variance: 10 / (49 * 8),
  },
  {
    name: "chiSquare(3)",
    draw: () => random.chiSquare(key, 3, f32),
    cdf: (x) => fit.gammaP(1.5, x / 2),
    mean: 3,
    variance: 6,
  },
  { name: "studentT(1.5)", draw: () => random.studentT(key, 1.5, f64), cdf: (x) => fit.studentCdf(1.5, x) },
  {
    name: "studentT(5)",
    draw: () => random.studentT(key, 5, f32),
    cdf: (x) => fit.studentCdf(5, x),
    mean: 0,
    variance: 5 / 3,
  },
  {
    name: "a component of dirichlet([0.5, 1, 2])",
    draw: () => random.dirichlet(key, tensor([0.5, 1, 2], { dtype: "float64" }), { shape: [n] }).slice(null, 0),
    cdf: (x) => fit.betaI(0.5, 3, x),
    mean: 1 / 7,
    variance: (0.5 * 3) / (3.5 ** 2 * 4.5),
  },
  // Archimedes: a coordinate of the sphere in three dimensions is uniform.
  ...[0, 1, 2].map((axis) => ({
    name: `coordinate ${axis} of sphere(3)`,
    draw: () => random.sphere(key, 3, f32).slice(null, axis),
    cdf: (x: number) => (x + 1) / 2,
    mean: 0,
    variance: 1 / 3,
  })),
  {
    name: "radius of ball(3)",
    draw: () => random.ball(key, 3, f32).square().sum(-1).sqrt(),
    cdf: (r) => r ** 3,
    mean: 3 / 4,
    variance: 3 / 80,
  },
  {
    name: "entry of orthogonal(3)",
    draw: () => random.orthogonal(key, 3, { shape: [20_000], dtype: "float64" }).slice(null, 1, 2),
    cdf: (x) => (x + 1) / 2,
    mean: 0,
    variance: 1 / 3,
  },
];

describe("continuous", () => {
  test.each(continuous)("$name", ({ draw, cdf, mean, variance }) => {
    const x = draw().dataSync();
    expect(fit.kolmogorovSmirnov(x, cdf)).toBeGreaterThan(1e-3);
    if (mean !== undefined) expect(Math.abs(fit.meanDeviation(x, mean, variance!))).toBeLessThan(5);
  });

  test("truncatedNormal keeps its bounds, for tensors of bounds in every position", () => {
    const bounds = [
      [-1, 1],
      [2.5, 3],
      [-9, -8],
      [-Infinity, -3],
      [40, Infinity],
      [-Infinity, Infinity],
      [1.5, 1.5000001],
      [100, 101],
    ];
    const a = tensor(
      bounds.map(([low]) => low),
      { dtype: "float64" },
    );
    const b = tensor(
      bounds.map(([, high]) => high),
      { dtype: "float64" },
    );
    const x = random.truncatedNormal(key, a, b, { shape: [5000, bounds.length] });
    bounds.forEach(([low, high], i) => {
      const column = x.slice(null, i).dataSync();
      expect(column.every((v) => v > low && v < high)).toBe(true);
      if (i !== 4 && i !== 7) expect(fit.kolmogorovSmirnov(column, truncatedCdf(low, high))).toBeGreaterThan(1e-3);
    });
    // Far out it is exponential of rate a.
    const far = x.slice(null, 7).dataSync();
    expect(fit.kolmogorovSmirnov(far, (v) => -Math.expm1((100 ** 2 - v * v) / 2) * (100 / v))).toBeGreaterThan(1e-3);
  });

  test("multivariateNormal has the mean and the covariance", () => {
    const mean = tensor([1, -2, 0.5], { dtype: "float64" });
    const covariance = tensor(
      [
        [2, 0.6, -0.4],
        [0.6, 1, 0.2],
        [-0.4, 0.2, 0.7],
      ],
      { dtype: "float64" },
    );
    const x = random.multivariateNormal(key, mean, covariance, { shape: [n] });
    expect(x.shape).toEqual([n, 3]);
    const centred = x.sub(mean);
    const estimate = centred.T.matmul(centred).div(n).sub(covariance).abs().max().itemSync();
    expect(estimate).toBeLessThan((5 * 2 * Math.SQRT2) / Math.sqrt(n));
    const direction = tensor([1, 2, -1], { dtype: "float64" });
    const variance = direction.matmul(covariance).matmul(direction).itemSync();
    const along = centred.matmul(direction).dataSync();
    expect(fit.kolmogorovSmirnov(along, (v) => upper(-v / Math.sqrt(variance)))).toBeGreaterThan(1e-3);
  });

  test("orthogonal has orthonormal columns, or rows", () => {
    for (const [rows, columns] of [
      [4, 4],
      [5, 2],
      [2, 5],
    ]) {
      const q = random.orthogonal(key, rows, { columns, shape: [3], dtype: "float64" });
      expect(q.shape).toEqual([3, rows, columns]);
      const gram = rows >= columns ? q.T.matmul(q) : q.matmul(q.T);
      const k = Math.min(rows, columns);
      for (const matrix of gram.arraySync() as number[][][]) {
        for (let i = 0; i < k; i++) for (let j = 0; j < k; j++) expect(matrix[i][j]).toBeCloseTo(i === j ? 1 : 0, 13);
      }
    }
  });
});

interface Discrete {
  readonly name: string;
  readonly draw: () => Tensor;
  readonly cells: number;
  readonly probability: (x: number) => number;
  /** The value that is cell 0. */
  readonly from?: number;
}

const poissonPmf = (rate: number) => (x: number) => Math.exp(x * Math.log(rate) - rate - lgamma64(x + 1));
const binomialPmf = (m: number, p: number) => (x: number) =>
  Math.exp(lgamma64(m + 1) - lgamma64(x + 1) - lgamma64(m - x + 1) + x * Math.log(p) + (m - x) * Math.log1p(-p));
const shape = { shape: [n] };
const weights = [0.1, 0, 0.3, 0.2, 0.4];

const discrete: Discrete[] = [
  { name: "randint(0, 10)", draw: () => random.randint(key, 0, 10, shape), cells: 10, probability: () => 0.1 },
  {
    name: "randint(-3, 97)",
    draw: () => random.randint(key, -3, 97, shape),
    cells: 100,
    probability: () => 0.01,
    from: -3,
  },
  {
    name: "randint of all words, in 64 bins",
    draw: () =>
      random
        .randint(key, 0, 2 ** 32, { ...shape, dtype: "uint32" })
        .div(2 ** 26)
        .cast("int32"),
    cells: 64,
    probability: () => 1 / 64,
  },
  {
    name: "bernoulli(0.3)",
    draw: () => random.bernoulli(key, 0.3, shape).cast("int32"),
    cells: 2,
    probability: (x) => (x === 1 ? 0.3 : 0.7),
  },
  {
    name: "rademacher",
    draw: () =>
      random
        .rademacher(key, { ...shape, dtype: "int32" })
        .add(1)
        .div(2)
        .cast("int32"),
    cells: 2,
    probability: () => 0.5,
  },
  {
    name: "geometric(0.2)",
    draw: () => random.geometric(key, 0.2, shape),
    cells: 60,
    probability: (x) => 0.2 * 0.8 ** x,
    from: 1,
  },
  {
    name: "categorical",
    draw: () => random.categorical(key, tensor(weights).log(), shape),
    cells: 5,
    probability: (x) => weights[x],
  },
  {
    name: "choice with weights",
    draw: () => random.choice(key, 5, { ...shape, p: weights.map((w) => 7 * w) }),
    cells: 5,
    probability: (x) => weights[x],
  },
  {
    name: "choice of a tensor's elements",
    draw: () => random.choice(key, tensor(Int32Array.of(3, 1, 0, 2)), shape),
    cells: 4,
    probability: () => 0.25,
  },
  ...[0.3, 4, 9.9, 10, 40, 1e4].flatMap((rate) => {
    const from = Math.max(0, Math.floor(rate - 8 * Math.sqrt(rate)));
    return (["float32", "float64"] as const).map((dtype) => ({
      name: `poisson(${rate}), ${dtype}`,
      draw: () => random.poisson(key, tensor(rate, { dtype }), shape),
      cells: Math.ceil(16 * Math.sqrt(rate) + 10),
      probability: (x: number) =>
        poissonPmf(Math.fround(rate) === rate || dtype === "float64" ? rate : Math.fround(rate))(x + from),
      from,
    }));
  }),
  ...(
    [
      [5, 0.1],
      [40, 0.9],
      [100, 0.3],
      [21, 0.5],
      [10_000, 0.5],
      [1000, 0.999],
    ] as const
  ).map(([m, p]) => {
    const sigma = Math.sqrt(m * p * (1 - p));
    const from = Math.max(0, Math.floor(m * p - 8 * sigma - 1));
    const cells = Math.min(m, Math.ceil(m * p + 8 * sigma + 1)) - from + 1;
    return {
      name: `binomial(${m}, ${p})`,
      draw: () => random.binomial(key, m, tensor(p, { dtype: "float64" }), shape),
      cells,
      probability: (x: number) => binomialPmf(m, p)(x + from),
      from,
    };
  }),
];

describe("discrete", () => {
  test.each(discrete)("$name", ({ draw, cells, probability, from = 0 }) => {
    const x = draw();
    expect(x.dtype === "int32" || x.dtype === "uint32").toBe(true);
    const cell = x.dataSync().map((v) => v - from);
    expect(Math.min(...cell.subarray(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(fit.chiSquareTest(fit.countCells(cell, cells), probability)).toBeGreaterThan(1e-3);
    let mean = 0;
    let square = 0;
    for (let i = 0; i < cells; i++) {
      mean += i * probability(i);
      square += i * i * probability(i);
    }
    expect(Math.abs(fit.meanDeviation(cell, mean, square - mean * mean))).toBeLessThan(5);
  });

  test("ends: certain and impossible outcomes", () => {
    const few = { shape: [200] };
    const all = (x: Tensor, value: number): void =>
      expect(Array.from(x.dataSync())).toEqual(new Array(200).fill(value));
    all(random.bernoulli(key, 0, few), 0);
    all(random.bernoulli(key, 1, few), 1);
    all(random.binomial(key, 7, 0, few), 0);
    all(random.binomial(key, 7, 1, few), 7);
    all(random.binomial(key, 0, 0.5, few), 0);
    all(random.binomial(key, 2 ** 31 - 1, 1, few), 2 ** 31 - 1);
    all(random.poisson(key, 0, few), 0);
    all(random.geometric(key, 1, few), 1);
    all(random.randint(key, 5, 6, few), 5);
    all(random.uniform(key, { ...few, low: 2, high: 2 }), 2);
  });

  test("large counts have the right spread", () => {
    const rate = 2 ** 30 - 1000;
    const x = random.poisson(key, rate, { shape: [20_000] }).dataSync();
    expect(Math.abs(fit.meanDeviation(x, rate, rate))).toBeLessThan(5);
    expect(fit.kolmogorovSmirnov(x, (v) => upper(-(v - rate) / Math.sqrt(rate)))).toBeGreaterThan(1e-3);
    const m = 2 ** 31 - 1;
    const y = random.binomial(key, m, 0.25, { shape: [20_000] }).dataSync();
    const sigma = Math.sqrt((m * 3) / 16);
    expect(fit.kolmogorovSmirnov(y, (v) => upper(-(v - m / 4) / sigma))).toBeGreaterThan(1e-3);
  });

  test("every permutation is equally likely", () => {
    const orders = vmap((k: Tensor) => random.permutation(k, 4))(random.splitKeys(key, 24_000)).dataSync();
    const counts = new Map<string, number>();
    for (let i = 0; i < orders.length; i += 4) {
      const order = orders.subarray(i, i + 4).join();
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(fit.chiSquareTest([...counts.values()], () => 1 / 24)).toBeGreaterThan(1e-3);
    const long = random.permutation(key, 5000).dataSync();
    expect(new Set(long).size).toBe(5000);
  });

  test("draws without replacement follow the weights of those that are left", () => {
    const p = tensor([0.5, 0.2, 0.3]);
    const draw = (k: Tensor): Tensor => random.choice(k, 3, { shape: [2], replace: false, p });
    const pairs = vmap(draw)(random.splitKeys(key, 20_000)).dataSync();
    const counts = new Array<number>(9).fill(0);
    for (let i = 0; i < pairs.length; i += 2) counts[3 * pairs[i] + pairs[i + 1]]++;
    const w = [0.5, 0.2, 0.3];
    const cells = [1, 2, 3, 5, 6, 7];
    const probability = (c: number): number => (w[Math.floor(c / 3)] * w[c % 3]) / (1 - w[Math.floor(c / 3)]);
    expect(counts[0] + counts[4] + counts[8]).toBe(0);
    expect(
      fit.chiSquareTest(
        cells.map((c) => counts[c]),
        (i) => probability(cells[i]),
      ),
    ).toBeGreaterThan(1e-3);
  });
});

describe("bits", () => {
  const words = 2 ** 19;
  test.each([
    ["bits", () => random.bits(key, { shape: [words] })],
    ["words of split keys", () => random.splitKeys(key, words / 2).flatten()],
    ["bits of split keys", () => vmap((k: Tensor) => random.bits(k))(random.splitKeys(key, words))],
  ] as const)("%s: each is one half of the time 1, and 16-bit halves are uniform", (_name, draw) => {
    const x = draw().dataSync();
    const high = new Array<number>(65536).fill(0);
    const low = new Array<number>(65536).fill(0);
    const ones = new Array<number>(32).fill(0);
    for (const word of x) {
      high[word >>> 16]++;
      low[word & 0xffff]++;
      for (let bit = 0; bit < 32; bit++) ones[bit] += (word >>> bit) & 1;
    }
    for (const count of ones) expect(Math.abs(count - words / 2)).toBeLessThan(5 * Math.sqrt(words / 4));
    expect(fit.chiSquareTest(high, () => 1 / 65536)).toBeGreaterThan(1e-3);
    expect(fit.chiSquareTest(low, () => 1 / 65536)).toBeGreaterThan(1e-3);
  });
});
