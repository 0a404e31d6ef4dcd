/** Interpolation, quantiles, histograms, resampling and structured matrices: against NumPy, SciPy and JAX, and what must hold of them. */

import { describe, expect, test } from "vitest";
import * as curv from "../src/index.js";
import {
  DomainError,
  grad,
  histogram,
  interp,
  jit,
  jvp,
  median,
  quantile,
  resize,
  searchSorted,
  ShapeError,
  tensor,
  vmap,
  type Tensor,
} from "../src/index.js";
import * as linalg from "../src/linalg/index.js";
import * as random from "../src/random/index.js";
import { testCases } from "./support/reference.js";

testCases("samples.json", { ...curv, ...linalg });

const f64 = (data: readonly number[]): Tensor => tensor(data, { dtype: "float64" });
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const values = (x: Tensor): number[] => Array.from(x.dataSync());

/** Directional derivative by central differences, for a linear or smooth f. */
function expectDerivative(f: (x: Tensor) => Tensor, x: Tensor, tolerance = 1e-8): void {
  const v = draw(99, [...x.shape]);
  const h = 1e-5;
  const wanted = values(
    f(x.add(v.mul(h)))
      .sub(f(x.sub(v.mul(h))))
      .div(2 * h),
  );
  values(jvp(f, [x], [v]).tangent).forEach((d, i) => expect(Math.abs(d - wanted[i])).toBeLessThan(tolerance));
}

describe("derivatives, jit and vmap", () => {
  const xp = f64([0, 1, 2.5, 4]);
  const fp = f64([1, -1, 3, 0]);
  const x = f64([0.3, 1.7, 3.2, -1, 9]);
  const samples = draw(1, [6, 4]);
  const functions: Readonly<Record<string, readonly [f: (x: Tensor) => Tensor, at: Tensor]>> = {
    "interp in x": [(t) => interp(t, xp, fp), x],
    "interp in xp": [(t) => interp(x, t, fp), xp],
    "interp in fp": [(t) => interp(x, xp, t), fp],
    "quantile in x": [(t) => quantile(t, f64([0.2, 0.77]), 0), samples],
    "quantile in q": [(t) => quantile(samples, t, 0), f64([0.23, 0.61])],
    median: [(t) => median(t, 1), samples],
    "histogram in weights": [(t) => histogram(x, { bins: xp, weights: t }).counts, f64([1, 2, 3, 4, 5])],
    "resize, cubic": [(t) => resize(t, [9, 3], { method: "cubic" }), samples],
    "resize, nearest": [(t) => resize(t, [9, 3], { method: "nearest" }), samples],
    toeplitz: [(t) => linalg.toeplitz(t), fp],
    toeplitzMatmul: [(t) => linalg.toeplitzMatmul(t, samples.slice([0, 4]), t.square()), fp],
    kronMatmul: [(t) => linalg.kronMatmul([t.reshape([2, 2]), samples.slice([0, 2])], draw(3, [8])), fp],
    "eigh with b, in A": [
      (t) =>
        Object.values(linalg.eigh(t.add(t.transpose()), { b: spd })).reduce((a, b) =>
          a.reshape([-1]).sum().add(b.sum()),
        ),
      draw(4, [3, 3]),
    ],
    "eigh with b, in B": [
      (t) =>
        linalg
          .eigh(linalg.toeplitz(f64([1, 2, 0.5])), { b: t.matmul(t.transpose()).add(spd) })
          .vectors.square()
          .sum(),
      draw(4, [3, 3]),
    ],
  };
  const spd = f64([4, 1, 0, 1, 5, 1, 0, 1, 6]).reshape([3, 3]);

  test.each(Object.keys(functions))("%s", (name) => {
    const [f, at] = functions[name];
    expectDerivative(f, at, 1e-6);
    expect(values(jit(f)(at))).toEqual(values(f(at)));
    const batch = curv.stack([at, at.mul(1.01), at.mul(0.98)]);
    const rows = [0, 1, 2].map((i) => f(curv.at(batch, i)));
    values(vmap(f)(batch)).forEach((y, i) => expect(y).toBeCloseTo(rows.flatMap(values)[i], 12));
    // Second derivatives exist and are symmetric in the order of the directions.
    const [u, v] = [draw(5, [...at.shape]), draw(6, [...at.shape])];
    const g = grad((t: Tensor) => f(t).square().sum());
    const along = (a: Tensor, b: Tensor): number => jvp(g, [at], [a]).tangent.mul(b).sum().itemSync();
    expect(along(u, v)).toBeCloseTo(along(v, u), 8);
  });
});

