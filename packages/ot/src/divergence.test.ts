/** The Sinkhorn divergence, partial transport, Greenkhorn and Anderson acceleration. */

import { readFileSync } from "node:fs";
import { fc, test as prop } from "@fast-check/vitest";
import { concat, full, jit, softmax, stack, tensor, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import { derivativeErrors, distance, f64 } from "./fixtures/measure.js";
import {
  emd,
  greenkhorn,
  partialEmd,
  partialEmdCore,
  runSinkhornDivergence,
  sinkhorn,
  sinkhornCore,
  sinkhornDivergence,
} from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly n: number;
  readonly m: number;
  readonly seed: number;
  readonly partial: number[];
  readonly divergence: number;
}
const cases = JSON.parse(readFileSync(new URL("fixtures/divergence.json", import.meta.url), "utf8")) as Case[];
const range = (k: number): number[] => Array.from({ length: k }, (_, i) => i);
const normalised = (w: number[]): Tensor => f64(w.map((x) => x / w.reduce((s, y) => s + y, 0)));

describe.for(cases)("POT, $n × $m", ({ n, m, seed, ...wanted }) => {
  const [i, j] = [range(n), range(m)];
  const C = f64(i.map((k) => j.map((l) => Math.sin(seed + 1.7 * k * (l + 1) + 0.3 * l) + 1.2)));
  const a = normalised(i.map((k) => 1.5 + Math.sin(k * seed)));
  const b = normalised(j.map((l) => 1.5 + Math.cos(l * seed)));
  const x = f64(i.map((k) => [Math.sin(3.1 * k + seed), Math.cos(1.3 * k)]));
  const y = f64(j.map((l) => [Math.sin(2.3 * l - seed), Math.cos(0.7 * l) + 0.3]));

  test("partial_wasserstein", async () => {
    const masses = [0.1, 0.6, 0.99];
    for (const [k, mass] of masses.entries()) {
      const r = await partialEmd(a, b.mul(1.3), C, { mass });
      expect(distance(r.cost, wanted.partial[k])).toBeLessThan(1e-9);
      const P = r.plan();
      expect(distance(P.sum(), mass)).toBeLessThan(1e-12);
      expect(P.sum(1).sub(a).max().itemSync()).toBeLessThan(1e-14);
      expect(P.sum(0).sub(b.mul(1.3)).max().itemSync()).toBeLessThan(1e-14);
      // A constant in the cost, of either sign, moves the value alone.
      const lower = partialEmdCore(a, b.mul(1.3), C.sub(3), { mass });
      expect(distance(lower.value, wanted.partial[k] - 3 * mass)).toBeLessThan(1e-9);
    }
  });
  test("the divergence of three converged problems", () => {
    const r = sinkhornDivergence(x, y, { epsilon: 0.5, a, b, tol: 1e-13 });
    expect(distance(r.value, wanted.divergence)).toBeLessThan(1e-9);
  });
});

const halfSquare = (u: Tensor, v: Tensor): Tensor => u.sub(v.T).square().div(2);

test("divergence: values of the specification", () => {
  const x = f64([[0], [1], [3], [4.5]]);
  const y = f64([[0.5], [2], [2.5]]);
  const [a, b] = [f64([0.1, 0.4, 0.3, 0.2]), f64([0.5, 0.2, 0.3])];
  const at = (epsilon: number, maxIter: number): number =>
    sinkhornDivergence(x, y, { epsilon, a, b, cost: halfSquare, tol: 1e-12, maxIter, anderson: 5 }).value.itemSync();
  expect(Math.abs(at(1, 10_000) - 0.4905559301333687)).toBeLessThan(1e-8);
  expect(Math.abs(at(0.1, 10_000) - 0.5496608398746827)).toBeLessThan(1e-8);
});

