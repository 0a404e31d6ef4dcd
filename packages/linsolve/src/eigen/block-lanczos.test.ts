/** Block Lanczos: multiple eigenvalues and clusters, no ghosts, blocks that lack directions (theme-curvature, section 4). */

import { concat, DomainError, eye, jit, matmul, ShapeError, tensor, vmap, zeros, type Tensor } from "@curv/tensor";
import { eigh, eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  blockLanczos,
  blockLanczosCore,
  denseOperator,
  diagonalOperator,
  lanczos,
  linearOperator,
  type LinearOperator,
} from "../index.js";

const dtype = "float64";
const f64 = (data: ArrayLike<number>): Tensor => tensor(Float64Array.from(data));
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype });
const values = (x: Tensor): number[] => Array.from(x.dataSync());
const largest = (x: Tensor): number => x.abs().max().itemSync();

const n = 60;
// A triple, a double, three in a cluster, and a bulk.
const top = [7, 7, 7, 5, 5, 3, 3 - 1e-9, 3 - 2e-9];
const spectrum = [...top, ...Array.from({ length: n - top.length }, (_, i) => Math.sin(i) / 2)];
const rotation = random.orthogonal(random.key(1), n, { dtype });
const rotated = matmul(rotation.mul(f64(spectrum)), rotation.transpose());
const operator = denseOperator(rotated.add(rotated.transpose()).div(2), { symmetric: true });

describe("multiple eigenvalues and clusters", () => {
  test.each([3, 4])("by blocks of %i: every copy, which one vector does not find", async (b) => {
    const { projected } = await blockLanczos(operator, draw(2, [n, b]), { steps: Math.floor(42 / b) });
    const ritz = values(eigvalsh(projected)).reverse();
    top.forEach((w, i) => expect(Math.abs(ritz[i] - w)).toBeLessThan(1e-11));
    const single = await lanczos(operator, draw(2, [n]), { steps: 14 });
    const t = eye(14, 14, { dtype }).mul(f64(single.alpha));
    const beside = eye(14, 14, { k: 1, dtype }).mul(f64([0, ...single.beta.slice(0, 13)]));
    const one = values(eigvalsh(t.add(beside).add(beside.transpose())));
    expect(one.filter((x) => Math.abs(x - 7) < 1e-6)).toHaveLength(1);
  });

  test("no ghosts, long after they have converged; in the whole space, the whole spectrum", async () => {
    const copies = (ritz: readonly number[], w: number): number => ritz.filter((x) => Math.abs(x - w) < 1e-6).length;
    for (const steps of [16, 19]) {
      const ritz = values(eigvalsh((await blockLanczos(operator, draw(3, [n, 3]), { steps })).projected));
      expect([7, 5, 3].map((w) => copies(ritz, w))).toEqual([3, 2, 3]);
    }
    const all = await blockLanczos(operator, draw(3, [n, 3]), { steps: 20 });
    expect(all.converged).toBe(true);
    const sorted = spectrum.toSorted((p, q) => p - q);
    values(eigvalsh(all.projected)).forEach((x, i) => expect(Math.abs(x - sorted[i])).toBeLessThan(1e-12));
  });
});

/** Orthonormality, A V = V T + Q R Eᵀ with a T that is block-tridiagonal, and residuals as R tells them. */
function expectRelation(a: LinearOperator, run: { projected: Tensor; basis: Tensor; rest: Tensor }, b: number): void {
  const { projected, basis, rest } = run;
  const m = basis.shape[0];
  expect(largest(matmul(basis, basis.transpose()).sub(eye(m, m, { dtype })))).toBeLessThan(1e-13);
  const left = a.matmat(basis.transpose()).sub(matmul(basis.transpose(), projected));
  expect(largest(left.slice(null, [0, m - b]))).toBeLessThan(1e-12);
  const outside = left.slice(null, [m - b, m]);
  expect(largest(matmul(outside.transpose(), outside).sub(matmul(rest.transpose(), rest)))).toBeLessThan(1e-11);
  const entries = projected.dataSync();
  entries.forEach((x, p) => {
    if (Math.abs(Math.floor(Math.floor(p / m) / b) - Math.floor((p % m) / b)) > 1) expect(x).toBe(0);
  });
}

test("the relation of the process, and the residuals that it tells", async () => {
  const run = await blockLanczos(operator, draw(4, [n, 4]), { steps: 7 });
  expect(run).toMatchObject({ converged: false, status: "maxIter", iterations: 7, products: 28 });
  expect(run.history).toHaveLength(7);
  expect(run.residual).toBe(run.history[6]);
  expectRelation(operator, run, 4);
  const { values: theta, vectors: y } = eigh(run.projected);
  const v = matmul(run.basis.transpose(), y);
  const residuals = operator.matmat(v).sub(v.mul(theta)).square().sum(0).sqrt();
  const told = matmul(run.rest, y.slice([24, 28]))
    .square()
    .sum(0)
    .sqrt();
  expect(largest(residuals.sub(told))).toBeLessThan(1e-12);
});

