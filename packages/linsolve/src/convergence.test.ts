/** As fast as theory says (theme-curvature, "Must be true" 6 and sections 4 and 6): finite termination, rates, many right-hand sides. */

import { fc, test } from "@fast-check/vitest";
import { eye, hvp, jit, matmul, tensor, type Tensor } from "@curv/tensor";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect } from "vitest";
import {
  cg,
  cgCore,
  denseOperator,
  diagonalOperator,
  gmres,
  lsmrCore,
  lsqrCore,
  powerIterationCore,
  richardsonCore,
} from "./index.js";

const dtype = "float64";
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype });
const length = (x: Tensor): number => x.square().sum().sqrt().itemSync();
const f64 = (values: readonly number[]): Tensor => tensor(Float64Array.from(values));

/** Positive definite systems: order up to 200, condition up to 1e4, any eigenvalues between. */
const systems = fc
  .record({
    exponents: fc.array(fc.double({ min: -4, max: 0, noNaN: true }), { minLength: 1, maxLength: 200 }),
    seed: fc.nat(1000),
  })
  .map(({ exponents, seed }) => ({ eigenvalues: f64(exponents.map((e) => 10 ** e)), seed }));

describe("positive definite systems", () => {
  // With rounding a short recurrence does not end after as many steps as there are unknowns; one with a basis does.
  test.prop([systems], { numRuns: 5 })(
    "GMRES solves them in at most P steps, to 1e-8",
    async ({ eigenvalues, seed }) => {
      const [p] = eigenvalues.shape;
      const b = draw(seed, [p]);
      const result = await gmres(diagonalOperator(eigenvalues), b, { restart: p, maxIter: p, rtol: 1e-8 });
      expect(result).toMatchObject({ converged: true });
      expect(result.iterations).toBeLessThanOrEqual(p);
      expect(length(b.sub(eigenvalues.mul(result.x)))).toBeLessThanOrEqual(1e-8 * length(b));
    },
  );

  test.prop([systems], { numRuns: 8 })(
    "CG solves them to 1e-8 within its bound of 2((√κ − 1)/(√κ + 1))ᵏ, and says the true residual",
    async ({ eigenvalues, seed }) => {
      const b = draw(seed, [eigenvalues.shape[0]]);
      const operator = diagonalOperator(eigenvalues, { positiveSemidefinite: true });
      const result = await cg(operator, b, { rtol: 1e-8 });
      expect(result.converged).toBe(true);
      const residual = length(b.sub(eigenvalues.mul(result.x)));
      expect(residual).toBeLessThanOrEqual(1e-8 * length(b) * (1 + 1e-12));
      expect(Math.abs(result.residual - residual)).toBeLessThanOrEqual(1e-12 * length(b));
      // The bound is of the error in the A-norm; the residual is at most √κ times as large.
      const root = Math.sqrt(eigenvalues.max().itemSync() / eigenvalues.min().itemSync());
      const bound = Math.log(1e-8 / (2 * root)) / Math.log((root - 1) / (root + 1) + 1e-300);
      expect(result.iterations).toBeLessThanOrEqual(Math.ceil(bound) + 1);
    },
  );

  test("P steps of CG do where the eigenvalues are few", async () => {
    const eigenvalues = f64(Array.from({ length: 200 }, (_, i) => [1, 2, 5, 20, 100][i % 5]));
    const result = await cg(diagonalOperator(eigenvalues, { positiveSemidefinite: true }), draw(1, [200]));
    expect(result).toMatchObject({ converged: true, iterations: 5 });
  });
});

