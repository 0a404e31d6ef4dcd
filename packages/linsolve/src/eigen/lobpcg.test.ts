/** LOBPCG agrees with Lanczos and with known spectra; a preconditioner saves products. */

import { DomainError, eye, matmul, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { denseOperator, diagonalOperator, eigsh, linearOperator, lobpcg } from "../index.js";

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

test("the top ten of 2,000, with an exact double", async () => {
  const spectrum = Float64Array.from({ length: 2000 }, (_, i) =>
    i < 10 ? 2 - 0.01 * (i === 4 ? 3 : i) : 1.8 * (1 - (i - 10) / 1990),
  );
  const result = await lobpcg(diagonalOperator(tensor(spectrum)), { k: 10 });
  expect(result.converged).toBe(true);
  const wanted = Array.from(spectrum).sort((p, q) => q - p);
  values(result.values).forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-10));
});

test("the smallest of a wide spectrum, with its inverse diagonal as preconditioner", async () => {
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
