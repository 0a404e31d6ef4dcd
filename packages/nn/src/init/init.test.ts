/** Initialisers: fans, moments, bounds, orthogonality. */

import { eye, type Shape, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import * as nn from "@curv/nn";
import * as init from "@curv/nn/init";
import { describe, expect, test } from "vitest";

const key = random.key(3);
const float64 = { dtype: "float64" } as const;

describe("fans", () => {
  test.each<[Shape, number, init.Fans]>([
    [[5, 3], 1, { fanIn: 3, fanOut: 5 }],
    [[8, 4, 3], 1, { fanIn: 12, fanOut: 24 }],
    [[8, 4, 3, 5], 1, { fanIn: 60, fanOut: 120 }],
    [[8, 2, 3, 3], 4, { fanIn: 18, fanOut: 18 }],
    [[6, 1, 2, 2, 2], 6, { fanIn: 8, fanOut: 8 }],
  ])("of %j in %i groups", (shape, groups, wanted) => {
    expect(init.fansOf(shape, groups)).toEqual(wanted);
  });

  test("layers give their initialisers the fans of their groups", () => {
    const seen: unknown[] = [];
    const spy: init.Initializer = (_key, shape, options) => {
      seen.push(shape, options?.fans);
      return init.zeros()(key, shape, options);
    };
    nn.conv({ in: 8, out: 16, kernel: 3, groups: 4, weightInit: spy, biasInit: spy }).init(key);
    const fans = { fanIn: 18, fanOut: 36 };
    expect(seen).toEqual([[16, 2, 3, 3], fans, [16], fans]);
  });
});

/** Mean, variance and kurtosis of the elements. */
function moments(x: Tensor): { mean: number; variance: number; kurtosis: number; max: number } {
  const mean = x.mean();
  const variance = x.sub(mean).square().mean();
  const kurtosis = x.sub(mean).pow(4).mean().div(variance.square());
  const [m, v, k, max] = [mean, variance, kurtosis, x.abs().max()].map((t) => t.itemSync());
  return { mean: m, variance: v, kurtosis: k, max };
}

/** [out, in, window] with fanIn 600, fanOut 900. */
const shape = [90, 60, 10];
const n = 54_000;

describe("moments within 5 standard errors", () => {
  const rules = {
    lecun: { make: init.lecun, variance: 1 / 600 },
    glorot: { make: init.glorot, variance: 2 / 1500 },
    he: { make: init.he, variance: 2 / 600 },
    "he, fanOut, slope ½": {
      make: (o: init.DistributionOption) => init.he({ mode: "fanOut", negativeSlope: 0.5, ...o }),
      variance: 2 / (1.25 * 900),
    },
  };
  // Kurtosis of the truncated normal: E x⁴/(E x²)², by partial integration from σ² = 0.7737…
  const truncated = (() => {
    const density = Math.exp(-2) / Math.sqrt(2 * Math.PI);
    const mass = 0.9544997361036416;
    const second = 1 - (4 * density) / mass;
    const fourth = 3 * second - (16 * density) / mass;
    return { kurtosis: fourth / second ** 2, reach: 2 / Math.sqrt(second) };
  })();
  const shapes = {
    normal: { kurtosis: 3, reach: Infinity },
    truncated,
    uniform: { kurtosis: 1.8, reach: Math.sqrt(3) },
  };

  for (const [name, { make, variance }] of Object.entries(rules)) {
    for (const distribution of ["normal", "truncated", "uniform"] as const) {
      test.each(["float32", "float64"] as const)(`${name}, ${distribution}, %s`, (dtype) => {
        const w = make({ distribution })(key, shape, { dtype });
        expect([w.dtype, w.shape]).toEqual([dtype, shape]);
        const m = moments(w.cast("float64"));
        const { kurtosis, reach } = shapes[distribution];
        expect(Math.abs(m.mean)).toBeLessThan(5 * Math.sqrt(variance / n));
        expect(Math.abs(m.variance / variance - 1)).toBeLessThan(5 * Math.sqrt((kurtosis - 1) / n));
        expect(Math.abs(m.kurtosis - kurtosis)).toBeLessThan(0.1);
        expect(m.max / Math.sqrt(variance)).toBeLessThanOrEqual(reach * (1 + 1e-6));
      });
    }
  }

  test("a product with LeCun weights keeps the mean square; He does so through a ReLU", () => {
    const x = random.normal(random.key(1), { shape: [50, 100], ...float64 });
    const linear = nn.dense({ in: 100, out: 500 });
    const y = linear.apply(linear.init(key, float64), x);
    expect(y.square().mean().itemSync()).toBeCloseTo(1, 1);
    const rectified = nn.dense({ in: 100, out: 500, weightInit: init.he() });
    const z = rectified.apply(rectified.init(key, float64), x.relu().mul(Math.SQRT2));
    expect(z.relu().square().mean().itemSync()).toBeCloseTo(1, 1);
  });
});

describe("orthogonal", () => {
  test.each<[Shape]>([[[7, 7]], [[4, 9]], [[9, 4]], [[6, 2, 3, 3]], [[64, 5, 3]], [[1, 5]]])("%j", (wanted) => {
    const w = init.orthogonal({ gain: 1.5 })(key, wanted, float64);
    expect(w.shape).toEqual(wanted);
    const matrix = w.reshape([wanted[0], -1]).div(1.5);
    const [rows, columns] = matrix.shape;
    const gram = rows <= columns ? matrix.matmul(matrix.T) : matrix.T.matmul(matrix);
    expect(gram.sub(eye(Math.min(rows, columns), Math.min(rows, columns), float64)).abs().max().itemSync()).toBeLessThan(1e-14); // prettier-ignore
  });

  test("is uniform: the first element of many has mean 0 and mean square 1/n, of either sign of the determinant", () => {
    const firsts = random.split(key, 400).map((k) => init.orthogonal()(k, [3, 3], float64).slice(0, 0).itemSync());
    const mean = firsts.reduce((s, v) => s + v, 0) / 400;
    const square = firsts.reduce((s, v) => s + v * v, 0) / 400;
    expect(Math.abs(mean)).toBeLessThan(5 * Math.sqrt(1 / 3 / 400));
    expect(Math.abs(square - 1 / 3)).toBeLessThan(5 * Math.sqrt((1 / 5 - 1 / 9) / 400));
  });
});

test("constants", () => {
  const values = (f: init.Initializer): number[] => [...f(key, [2]).dataSync()];
  expect(values(init.zeros())).toEqual([0, 0]);
  expect(values(init.ones())).toEqual([1, 1]);
  expect(values(init.constant(-0.5))).toEqual([-0.5, -0.5]);
});
