import { expect, test } from "vitest";
import { tensor, type Tensor } from "@curv/tensor";
import { lbfgs } from "./lbfgs.js";

function rosenbrock(x: Tensor): Tensor {
  const [a, b] = [x.slice(0), x.slice(1)];
  return b.sub(a.square()).square().mul(100).add(a.sub(1).square());
}

test("finds the minimum of Rosenbrock's function", async () => {
  const found = await lbfgs(rosenbrock, tensor(new Float64Array([-1.2, 1])), { tol: 1e-10 });
  expect(found.converged).toBe(true);
  expect(found.gradientNorm).toBeLessThanOrEqual(1e-10);
  expect(found.history).toHaveLength(found.iterations + 1);
  const [a, b] = found.x.arraySync() as number[];
  expect(a).toBeCloseTo(1, 9);
  expect(b).toBeCloseTo(1, 9);
});

test("solves a quadratic of condition 10⁵, where gradient descent would need a million steps", async () => {
  const d = tensor(Float64Array.from({ length: 20 }, (_, i) => 10 ** ((-5 * i) / 19)));
  const found = await lbfgs((x) => d.mul(x.sub(1).square()).sum(), d.mul(0), { tol: 1e-9 });
  expect(found.converged).toBe(true);
  expect(found.iterations).toBeLessThan(300);
});

test("the loss never rises", async () => {
  const { history } = await lbfgs(rosenbrock, tensor(new Float64Array([-1.2, 1])));
  history.slice(1).forEach(({ loss }, i) => expect(loss).toBeLessThanOrEqual(history[i].loss * (1 + 1e-14)));
});

test("says when it did not get there", async () => {
  const found = await lbfgs(rosenbrock, tensor(new Float64Array([-1.2, 1])), { maxIter: 3 });
  expect(found).toMatchObject({ converged: false, iterations: 3 });
  expect(found.residual).toBe(found.gradientNorm);
  await expect(lbfgs((x) => x.log().sum(), tensor(new Float64Array([-1])))).rejects.toThrow("lbfgs: the loss");
});