test("columns are solved each for itself: its own steps, residual and status", () => {
  const n = 40;
  const a = diagonalOperator(f64(Array.from({ length: n }, (_, i) => 1 + i)));
  // One eigenvector, a sum of three, all of them, and nothing.
  const all = draw(2, [n]).dataSync();
  const columns = [1, 3, n, 0].map((count) => Array.from({ length: n }, (_, i) => (i < count ? all[i] : 0)));
  const b = tensor(
    Float64Array.from({ length: 4 * n }, (_, i) => columns[i % 4][Math.floor(i / 4)]),
    { shape: [n, 4] },
  );
  const start = b.mul(0.01);
  for (const [options, x0] of [
    [{}, undefined],
    [{ maxIter: 5 }, start],
  ] as const) {
    const many = jit((v: Tensor) => cgCore(a, v, x0 === undefined ? options : { ...options, x0 }))(b);
    for (let j = 0; j < 4; j++) {
      const one = cgCore(a, b.slice(null, j), { ...options, ...(x0 && { x0: x0.slice(null, j) }) });
      expect(many.iterations.slice(j).itemSync()).toBe(one.iterations.itemSync());
      expect(many.status.slice(j).itemSync()).toBe(one.status.itemSync());
      expect(many.residual.slice(j).itemSync()).toBeCloseTo(one.residual.itemSync(), 12);
      expect(many.x.slice(null, j).sub(one.x).abs().max().itemSync()).toBeLessThan(1e-12);
    }
  }
  const { iterations } = cgCore(a, b);
  expect(Array.from(iterations.dataSync()).slice(0, 2)).toEqual([1, 3]);
  expect(iterations.slice(3).itemSync()).toBe(0);
});

describe("rates", () => {
  test.each([0.5, 0.8, 0.95])("power iteration: |λ₂/λ₁| a step, its square for the value, %d", (ratio) => {
    const a = diagonalOperator(f64([-1, ratio, ...Array.from({ length: 18 }, (_, i) => (ratio * i) / 40)]));
    const steps = (tol: number): number =>
      powerIterationCore(a, { key: random.key(5), tol, maxIter: 1000 }).iterations.itemSync();
    const wanted = Math.log(1e-4) / Math.log(ratio ** 2);
    expect(Math.abs(steps(1e-9) - steps(1e-5) - wanted)).toBeLessThanOrEqual(1.5);
  });

  test("the Neumann series: the error of K terms is (1 − α λ_min)^K of the solution, at most", () => {
    const eigenvalues = f64(Array.from({ length: 20 }, (_, i) => 0.3 + i / 10));
    const b = draw(6, [20]);
    const x = b.div(eigenvalues);
    // Below 1/λ_max no factor is larger than that of λ_min.
    const alpha = 0.4;
    for (const maxIter of [1, 5, 20, 60]) {
      const sum = richardsonCore(diagonalOperator(eigenvalues), b, { stepSize: alpha, maxIter, rtol: 0 }).x;
      const bound = (1 - alpha * 0.3) ** maxIter * length(x);
      expect(length(sum.sub(x))).toBeLessThanOrEqual(bound * (1 + 1e-12));
      // The part along the smallest eigenvalue is not better than that.
      const along = (v: Tensor): number => Math.abs(v.slice(0).itemSync());
      expect(along(sum.sub(x))).toBeCloseTo((1 - alpha * 0.3) ** maxIter * along(x), 12);
    }
  });
});

describe.each([
  ["lsqr", lsqrCore],
  ["lsmr", lsmrCore],
] as const)("%s", (_name, core) => {
  test("second derivatives in A, b are those of the normal equations", () => {
    const [m, n] = [9, 4];
    const at = { a: draw(7, [m, n]), b: draw(8, [m]) };
    const along = { a: draw(9, [m, n]), b: draw(10, [m]) };
    const scalar =
      (solve: (p: typeof at) => Tensor) =>
      (p: typeof at): Tensor =>
        solve(p)
          .mul(draw(11, [n]))
          .sum()
          .tanh();
    const iterated = scalar((p) => core(denseOperator(p.a), p.b, { rtol: 1e-14, atol: 1e-14, damping: 0.3 }).x);
    const normal = scalar(({ a, b }) =>
      matmul(
        inv(
          a
            .transpose()
            .matmul(a)
            .add(eye(n, n, { dtype }).mul(0.09)),
        ),
        matmul(a.transpose(), b),
      ),
    );
    const [got, wanted] = [hvp(iterated, at, along), hvp(normal, at, along)];
    expect(got.a.sub(wanted.a).abs().max().itemSync()).toBeLessThan(1e-7);
    expect(got.b.sub(wanted.b).abs().max().itemSync()).toBeLessThan(1e-7);
  });
});
