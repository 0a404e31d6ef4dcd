/** Statements that hold for all solvers: one plan, whatever the method; conventions; sizes; bits. */

import { full, jit, stack, type Tensor } from "@curv/tensor";
import { expect, test, vi } from "vitest";
import { uniform, uniformWeights as weights } from "./fixtures/inputs.js";
import { difference, distance, f64 } from "./fixtures/measure.js";
import {
  barycenter,
  costMatrix,
  emd,
  emdCore,
  entropicPartial,
  freeSupportBarycenter,
  greenkhorn,
  gromovWasserstein,
  lowRankSinkhorn,
  factoredSquares,
  partialEmd,
  sinkhorn,
  sinkhornCore,
  sinkhornDivergence,
  sinkhornNewtonSparse,
  unbalancedEmd,
  type SinkhornOptions,
} from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

const [a, b, C] = [weights(18, 1), weights(13, 2), uniform([18, 13], 3)];

test("2: every entropic method returns the same plan, to 1e-7", async () => {
  const epsilon = 0.03;
  const wanted = await sinkhorn(a, b, C, { epsilon, tol: 1e-12, maxIter: 50_000 });
  expect(wanted.converged).toBe(true);
  const schedules: Partial<SinkhornOptions>[] = [
    { method: "stabilized" },
    { initialEpsilon: 1 },
    { initialEpsilon: 1, method: "stabilized" },
    { relaxation: 1.4 },
    { relaxation: "auto" },
    { momentum: 0.4 },
    { anderson: 5 },
    { momentum: 0.3, relaxation: 1.1, initialEpsilon: 1 },
  ];
  for (const schedule of schedules) {
    const r = await sinkhorn(a, b, C, { epsilon, tol: 1e-10, ...schedule });
    expect(r.converged).toBe(true);
    expect(distance(r.plan(), wanted.plan())).toBeLessThan(1e-7);
    // What accelerates does: the plain sweeps are the baseline that these must beat.
    const isAccelerated = Object.keys(schedule).some((key) => ["relaxation", "momentum", "anderson"].includes(key));
    if (isAccelerated) expect(r.iterations).toBeLessThan(0.8 * wanted.iterations);
  }
  const others = [await greenkhorn(a, b, C, { epsilon, tol: 1e-10 }), await sinkhornNewtonSparse(a, b, C, { epsilon })];
  for (const r of others) {
    expect(r.converged).toBe(true);
    expect(distance(r.plan(), wanted.plan())).toBeLessThan(1e-7);
  }
});

test("the kernel absorbs: the log domain's iterates, where exp(−C/ε) is all zeros", async () => {
  const [epsilon, cost] = [1e-3, C.add(1)];
  expect(cost.div(-epsilon).exp().max().itemSync()).toBe(0);
  const options = { epsilon, tol: 0, maxIter: 37 };
  const log = await sinkhorn(a, b, cost, options);
  const kernel = await sinkhorn(a, b, cost, { ...options, method: "stabilized" });
  expect(kernel.iterations).toBe(37);
  expect(distance(kernel.f, log.f) + distance(kernel.g, log.g)).toBeLessThan(1e-12);
  const unbalanced = { ...options, rho: 2 };
  const [one, other] = [await sinkhorn(a, b, cost, unbalanced), await sinkhorn(a, b, cost, { ...unbalanced, method: "stabilized" })]; // prettier-ignore
  expect(distance(one.f, other.f)).toBeLessThan(1e-12);
  await expect(sinkhorn(a, b, cost, { epsilon, method: "stabilized", anderson: 5 })).rejects.toThrow(
    "wants none of them",
  );
});

test("blocks carry their state on: the driver takes the core's sweeps, whatever their length", async () => {
  for (const schedule of [
    {},
    { relaxation: "auto" },
    { momentum: 0.4 },
    { anderson: 5 },
    { initialEpsilon: 2 },
  ] as const) {
    const options = { epsilon: 0.05, tol: 1e-9, ...schedule };
    const core = sinkhornCore(a, b, C, options);
    const r = await sinkhorn(a, b, C, { ...options, block: 7 });
    expect(r.iterations).toBe(core.iterations.itemSync());
    expect(distance(r.f, core.f)).toBeLessThan(1e-12);
  }
});

test("sweeps grow like 1/ε, and the contraction is within the bound of Hilbert's metric", async () => {
  const costs = uniform([12, 12], 4);
  const w = full([12], 1 / 12, { dtype: "float64" });
  const counts: number[] = [];
  for (const epsilon of [0.04, 0.02, 0.01]) {
    const r = await sinkhorn(w, w, costs, { epsilon, tol: 1e-9, maxIter: 100_000, method: "stabilized" });
    expect(r.converged).toBe(true);
    counts.push(r.iterations);
  }
  expect(counts[1] / counts[0]).toBeGreaterThan(1.3);
  expect(counts[2] / counts[1]).toBeGreaterThan(1.3);
  const epsilon = 0.5;
  const early = await sinkhorn(w, w, costs, { epsilon, tol: 0, maxIter: 3 });
  const late = await sinkhorn(w, w, costs, { epsilon, tol: 0, maxIter: 6 });
  const range = costs.max().sub(costs.min()).itemSync();
  expect((late.residual / early.residual) ** (1 / 3)).toBeLessThanOrEqual(Math.tanh(range / (2 * epsilon)) ** 2 + 1e-3);
});

