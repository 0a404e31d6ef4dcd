/** LOBPCG agrees with Lanczos and with known spectra; a preconditioner saves products. */

import { DomainError, eye, jit, matmul, ShapeError, tensor, vmap, where, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { denseOperator, diagonalOperator, eigsh, linearOperator, lobpcg, lobpcgCore } from "../index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const values = (x: Tensor): number[] => Array.from(x.dataSync());

test.each(["largest", "smallest"] as const)("%s of a dense matrix, as by Lanczos", async (which) => {
  const b = draw(1, [100, 100]);
  const a = denseOperator(b.add(b.transpose()).div(2), { symmetric: true });
  const result = await lobpcg(a, { k: 5, which, maxIter: 500 });
  expect(result).toMatchObject({ converged: true, status: "converged" });
  const lanczos = await eigsh(a, { k: 5, which });
  values(result.values).forEach((x, i) => expect(Math.abs(x - values(lanczos.values)[i])).toBeLessThan(1e-10));
  values(result.residuals).forEach((r, i) => expect(r).toBeLessThan(1.01e-8 * Math.abs(values(result.values)[i])));
  const gram = matmul(result.vectors.transpose(), result.vectors).sub(eye(5, 5, { dtype: "float64" }));
  expect(gram.abs().max().itemSync()).toBeLessThan(1e-10);
});

test("the top ten of 2,000, with an exact double", { timeout: 120_000 }, async () => {
  const spectrum = Float64Array.from({ length: 2000 }, (_, i) =>
    i < 10 ? 2 - 0.01 * (i === 4 ? 3 : i) : 1.8 * (1 - (i - 10) / 1990),
  );
  const result = await lobpcg(diagonalOperator(tensor(spectrum)), { k: 10 });
  expect(result.converged).toBe(true);
  expect(result.history).toHaveLength(result.iterations);
  const wanted = Array.from(spectrum).sort((p, q) => q - p);
  values(result.values).forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-10));
});

test("the smallest of a wide spectrum, with its inverse diagonal as preconditioner", { timeout: 120_000 }, async () => {
  const n = 400;
  const d = tensor(Float64Array.from({ length: n }, (_, i) => 1 + i ** 2));
  const noise = draw(2, [n, n]).mul(0.02);
  const a = denseOperator(noise.add(noise.transpose()).add(eye(n, n, { dtype: "float64" }).mul(d)), {
    symmetric: true,
  });
  const preconditioner = diagonalOperator(d.reciprocal());
  const result = await lobpcg(a, { k: 3, which: "smallest", preconditioner });
  expect(result.converged).toBe(true);
  const all = values(eigvalsh(a.matmat(eye(n, n, { dtype: "float64" }))));
  values(result.values).forEach((x, i) => expect(Math.abs(x - all[i])).toBeLessThan(1e-10));
  expect(result.products).toBeLessThan((await eigsh(a, { k: 3, which: "smallest", tol: 1e-8 })).products / 5);
});

test.each(["largest", "smallest"] as const)("the core is the driver, %s, under jit too", async (which) => {
  const n = 60;
  const d = tensor(Float64Array.from({ length: n }, (_, i) => 1 + i ** 2 / 20));
  const noise = draw(3, [n, n]).mul(0.01);
  const matrix = noise.add(noise.transpose()).add(eye(n, n, { dtype: "float64" }).mul(d));
  const preconditioner = which === "smallest" ? diagonalOperator(d.reciprocal()) : undefined;
  const options = { k: 3, which, ...(preconditioner && { preconditioner }) };
  const driver = await lobpcg(denseOperator(matrix, { symmetric: true }), options);
  const run = (m: Tensor) => lobpcgCore(denseOperator(m, { symmetric: true }), options);
  const all = values(eigvalsh(matrix));
  const wanted = which === "smallest" ? all.slice(0, 3) : all.reverse().slice(0, 3);
  for (const core of [run(matrix), jit(run)(matrix)]) {
    expect(core.converged.itemSync()).toBe(1);
    expect(Math.abs(core.iterations.itemSync() - driver.iterations)).toBeLessThanOrEqual(1);
    values(core.values).forEach((x, i) =>
      expect(Math.abs(x - wanted[i])).toBeLessThan(1e-11 * Math.abs(wanted[0]) + 1e-11),
    );
    values(core.residuals).forEach((r, i) => expect(r).toBeLessThanOrEqual(1e-8 * Math.abs(wanted[i])));
    const gram = matmul(core.vectors.transpose(), core.vectors).sub(eye(3, 3, { dtype: "float64" }));
    expect(gram.abs().max().itemSync()).toBeLessThan(1e-13);
    // The driver's, where rounding does not move the iteration in which a pair converges.
    expect(Math.abs(core.products.itemSync() - driver.products)).toBeLessThanOrEqual(3);
  }
});

