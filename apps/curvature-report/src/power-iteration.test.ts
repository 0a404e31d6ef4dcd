import { describe, expect, test } from "vitest";
import { hessian } from "@curv/tensor";
import * as linalg from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { hessianOperator } from "./hessian-operator.js";
import { powerIteration } from "./power-iteration.js";
import { diagonalOperator, matrixOperator, smallLoss } from "./small-problem.js";

const precise = { tol: 1e-7, maxIter: 5000 };

describe("against the eigenvalues of the dense Hessian", () => {
  test.each([1, 2, 3, 4])("problem %i", async (problem) => {
    const { f, x } = smallLoss(random.key(problem));
    const exact = linalg.eigh(hessian(f)(x)).values.arraySync() as number[];
    const byModulus = exact.toSorted((a, b) => Math.abs(b) - Math.abs(a));
    const H = hessianOperator(f, x);

    const first = await powerIteration(H, random.key(7), precise);
    expect(first.converged).toBe(true);
    expect(Math.abs(first.eigenvalue - byModulus[0])).toBeLessThan(1e-6 * Math.abs(byModulus[0]));
    expect(first.eigenvector.square().sum().itemSync()).toBeCloseTo(1, 12);
    const distance = H.matvec(first.eigenvector).sub(first.eigenvector.mul(first.eigenvalue));
    expect(distance.square().sum().sqrt().itemSync()).toBeLessThan(1.001e-7 * Math.abs(first.eigenvalue) + 1e-15);

    const second = await powerIteration(H, random.key(8), { ...precise, deflate: [first.eigenvector] });
    expect(Math.abs(second.eigenvalue - byModulus[1])).toBeLessThan(1e-6 * Math.abs(byModulus[1]));
    expect(Math.abs(second.eigenvector.dot(first.eigenvector).itemSync())).toBeLessThan(1e-10);
  });
});

test("an eigenvalue lies within residual · |θ| of every Rayleigh quotient on the way", async () => {
  const exact = [9, 8.5, 3, 1, -7];
  const { history } = await powerIteration(diagonalOperator(exact), random.key(1), precise);
  for (const { eigenvalue, residual } of history) {
    const nearest = Math.min(...exact.map((value) => Math.abs(value - eigenvalue)));
    expect(nearest).toBeLessThanOrEqual(residual * Math.abs(eigenvalue) * (1 + 1e-12));
  }
});

test("the sign is kept", async () => {
  const { eigenvalue } = await powerIteration(diagonalOperator([1, -3, 2]), random.key(1), precise);
  expect(eigenvalue).toBeCloseTo(-3, 10);
});

test("what does not converge says so: two eigenvalues of one modulus", async () => {
  const found = await powerIteration(matrixOperator([[0, 1], [1, 0]]), random.key(3), { maxIter: 50 }); // prettier-ignore
  expect(found).toMatchObject({ converged: false, iterations: 50 });
  // A Rayleigh quotient that does not change at all is no sign of convergence.
  expect(found.history[48].eigenvalue).toBeCloseTo(found.history[49].eigenvalue, 12);
  expect(found.residual).toBeGreaterThan(0.1);
});

test("the zero operator", async () => {
  expect(await powerIteration(diagonalOperator([0, 0]), random.key(1))).toMatchObject({
    eigenvalue: 0,
    residual: 0,
    converged: true,
    iterations: 1,
  });
});

test("same key, same bits", async () => {
  const run = async () => (await powerIteration(diagonalOperator([3, 2, 1]), random.key(5))).history;
  expect(await run()).toEqual(await run());
});

test("products that are not finite, and an abort, end it", async () => {
  await expect(powerIteration(diagonalOperator([1, NaN]), random.key(1))).rejects.toThrow(
    "powerIteration: product 1 is not finite",
  );
  const controller = new AbortController();
  const run = powerIteration(diagonalOperator([3, 2.9]), random.key(1), {
    ...precise,
    signal: controller.signal,
    onProgress: ({ iterations }) => {
      if (iterations === 4) controller.abort();
    },
  });
  await expect(run).rejects.toThrow("abort");
});
