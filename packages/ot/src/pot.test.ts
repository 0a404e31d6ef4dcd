/** Exact, entropic and unbalanced plans against POT; exact ones against each other's certificates. */

import { readFileSync } from "node:fs";
import { fc, test as prop } from "@fast-check/vitest";
import { tensor, type Tensor } from "@curv/tensor";
import { describe, expect, test, vi } from "vitest";
import { emd, sinkhorn } from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Case {
  readonly n: number;
  readonly m: number;
  readonly seed: number;
  readonly emd: number;
  readonly sinkhorn: number[];
  readonly unbalanced: number[];
}
const cases = JSON.parse(readFileSync(new URL("fixtures/pot.json", import.meta.url), "utf8")) as Case[];

const f64 = (data: number[] | number[][]): Tensor => tensor(data, { dtype: "float64" });
const normalised = (w: number[]): number[] => w.map((x) => x / w.reduce((s, y) => s + y, 0));

function problem({ n, m, seed }: Case): { a: Tensor; b: Tensor; C: Tensor } {
  const range = (k: number): number[] => Array.from({ length: k }, (_, i) => i);
  return {
    a: f64(normalised(range(n).map((i) => 1.5 + Math.sin(i * seed)))),
    b: f64(normalised(range(m).map((j) => 1.5 + Math.cos(j * seed)))),
    C: f64(range(n).map((i) => range(m).map((j) => Math.abs(Math.sin(seed + 1.7 * i * (j + 1) + 0.3 * j)) + 0.1))),
  };
}
const furthest = (P: Tensor, wanted: number[]): number => P.flatten().sub(f64(wanted)).abs().max().itemSync();

describe.for(cases)("POT, $n × $m", (data) => {
  const { a, b, C } = problem(data);
  test("emd", async () => {
    const r = await emd(a, b, C);
    expect(Math.abs(r.cost - data.emd)).toBeLessThan(1e-12);
    expect(r.residual).toBeLessThan(1e-12);
  });
  test("sinkhorn", async () => {
    const r = await sinkhorn(a, b, C, { epsilon: 0.1, tol: 1e-13, maxIter: 100_000 });
    expect(r.converged).toBe(true);
    expect(furthest(r.plan(), data.sinkhorn)).toBeLessThan(1e-9);
    const scaled = await sinkhorn(a, b, C, { epsilon: 0.1, tol: 1e-12, maxIter: 100_000, initialEpsilon: 2 });
    expect(furthest(scaled.plan(), data.sinkhorn)).toBeLessThan(1e-9);
  });
  test("unbalanced", async () => {
    const r = await sinkhorn(a, b.mul(2), C, { epsilon: 0.1, rho: 1, tol: 1e-13 });
    expect(furthest(r.plan(), data.unbalanced)).toBeLessThan(1e-9);
  });
});

/** Small integers make ties and degenerate vertices; zeros are weights without mass. */
const transport = fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 })).chain(([n, m]) =>
  fc.record({
    a: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: n, maxLength: n }).filter((w) => w.some((x) => x > 0)),
    b: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: m, maxLength: m }).filter((w) => w.some((x) => x > 0)),
    C: fc.array(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: m, maxLength: m }), {
      minLength: n,
      maxLength: n,
    }),
    unit: fc.constantFrom(1, 1e-12, 1e12),
  }),
);

prop.prop([transport], { numRuns: 100 })(
  "emd: feasible in both problems, no gap, a vertex",
  async ({ a, b, C, unit }) => {
    const [p, q] = [normalised(a), normalised(b)];
    const r = await emd(f64(p), f64(q), f64(C.map((row) => row.map((c) => c * unit))));
    expect(r.converged).toBe(true);
    const P = r.plan();
    expect(P.sum(1).sub(f64(p)).abs().max().itemSync()).toBeLessThan(1e-14);
    expect(P.sum(0).sub(f64(q)).abs().max().itemSync()).toBeLessThan(1e-14);
    expect(P.min().itemSync()).toBeGreaterThanOrEqual(0);
    expect(r.mass.length).toBeLessThanOrEqual(p.length + q.length - 1);
    const slack = f64(C).mul(unit).sub(r.f.expandDims(1)).sub(r.g).min().itemSync();
    expect(slack).toBeGreaterThan(-1e-11 * unit);
    expect(r.residual).toBeLessThan(1e-11 * unit);
    // All pairs as a sparse problem, and a warm start: the same optimum.
    const [n, m] = [p.length, q.length];
    const from = Int32Array.from({ length: n * m }, (_, k) => Math.floor(k / m));
    const to = Int32Array.from({ length: n * m }, (_, k) => k % m);
    const sparse = await emd(f64(p), f64(q), { from, to, cost: Float64Array.from(C.flat(), (c) => c * unit) });
    const warm = await emd(f64(p), f64(q), f64(C).mul(unit), { warmStart: r });
    for (const other of [sparse, warm]) expect(Math.abs(other.cost - r.cost)).toBeLessThan(1e-12 * unit);
  },
);

test("emd: a run that was cut short says so; pairs that cannot carry the mass are refused; a signal stops it", async () => {
  const { a, b, C } = problem(cases[3]);
  const r = await emd(a, b, C, { maxIter: 3 });
  expect([r.converged, r.status, r.iterations]).toEqual([false, "max-iterations", 3]);
  const arc = { from: Int32Array.of(0), to: Int32Array.of(0), cost: Float64Array.of(1) };
  await expect(emd(a, b, arc)).rejects.toThrow("cannot carry the mass");
  await expect(emd(a, b.mul(2), C)).rejects.toThrow(/emd: a sums to .*, b to/);
  const stopped = sinkhorn(a, b, C, { epsilon: 0.1, tol: 0, signal: AbortSignal.abort(new Error("stop")) });
  await expect(stopped).rejects.toThrow("stop");
});