test("divergence: GeomLoss's names; the driver gives the same, reports all three problems, and stops", async () => {
  const x = f64([[0], [1], [3], [4.5]]);
  const y = f64([[0.5], [2], [2.5]]);
  const [a, b] = [f64([0.1, 0.4, 0.3, 0.2]), f64([0.5, 0.2, 0.3])];
  const options = { a, b, blur: 1, tol: 1e-12, anderson: 5 };
  expect(distance(sinkhornDivergence(x, y, options).value, 0.4905559301333687)).toBeLessThan(1e-8);
  const seen: string[] = [];
  const r = await runSinkhornDivergence(x, y, { ...options, onProgress: ({ problem }) => seen.push(problem) });
  expect([r.converged, r.status]).toEqual([true, "converged"]);
  expect(Math.abs(r.value - 0.4905559301333687)).toBeLessThan(1e-8);
  expect(new Set(seen)).toEqual(new Set(["xy", "xx", "yy"]));
  expect(r.history.map((h) => h.problem)).toEqual(seen);
  const core = sinkhornDivergence(x, y, options);
  expect(distance(r.xy.f, core.xy.f) + distance(r.xx, core.xx.f) + distance(r.yy, core.yy.f)).toBeLessThan(1e-10);
  const short = await runSinkhornDivergence(x, y, { ...options, blur: 0.1, maxIter: 3 });
  expect([short.converged, short.status, short.iterations.xy]).toEqual([false, "max-iterations", 3]);
  // p = 1 with a small blur: W1 between the measures is 0.9, and S differs from it by less than ε log 4.
  const one = await runSinkhornDivergence(x, y, {
    a,
    b,
    blur: 0.1,
    p: 1,
    tol: 1e-6,
    method: "stabilized",
    maxIter: 100_000,
  });
  expect(Math.abs(one.value - 0.9)).toBeLessThan(0.1 * Math.log(4));
  const reached = sinkhornDivergence(x, y, { a, b, blur: 1, reach: 2, tol: 1e-12 });
  const same = sinkhornDivergence(x, y, { a, b, epsilon: 1, rho: 4, cost: halfSquare, tol: 1e-12 });
  expect(distance(reached.value, same.value)).toBeLessThan(1e-13);
  const signal = AbortSignal.abort(new Error("stop"));
  await expect(runSinkhornDivergence(x, y, { epsilon: 1, signal })).rejects.toThrow("stop");
  expect(() => sinkhornDivergence(x, y, { epsilon: 1, blur: 1 })).toThrow("exactly one");
  expect(() => sinkhornDivergence(x, y, { epsilon: 1, p: 1 })).toThrow("they are for blur");
});

const clouds = fc.record({
  n: fc.integer({ min: 1, max: 6 }),
  m: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  epsilon: fc.constantFrom(1, 10),
});
prop.prop([clouds], { numRuns: 4 })("divergence: not negative, 0 for equal measures, symmetric", (at) => {
  const x = random.normal(random.key(at.seed), { shape: [at.n, 2], dtype: "float64" }).div(2);
  const y = random.normal(random.key(at.seed + 2000), { shape: [at.m, 2], dtype: "float64" }).div(2);
  const S = (u: Tensor, v: Tensor): number => {
    const r = sinkhornDivergence(u, v, { epsilon: at.epsilon, tol: 1e-11, maxIter: 2000 });
    expect(r.converged.itemSync()).toBe(1);
    return r.value.itemSync();
  };
  const value = S(x, y);
  expect(value).toBeGreaterThan(-1e-10);
  expect(Math.abs(S(x, x))).toBeLessThan(1e-10);
  expect(Math.abs(S(y, x) - value)).toBeLessThan(1e-9);
});

test("divergence: transport for small ε, a discrepancy for large ε", async () => {
  const x = random.normal(random.key(1), { shape: [12, 2], dtype: "float64" });
  const y = random.normal(random.key(2), { shape: [9, 2], dtype: "float64" });
  const [a, b] = [12, 9].map((n) => full([n], 1 / n, { dtype: "float64" }));
  const exact = (await emd(a, b, { x, y })).cost;
  const near = sinkhornDivergence(x, y, { epsilon: 0.01, initialEpsilon: 5, anderson: 5 });
  expect(near.converged.itemSync()).toBe(1);
  expect(distance(near.value, exact)).toBeLessThan(0.02 * exact);
  // ½ of the squared MMD with the kernel −|x − y|²: for squared costs the squared distance of the means.
  const far = sinkhornDivergence(x, y, { epsilon: 1e5 }).value;
  expect(distance(far, x.mean(0).sub(y.mean(0)).square().sum())).toBeLessThan(1e-3);
});

const options = { epsilon: 1, tol: 1e-14 } as const;
const x = f64([[0, 0.2], [1, -0.3], [0.4, 0.9], [-0.5, 0.6]]); // prettier-ignore
const y = f64([[0.3, 0.1], [0.8, 0.5], [-0.2, 1.1]]); // prettier-ignore
const mass = f64([0.4, 0.3, 0.2, 0.3]);
const b = f64([0.5, 0.2, 0.3]);
/** Points in the first two columns, weights in the third. */
const weighted = concat([x, mass.expandDims(1)], 1);
const parts = (t: Tensor): { p: Tensor; w: Tensor } => ({ p: t.slice(null, [0, 2]), w: t.slice(null, 2) });
const losses: [string, (t: Tensor) => Tensor, Tensor][] = [
  [
    "points and weights",
    (t) => sinkhornDivergence(parts(t).p, y, { ...options, a: softmax(parts(t).w), b }).value,
    weighted,
  ],
  [
    "points and weights, unbalanced",
    (t) => sinkhornDivergence(y, parts(t).p, { ...options, a: b, b: parts(t).w, rho: 1.5 }).value,
    weighted,
  ],
  ["partial transport's cost", (t) => partialEmdCore(mass, b, t, { mass: 0.55 }).value, random.uniform(random.key(6), { shape: [4, 3], dtype: "float64" })],
  ["partial transport's mass", (t) => partialEmdCore(mass, b, { x, y }, { mass: t.sum() }).value, f64([0.3, 0.22])],
]; // prettier-ignore
test.for(losses)("first and second derivatives in the %s", ([, loss, at]) => {
  for (const error of derivativeErrors(loss, at)) expect(error).toBeLessThan(1e-8);
});