test("the core finds a double, is vectorised, works in float32, and keeps its scale", () => {
  const spectrum = Float64Array.from({ length: 40 }, (_, i) => (i < 2 ? 5 : 4 / (i + 1)));
  const run = (d: Tensor) => lobpcgCore(diagonalOperator(d), { k: 3 });
  const scales = tensor(Float64Array.of(1, 1e-12, 1e6)).expandDims(1);
  const many = vmap(run)(scales.mul(tensor(spectrum)));
  expect(values(many.converged)).toEqual([1, 1, 1]);
  const wanted = [[5, 5, 4 / 3], [5e-12, 5e-12, 4e-12 / 3], [5e6, 5e6, 4e6 / 3]]; // prettier-ignore
  const got = values(many.values.reshape([-1]));
  wanted.flat().forEach((w, i) => expect(Math.abs(got[i] / w - 1)).toBeLessThan(1e-10));
  const single = run(tensor(Float32Array.from(spectrum)));
  expect([single.values.dtype, single.converged.itemSync()]).toEqual(["float32", 1]);
  values(single.values).forEach((x, i) => expect(Math.abs(x - wanted[0][i])).toBeLessThan(1e-5));
});

test("the core tells of iterations used up, and of NaN by the number of the product", () => {
  const d = tensor(Float64Array.from({ length: 50 }, (_, i) => i));
  const short = lobpcgCore(diagonalOperator(d), { k: 2, maxIter: 3 });
  expect([short.converged.itemSync(), short.iterations.itemSync()]).toEqual([0, 3]);
  // NaN for vectors that are nearly the top one: the first is not, the second is, to start with.
  const late = linearOperator({
    matvec: (v: Tensor) => v.mul(d).mul(where(v.slice(49).abs().greater(0.9), NaN, 1)),
    domain: d,
    symmetric: true,
  });
  const start = eye(50, 50, { dtype: "float64" }).slice(null, [48, 50]);
  const run = (x: Tensor): Tensor => lobpcgCore(late, { k: 2, start: x }).values;
  expect(() => run(start)).toThrow(/^lobpcgCore: product 2 of the operator has NaN or an infinity\.$/);
  expect(() => jit(run)(start)).toThrow(/^lobpcgCore: product 2 of the operator has NaN or an infinity\.$/);
  expect(() => run(draw(4, [50, 2]))).toThrow(/^lobpcgCore: product \d+ of the operator has NaN or an infinity\.$/);
});

test("iterations used up are said, progress is told, a signal stops it", async () => {
  const a = diagonalOperator(tensor(Float64Array.from({ length: 500 }, (_, i) => i)));
  expect(await lobpcg(a, { maxIter: 3 })).toMatchObject({ converged: false, status: "maxIter", iterations: 3 });
  const controller = new AbortController();
  await expect(lobpcg(a, { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toThrow(
    /abort/i,
  );
});

test.each<[string, () => Promise<unknown>, new (...args: never[]) => Error, string]>([
  [
    "k",
    () => lobpcg(diagonalOperator(draw(1, [10])), { k: 3 }),
    DomainError,
    "lobpcg: k is 3; wants an integer from 1 to 2, a fifth of 10.",
  ],
  [
    "start",
    () => lobpcg(diagonalOperator(draw(1, [50])), { start: draw(1, [50, 3]) }),
    ShapeError,
    "start has shape [50, 3]; wants [50, 4]",
  ],
  [
    "not symmetric",
    () => lobpcg(denseOperator(draw(1, [30, 30]))),
    DomainError,
    "lobpcg: the operator is not symmetric",
  ],
  [
    "NaN",
    () =>
      lobpcg(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: draw(1, [30]), symmetric: true }), {
        check: false,
      }),
    DomainError,
    "has NaN or an infinity",
  ],
])("bad call: %s", async (_name, call, error, message) => {
  await expect(Promise.resolve().then(call)).rejects.toThrow(error);
  await expect(Promise.resolve().then(call)).rejects.toThrow(message);
});
