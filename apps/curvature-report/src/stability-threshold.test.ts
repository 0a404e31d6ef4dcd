import { describe, expect, test } from "vitest";
import { tensor, valueAndGrad, type Tensor } from "@curv/tensor";
import { descend, stabilityThreshold, type Trajectory } from "./stability-threshold.js";

/** 1 + ½ Σ λᵢ xᵢ², kicked along the first axis. */
function quadratic(lambdas: readonly number[]) {
  const d = tensor(lambdas, { dtype: "float64" });
  const f = (x: Tensor): Tensor => d.mul(x.square()).sum().mul(0.5).add(1);
  return {
    lossAndGradient: valueAndGrad(f),
    start: tensor(Float64Array.from(lambdas, (_, i) => (i === 0 ? 1e-3 : 0))),
  };
}

describe("on a quadratic", () => {
  // The band is as high as the kick: any growth leaves it.
  const bandOf = (lambda: number): number => 1.05 * (lambda / 2) * 1e-6;

  test.each([0.3, 4, 700])("the threshold is 2/λ to 1 %, λ = %d", async (lambda) => {
    const { lossAndGradient, start } = quadratic([lambda, lambda / 5]);
    const run = (rate: number): Promise<Trajectory> =>
      descend(lossAndGradient, start, rate, { reference: 1, band: bandOf(lambda), steps: 200 });
    const found = await stabilityThreshold(run, { low: 1 / lambda, high: 3 / lambda, tol: 0.002 });
    expect(found.converged).toBe(true);
    expect(Math.abs((found.threshold * lambda) / 2 - 1)).toBeLessThan(0.01);
    expect(found.stayed!.rate).toBeLessThan(found.threshold);
    expect(found.left!.rate).toBeGreaterThan(found.threshold);
    expect(found.history).toHaveLength(found.iterations);
  });

  test.each([
    ["far below", 0.01, 0.02],
    ["far above", 5, 9],
  ])("a bracket %s the threshold is moved", async (_, low, high) => {
    const { lossAndGradient, start } = quadratic([4]);
    const run = (rate: number): Promise<Trajectory> =>
      descend(lossAndGradient, start, rate, { reference: 1, band: bandOf(4), steps: 200 });
    const { threshold, converged } = await stabilityThreshold(run, { low, high });
    expect(converged).toBe(true);
    expect(Math.abs(threshold / 0.5 - 1)).toBeLessThan(0.01);
  });

  test("a run is the one of the formula: the distance is multiplied by 1 − rate·λ", async () => {
    const { lossAndGradient, start } = quadratic([4]);
    const { losses, left } = await descend(lossAndGradient, start, 0.55, { reference: 1, band: 1, steps: 10 });
    expect(left).toBe(false);
    expect(losses).toHaveLength(11);
    losses.forEach((loss, t) => expect(loss).toBeCloseTo(1 + 2 * (1e-3 * (1 - 0.55 * 4) ** t) ** 2, 13));
  });
});

test("a loss that becomes NaN has left", async () => {
  const start = tensor(new Float64Array([1]));
  const broken = (x: Tensor): { value: Tensor; grad: Tensor } => ({ value: x.sum().mul(NaN), grad: x });
  expect(await descend(broken, start, 1, { reference: 1 })).toMatchObject({ left: true, losses: [NaN] });
});

test("a threshold that is not found is not made up", async () => {
  const stays = (rate: number): Promise<Trajectory> => Promise.resolve({ rate, losses: [], left: false });
  const found = await stabilityThreshold(stays, { low: 1, high: 2, maxIter: 5 });
  expect(found).toMatchObject({ converged: false, iterations: 5, left: null, residual: Infinity });
  expect(found.threshold).toBeNaN();
  await expect(stabilityThreshold(stays, { low: 2, high: 1 })).rejects.toThrow("wants 0 < low < high");
});