test("divergence: unbalanced measures have S(α, α) = 0 and S ≥ 0; it batches and compiles", () => {
  const S = (w: Tensor): Tensor => sinkhornDivergence(x, y, { ...options, a: w, b, rho: 2 }).value;
  expect(S(mass).itemSync()).toBeGreaterThan(0);
  expect(distance(sinkhornDivergence(x, x, { ...options, a: mass, b: mass, rho: 2 }).value, 0)).toBeLessThan(1e-13);
  const many = jit(vmap(S))(stack([mass, mass.mul(2)]));
  expect(distance(many.slice(1), S(mass.mul(2)))).toBeLessThan(1e-12);
});

const C = random.uniform(random.key(5), { shape: [20, 30], dtype: "float64" });
const p = normalised(range(20).map((k) => 1 + Math.sin(k) ** 2));
const q = normalised(range(30).map((k) => (k === 3 ? 0 : 1 + Math.cos(k) ** 2)));

test("Anderson acceleration: the same plan in a fraction of the sweeps, unbalanced too, and with ε-scaling", async () => {
  const plain = await sinkhorn(p, q, C, { epsilon: 0.02, tol: 1e-11, maxIter: 20_000 });
  const fast = await sinkhorn(p, q, C, { epsilon: 0.02, tol: 1e-11, maxIter: 20_000, anderson: 5 });
  expect(plain.converged && fast.converged).toBe(true);
  expect(distance(fast.plan(), plain.plan())).toBeLessThan(1e-9);
  expect(fast.iterations).toBeLessThan(plain.iterations / 3);
  const scaled = await sinkhorn(p, q, C, {
    epsilon: 0.02,
    tol: 1e-11,
    maxIter: 20_000,
    anderson: 5,
    initialEpsilon: 1,
  });
  expect(distance(scaled.plan(), plain.plan())).toBeLessThan(1e-9);
  const loose = { epsilon: 0.02, tol: 1e-11, rho: 1 };
  const [slow, quick] = [sinkhornCore(p, q, C, loose), sinkhornCore(p, q, C, { ...loose, anderson: 5 })];
  expect(distance(slow.f, quick.f)).toBeLessThan(1e-9);
  expect(quick.iterations.itemSync()).toBeLessThan(slow.iterations.itemSync() / 2);
});

test("Greenkhorn: Sinkhorn's plan and potentials, and it says when it was cut short", async () => {
  const wanted = await sinkhorn(p, q, C, { epsilon: 0.05, tol: 1e-12, maxIter: 20_000 });
  const r = await greenkhorn(p, q, C, { epsilon: 0.05, tol: 1e-12 });
  expect(r.converged).toBe(true);
  expect(distance(r.plan(), wanted.plan())).toBeLessThan(1e-9);
  const live = q.greater(0).cast("float64");
  expect(distance(r.g.mul(live), wanted.g.mul(live))).toBeLessThan(1e-9);
  const P = r.plan();
  expect(distance(P.sum(1), p) + distance(P.sum(0), q)).toBeLessThan(1e-12);
  const short = await greenkhorn(p, q, C, { epsilon: 0.05, maxIter: 5 });
  expect([short.converged, short.status, short.iterations]).toEqual([false, "max-iterations", 5]);
  // Greed: of the cyclic order five updates from the same start would fit five rows in turn and gain less.
  expect(short.residual).toBeLessThan((await greenkhorn(p, q, C, { epsilon: 0.05, maxIter: 0 })).residual);
  // ε so small that exp(−C/ε) has rows of zeros.
  const tiny = await greenkhorn(p, q, C.add(3), { epsilon: 0.003, maxIter: 2000 });
  expect(Number.isFinite(tiny.residual)).toBe(true);
});

test("errors", async () => {
  await expect(partialEmd(mass, b, { x, y }, { mass: 2 })).rejects.toThrow("mass is 2; wants at most");
  expect(() => sinkhornDivergence(x, tensor([[1, 2, 3]], { dtype: "float64" }), { epsilon: 1 })).toThrow("dimension");
  await expect(greenkhorn(p, q.mul(2), C, { epsilon: 1 })).rejects.toThrow("greenkhorn: a sums to");
});