test("blocks that lack directions are filled up: copies, eigenvectors and zeros to start with", async () => {
  const v = draw(5, [n, 1]);
  const eigenvector = rotation.slice(null, [0, 1]);
  const start = concat([v, v.mul(-2), eigenvector, zeros([n, 1], { dtype })], 1);
  const run = await blockLanczos(operator, start, { steps: 9 });
  expectRelation(operator, run, 4);
  const ritz = values(eigvalsh(run.projected)).reverse();
  top.forEach((w, i) => expect(Math.abs(ritz[i] - w)).toBeLessThan(1e-10));
});

test("an invariant space ends it", async () => {
  const low = diagonalOperator(f64([4, 2, ...new Array<number>(28).fill(0)]));
  const run = await blockLanczos(low, draw(6, [30, 2]), { steps: 9 });
  expect(run).toMatchObject({ converged: true, status: "converged", iterations: 2, products: 4, residual: 0 });
  const ritz = values(eigvalsh(run.projected));
  [0, 0, 2, 4].forEach((w, i) => expect(Math.abs(ritz[i] - w)).toBeLessThan(1e-14));
  const { taken, projected, basis } = blockLanczosCore(low, draw(6, [30, 2]), { steps: 9 });
  expect(taken.itemSync()).toBe(2);
  expect([largest(projected.slice([4, 18])), largest(basis.slice([4, 18]))]).toEqual([0, 0]);
  const none = await blockLanczos(diagonalOperator(zeros([9], { dtype })), draw(6, [9, 2]), { steps: 4 });
  expect(none).toMatchObject({ converged: true, iterations: 1 });
});

test("the core is the driver, under jit and vmap; in float32, and for operators that cannot be traced", async () => {
  const start = draw(7, [n, 3]);
  const run = await blockLanczos(operator, start, { steps: 5 });
  const core = (v: Tensor) => blockLanczosCore(operator, v, { steps: 5 });
  for (const { projected, basis } of [core(start), jit(core)(start)]) {
    expect(largest(projected.sub(run.projected))).toBeLessThan(1e-12);
    expect(largest(basis.sub(run.basis))).toBeLessThan(1e-12);
  }
  const both = vmap((v: Tensor) => core(v).projected)(concat([draw(8, [1, n, 3]), start.expandDims(0)], 0));
  expect(largest(both.slice(1).sub(run.projected))).toBeLessThan(1e-12);
  const eager = linearOperator({ matvec: (v: Tensor) => operator.matvec(v), domain: draw(1, [n]), eager: true });
  const byHand = await blockLanczos(eager, start, { steps: 5 });
  expect(largest(byHand.projected.sub(run.projected))).toBeLessThan(1e-12);
  const single = await blockLanczos(diagonalOperator(tensor(Float32Array.from(spectrum))), start.cast("float32"), {
    steps: 12,
  });
  expect(single.projected.dtype).toBe("float32");
  const ritz = values(eigvalsh(single.projected)).reverse();
  top.forEach((w, i) => expect(Math.abs(ritz[i] - w)).toBeLessThan(1e-5));
});

describe("what cannot be run is refused", () => {
  const start = draw(9, [n, 3]);
  test.each<[string, LinearOperator, Tensor, number, new (...args: never[]) => Error, string]>([
    ["steps", operator, start, 21, DomainError, "steps is 21; wants an integer from 1 to 20, for blocks of 3 in 60"],
    ["a vector", operator, draw(1, [n]), 2, ShapeError, "start has shape [60]; wants [60, b]"],
    ["zero", operator, zeros([n, 2], { dtype }), 2, DomainError, "start is zero"],
    ["NaN", operator, start.mul(NaN), 2, DomainError, "start has NaN at [0]"],
    ["not symmetric", denseOperator(draw(10, [n, n])), start, 5, DomainError, "the operator is not symmetric"],
  ])("%s", async (_name, a, v, steps, error, message) => {
    const runs = { blockLanczos, blockLanczosCore };
    for (const [name, run] of Object.entries(runs)) {
      const failure: unknown = await Promise.resolve()
        .then((): unknown => run(a, v, { steps }))
        .catch((e: unknown) => e);
      expect(failure).toBeInstanceOf(error);
      expect((failure as Error).message).toContain(`${name}: ${message}`);
    }
  });
});
