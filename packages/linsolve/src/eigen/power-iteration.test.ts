/** Power iteration with deflation: the largest magnitudes with their signs, and the truth where it does not arrive (theme-curvature, section 4). */

import { eye, hvp, jit, matmul, tensor, vmap, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { expect, test } from "vitest";
import { denseOperator, diagonalOperator, linearOperator, powerIteration, powerIterationCore } from "../index.js";

const f64 = (data: ArrayLike<number>): Tensor => tensor(Float64Array.from(data));
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const values = (x: Tensor): number[] => Array.from(x.dataSync());
const key = random.key(3);
const n = 40;
const spectrum = [-9, 7, -5, 3, ...Array.from({ length: n - 4 }, (_, i) => Math.sin(i))];
const rotation = random.orthogonal(random.key(1), n, { dtype: "float64" });
const dense = matmul(rotation.mul(f64(spectrum)), rotation.transpose());
const operator = denseOperator(dense.add(dense.transpose()).div(2), { symmetric: true });

test("four pairs with their signs, orthonormal, with residuals that are true", async () => {
  const result = await powerIteration(operator, { key, k: 4, tol: 1e-12 });
  expect(result).toMatchObject({ converged: true, status: "converged", products: result.iterations });
  values(result.values).forEach((x, i) => expect(Math.abs(x - spectrum[i])).toBeLessThan(1e-10));
  const gram = matmul(result.vectors.transpose(), result.vectors).sub(eye(4, 4, { dtype: "float64" }));
  expect(gram.abs().max().itemSync()).toBeLessThan(1e-13);
  const left = operator.matmat(result.vectors).sub(result.vectors.mul(result.values)).square().sum(0).sqrt();
  expect(left.sub(result.residuals).abs().max().itemSync()).toBeLessThan(1e-13);
  // √tol of each eigenvalue before it, at most.
  values(result.residuals).forEach((r) => expect(r).toBeLessThan(3e-5));
  expect(result.history).toHaveLength(result.iterations);
});

test("the default stops early, at a change of a thousandth", async () => {
  const { values: found, iterations, converged, residuals } = await powerIteration(operator, { key });
  expect(converged).toBe(true);
  expect(Math.abs(found.dataSync()[0] + 9)).toBeLessThan(9e-3);
  expect(residuals.dataSync()[0]).toBeLessThan(9 * Math.sqrt(1e-3));
  expect(iterations).toBeLessThan((await powerIteration(operator, { key, tol: 1e-6 })).iterations);
});

test("the core is the same, under jit, and under vmap for several matrices at once", async () => {
  const { values: found, iterations } = await powerIteration(operator, { key, k: 2 });
  const run = (m: Tensor) => powerIterationCore(denseOperator(m, { symmetric: true }), { key, k: 2 });
  const whole = operator.matmat(eye(n, n, { dtype: "float64" }));
  for (const core of [run(whole), jit(run)(whole)]) {
    expect(core.iterations.itemSync()).toBe(iterations);
    expect(core.converged.itemSync()).toBe(1);
    expect(core.values.sub(found).abs().max().itemSync()).toBeLessThan(1e-12);
  }
  const two = tensor([2, 1], { dtype: "float64" }).reshape([2, 1, 1]).mul(whole);
  const many = vmap(run)(two);
  expect(many.values.slice(0).sub(found.mul(2)).abs().max().itemSync()).toBeLessThan(1e-12);
  expect(many.values.slice(1).sub(found).abs().max().itemSync()).toBeLessThan(1e-12);
});

test("all of a small space, a double, and what is taken to zero", async () => {
  const all = await powerIteration(diagonalOperator(f64([3, 3, -2, 0])), { key, k: 4, tol: 1e-12 });
  expect(all.converged).toBe(true);
  values(all.values).forEach((x, i) => expect(Math.abs(x - [3, 3, -2, 0][i])).toBeLessThan(1e-10));
  const ones = denseOperator(f64([1, 1, 1, 1]).reshape([2, 2]).mul(1e6), { symmetric: true });
  const rankOne = await powerIteration(ones, { key, k: 2 });
  expect(rankOne.converged).toBe(true);
  values(rankOne.values).forEach((x, i) => expect(Math.abs(x - [2e6, 0][i])).toBeLessThan(1e-8));
});

test("a tie of λ and −λ, whose quotient stands still at once, is no success; nor are too few steps", async () => {
  const tie = await powerIteration(diagonalOperator(f64([-5, 5, 1])), { key });
  expect(tie).toMatchObject({ converged: false, status: "maxIter", iterations: 100 });
  expect(tie.residuals.dataSync()[0]).toBeGreaterThan(0.1);
  const short = await powerIteration(operator, { key, k: 2, maxIter: 3 });
  expect(short).toMatchObject({ converged: false, status: "maxIter", iterations: 6 });
  // Magnitudes far below the 10⁻⁶ of the criterion: it would be content with anything.
  const tiny = await powerIteration(diagonalOperator(f64(spectrum.map((x) => x * 1e-12))), { key });
  expect(tiny.converged).toBe(true);
  expect(Math.abs(tiny.values.dataSync()[0] + 9e-12)).toBeLessThan(0.01e-12);
});

test("float32, trees, and operators that cannot be traced", async () => {
  const params = { w: draw(11, [4, 3]), b: draw(12, [3]) };
  const x = draw(13, [9, 4]);
  const loss = (p: typeof params): Tensor => x.matmul(p.w).add(p.b).tanh().square().mean();
  const options = { matvec: (v: typeof params) => hvp(loss, params, v), domain: params, symmetric: true } as const;
  const traced = linearOperator(options);
  const found = await powerIteration(traced, { key, tol: 1e-10, maxIter: 1000 });
  const magnitudes = values(eigvalsh(traced.matmat(eye(15, 15, { dtype: "float64" })))).map(Math.abs);
  expect(Math.abs(found.values.dataSync()[0])).toBeCloseTo(Math.max(...magnitudes), 8);
  const eager = await powerIteration(linearOperator({ ...options, eager: true }), { key, tol: 1e-10, maxIter: 1000 });
  expect(eager.iterations).toBe(found.iterations);
  expect(eager.history).toHaveLength(eager.iterations);
  const low = await powerIteration(diagonalOperator(tensor(Float32Array.from(spectrum))), { key, k: 2 });
  expect(low.values.dtype).toBe("float32");
  expect(low.converged).toBe(true);
  values(low.values).forEach((v, i) => expect(Math.abs(v - spectrum[i])).toBeLessThan(0.02));
});

test("bad calls", async () => {
  await expect(powerIteration(operator, { key, k: 41 })).rejects.toThrow(
    "powerIteration: k is 41; wants an integer from 1 to 40.",
  );
  await expect(powerIteration(denseOperator(draw(1, [9, 9])), { key })).rejects.toThrow(
    "powerIteration: the operator is not symmetric",
  );
  expect(() => powerIterationCore(operator, { key, tol: -1 })).toThrow("powerIterationCore: tol is -1");
});
