/** Exact transport: the closed form on a line, assignment, and the derivatives of the optimum. */

import { readFileSync } from "node:fs";
import { fc, test as prop } from "@fast-check/vitest";
import { full, grad, hvp, jit, jvp, softmax, stack, tensor, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import { assignment, emd, emdCore, wasserstein1d } from "./index.js";
import { difference, distance, f64 } from "./fixtures/measure.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly n: number;
  readonly m: number;
  readonly seed: number;
  readonly cost: number;
  readonly assignment: number;
  readonly line: number[];
  readonly even: number[];
}
const cases = JSON.parse(readFileSync(new URL("fixtures/exact.json", import.meta.url), "utf8")) as Case[];

const range = (k: number): number[] => Array.from({ length: k }, (_, i) => i);
const normalised = (w: number[]): Tensor => f64(w.map((x) => x / w.reduce((s, y) => s + y, 0)));
const powers = [1, 2, 1.5];

describe.for(cases)("SciPy and POT, $n × $m", ({ n, m, seed, ...wanted }) => {
  const [i, j] = [range(n), range(m)];
  const C = f64(i.map((k) => j.map((l) => Math.sin(seed + 1.7 * k * (l + 1) + 0.3 * l)).map((c) => (seed % 2 === 0 ? Math.round(2 * c) : c)))); // prettier-ignore
  const a = normalised(i.map((k) => (seed === 6 ? 1 : 1.5 + Math.sin(k * seed))));
  const b = normalised(j.map((l) => (seed === 6 ? 1 : 1.5 + Math.cos(l * seed))));
  const x = f64(i.map((k) => Math.sin(3.1 * k + seed)));
  const y = f64(j.map((l) => Math.cos(2.3 * l - seed)));

  test("linprog", async () => {
    expect(distance((await emd(a, b, C)).cost, wanted.cost)).toBeLessThan(1e-12);
    const core = emdCore(a, b, C);
    expect(distance(core.value, wanted.cost)).toBeLessThan(1e-12);
    expect(core.residual.itemSync()).toBeLessThan(1e-12);
    expect(core.converged.itemSync()).toBe(1);
    expect(core.plan.min().itemSync()).toBeGreaterThan(-1e-15);
  });
  test("linear_sum_assignment", () => {
    expect(distance(assignment(C).value, wanted.assignment)).toBeLessThan(1e-12);
  });
  test("wasserstein_1d", () => {
    powers.forEach((p, k) => {
      expect(distance(wasserstein1d(x, y, { p, a, b }), wanted.line[k])).toBeLessThan(1e-12);
      expect(distance(wasserstein1d(x, y, { p }), wanted.even[k])).toBeLessThan(1e-12);
    });
  });
});

const problem = fc.tuple(fc.integer({ min: 1, max: 14 }), fc.integer({ min: 1, max: 14 })).chain(([n, m]) =>
  fc.record({
    C: fc.array(fc.array(fc.integer({ min: -5, max: 5 }), { minLength: m, maxLength: m }), {
      minLength: n,
      maxLength: n,
    }),
    jitter: fc.constantFrom(0, 0.3),
  }),
);

prop.prop([problem], { numRuns: 200 })("assignment: a matching with its certificate", ({ C, jitter }) => {
  const [n, m] = [C.length, C[0].length];
  const cost = C.map((row, i) => row.map((c, j) => c + jitter * Math.sin(i * m + j)));
  const r = assignment(f64(cost));
  const columns = Array.from(r.columns.dataSync());
  const rows = Array.from(r.rows.dataSync());
  const matched = columns.map((j, i) => [i, j]).filter(([, j]) => j >= 0);
  expect(matched.length).toBe(Math.min(n, m));
  for (const [i, j] of matched) expect(rows[j]).toBe(i);
  expect(rows.filter((i) => i >= 0).length).toBe(Math.min(n, m));
  const slack = f64(cost).sub(r.f.expandDims(1)).sub(r.g);
  expect(slack.min().itemSync()).toBeGreaterThan(-1e-12);
  // The potentials of who stays free are 0, of the longer side never positive: so the dual is feasible, and has the same value.
  if (n < m) expect(r.g.max().itemSync()).toBeLessThanOrEqual(0);
  if (n > m) expect(r.f.max().itemSync()).toBeLessThanOrEqual(0);
  expect(distance(r.f.sum().add(r.g.sum()), r.value)).toBeLessThan(1e-11);
});

test("emd, assignment and the line agree (1 of the theme)", async () => {
  const n = 60;
  const [x, y] = [1, 2].map((k) => random.normal(random.key(k), { shape: [n, 1], dtype: "float64" }));
  const w = full([n], 1 / n, { dtype: "float64" });
  const C = x.sub(y.T).square();
  const exact = (await emd(w, w, C)).cost;
  expect(distance(assignment(C).value.div(n), exact)).toBeLessThan(1e-10);
  expect(distance(wasserstein1d(x.flatten(), y.flatten(), { p: 2 }), exact)).toBeLessThan(1e-10);
  expect(distance(emdCore(w, w, { x, y }).value, exact)).toBeLessThan(1e-10);
});

