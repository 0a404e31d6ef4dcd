/** The vectors of JAX (threefry, partitionable): integers and uniform exactly, the others to a few ulp. */

import { describe, expect, test } from "vitest";
import { tensor } from "../create.js";
import type { FloatDType } from "../dtype.js";
import { threefry2x32, hash } from "../primitives/threefry.js";
import type { Tensor } from "../tensor.js";
import { bitsFrom } from "./bits.js";
import vectors from "./fixtures/jax-vectors.json" with { type: "json" };
import * as random from "./index.js";
import { unitUniform } from "./uniform.js";

const key42 = random.key(42);

/** Distance in units in the last place of float64. */
function ulps(x: number, y: number): number {
  const spacing = 2 ** (Math.floor(Math.log2(Math.abs(y))) - 52);
  return Math.abs(x - y) / spacing;
}

function expectUlps(x: Tensor, wanted: readonly number[], most = 4): void {
  expect(x.dtype).toBe("float64");
  x.dataSync().forEach((v, i) => expect(ulps(v, wanted[i]), `${v} against ${wanted[i]}`).toBeLessThanOrEqual(most));
}

describe("threefry2x32", () => {
  const block = (k0: number, k1: number, c0: number, c1: number): string[] => {
    threefry2x32(k0, k1, c0, c1);
    return Array.from(hash, (word) => word.toString(16).padStart(8, "0"));
  };
  test("known answers of Random123", () => {
    expect(block(0, 0, 0, 0)).toEqual(["6b200159", "99ba4efe"]);
    expect(block(-1, -1, -1, -1)).toEqual(["1cb996fc", "bb002be7"]);
    expect(block(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)).toEqual(["c4923a9c", "483df7a0"]);
  });
});

describe("the table of §4", () => {
  test("split, foldIn, key", () => {
    const words = (k: Tensor): number[] => Array.from(k.dataSync());
    expect(random.split(random.key(0), 2).map(words)).toEqual([
      [1797259609, 2579123966],
      [928981903, 3453687069],
    ]);
    expect(random.split(key42).map(words)).toEqual([
      [1832780943, 270669613],
      [64467757, 2916123636],
    ]);
    expect(words(random.foldIn(random.key(0), 4))).toEqual([2285895361, 433833334]);
    expect(words(random.foldIn(key42, 1))).toEqual([64467757, 2916123636]);
    expect(words(random.key(-1))).toEqual([4294967295, 4294967295]);
    expect(words(random.key(2 ** 40 + 5))).toEqual([256, 5]);
  });

  test("bits", () => {
    expect(random.bits(random.key(0), { shape: [5] }).arraySync()).toEqual([
      4070199207, 4202968722, 1427181096, 2012915765, 2447653815,
    ]);
    expect(random.bits(random.key(1701), { shape: [3] }).arraySync()).toEqual([1111271205, 2679469115, 974515252]);
    const { high, low } = random.bits64(random.key(1701), { shape: [3] });
    const lows = low.dataSync();
    const joined = Array.from(high.dataSync(), (h, i) => (BigInt(h) << 32n) | BigInt(lows[i]));
    expect(joined).toEqual([3182764935064573181n, 366096495144982249n, 241365115613244543n]);
  });

  test("uniform", () => {
    expect(random.uniform(key42, { shape: [4] }).arraySync()).toEqual([
      0.48870956897735596, 0.6797971725463867, 0.6162714958190918, 0.5610160827636719,
    ]);
    expect(random.uniform(key42, { shape: [4], dtype: "float64" }).arraySync()).toEqual([
      0.4267275666499091, 0.015010069515314584, 0.5741444178995352, 0.7298188969046309,
    ]);
  });

  test("normal", () => {
    const wanted = [-0.028304616, 0.4671318531, 0.2957029641];
    random
      .normal(key42, { shape: [3] })
      .dataSync()
      .forEach((v, i) => expect(Math.abs(v / wanted[i] - 1)).toBeLessThan(4 * 2 ** -23));
    const x = random.normal(key42, { shape: [3], dtype: "float64" });
    expectUlps(x, [-0.18471174528191162, -2.169824560397754, 0.18693555179382582]);
  });

  test("randint, permutation, categorical, rademacher", () => {
    expect(random.randint(key42, 0, 10, { shape: [6] }).arraySync()).toEqual([4, 4, 1, 9, 9, 9]);
    expect(random.permutation(key42, 10).arraySync()).toEqual([7, 4, 2, 5, 3, 6, 8, 9, 0, 1]);
    const logits = tensor([0.1, 0.2, 0.7]).log();
    expect(random.categorical(key42, logits, { shape: [8] }).arraySync()).toEqual([2, 2, 2, 2, 1, 2, 1, 2]);
    for (const dtype of ["float32", "float64", "int32"] as const) {
      const signs = random.rademacher(key42, { shape: [8], dtype });
      expect(signs.dtype).toBe(dtype);
      expect(signs.arraySync()).toEqual([1, -1, -1, -1, 1, -1, 1, -1]);
    }
  });

  test("gamma, poisson", () => {
    const a = tensor([0.5, 2.5], { dtype: "float64" });
    expectUlps(random.gamma(key42, a), [0.1986535493325946, 1.885114290750521]);
    expect(random.poisson(key42, 4, { shape: [5] }).arraySync()).toEqual([6, 3, 2, 2, 5]);
    expect(random.poisson(key42, 40, { shape: [5] }).arraySync()).toEqual([44, 46, 33, 35, 31]);
  });
});

