/** Marginals that may differ: KL, total variation and squares, with entropy and without; partial transport with entropy. */

import { readFileSync } from "node:fs";
import { concat, grad, jit, stack, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import { derivativeErrors, difference, distance, f64 } from "./fixtures/measure.js";
import {
  entropicPartial,
  entropicPartialCore,
  partialEmd,
  sinkhorn,
  sinkhornCore,
  sinkhornDivergence,
  unbalancedEmd,
  unbalancedEmdCore,
  type SinkhornCoreOptions,
} from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly n: number;
  readonly m: number;
  readonly seed: number;
  readonly kl: number[];
  readonly l2: number[];
  readonly tv: number;
  readonly partial: number[];
  readonly entropicTv: number;
  readonly entropicL2: number;
}
const cases = JSON.parse(readFileSync(new URL("fixtures/unbalanced.json", import.meta.url), "utf8")) as Case[];
const range = (k: number): number[] => Array.from({ length: k }, (_, i) => i);
const normalised = (w: number[]): Tensor => f64(w.map((x) => x / w.reduce((s, y) => s + y, 0)));
const far = (P: Tensor, wanted: number[]): number => distance(P.flatten(), f64(wanted));

describe.for(cases)("POT and SciPy, $n × $m", ({ n, m, seed, ...wanted }) => {
  const C = f64(range(n).map((k) => range(m).map((l) => Math.sin(seed + 1.7 * k * (l + 1) + 0.3 * l) + 1.2)));
  const a = normalised(range(n).map((k) => 1.5 + Math.sin(k * seed)));
  const b = normalised(range(m).map((l) => 1.5 + Math.cos(l * seed))).mul(1.3);

  test("mm_unbalanced, KL and squares", async () => {
    const kl = await unbalancedEmd(a, b, C, { rho: [0.8, 1.7], tol: 1e-13, maxIter: 100_000 });
    expect(kl.converged).toBe(true);
    expect(far(kl.plan(), wanted.kl)).toBeLessThan(1e-9);
    const l2 = await unbalancedEmd(a, b, C, { rho: [9, 6], penalty: "l2", tol: 1e-13, maxIter: 100_000 });
    expect(l2.converged).toBe(true);
    expect(far(l2.plan(), wanted.l2)).toBeLessThan(1e-9);
  });
  test("total variation: the linear programme", async () => {
    const tv = await unbalancedEmd(a, b, C, { rho: 0.6, penalty: "tv" });
    expect(tv.converged).toBe(true);
    expect(distance(tv.value, wanted.tv)).toBeLessThan(1e-12);
    // A signed sum, of which none of the other penalties has the value.
    const off = tv.plan().sum(1).sub(a).abs().sum().add(tv.plan().sum(0).sub(b).abs().sum());
    expect(distance(tv.cost + 0.6 * off.itemSync(), wanted.tv)).toBeLessThan(1e-12);
  });
  test("entropic duals", async () => {
    for (const method of ["log", "stabilized"] as const) {
      const tv = await sinkhorn(a, b, C, { epsilon: 0.2, rho: 0.6, penalty: "tv", tol: 1e-12, method });
      expect(tv.converged).toBe(true);
      expect(distance(tv.regularizedCost, wanted.entropicTv)).toBeLessThan(1e-9);
      const l2 = await sinkhorn(a, b, C, { epsilon: 0.2, rho: 5, penalty: "l2", tol: 1e-12, method });
      expect(l2.converged).toBe(true);
      expect(distance(l2.regularizedCost, wanted.entropicL2)).toBeLessThan(1e-9);
    }
  });
  test("entropic_partial_wasserstein", async () => {
    const r = await entropicPartial(a, b, C, { mass: 0.7, epsilon: 0.2, tol: 1e-13 });
    expect(r.converged).toBe(true);
    expect(far(r.plan(), wanted.partial)).toBeLessThan(1e-9);
    expect(r.plan().sum(1).sub(a).max().itemSync()).toBeLessThan(1e-13);
    expect(r.plan().sum(0).sub(b).max().itemSync()).toBeLessThan(1e-13);
    expect(distance(r.plan().sum(), 0.7)).toBeLessThan(1e-14);
    // The value is of the plan: no gap.
    const P = r.plan();
    expect(distance(C.mul(P).sum().add(P.mul(P.log()).sum().mul(0.2)), r.regularizedCost)).toBeLessThan(1e-11);
  });
});

