/** The traceable core of Sinkhorn: values, derivatives, batches, tiles. */

import { concat, grad, jit, softmax, stack, tensor, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test, vi } from "vitest";
import { derivativeErrors } from "./fixtures/measure.js";
import { sinkhornCore, type SinkhornCoreOptions } from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

const f64 = (data: number[] | number[][]): Tensor => tensor(data, { dtype: "float64" });
const a = f64([0.1, 0.3, 0.2, 0.25, 0.15]);
const b = f64([0.4, 0.1, 0.3, 0.2]);
const C = f64(
  Array.from({ length: 5 }, (_, i) => Array.from({ length: 4 }, (_, j) => Math.abs(1.3 * i - 1.7 * j) ** 1.5)),
);

const planOf = ({ f, g }: { f: Tensor; g: Tensor }, epsilon: number): Tensor =>
  f.expandDims(1).add(g).sub(C).div(epsilon).exp().mul(a.expandDims(1)).mul(b);

test("values of the specification, Newton-converged", () => {
  const r = sinkhornCore(a, b, C, { epsilon: 1, tol: 1e-13 });
  expect(r.converged.itemSync()).toBe(1);
  expect(r.value.itemSync()).toBeCloseTo(-1.1993326844732513, 11);
  expect(planOf(r, 1).mul(C).sum().itemSync()).toBeCloseTo(0.9289282778021783, 11);
  expect(sinkhornCore(a, b, C, { epsilon: 1, tol: 1e-13, entropy: "kl" }).value.itemSync()).toBeCloseTo(
    1.6250010624572764,
    11,
  );
  const gauge = a.mul(r.f).sum().sub(b.mul(r.g).sum()).itemSync();
  expect(Math.abs(gauge)).toBeLessThan(1e-14);
});

test("twenty thousand sweeps at a small epsilon are not enough, and it says so", () => {
  const r = jit(() => sinkhornCore(a, b, C, { epsilon: 0.1, tol: 1e-9, maxIter: 20_000 }))();
  expect(r.converged.itemSync()).toBe(0);
  expect(r.residual.itemSync()).toBeGreaterThan(1e-7);
});

test("unbalanced: values of the specification", () => {
  const r = sinkhornCore(a, b.mul(2), C, { epsilon: 0.1, rho: 1, tol: 1e-13 });
  const P = r.f.expandDims(1).add(r.g).sub(C).div(0.1).exp().mul(a.expandDims(1)).mul(b.mul(2));
  expect(P.sum().itemSync()).toBeCloseTo(1.0957925364, 9);
  expect(P.mul(C).sum().itemSync()).toBeCloseTo(0.3076668565, 9);
});

test.for<[string, Partial<SinkhornCoreOptions>]>([
  ["over-relaxation", { relaxation: 1.5 }],
  ["epsilon scaling", { initialEpsilon: 8 }],
])("%s finds the same potentials", ([, options]) => {
  const plain = sinkhornCore(a, b, C, { epsilon: 0.5, tol: 1e-13, maxIter: 50_000 });
  const other = sinkhornCore(a, b, C, { epsilon: 0.5, tol: 1e-13, maxIter: 50_000, ...options });
  expect(other.converged.itemSync()).toBe(1);
  expect(other.f.sub(plain.f).abs().max().itemSync()).toBeLessThan(1e-9);
  if (options.relaxation !== undefined) {
    expect(other.iterations.itemSync()).toBeLessThan(0.7 * plain.iterations.itemSync());
  }
});

test("weights of zero give finite potentials and gradients", () => {
  const zero = f64([0, 0.4, 0.2, 0.25, 0.15]);
  const loss = (c: Tensor): Tensor => sinkhornCore(zero, b, c, { epsilon: 1 }).value;
  const g = grad(loss)(C);
  expect(Array.from(g.dataSync()).every(Number.isFinite)).toBe(true);
  expect(g.slice(0).abs().max().itemSync()).toBe(0);
});

