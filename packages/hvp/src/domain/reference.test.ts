/** Statistics, penalties and the penalties' gradients are those of PyTorch's double backward, in both modes. */

import { grad, tensor, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { ravel } from "@curv/tensor/tree";
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import {
  aligned,
  coralPenalty,
  fishrPenalty,
  gradientVariance,
  igaPenalty,
  irmPenalty,
  viewEnvironments,
  vrexPenalty,
  type EnvironmentView,
  type HeadedModel,
} from "./index.js";

// Machines may be busy.
vi.setConfig({ testTimeout: 120_000 });

interface Case {
  readonly w1: number[][];
  readonly b1: number[];
  readonly w: number[][];
  readonly b: number[];
  readonly environments: readonly { readonly x: number[][]; readonly y: number[] }[];
  readonly alpha: number;
  readonly beta: number;
  readonly losses: number[];
  readonly gradients: number[][];
  readonly products: number[][];
  readonly hessians: number[][][];
  readonly variances: number[][];
  readonly penalties: Record<string, number>;
  readonly slopes: Record<string, number[][]>;
}

const fixture = JSON.parse(readFileSync(new URL("./fixtures/alignment.json", import.meta.url), "utf8")) as Record<
  "binary" | "softmax",
  Case
>;
const f64 = (data: number[] | number[][] | number[][][]): Tensor => tensor(data, { dtype: "float64" });
const numbers = (nested: unknown): number[] => (nested as number[]).flat(3);

interface Params {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w: Tensor;
  readonly b: Tensor;
}

const model: HeadedModel<Params> = {
  features: ({ w1, b1 }, x) => x.matmul(w1.T).add(b1).tanh(),
  head: ({ w, b }, z) => z.matmul(w.T).add(b),
  headParams: ["w", "b"],
  headKind: "linear",
};

function close(got: ArrayLike<number>, wanted: readonly number[], tolerance = 1e-12): void {
  expect(got.length).toBe(wanted.length);
  wanted.forEach((w, i) => expect(Math.abs(got[i] - w)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(w))));
}

describe.each(["binary", "softmax"] as const)("%s head", (kind) => {
  const c = fixture[kind];
  const params: Params = { w1: f64(c.w1), b1: f64(c.b1), w: f64(c.w), b: f64(c.b) };
  const environments = c.environments.map(({ x, y }) => ({ x: f64(x), y: tensor(Int32Array.from(y)) }));
  const view = (p: Params, mode: "closed-form" | "autodiff"): EnvironmentView[] =>
    viewEnvironments(model, p, environments, { mode });

  test("losses, gradients, H g, diagonals, Hessians, variances of gradients", () => {
    view(params, "closed-form").forEach(({ nll, head, ...rest }, e) => {
      close(nll.dataSync(), numbers([c.losses[e]]));
      close(head.gradient().dataSync(), c.gradients[e]);
      close(head.hvp(head.gradient()).dataSync(), c.products[e]);
      close(head.dense().dataSync(), numbers(c.hessians[e]));
      close(
        head.diagonal().dataSync(),
        c.hessians[e].map((row, i) => row[i]),
      );
      close(gradientVariance({ nll, head, ...rest }).dataSync(), c.variances[e]);
    });
  });

  const { alpha, beta } = c;
  const align =
    (method: "hgp" | "exact-diagonal" | "exact-hessian", detachTarget: boolean) =>
    (views: readonly EnvironmentView[]) =>
      aligned({ method, alpha, beta, detachTarget }).apply(views, null, random.key(0)).penalty;
  const penalties: Record<string, (views: readonly EnvironmentView[]) => Tensor> = {
    hgp: align("hgp", false),
    "hgp detached": align("hgp", true),
    "exact-diagonal": align("exact-diagonal", true),
    "exact-hessian": align("exact-hessian", false),
    irm: irmPenalty,
    vrex: vrexPenalty,
    iga: igaPenalty,
    fishr: (views) => fishrPenalty(views).penalty,
    coral: coralPenalty,
  };
  describe.each(["closed-form", "autodiff"] as const)("%s", (mode) => {
    test.each(Object.keys(penalties))("%s and its gradient in all parameters", (name) => {
      const value = (p: Params): Tensor => penalties[name](view(p, mode));
      close(value(params).dataSync(), [c.penalties[name]]);
      const { w1, b1, w, b } = grad(value)(params);
      const slopes = [w1, b1, w, b].flatMap((slope) => Array.from(slope.dataSync()));
      close(slopes, numbers(c.slopes[name]), 1e-10);
      expect(ravel({ w1 }).vector.abs().max().itemSync()).toBeGreaterThan(0);
    });
  });
});
