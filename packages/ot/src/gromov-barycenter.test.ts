/** Barycentres of spaces: POT's, and theorems. */

import { readFileSync } from "node:fs";
import type { Tensor } from "@curv/tensor";
import { expect, test, vi } from "vitest";
import { wave, waveWeights as weights } from "./fixtures/inputs.js";
import { distance, f64 } from "./fixtures/measure.js";
import { costMatrix, gromovBarycenter, gromovWasserstein } from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

const wanted = JSON.parse(readFileSync(new URL("fixtures/gromov-barycenter.json", import.meta.url), "utf8")) as Record<
  "square_loss" | "kl_loss" | "features" | "fused",
  number[]
>;
const distances = (x: Tensor): Tensor => costMatrix({ x, y: x, cost: "euclidean" }).add(0.1);
const sizes = [7, 6, 8];
const spaces = sizes.map((n, k) => ({ C: distances(wave(n, 2, k + 1)), weights: weights(n, k + 1) }));
const start = { C: distances(wave(5, 2, 9)), weights: weights(5, 4) };
const options = { shares: [0.5, 0.2, 0.3], tol: 1e-12, maxIter: 200 };

test("POT: both losses; the cost never grows", async () => {
  for (const loss of ["square", "kl"] as const) {
    const r = await gromovBarycenter(spaces, start, { ...options, loss });
    expect(r.converged).toBe(true);
    expect(distance(r.C.flatten(), f64(wanted[`${loss}_loss`]))).toBeLessThan(1e-9);
    r.history.slice(1).forEach((h, k) => expect(h.cost).toBeLessThanOrEqual(r.history[k].cost + 1e-12));
    expect(r.cost).toBeLessThan(r.history[0].cost);
    for (const [k, plan] of r.plans.entries()) expect(distance(plan.sum(0), spaces[k].weights)).toBeLessThan(1e-14);
  }
});

test("POT: fused, with features", async () => {
  const attributed = spaces.map((space, k) => ({ ...space, features: wave(sizes[k], 3, 5 + k) }));
  const r = await gromovBarycenter(attributed, { ...start, features: wave(5, 3, 10) }, { ...options, alpha: 0.4 });
  expect(r.converged).toBe(true);
  expect(distance(r.C.flatten(), f64(wanted.fused))).toBeLessThan(1e-9);
  expect(distance(r.features!.flatten(), f64(wanted.features))).toBeLessThan(1e-9);
  const still = await gromovBarycenter(attributed, { ...start, features: wave(5, 3, 10) }, { ...options, fixedStructure: true, fixedFeatures: true }); // prettier-ignore
  expect([still.iterations, still.residual]).toEqual([1, 0]);
  expect(distance(still.C, start.C)).toBe(0);
});

test("of one space it is that space, in another order; entropic plans blur it; errors", async () => {
  const [{ C }] = spaces;
  const n = sizes[0];
  const order = [3, 0, 4, 1, 2, 6, 5];
  const shuffled = f64(order.map((i) => order.map((j) => C.slice(i, j).itemSync())));
  const r = await gromovBarycenter([{ C }], { C: shuffled.mul(0.9).add(0.01) });
  expect(r.converged).toBe(true);
  expect((await gromovWasserstein(r.C, C, weights(n, 0), weights(n, 0), { init: r.plans[0] })).cost).toBeLessThan(
    1e-12,
  );
  const soft = await gromovBarycenter([{ C }], { C: shuffled }, { epsilon: 0.5, tol: 1e-6 });
  expect(soft.converged).toBe(true);
  const spread = (t: Tensor): number => t.max().sub(t.min()).itemSync();
  expect(spread(soft.C)).toBeLessThan(0.9 * spread(C));
  await expect(gromovBarycenter([], start)).rejects.toThrow("at least one");
  await expect(gromovBarycenter([{ C, features: C }], { C })).rejects.toThrow("wants them of all, or of none");
  await expect(gromovBarycenter([{ C }], { C: C.slice([0, 3]) })).rejects.toThrow("gromov");
  const signal = AbortSignal.abort(new Error("stop"));
  await expect(gromovBarycenter([{ C }], { C }, { signal })).rejects.toThrow("stop");
});