const a = f64([0.4, 0.3, 0.2, 0.3]);
const b = f64([0.5, 0.2, 0.35]);
const C = random.uniform(random.key(5), { shape: [4, 3], dtype: "float64" });
const planOf = ({ f, g }: { f: Tensor; g: Tensor }, epsilon: number): Tensor =>
  f.expandDims(1).add(g).sub(C).div(epsilon).exp().mul(a.expandDims(1)).mul(b);

test("the price holds at the optimum: values of primal and dual are equal", () => {
  const epsilon = 0.3;
  const prices: [Partial<SinkhornCoreOptions>, (p: Tensor, w: Tensor) => Tensor][] = [
    [{ rho: 0.7 }, (p, w) => p.mul(p.div(w).log()).sub(p).add(w).sum().mul(0.7)],
    [{ rho: 0.3, penalty: "tv" }, (p, w) => p.sub(w).abs().sum().mul(0.3)],
    [{ rho: 4, penalty: "l2" }, (p, w) => p.sub(w).square().sum().mul(2)],
  ];
  for (const [options, price] of prices) {
    const r = sinkhornCore(a, b, C, { epsilon, tol: 1e-14, ...options });
    const P = planOf(r, epsilon);
    const reference = a.expandDims(1).mul(b);
    const kl = P.mul(P.div(reference).log()).sub(P).add(reference).sum();
    const primal = C.mul(P)
      .sum()
      .add(kl.mul(epsilon))
      .add(price(P.sum(1), a))
      .add(price(P.sum(0), b));
    expect(distance(primal, r.value)).toBeLessThan(1e-12);
  }
});

test("a high price keeps the marginals; without one nothing does; what is too dear stays", async () => {
  const q = b.div(b.sum()).mul(a.sum());
  const balanced = await sinkhorn(a, q, C, { epsilon: 0.3, tol: 1e-12 });
  for (const penalty of ["kl", "tv", "l2"] as const) {
    const dear = await sinkhorn(a, q, C, { epsilon: 0.3, rho: 1e8, penalty, tol: 1e-12, maxIter: 100_000 });
    expect(distance(dear.plan(), balanced.plan())).toBeLessThan(1e-6);
  }
  const cheap = sinkhornCore(a, b, C, { epsilon: 0.3, rho: 1e-9 });
  expect(distance(planOf(cheap, 0.3), C.div(-0.3).exp().mul(a.expandDims(1)).mul(b))).toBeLessThan(1e-7);
  // Semi-relaxed: the first marginal moves, the second is kept.
  const semi = sinkhornCore(a, b, C, { epsilon: 0.3, rho: [0.5, Infinity], tol: 1e-13 });
  expect(distance(planOf(semi, 0.3).sum(0), b)).toBeLessThan(1e-13);
  expect(distance(planOf(semi, 0.3).sum(1), a)).toBeGreaterThan(1e-3);
  // Costs beyond 2 ρ are never paid.
  const none = await unbalancedEmd(a, b, C.add(1), { rho: 0.4, penalty: "tv" });
  expect(none.plan().sum().itemSync()).toBeLessThan(1e-15);
  expect(distance(none.value, 0.4 * (1.2 + 1.05))).toBeLessThan(1e-14);
});

test("small ε: entropic partial and unbalanced transport come to that without entropy", async () => {
  const exact = await partialEmd(a, b, C, { mass: 0.6 });
  const soft = await entropicPartial(a, b, C, { mass: 0.6, epsilon: 2e-3, maxIter: 50_000 });
  expect(soft.converged).toBe(true);
  expect(distance(soft.cost, exact.cost)).toBeLessThan(1e-3);
  const tv = await unbalancedEmd(a, b, C, { rho: 0.3, penalty: "tv" });
  const entropic = await sinkhorn(a, b, C, {
    epsilon: 1e-3,
    rho: 0.3,
    penalty: "tv",
    maxIter: 50_000,
    method: "stabilized",
  });
  expect(entropic.converged).toBe(true);
  expect(distance(entropic.cost() + 0.3 * (a.sum().itemSync() + b.sum().itemSync() - 2 * entropic.plan().sum().itemSync()), tv.value)).toBeLessThan(5e-3); // prettier-ignore
});

