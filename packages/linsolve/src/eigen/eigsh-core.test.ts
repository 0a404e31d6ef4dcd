/** Thick restarts as a traceable function: the driver's run, product by product, under jit and vmap too. */

import { eye, jit, matmul, tensor, vmap, where, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { denseOperator, diagonalOperator, eigsh, eigshCore, linearOperator, type Which } from "../index.js";

const dtype = "float64";
const f64 = (data: ArrayLike<number>): Tensor => tensor(Float64Array.from(data));
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype });
const values = (x: Tensor): number[] => Array.from(x.dataSync());
const n = 200;
const spectrum = Array.from({ length: n }, (_, i) => (i < 3 ? -6 + i / 3 : i > 195 ? 5 + i / 200 : i / n));
const operator = diagonalOperator(f64(spectrum));

test.each<Which>(["largest", "smallest", "magnitude", "bothEnds"])(
  "%s: as many products and restarts as the driver, and its pairs",
  async (which) => {
    const options = { k: 5, which, basisSize: 12 };
    const driver = await eigsh(operator, { ...options, verifyMultiplicity: false });
    const core = jit(() => eigshCore(operator, options))();
    expect(core.converged.itemSync()).toBe(1);
    expect(driver.restarts).toBeGreaterThan(1);
    expect([core.products.itemSync(), core.restarts.itemSync()]).toEqual([driver.products, driver.restarts]);
    expect(core.values.sub(driver.values).abs().max().itemSync()).toBeLessThan(1e-12);
    const gram = matmul(core.vectors.transpose(), core.vectors).sub(eye(5, 5, { dtype }));
    expect(gram.abs().max().itemSync()).toBeLessThan(1e-12);
    // 1e-10 of each value, as the driver's default; the estimate is that of Lanczos.
    values(core.residuals).forEach((r, i) => expect(r).toBeLessThan(1.1e-10 * Math.abs(values(core.values)[i])));
  },
);

test("not traced, in float32, in all of a small space, and where the space is exhausted", () => {
  const single = eigshCore(diagonalOperator(tensor(Float32Array.from(spectrum))), { k: 2 });
  expect([single.values.dtype, single.converged.itemSync()]).toEqual(["float32", 1]);
  values(single.values).forEach((x, i) => expect(Math.abs(x - [5.995, 5.99][i])).toBeLessThan(2e-5));
  const small = eigshCore(diagonalOperator(f64([3, 1, 2])), { k: 3 });
  values(small.values).forEach((x, i) => expect(x).toBeCloseTo([3, 2, 1][i], 12));
  // Two eigenvalues only: a vector sees each once; others are drawn beside.
  const two = eigshCore(diagonalOperator(f64(Array.from({ length: 40 }, (_, i) => (i < 4 ? 2 : 1)))), { k: 4 });
  expect(two.converged.itemSync()).toBe(1);
  values(two.values).forEach((x) => expect(x).toBeCloseTo(2, 10));
  const zero = eigshCore(diagonalOperator(f64(new Array<number>(25).fill(0))), { k: 2 });
  expect([...values(zero.values), zero.converged.itemSync()]).toEqual([0, 0, 1]);
});

test("for several matrices at once, each with its own end", () => {
  const scales = f64([1, 1e3]);
  const run = (c: Tensor) => eigshCore(diagonalOperator(f64(spectrum).add(c.mul(f64(spectrum)))), { k: 2 });
  const many = vmap(run)(scales);
  for (const i of [0, 1]) {
    const one = run(scales.slice(i));
    expect(many.converged.slice(i).itemSync()).toBe(1);
    expect(many.products.slice(i).itemSync()).toBe(one.products.itemSync());
    expect(many.values.slice(i).div(one.values).sub(1).abs().max().itemSync()).toBeLessThan(1e-12);
  }
});

test("products used up, and NaN in one, are told", () => {
  const short = eigshCore(operator, { k: 4, basisSize: 8, maxProducts: 20 });
  expect(short.converged.itemSync()).toBe(0);
  expect(short.products.itemSync()).toBeGreaterThanOrEqual(20);
  // NaN once the top vector has been found nearly.
  const late = linearOperator({
    matvec: (v: Tensor) => v.mul(f64(spectrum)).mul(where(v.slice(0).abs().greater(0.99), NaN, 1)),
    domain: draw(1, [n]),
    symmetric: true,
  });
  const run = (start: Tensor): Tensor => eigshCore(late, { k: 1, start }).values;
  const first = eye(1, n, { dtype }).slice(0);
  expect(() => run(first)).toThrow(/^eigshCore: product 1 of the operator has NaN or an infinity\.$/);
  expect(() => jit(run)(first)).toThrow(/^eigshCore: product 1 of the operator has NaN or an infinity\.$/);
  const always = linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: draw(1, [n]), symmetric: true });
  expect(() => eigshCore(always, { k: 1 })).toThrow("eigshCore: product 1 of the operator has NaN or an infinity.");
  expect(() => eigshCore(denseOperator(draw(1, [9, 9])), { k: 10 })).toThrow(
    "eigshCore: k is 10; wants an integer from 1 to 9.",
  );
});