test("float32: the log domain and the kernel work at ε = 10⁻⁴ max C, and say what they reached", async () => {
  const [p, q, costs] = [a, b, C.div(C.max())].map((t) => t.cast("float32"));
  for (const method of ["log", "stabilized"] as const) {
    const r = await sinkhorn(p, q, costs, { epsilon: 1e-4, initialEpsilon: 1, maxIter: 3000, method });
    const P = r.plan().cast("float64");
    const error = P.sum(1).sub(p).abs().sum().add(P.sum(0).sub(q).abs().sum()).itemSync();
    // An exponent of 10⁴ has an error of 10⁻³ in float32.
    expect(error).toBeLessThan(0.1);
    expect(Math.abs(error - r.residual)).toBeLessThan(2e-2);
    expect(r.converged).toBe(r.residual <= 1e-5);
    const exact = await emd(a, b, C.div(C.max()));
    expect(Math.abs(r.cost() - exact.cost)).toBeLessThan(0.02);
  }
});

test("6: every solver accepts n ≠ m, single points and repeated points", async () => {
  const clouds = [
    [f64([[0.3, 0.1]]), f64([[0, 1], [1, 1], [0.5, 0.2]])],
    [f64([[0, 0], [0, 0], [1, 0], [1, 0]]), f64([[0, 0], [1, 0], [1, 0]])],
  ]; // prettier-ignore
  for (const [x, y] of clouds) {
    const [n, m] = [x.shape[0], y.shape[0]];
    const [p, q] = [weights(n, 5), weights(m, 6)];
    const cost = { x, y };
    const epsilon = 0.2;
    const fits = (P: Tensor, allowed = 1e-8): void => {
      expect(distance(P.sum(1), p)).toBeLessThan(allowed);
      expect(distance(P.sum(0), q)).toBeLessThan(allowed);
    };
    fits((await emd(p, q, cost)).plan());
    fits(emdCore(p, q, cost).plan);
    for (const method of ["log", "stabilized"] as const) fits((await sinkhorn(p, q, cost, { epsilon, method })).plan());
    fits((await sinkhorn(p, q, cost, { epsilon, anderson: 5, relaxation: "auto" })).plan());
    fits((await greenkhorn(p, q, cost, { epsilon })).plan());
    fits((await sinkhornNewtonSparse(p, q, cost, { epsilon })).plan());
    fits((await lowRankSinkhorn(p, q, factoredSquares(x, y), { rank: 1 })).plan(), 1e-5);
    const own = (t: Tensor): Tensor => costMatrix({ x: t, y: t, cost: "euclidean" });
    fits((await gromovWasserstein(own(x), own(y), p, q)).plan());
    expect((await partialEmd(p, q, cost, { mass: 0.5 })).converged).toBe(true);
    expect((await entropicPartial(p, q, cost, { mass: 0.5, epsilon })).converged).toBe(true);
    expect((await unbalancedEmd(p, q, cost, { rho: 1 })).converged).toBe(true);
    expect(sinkhornDivergence(x, y, { epsilon, a: p, b: q }).value.itemSync()).toBeGreaterThan(-1e-10);
    const rows = stack([p, p]);
    expect((await barycenter(rows, cost, { epsilon })).converged).toBe(true);
    expect((await freeSupportBarycenter([{ points: x, weights: p }], y, { b: q })).converged).toBe(true);
  }
});

test("7: identical inputs give identical bits", async () => {
  const options = { epsilon: 0.1, maxIter: 60, tol: 0 };
  const bits = async (): Promise<unknown[]> => [
    (await emd(a, b, C)).plan().arraySync(),
    (await sinkhorn(a, b, C, options)).f.arraySync(),
    (await sinkhorn(a, b, C, { ...options, method: "stabilized" })).f.arraySync(),
    (await sinkhornNewtonSparse(a, b, C, { epsilon: 0.1 })).x.arraySync(),
    (await greenkhorn(a, b, C, { epsilon: 0.1, maxIter: 100 })).f.arraySync(),
  ];
  expect(await bits()).toEqual(await bits());
});

test("the derivative in ε is the entropy of the plan", () => {
  const at = f64([0.3]);
  const value = jit((e: Tensor) => sinkhornCore(a, b, C, { epsilon: e.slice(0), tol: 1e-13, entropy: "kl" }).value);
  const { f, g } = sinkhornCore(a, b, C, { epsilon: 0.3, tol: 1e-13 });
  const P = f.expandDims(1).add(g).sub(C).div(0.3).exp().mul(a.expandDims(1)).mul(b);
  const kl = P.mul(P.div(a.expandDims(1).mul(b)).log()).sum();
  expect(distance(kl, difference(value, at, f64([1])))).toBeLessThan(1e-8);
});