const tight = { epsilon: 0.5, tol: 1e-14 } as const;
const x = f64([[0, 0.2], [1, -0.3], [0.4, 0.9], [-0.5, 0.6]]); // prettier-ignore
const y = f64([[0.3, 0.1], [0.8, 0.5], [-0.2, 1.1]]); // prettier-ignore
const partial = { epsilon: 0.2, tol: 1e-14 } as const;
/** Weights in the last column. */
const beside = (t: Tensor): Tensor => concat([t, a.expandDims(1)], 1);
const parts = (t: Tensor): { rest: Tensor; w: Tensor } => ({ rest: t.slice(null, [0, -1]), w: t.slice(null, -1) });
const losses: [string, (t: Tensor) => Tensor, Tensor][] = [
  [
    "cost, squares, of value and plan",
    (c) => {
      const r = sinkhornCore(a, b, c, { ...tight, rho: 3, penalty: "l2" });
      return r.value.add(planOf(r, 0.5).square().sum());
    },
    C,
  ],
  [
    "cost and weights, total variation",
    (t) => sinkhornCore(parts(t).w, b, parts(t).rest, { ...tight, rho: 0.2, penalty: "tv" }).value,
    beside(C),
  ],
  [
    "points, weights and mass, partial",
    (t) => {
      const { rest, w } = parts(t);
      return entropicPartialCore(w, b, { x: rest, y }, { ...partial, mass: w.sum().mul(0.6) }).value;
    },
    beside(x),
  ],
  [
    "cost, partial, of the plan",
    (c) =>
      entropicPartialCore(a, b, c, { ...partial, mass: 0.7, entropy: "kl" })
        .plan.square()
        .sum(),
    C,
  ],
];
test.for(losses)("first and second derivatives in the %s", ([, loss, at]) => {
  for (const error of derivativeErrors(loss, at, 0.1)) expect(error).toBeLessThan(1e-8);
});

test("without entropy: gradients of the value in costs and weights", () => {
  for (const penalty of ["kl", "l2", "tv"] as const) {
    const options = { rho: penalty === "l2" ? 5 : 0.8, penalty, tol: 1e-13, maxIter: 100_000 };
    const inCosts = jit((c: Tensor) => unbalancedEmdCore(a, b, c, options).value);
    const v = random.normal(random.key(8), { shape: [4, 3], dtype: "float64" }).div(100);
    expect(distance(grad(inCosts)(C).mul(v).sum(), difference(inCosts, C, v))).toBeLessThan(1e-8);
    const inWeights = jit((w: Tensor) => unbalancedEmdCore(w, b, C, options).value);
    expect(distance(grad(inWeights)(a).mul(a).sum(), difference(inWeights, a, a))).toBeLessThan(1e-8);
  }
});

test("they batch; they say when they were cut short; a signal stops them; errors", async () => {
  const value = (w: Tensor): Tensor => entropicPartialCore(w, b, C, { ...partial, mass: 0.5 }).value;
  const many = jit(vmap(value))(stack([a, a.mul(2)]));
  expect(distance(many.slice(1), value(a.mul(2)))).toBeLessThan(1e-12);
  const short = await entropicPartial(a, b, C, { mass: 0.6, epsilon: 0.01, maxIter: 2 });
  expect([short.converged, short.status, short.iterations]).toEqual([false, "max-iterations", 2]);
  expect(short.residual).toBeGreaterThan(1e-6);
  const few = await unbalancedEmd(a, b, C, { rho: 1, maxIter: 3 });
  expect([few.converged, few.status, few.iterations]).toEqual([false, "max-iterations", 3]);
  // The bound holds: what is missing to the optimum is not more.
  const best = await unbalancedEmd(a, b, C, { rho: 1, tol: 1e-12, maxIter: 100_000 });
  expect(few.value - best.value).toBeGreaterThan(0);
  expect(few.value - best.value).toBeLessThanOrEqual(few.residual * 2.25);
  const divergence = sinkhornDivergence(x, x, { epsilon: 0.5, a, b: a, rho: 0.4, penalty: "tv" });
  expect(distance(divergence.value, 0)).toBeLessThan(1e-12);
  const signal = AbortSignal.abort(new Error("stop"));
  await expect(entropicPartial(a, b, C, { mass: 0.6, epsilon: 0.1, signal })).rejects.toThrow("stop");
  await expect(unbalancedEmd(a, b, C, { rho: 1, signal })).rejects.toThrow("stop");
  await expect(entropicPartial(a, b, C, { mass: 3, epsilon: 0.1 })).rejects.toThrow("mass is 3; wants at most");
  await expect(unbalancedEmd(a, b, C.sub(1), { rho: 1, penalty: "tv" })).rejects.toThrow("wants costs >= 0");
  await expect(unbalancedEmd(a, b, C, { rho: [1, 2], penalty: "tv" })).rejects.toThrow("wants one number");
  expect(() => sinkhornCore(a, b, C, { epsilon: 1, rho: 1, penalty: "l1" as "l2" })).toThrow("penalty is l1");
});