const a = f64([0.12, 0.33, 0.2, 0.2, 0.15]);
const b = f64([0.41, 0.1, 0.29, 0.2]);
const C = random.uniform(random.key(7), { shape: [5, 4], dtype: "float64" });
const x = random.normal(random.key(8), { shape: [5, 2], dtype: "float64" });
const y = random.normal(random.key(9), { shape: [4, 2], dtype: "float64" });
const line = f64([0.3, -1.2, 0.8, 2.1, 0.1]);
const other = f64([0.5, -0.4, 1.9, -2]);
const shares = f64([0.1, -0.2, 0.3, 0, 0.2]);
const losses: [string, (t: Tensor) => Tensor, Tensor][] = [
  ["cost", (c) => emdCore(a, b, c).value, C],
  ["weights", (t) => emdCore(softmax(t), b, C).value, shares],
  ["points", (p) => emdCore(a, b, { x: p, y }).value, x],
  ["plan of the weights", (t) => emdCore(softmax(t), b, C).plan.mul(C.square()).sum(), shares],
  ["potentials of the cost", (c) => emdCore(a, b, c).f.square().sum(), C],
  ["points on a line", (t) => wasserstein1d(t, other, { p: 2, a, b }), line],
  ["points on a line, p = 1.5", (t) => wasserstein1d(t, other, { p: 1.5, a, b }), line],
  ["weights on a line", (t) => wasserstein1d(line, other, { p: 2, a: softmax(t), b }), shares],
  ["assignment's cost", (c) => assignment(c.square()).value, C],
];

test.for(losses)("first and second derivatives: %s", ([, loss, at]) => {
  const v = random.normal(random.key(3), { shape: at.shape, dtype: "float64" });
  const w = random.normal(random.key(4), { shape: at.shape, dtype: "float64" });
  const g = grad(loss);
  const slope = difference(loss, at, v);
  expect(distance(g(at).mul(v).sum(), slope)).toBeLessThan(1e-8);
  expect(distance(jvp(loss, [at], [v]).tangent, slope)).toBeLessThan(1e-8);
  expect(
    distance(
      hvp(loss, at, v).mul(w).sum(),
      difference((t) => g(t).mul(w).sum(), at, v),
    ),
  ).toBeLessThan(1e-8);
});

test("the gradients of the exact cost are the plan and the potentials", () => {
  const core = emdCore(a, b, C);
  expect(distance(grad((c: Tensor) => emdCore(a, b, c).value)(C), core.plan)).toBeLessThan(1e-15);
  const inWeights = grad((w: Tensor) => emdCore(w, b, C).value)(a);
  const shift = inWeights.sub(core.f);
  expect(distance(shift, shift.slice(0).itemSync())).toBeLessThan(1e-14);
});

test("they batch and compile", () => {
  const costs = stack([C, C.mul(2).add(0.1), C.square()]);
  const one = (c: Tensor): Tensor[] => {
    const { value, f, plan } = emdCore(a, b, c);
    return [value, f, plan, assignment(c).value];
  };
  const many = jit(vmap(one))(costs);
  const gradients = vmap(grad((c: Tensor) => emdCore(a, b, c).value))(costs);
  const inWeights = vmap(
    grad((w: Tensor, c: Tensor) => emdCore(w, b, c).value),
    { inAxes: [null, 0] },
  )(a, costs);
  for (let k = 0; k < 3; k++) {
    const alone = one(costs.slice(k));
    alone.forEach((t, i) => expect(many[i].slice(k).arraySync()).toEqual(t.arraySync()));
    expect(distance(gradients.slice(k), alone[2])).toBeLessThan(1e-15);
    const same = grad((w: Tensor) => emdCore(w, b, costs.slice(k)).value)(a);
    expect(distance(inWeights.slice(k), same)).toBeLessThan(1e-14);
  }
});

test("float32; a run that was cut short; errors", () => {
  const [p, q, c] = [a, b, C].map((t) => t.cast("float32"));
  const r = emdCore(p, q, c);
  expect(r.plan.dtype).toBe("float32");
  expect(distance(r.value.cast("float64"), emdCore(a, b, C).value)).toBeLessThan(1e-6);
  expect(emdCore(a, b, C, { maxIter: 1 }).converged.itemSync()).toBe(0);
  expect(() => emdCore(a, b.mul(2), C)).toThrow("emdCore: a sums to");
  expect(() => wasserstein1d(line, other, { a })).toThrow("a alone is given");
  expect(() => wasserstein1d(line, other, { p: 0.5 })).toThrow("p is 0.5");
  expect(() => assignment(tensor([[NaN]], { dtype: "float64" }))).toThrow("cost[0, 0] is NaN");
});