test("searchSorted agrees with counting, for any number of edges", () => {
  for (const n of [0, 1, 2, 8, 9, 15, 16, 17, 100, 1000]) {
    const edges = curv.sort(curv.round(draw(n, [n]).mul(3)));
    const x = curv.round(draw(7, [40]).mul(3));
    for (const side of ["left", "right"] as const) {
      const e = values(edges);
      const wanted = values(x).map((v) => e.filter((y) => (side === "left" ? y < v : y <= v)).length);
      expect(values(searchSorted(edges, x, side))).toEqual(wanted);
      expect(values(jit((t: Tensor) => searchSorted(edges, t, side))(x))).toEqual(wanted);
    }
  }
});

test("resize keeps constants, and whole multiples by nearest repeat", () => {
  for (const method of ["nearest", "linear", "cubic", "lanczos3"] as const) {
    for (const length of [1, 3, 8, 50]) {
      const y = values(resize(curv.full([7], 2.5, { dtype: "float64" }), [length], { method }));
      for (const v of y) expect(v).toBeCloseTo(2.5, 13);
    }
  }
  expect(values(resize(f64([1, 2]), [6], { method: "nearest" }))).toEqual([1, 1, 1, 2, 2, 2]);
});

test("a million elements in a hundred bins need no table of them all", () => {
  const x = random.uniform(random.key(1), { shape: [1_000_000] });
  const { counts } = histogram(x, { bins: 100, range: [0, 1] });
  expect(counts.sum().itemSync()).toBe(1_000_000);
  expect(counts.max().itemSync()).toBeLessThan(10_600); // 6 standard deviations above 10,000
});

describe("bad calls name what is wrong", () => {
  const x = f64([1, 2, 3]);
  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    ["interp lengths", () => interp(x, x, f64([1])), ShapeError, "interp: xp and fp have shapes [3] and [1]"],
    [
      "interp order",
      () => interp(x, f64([1, 3, 2]), x),
      DomainError,
      "interp: xp is 3, 2 at [1], [2]; wants it ascending.",
    ],
    ["interp NaN", () => interp(x, f64([1, NaN, 2]), x), DomainError, "interp: xp has NaN at [1]."],
    ["quantile q", () => quantile(x, 1.5), DomainError, "quantile: q is 1.5; wants numbers from 0 to 1."],
    ["quantile q tensor", () => quantile(x, f64([0.5, NaN])), DomainError, "quantile: q is NaN"],
    ["quantile q rank", () => quantile(x, f64([0.5]).reshape([1, 1])), ShapeError, "at most one axis"],
    ["quantile method", () => quantile(x, 0.5, null, { method: "best" as never }), DomainError, 'method is "best"'],
    [
      "median of nothing",
      () => median(x.slice([0, 0])),
      DomainError,
      "median: there are no samples over axes 0 of [0].",
    ],
    ["histogram bins", () => histogram(x, { bins: 0 }), DomainError, "histogram: bins is 0; wants an integer >= 1"],
    ["histogram edges", () => histogram(x, { bins: f64([1, 0]) }), DomainError, "wants edges that ascend"],
    ["histogram one edge", () => histogram(x, { bins: f64([1]) }), ShapeError, "two edges or more"],
    ["histogram range", () => histogram(x, { range: [1, 1] }), DomainError, "histogram: range is [1, 1]"],
    ["histogram NaN", () => histogram(f64([1, NaN])), DomainError, "wants finite elements, or a range"],
    [
      "histogram weights",
      () => histogram(x, { weights: f64([1]) }),
      ShapeError,
      "weights have shape [1]; wants that of x, [3]",
    ],
    ["resize rank", () => resize(x, [2, 2]), ShapeError, "resize: shape is [2, 2]; wants 1 lengths"],
    ["resize of nothing", () => resize(x.slice([0, 0]), [2]), ShapeError, "0 where x has none"],
    ["resize method", () => resize(x, [2], { method: "best" as never }), DomainError, 'method is "best"'],
    ["toeplitz", () => linalg.toeplitz(x, x.slice([0, 0])), ShapeError, "c and r have 3 and 0 elements"],
    ["toeplitzMatmul", () => linalg.toeplitzMatmul(x, f64([1])), ShapeError, "wants 3 rows"],
    ["kronMatmul", () => linalg.kronMatmul([x], x), ShapeError, "factor 0 has shape [3]; wants a matrix."],
    ["kronMatmul x", () => linalg.kronMatmul([x.reshape([1, 3])], f64([1])), ShapeError, "wants [3] or [3, k]"],
    ["eigh b size", () => linalg.eigh(curv.eye(2), { b: curv.eye(3) }), ShapeError, "eigh: b has shape [3, 3]"],
    [
      "eigh b indefinite",
      () => linalg.eigh(curv.eye(2), { b: curv.eye(2).neg() }),
      DomainError,
      "not positive definite",
    ],
  ])("%s", (_name, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});
