/** Statements about the methods that alignment is compared with; their numbers are checked against PyTorch in reference.test.ts. */

import { grad, jvp, stack, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import {
  coralPenalty,
  fishr,
  fishrPenalty,
  fishStep,
  irmPenalty,
  viewEnvironments,
  vrexPenalty,
  type DomainOptimizer,
  type EnvironmentView,
  type HeadedModel,
} from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });

interface Params {
  readonly h: Tensor;
}
const model: HeadedModel<Params> = {
  features: (_, x) => x,
  head: ({ h }, z) => z.matmul(h.expandDims(1)),
  headParams: ["h"],
  headKind: "linear",
};
const environments = [0, 1].map((e) => ({
  x: draw(e, [30, 3]).add(0.4 * e),
  y: random.randint(random.key(10 + e), 0, 2, { shape: [30] }),
}));
const at = { h: draw(20, [3]) };
const views = (p: Params): EnvironmentView[] => viewEnvironments(model, p, environments);

test("IRM: the derivative in a factor of the logits", () => {
  const scaled = (e: number) => (s: Tensor) => views({ h: at.h.mul(s) })[e].nll;
  const slopes = [0, 1].map((e) => grad(scaled(e))(tensor(1, { dtype: "float64" })).itemSync());
  expect(irmPenalty(views(at)).itemSync()).toBeCloseTo((slopes[0] ** 2 + slopes[1] ** 2) / 2, 14);
});

test("V-REx: a quarter of the squared difference of two losses", () => {
  const [a, b] = views(at).map(({ nll }) => nll.itemSync());
  expect(vrexPenalty(views(at)).itemSync()).toBeCloseTo((a - b) ** 2 / 4, 15);
});

test("CORAL: nothing for one environment, nor for a shifted label", () => {
  const [first, second] = environments;
  expect(coralPenalty(views(at).slice(0, 1)).itemSync()).toBe(0);
  const relabelled = viewEnvironments(model, at, [first, { x: first.x, y: second.y }]);
  expect(coralPenalty(relabelled).itemSync()).toBe(0);
  // What it does not see, the others do.
  expect(vrexPenalty(relabelled).itemSync()).toBeGreaterThan(0);
});

describe("Fishr", () => {
  test("remembers: the average of equal variances is the variance over 1 − γ, its gradient that of one step", () => {
    const penalty = fishr(0.8);
    let state = penalty.init({ environments: 2, headSize: 3, dtype: "float64" });
    let last = 0;
    for (let step = 0; step < 150; step++) ({ state } = penalty.apply(views(at), state, random.key(0)));
    last = penalty.apply(views(at), state, random.key(0)).penalty.itemSync();
    const once = fishrPenalty(views(at)).penalty.itemSync();
    expect(last / once).toBeCloseTo(25, 8);
    const slope = (averages?: Tensor): Tensor =>
      grad((p: Params) => fishrPenalty(views(p), { decay: 0.8, ...(averages && { averages }) }).penalty)(at).h;
    // d‖a‖² = 2 a·da, and da does not depend on γ.
    const ratio = slope(state).div(slope());
    expect(ratio.sub(5).abs().max().itemSync()).toBeLessThan(1e-8);
  });

  test("wants a linear head", () => {
    const general = viewEnvironments({ ...model, headKind: "general" }, at, environments);
    expect(() => fishrPenalty(general)).toThrow("gradientVariance: the head is general; wants a linear one");
  });
});

describe("Fish", () => {
  const sgd = (rate: number): DomainOptimizer<Params, null> => ({
    init: () => null,
    update: ({ h }, state) => ({ updates: { h: h.mul(-rate) }, state }),
  });
  const losses = [0, 1].map((e) => (p: Params) => views(p)[e].nll);
  const g = (e: number) => (h: Tensor) => grad(losses[e])({ h }).h;

  test("moves along −α Σ g_e + α²/2 ∇(g₁·g₂) on average over orders, to third order", () => {
    // ∇(g₁·g₂) = H₁ g₂ + H₂ g₁.
    const product = (e: number, v: Tensor): Tensor => jvp(g(e), [at.h], [v]).tangent;
    const inner = product(0, g(1)(at.h)).add(product(1, g(0)(at.h)));
    const error = (rate: number): number => {
      const moved = [losses, [...losses].reverse()].map(
        (order) => fishStep(at, order, sgd(rate), null, { metaRate: 1 }).params.h,
      );
      const mean = stack(moved).mean(0).sub(at.h);
      const first = g(0)(at.h).add(g(1)(at.h)).mul(-rate);
      // Without the second term the difference would be of second order.
      expect(mean.sub(first).abs().max().itemSync()).toBeGreaterThan(1e-3 * rate ** 2);
      return mean
        .sub(first)
        .sub(inner.mul(rate ** 2 / 2))
        .abs()
        .max()
        .itemSync();
    };
    expect(error(1e-2)).toBeLessThan(1e-12 + 1e-3 * 1e-4);
    expect(error(1e-2)).toBeLessThan(2e-3 * error(1e-1) + 1e-15);
  });

  test("ε scales the move, and losses are those before each inner step", () => {
    const whole = fishStep(at, losses, sgd(0.1), null, { metaRate: 1 });
    const half = fishStep(at, losses, sgd(0.1), null);
    expect(half.params.h.sub(at.h).mul(2).sub(whole.params.h.sub(at.h)).abs().max().itemSync()).toBeLessThan(1e-15);
    expect(whole.losses[0].itemSync()).toBe(losses[0](at).itemSync());
    expect(whole.losses[1].itemSync()).not.toBe(losses[1](at).itemSync());
  });
});