const options = { epsilon: 1, tol: 1e-14 } as const;
const x = f64([[0, 0.2], [1, -0.3], [0.4, 0.9], [-0.5, 0.6]]); // prettier-ignore
const y = f64([[0.3, 0.1], [0.8, 0.5], [-0.2, 1.1]]); // prettier-ignore
const q = f64([0.5, 0.2, 0.3]);
const problems: [string, (t: Tensor) => Tensor, Tensor][] = [
  ["cost, of value and plan", (c) => sinkhornCore(a, b, c, options).value.add(planOfCost(c).mul(C.square()).sum()), C],
  [
    "points, tiled, and weights",
    (t) => sinkhornCore(softmax(t.slice(null, 2)), q, { x: t.slice(null, [0, 2]), y, tile: 3 }, options).value,
    concat([x, f64([0.1, -0.2, 0.3, 0]).expandDims(1)], 1),
  ],
  [
    "points, unbalanced",
    (p) => sinkhornCore(f64([0.2, 0.3, 0.4, 0.3]), q, { x: p, y }, { ...options, rho: [2, 3] }).value,
    x,
  ],
];
const planOfCost = (c: Tensor): Tensor => {
  const { f, g } = sinkhornCore(a, b, c, options);
  return f.expandDims(1).add(g).sub(c).exp().mul(a.expandDims(1)).mul(b);
};

test.for(problems)("first and second derivatives in the %s", ([, loss, at]) => {
  for (const error of derivativeErrors(loss, at)) expect(error).toBeLessThan(1e-8);
});

test("the gradient in the cost is the plan", () => {
  const g = grad((c: Tensor) => sinkhornCore(a, b, c, options).value)(C);
  expect(g.sub(planOfCost(C)).abs().max().itemSync()).toBeLessThan(1e-14);
});

test("tiles give the numbers of the dense path, under jit too", () => {
  const p = f64([0.2, 0.3, 0.4, 0.1]);
  const run = (tile?: number) => (px: Tensor) => {
    const r = sinkhornCore(p, q, { x: px, y, ...(tile === undefined ? {} : { tile }) }, options);
    return [r.f, r.g];
  };
  const dense = run()(x);
  for (const other of [run(1)(x), run(2)(x), run(3)(x), jit(run(3))(x)]) {
    expect(other.map((t) => t.arraySync())).toEqual(dense.map((t) => t.arraySync()));
  }
});

test("tiles bound what exists at once: no array of all costs, in the value or its gradient", () => {
  const [n, tile] = [40, 8];
  let largest = 0;
  const cost = (u: Tensor, v: Tensor): Tensor => {
    largest = Math.max(largest, u.shape[0] * v.shape[0]);
    return u.expandDims(1).sub(v).square().sum(2);
  };
  const cloud = (seed: number): Tensor => random.normal(random.key(seed), { shape: [n, 2], dtype: "float64" });
  const w = f64(Array.from({ length: n }, () => 1 / n));
  const loss = (px: Tensor): Tensor => sinkhornCore(w, w, { x: px, y: cloud(2), cost, tile }, { epsilon: 2 }).value;
  const g = grad(loss)(cloud(1));
  expect(largest).toBe(n * tile);
  const dense = grad((px: Tensor) => sinkhornCore(w, w, { x: px, y: cloud(2) }, { epsilon: 2 }).value)(cloud(1));
  expect(g.sub(dense).abs().max().itemSync()).toBeLessThan(1e-12);
});

test("vmap gives each problem its own answer", () => {
  const weights = stack([b, f64([0.1, 0.2, 0.3, 0.4])]);
  const value = (w: Tensor): Tensor => sinkhornCore(a, w, C, options).value;
  const together = jit(vmap(value))(weights).dataSync();
  expect(together[0]).toBeCloseTo(value(b).itemSync(), 13);
  expect(together[1]).toBeCloseTo(value(weights.slice(1)).itemSync(), 13);
  const gradients = vmap(grad((c: Tensor) => sinkhornCore(a, b, c, options).value))(stack([C, C.mul(2)]));
  expect(gradients.slice(0).sub(planOfCost(C)).abs().max().itemSync()).toBeLessThan(1e-13);
});
