import { expect, test } from "vitest";
import { hessian, trace as diagonalSum } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { hessianOperator } from "./hessian-operator.js";
import { hutchinsonTrace } from "./hutchinson.js";
import { diagonalOperator, matrixOperator, smallLoss } from "./small-problem.js";

test.each([1, 2, 3])("within 4 standard errors of the trace of the dense Hessian, problem %i", async (problem) => {
  const { f, x } = smallLoss(random.key(problem));
  const exact = diagonalSum(hessian(f)(x)).itemSync();
  const found = await hutchinsonTrace(hessianOperator(f, x), random.key(9), { probes: 400 });
  expect(found.iterations).toBe(400);
  expect(found.standardError).toBeGreaterThan(0);
  expect(Math.abs(found.trace - exact)).toBeLessThan(4 * found.standardError);
});

test("unbiased, with the variance 2(‖A‖² − Σ aᵢᵢ²) and a standard error that tells it", async () => {
  const A = [
    [2, 1, 0],
    [1, -1, 3],
    [0, 3, 4],
  ];
  const runs = 500;
  const probes = 8;
  const found = [];
  for (let run = 0; run < runs; run++) {
    found.push(await hutchinsonTrace(matrixOperator(A), random.foldIn(random.key(1), run), { probes }));
  }
  const mean = found.reduce((sum, { trace }) => sum + trace, 0) / runs;
  const variance = 2 * (2 * 1 + 2 * 9);
  expect(Math.abs(mean - 5)).toBeLessThan(4 * Math.sqrt(variance / probes / runs));
  const told = found.reduce((sum, { standardError }) => sum + standardError ** 2, 0) / runs;
  expect(told).toBeGreaterThan((0.85 * variance) / probes);
  expect(told).toBeLessThan((1.15 * variance) / probes);
});

test("exact with one probe for a diagonal operator", async () => {
  const { trace, standardError } = await hutchinsonTrace(diagonalOperator([1, 2, 3.5]), random.key(1), { probes: 1 });
  expect(trace).toBe(6.5);
  expect(standardError).toBeNaN();
});

test("more probes begin with the same ones", async () => {
  const { f, x } = smallLoss(random.key(1));
  const few = await hutchinsonTrace(hessianOperator(f, x), random.key(4), { probes: 5 });
  const many = await hutchinsonTrace(hessianOperator(f, x), random.key(4), { probes: 9 });
  expect(many.history.slice(0, 5)).toEqual(few.history);
});

test("stops early when accurate, never before ten probes, and says when it is not", async () => {
  const early = await hutchinsonTrace(diagonalOperator([1, 2]), random.key(1), { probes: 50, tol: 0.1 });
  expect(early).toMatchObject({ iterations: 10, converged: true });
  const rough = matrixOperator([[1, 9], [9, 1]]); // prettier-ignore
  expect(await hutchinsonTrace(rough, random.key(1), { probes: 12, tol: 1e-6 })).toMatchObject({
    iterations: 12,
    converged: false,
  });
});

test("refuses what makes no sense", async () => {
  await expect(hutchinsonTrace(diagonalOperator([1]), random.key(1), { probes: 0 })).rejects.toThrow(
    "hutchinsonTrace: probes is 0; wants an integer >= 1.",
  );
  await expect(hutchinsonTrace(diagonalOperator([NaN]), random.key(1))).rejects.toThrow("product 1 is not finite");
});
