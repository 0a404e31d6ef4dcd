/** Products with an inverse from mini-batches (theme-curvature, section 6). */

import { denseOperator, diagonalOperator } from "@curv/linsolve";
import { softmaxCrossEntropy } from "@curv/loss";
import { mlp } from "@curv/nn";
import { ConvergenceError, DomainError, eye, grad, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { solve } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { expect, test } from "vitest";
import { crossEntropyOutput, gaussNewtonOperator, lissa } from "./index.js";

const dtype = "float64";
const key = random.key(12);
const n = 6;
const psd = { positiveSemidefinite: true } as const;
/** Positive definite matrices that do not commute. */
const matrices = Array.from({ length: 5 }, (_, i) => {
  const g = random.normal(random.foldIn(key, i), { shape: [n, 4], dtype });
  return g
    .matmul(g.transpose())
    .div(4)
    .add(eye(n, n, { dtype }).mul(0.2 * i));
});
const operators = matrices.map((matrix) => denseOperator(matrix, psd));
const b = random.normal(random.foldIn(key, 20), { shape: [n], dtype });
const damping = 0.5;

/** (Σ wᵢAᵢ + δI)⁻¹ b. */
function exact(weights: readonly number[]): Tensor {
  const mean = matrices.map((a, i) => a.mul(weights[i])).reduce((x, y) => x.add(y));
  return solve(mean.add(eye(n, n, { dtype }).mul(damping)), b);
}

/** How many standard errors each element is off. */
function off({ x, standardError }: { x: Tensor; standardError: Tensor }, truth: Tensor): number[] {
  return Array.from(x.sub(truth).abs().div(standardError).dataSync());
}

// Thousands of steps: time for a busy machine.
test("is unbiased within 4 standard errors, to the inverse of the mean alone", { timeout: 300_000 }, async () => {
  const found = await lissa(operators, b, key, { damping, steps: 60, repeats: 120 });
  expect(found).toMatchObject({ iterations: 60, converged: true, status: "converged" });
  off(found, exact([0.2, 0.2, 0.2, 0.2, 0.2])).forEach((z) => expect(z).toBeLessThan(4));
  // Neither the mean of the inverses, nor another weighting.
  const inverses = matrices.map((a) => solve(a.add(eye(n, n, { dtype }).mul(damping)), b));
  const mean = inverses.reduce((x, y) => x.add(y)).div(5);
  expect(Math.max(...off(found, mean))).toBeGreaterThan(4);

  const weights = [1, 1, 1, 1, 16];
  const weighted = await lissa(operators, b, key, { damping, steps: 60, repeats: 120, weights });
  off(weighted, exact(weights.map((w) => w / 20))).forEach((z) => expect(z).toBeLessThan(4));
  expect(Math.max(...off(weighted, exact([0.2, 0.2, 0.2, 0.2, 0.2])))).toBeGreaterThan(4);
});

test("of one operator is the Neumann series to its last term, without noise", async () => {
  const values = [0.5, 1, 2];
  const [s, K] = [0.4, 7];
  const a = diagonalOperator(tensor(Float64Array.from(values)));
  const found = await lissa([a], tensor([3, 2, 1], { dtype }), key, { stepSize: s, steps: K, repeats: 3, rtol: 1e-3 });
  const wanted = values.map((value, i) => ((1 - (1 - s * value) ** (K + 1)) / value) * (3 - i));
  found.x.dataSync().forEach((x, i) => expect(x).toBeCloseTo(wanted[i], 13));
  expect(found.standardError.abs().max().itemSync()).toBeLessThan(1e-14);
  const rest = values.map((value, i) => (1 - s * value) ** (K + 1) * (3 - i));
  expect(found.residual).toBeCloseTo(Math.hypot(...rest) / Math.hypot(3, 2, 1), 12);
  expect(found).toMatchObject({ converged: false, status: "maxIter", products: 3 * K + 1, stepSize: s });
});

test("the default step: one over the largest eigenvalue of all, with the damping", async () => {
  const parts = [diagonalOperator(tensor([1, 2], { dtype })), diagonalOperator(tensor([4, 0], { dtype }))];
  const { stepSize } = await lissa(parts, tensor([1, 1], { dtype }), key, { damping: 1, steps: 2 });
  expect(stepSize).toBeCloseTo(1 / 5, 6);
});

test("the same key gives the same numbers, another key others; one run has no standard error", async () => {
  const options = { damping, steps: 20, repeats: 2, stepSize: 0.1 };
  const [first, again, other] = [
    await lissa(operators, b, key, options),
    await lissa(operators, b, key, options),
    await lissa(operators, b, random.key(1), options),
  ];
  expect(again.x.arraySync()).toEqual(first.x.arraySync());
  expect(other.x.arraySync()).not.toEqual(first.x.arraySync());
  expect((await lissa(operators, b, key, { ...options, repeats: 1 })).standardError.sum().itemSync()).toBeNaN();
});

test("Newton's direction of a network, from a lazy list of batches, in trees", async () => {
  const model = mlp({ sizes: [3, 4, 2], activation: "tanh" });
  const params = model.init(random.key(0), { dtype });
  const batch = (i: number) => ({
    inputs: random.normal(random.key(100 + i), { shape: [8, 3], dtype }),
    targets: random.randint(random.key(200 + i), 0, 2, { shape: [8] }),
  });
  const loss = (p: typeof params): Tensor => softmaxCrossEntropy(model.apply(p, batch(0).inputs), batch(0).targets);
  const apply = (p: typeof params, x: Tensor): Tensor => model.apply(p, x);
  const made = [0, 1, 2].map((i) => gaussNewtonOperator(apply, crossEntropyOutput, params, batch(i)));
  const asked: number[] = [];
  const lazy = { length: 3, at: (i: number) => (asked.push(i), made[i]) };
  const g = grad(loss)(params);
  const found = await lissa(lazy, g, key, { damping: 0.3, steps: 60, repeats: 16 });
  expect(new Set(asked)).toEqual(new Set([0, 1, 2]));
  const identity = eye(ravel(params).vector.size, ravel(params).vector.size, { dtype });
  const mean = made.map((a) => a.matmat(identity)).reduce((x, y) => x.add(y)).div(3); // prettier-ignore
  const truth = solve(mean.add(identity.mul(0.3)), ravel(g).vector);
  const [x, se] = [ravel(found.x).vector, ravel(found.standardError).vector];
  expect(x.sub(truth).square().sum().itemSync()).toBeLessThan(4 * se.square().sum().itemSync());
  expect(x.sub(truth).square().sum().itemSync()).toBeLessThan(0.01 * truth.square().sum().itemSync());
});

test("what diverges is refused, and what is no operator, by name", async () => {
  const grows = (options: object, list = operators): Promise<unknown> =>
    lissa(list, b, key, { steps: 400, ...options });
  const message = /lissa: diverges: after \d+ steps of run 0 the sum is \S+ times as long as b/;
  await expect(grows({ stepSize: 10 })).rejects.toThrow(message);
  await expect(grows({ stepSize: 10 })).rejects.toThrow(ConvergenceError);
  // Not definite, and not damped enough for it.
  const indefinite = matrices.map((a) => denseOperator(a.sub(eye(n, n, { dtype })), { symmetric: true }));
  await expect(grows({}, indefinite)).rejects.toThrow(message);
  await expect(grows({ steps: 5000, stepSize: 1e200 })).rejects.toThrow(/lissa: diverges/);
  const cases: [() => Promise<unknown>, string, new (...args: never[]) => Error][] = [
    [() => lissa([], b, key), "operators.length is 0; wants an integer >= 1", DomainError],
    [() => grows({ steps: 0 }), "steps is 0", DomainError],
    [() => grows({ repeats: 1.5 }), "repeats is 1.5", DomainError],
    [() => grows({ damping: -1 }), "damping is -1; wants a finite number >= 0", DomainError],
    [() => grows({ stepSize: 0 }), "stepSize is 0; wants a finite number > 0", DomainError],
    [() => grows({ rtol: NaN }), "rtol is NaN", DomainError],
    [() => grows({ weights: [1, 2] }), "weights has length 2; wants 5", ShapeError],
    [() => grows({ weights: [1, 2, 0, 1, 1] }), "weights[2] is 0; wants a finite number > 0", DomainError],
    [() => lissa(operators, b.slice([0, 3]), key), "operators[0] is 6 × 6, b has 3 elements", ShapeError],
    [() => lissa([operators[0], undefined as never], b, key), "operators[1] is undefined", DomainError],
    [() => lissa(operators, b.mul(NaN), key), "b has NaN or an infinity", DomainError],
  ];
  for (const [call, text, type] of cases) {
    await expect(call()).rejects.toThrow(text);
    await expect(call()).rejects.toThrow(type);
  }
});

test("a run can be stopped, and says how far it is", async () => {
  const controller = new AbortController();
  const seen: number[] = [];
  const run = lissa(operators, b, key, {
    ...{ damping, steps: 3, repeats: 50, signal: controller.signal },
    onProgress: ({ repeats, of }) => {
      seen.push(repeats, of);
      if (repeats === 2) controller.abort(new Error("enough"));
    },
  });
  await expect(run).rejects.toThrow("enough");
  expect(seen).toEqual([1, 50, 2, 50]);
});