describe("chunks", () => {
  const n = 2500;
  const together = (size: number, part: (length: number, first: number) => Tensor): number[] => {
    const all: number[] = [];
    for (let first = 0; first < n; first += size) all.push(...part(Math.min(size, n - first), first).dataSync());
    return all;
  };
  test.each([1, 7, 1000])("of %i give the numbers of the whole", (size) => {
    const count = size === 1 ? 40 : n;
    const whole = (x: Tensor): number[] => Array.from(x.dataSync()).slice(0, count);
    const parts = (part: (length: number, first: number) => Tensor): number[] =>
      size === 1
        ? Array.from({ length: count }, (_, i) => part(1, i).dataSync()[0])
        : together(size, part).slice(0, count);
    expect(parts((length, first) => bitsFrom(key42, [length], first))).toEqual(
      whole(random.bits(key42, { shape: [n] })),
    );
    for (const dtype of ["float32", "float64"] as const) {
      expect(parts((length, first) => unitUniform(key42, [length], dtype, first))).toEqual(
        whole(random.uniform(key42, { shape: [n], dtype })),
      );
    }
  });

  test("a shape reads the same numbers in row-major order, and a longer array begins like a shorter one", () => {
    const flat = random.bits(key42, { shape: [24] }).dataSync();
    expect(random.bits(key42, { shape: [2, 3, 4] }).dataSync()).toEqual(flat);
    expect(
      random
        .bits(key42, { shape: [1000] })
        .dataSync()
        .subarray(0, 24),
    ).toEqual(flat);
    for (const rate of [3, 50]) {
      const short = random.poisson(key42, rate, { shape: [5] }).dataSync();
      expect(
        random
          .poisson(key42, rate, { shape: [2000] })
          .dataSync()
          .subarray(0, 5),
      ).toEqual(short);
    }
    const short = random.binomial(key42, 100, 0.4, { shape: [5] }).dataSync();
    expect(
      random
        .binomial(key42, 100, 0.4, { shape: [2000] })
        .dataSync()
        .subarray(0, 5),
    ).toEqual(short);
  });
});

