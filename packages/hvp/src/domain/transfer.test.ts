/** The transfer measure is at most the bound: exactly on quadratics, to second order on logistic heads that are stationary in both. */

import { fc, test as property } from "@fast-check/vitest";
import { tensor, zeros, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import { headProblem, transferMeasure, transferUpperBound, type HeadedModel, type HeadObjective } from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });

/** ½ (h − h*)ᵀ A (h − h*). */
function quadratic(seed: number, centre: Tensor): { loss: HeadObjective; matrix: Tensor } {
  const n = centre.size;
  const root = draw(seed, [n, n]);
  const matrix = root.matmul(root.T).div(n);
  return {
    matrix,
    loss: (h) => {
      const from = h.sub(centre);
      return from.dot(matrix.matmul(from)).div(2);
    },
  };
}

describe("7: quadratic heads", () => {
  property.prop([fc.nat(1e6), fc.integer({ min: 1, max: 6 }), fc.double({ min: 0.05, max: 3, noNaN: true })], {
    numRuns: 8,
  })(
    "sup ≤ bound, with equality where the top eigenvector is reachable",
    async (seed, n, radius) => {
      const centre = draw(seed, [n]);
      const [source, target] = [quadratic(seed + 1, centre), quadratic(seed + 2, centre)];
      const { values } = eigh(target.matrix.sub(source.matrix));
      const [least, most] = [values.min().itemSync(), values.max().itemSync()];
      const bound = await transferUpperBound(source.loss, target.loss, centre, radius);
      expect(bound.converged).toBe(true);
      const spectral = Math.max(-least, most);
      expect(Math.abs(bound.spectralGap - spectral)).toBeLessThan(1e-9 * spectral);
      expect(bound.bound).toBeCloseTo((radius ** 2 * spectral) / 2, 9);
      expect(bound.gradientNorms.source + bound.gradientNorms.target + bound.firstOrder).toBeLessThan(1e-12);

      const found = await transferMeasure(source.loss, target.loss, centre, radius, {
        sourceMinimum: 0,
        targetMinimum: 0,
      });
      const sup = (radius ** 2 * Math.max(most, 0)) / 2;
      expect(found.converged).toBe(true);
      expect(Math.abs(found.measure - sup)).toBeLessThan(1e-6 * bound.bound);
      expect(found.measure).toBeLessThanOrEqual(bound.bound * (1 + 1e-9));
      if (most > -least) {
        // Equality, and the maximiser is the eigenvector that the bound names.
        expect(found.measure / bound.bound).toBeCloseTo(1, 6);
      }
    },
    60_000,
  );

  test("the minima over the ball are found", { timeout: 60_000 }, async () => {
    const centre = draw(1, [4]);
    const [source, target] = [quadratic(2, centre), quadratic(3, centre.add(0.2))];
    const found = await transferMeasure(source.loss, target.loss, centre, 2);
    expect(Math.abs(found.sourceMinimum)).toBeLessThan(1e-8);
    expect(Math.abs(found.targetMinimum)).toBeLessThan(1e-8);
    expect(found.status).toBe("converged");
    expect(found.history.length).toBeGreaterThan(0);
  });

  test("identical environments: both are 0", async () => {
    const centre = draw(1, [4]);
    const { loss } = quadratic(2, centre);
    expect((await transferUpperBound(loss, loss, centre, 1)).bound).toBe(0);
    expect((await transferMeasure(loss, loss, centre, 1, { sourceMinimum: 0, targetMinimum: 0 })).measure).toBe(0);
  });
});

test(
  "logistic heads: measure / bound is at most 1 + O(δ) where h* is stationary in both",
  { timeout: 60_000 },
  async () => {
    interface Params {
      readonly h: Tensor;
    }
    const model: HeadedModel<Params> = {
      features: (_, x) => x,
      head: ({ h }, z) => z.matmul(h.slice([0, 3])).add(h.slice(3)),
      headParams: ["h"],
      headKind: "linear",
    };
    const params = { h: draw(5, [4]) };
    // Labels that the head itself would give make it a minimum, whatever the inputs are.
    const environment = (x: Tensor): { x: Tensor; y: Tensor } => ({ x, y: model.head(params, x).sigmoid() });
    const source = headProblem(model, params, environment(draw(6, [60, 3])));
    const target = headProblem(model, params, environment(draw(7, [60, 3]).mul(1.7)));
    const ratio = async (radius: number): Promise<number> => {
      const { bound, gradientNorms } = await transferUpperBound(source.loss, target.loss, source.head, radius);
      expect(gradientNorms.source + gradientNorms.target).toBeLessThan(1e-12);
      const { measure } = await transferMeasure(source.loss, target.loss, source.head, radius);
      return measure / bound;
    };
    const [coarse, fine] = [await ratio(0.3), await ratio(0.01)];
    expect(Math.abs(fine - 1)).toBeLessThan(0.02);
    expect(Math.abs(coarse - 1)).toBeGreaterThan(Math.abs(fine - 1));
  },
);

describe("drivers", () => {
  const centre = draw(1, [3]);
  const { loss } = quadratic(2, centre);
  test("an abort rejects with its reason", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(transferMeasure(loss, loss, centre, 1, { signal })).rejects.toThrow("enough");
  });
  test("steps that run out are said", async () => {
    const other = quadratic(9, centre).loss;
    const cut = await transferMeasure(loss, other, centre, 1, { maxIter: 1, sourceMinimum: 0, targetMinimum: 0 });
    expect(cut).toMatchObject({ converged: false, status: "maxIter", iterations: 1 });
    expect(cut.residual).toBeGreaterThan(0);
  });
  test.each<[string, () => Promise<unknown>, string]>([
    ["radius", () => transferMeasure(loss, loss, centre, 0), "radius is 0; wants a finite number > 0"],
    ["radius of the bound", () => transferUpperBound(loss, loss, centre, NaN), "radius is NaN"],
    ["starts", () => transferMeasure(loss, loss, centre, 1, { starts: 0 }), "starts is 0"],
    ["head", () => transferUpperBound(loss, loss, zeros([2, 2]), 1), "head has shape [2, 2]; wants a vector [D]"],
    ["dtype", () => transferUpperBound(loss, loss, tensor(Int32Array.of(1)), 1), "head is int32"],
    [
      "NaN",
      () => transferMeasure(loss, (h) => h.sum().mul(NaN), centre, 1),
      "transferMeasure: a loss at the head is NaN or infinite",
    ],
  ])("%s", async (_name, call, message) => {
    await expect(call()).rejects.toThrow(message);
  });
});