describe("further samples of jax.random", () => {
  interface Row {
    readonly sampler: string;
    readonly seed: number;
    readonly shape: number[];
    readonly dtype: string;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- numbers and nested arrays, as the sampler takes them
    readonly parameters: Record<string, any>;
    readonly value: (number | boolean)[];
  }

  function draw({ sampler, seed, shape, dtype: name, parameters: p }: Row): Tensor {
    const k = random.key(seed);
    const dtype = name as FloatDType;
    const options = { shape, dtype };
    // bernoulli, geometric, categorical and choice compute in the dtype of their parameter.
    const number = (x: number): Tensor => tensor(x, { dtype });
    switch (sampler) {
      case "key":
        return k;
      case "splitKeys":
        return random.splitKeys(k, p.count);
      case "foldIn":
        return random.foldIn(k, p.data);
      case "bits":
        return random.bits(k, { shape });
      case "randint":
        return random.randint(k, p.low, p.high, { shape, dtype: name as "int32" });
      case "permutation":
        return random.permutation(k, p.x);
      case "permutationIndependent": {
        const x = tensor(
          Int32Array.from({ length: 12 }, (_, i) => i),
          { shape: [3, 4] },
        );
        return random.permutation(k, x, { axis: 1, independent: true });
      }
      case "choice":
        return random.choice(k, p.population, { shape });
      case "choiceWithoutReplacement":
        return random.choice(k, p.population, { shape, replace: false });
      case "choiceWeighted":
        return random.choice(k, 5, { shape, p: tensor(p.p, { dtype }) });
      case "choiceWeightedWithoutReplacement":
        return random.choice(k, 5, { shape, replace: false, p: tensor(p.p, { dtype }) });
      case "uniform":
        return random.uniform(k, options);
      case "uniformBetween":
        return random.uniform(k, { ...options, low: p.low, high: p.high });
      case "bernoulli":
        return random.bernoulli(k, number(p.p), { shape });
      case "rademacher":
        return random.rademacher(k, options);
      case "normal":
        return random.normal(k, options);
      case "exponential":
        return random.exponential(k, options);
      case "gumbel":
        return random.gumbel(k, options);
      case "laplace":
        return random.laplace(k, options);
      case "logistic":
        return random.logistic(k, options);
      case "cauchy":
        return random.cauchy(k, options);
      case "truncatedNormal":
        return random.truncatedNormal(k, p.lower, p.upper, options);
      case "pareto":
        return random.pareto(k, p.exponent, options);
      case "geometric":
        return random.geometric(k, number(p.p), { shape });
      case "gamma":
        return random.gamma(k, p.concentration, options);
      case "logGamma":
        return random.logGamma(k, p.concentration, options);
      case "beta":
        return random.beta(k, p.a, p.b, options);
      case "dirichlet":
        return random.dirichlet(k, tensor(p.concentration, { dtype }), options);
      case "chiSquare":
        return random.chiSquare(k, p.degrees, options);
      case "studentT":
        return random.studentT(k, p.degrees, options);
      case "categorical":
        return random.categorical(k, tensor(p.logits, { dtype }), { shape });
      case "multivariateNormal":
        return random.multivariateNormal(
          k,
          tensor([1, -2], { dtype }),
          tensor(
            [
              [2, 0.3],
              [0.3, 0.5],
            ],
            { dtype },
          ),
          options,
        );
      case "orthogonal":
        return random.orthogonal(k, 3, { dtype });
      case "poisson":
        return random.poisson(k, p.rate, { shape });
      case "binomial":
        return random.binomial(k, p.trials, number(p.p), { shape });
      default:
        throw new Error(`no sampler ${sampler}`);
    }
  }

  const exact = new Set(["uniform", "rademacher"]);
  // These pass near 0 where their formula cancels, so that errors are those of numbers around 1 (or 10).
  const absolute: Readonly<Record<string, number>> = {
    uniformBetween: 10,
    truncatedNormal: 1,
    logGamma: 1,
    orthogonal: 1,
  };
  const rows = vectors as unknown as Row[];
  const names = [...new Set(rows.map(({ sampler }) => sampler))];
  test.each(names)("%s", (name) => {
    for (const row of rows.filter(({ sampler }) => sampler === name)) {
      const x = draw(row);
      const got = Array.from(x.dataSync());
      const wanted = row.value.map(Number);
      const label = JSON.stringify({ ...row, value: undefined });
      if ((x.dtype !== "float32" && x.dtype !== "float64") || exact.has(name)) expect(got, label).toEqual(wanted);
      else {
        // 64 times the unit roundoff: what the roundings on both sides add up to. In JAX's float32, U^(1/a) has
        // 1/a of them, and v = 1 + xc cancels.
        const boost = name === "gamma" ? Math.max(4, 0.2 / row.parameters.concentration) : 1;
        const tolerance = 64 * boost * (x.dtype === "float32" ? 2 ** -24 : 2 ** -53);
        got.forEach((v, i) => {
          const scale = Math.max(Math.abs(wanted[i]), absolute[name] ?? 0);
          expect(Math.abs(v - wanted[i]), `${label}: ${v} against ${wanted[i]}`).toBeLessThanOrEqual(tolerance * scale);
        });
      }
    }
  });
});
