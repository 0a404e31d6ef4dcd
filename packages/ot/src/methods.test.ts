/** Sliced, Gaussian, low-rank and Gromov–Wasserstein transport, barycentres, discrepancies, maps and flows: POT, SciPy, and theorems. */

import { readFileSync } from "node:fs";
import { concat, eye, grad, hvp, jit, vmap, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expect, test, vi } from "vitest";
import { from1, wave, waveWeights as weights } from "./fixtures/inputs.js";
import { derivativeErrors, difference, distance, f64 } from "./fixtures/measure.js";
import {
  applyLowRank,
  barycenter,
  barycenterCore,
  barycentricProjection,
  buresWasserstein,
  costMatrix,
  domainAdaptation,
  emd,
  energyDistance,
  entropicMap,
  factoredSquares,
  freeSupportBarycenter,
  gaussianBarycenter,
  gaussianMap,
  gradientFlow,
  gridBarycenter,
  gridBarycenterCore,
  gromovCost,
  gromovWasserstein,
  gromovWassersteinCore,
  lowRankSinkhorn,
  lowRankSinkhornCore,
  maxSlicedWasserstein,
  mmd,
  sinkhorn,
  sinkhornDivergence,
  sliceDirections,
  slicedWasserstein,
} from "./index.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

interface Values {
  readonly sliced: number[];
  readonly energy: number;
  readonly bures: number;
  readonly map: number[][];
  readonly gaussianBarycenter: number[][];
  readonly barycenter: number[];
  readonly debiased: number[];
  readonly grid: number[];
  readonly gridDebiased: number[];
  readonly free: number[];
  readonly gromov: number[];
  readonly lowRank: number;
  readonly emd: number;
}
const wanted = JSON.parse(readFileSync(new URL("fixtures/methods.json", import.meta.url), "utf8")) as Values;

const far = (x: Tensor, y: number[]): number => distance(x.flatten(), f64(y));

const [n, m, d] = [12, 9, 3];
const [x, y, a, b] = [wave(n, d, 1), wave(m, d, 2).add(0.5), weights(n, 1), weights(m, 2)];
const unit = (t: Tensor): Tensor => t.div(t.square().sum(1, { keepDims: true }).sqrt());
const theta = unit(wave(7, d, 3));

test("sliced: POT, derivatives, standard error, directions", () => {
  [1, 2].forEach((p, k) => {
    expect(distance(slicedWasserstein(x, y, theta, { a, b, p }).value, wanted.sliced[k])).toBeLessThan(1e-12);
  });
  const loss = (t: Tensor): Tensor => slicedWasserstein(t, y, theta, { a, b }).power;
  const [v, w] = [wave(n, d, 4), wave(n, d, 5)];
  const g = grad(loss);
  expect(distance(g(x).mul(v).sum(), difference(loss, x, v))).toBeLessThan(1e-8);
  const second = difference((t) => g(t).mul(w).sum(), x, v);
  expect(distance(hvp(loss, x, v).mul(w).sum(), second)).toBeLessThan(1e-8);
  // The standard error is that of the mean over independent directions.
  const many = sliceDirections(random.key(1), d, 4000, { dtype: "float64" });
  const means = vmap((t: Tensor) => slicedWasserstein(x, y, t, { a, b }).power)(many.reshape([40, 100, d]));
  const whole = slicedWasserstein(x, y, many, { a, b });
  const spread = means.sub(means.mean()).square().sum().div(39 * 40).sqrt(); // prettier-ignore
  expect(spread.div(whole.standardError).itemSync()).toBeGreaterThan(0.7);
  expect(spread.div(whole.standardError).itemSync()).toBeLessThan(1.4);
  const frames = sliceDirections(random.key(2), d, 5, { orthogonal: true, dtype: "float64" });
  expect(frames.shape).toEqual([5, d]);
  const first = frames.slice([0, 3]);
  expect(distance(first.matmul(first.T), eye(3, 3, { dtype: "float64" }))).toBeLessThan(1e-14);
});

test("max-sliced: not less than any of many directions; the mean displacement of a translation", () => {
  const r = maxSlicedWasserstein(x, y, theta, { a, b });
  expect(r.converged.itemSync()).toBe(1);
  const many = sliceDirections(random.key(3), d, 1000, { dtype: "float64" });
  const each = vmap((t: Tensor) => slicedWasserstein(x, y, t.expandDims(0), { a, b }).value)(many);
  expect(r.value.itemSync()).toBeGreaterThanOrEqual(each.max().itemSync());
  const shift = f64([3, 0, -4]);
  const moved = maxSlicedWasserstein(x, x.add(shift), theta);
  expect(distance(moved.value, 5)).toBeLessThan(1e-9);
  expect(distance(moved.direction.mul(shift).sum().abs(), 5)).toBeLessThan(1e-9);
  const slope = jit(grad((t: Tensor) => maxSlicedWasserstein(t, y, theta, { a, b }).power))(x);
  const v = wave(n, d, 6);
  const along = difference(
    jit((t: Tensor) => maxSlicedWasserstein(t, y, theta, { a, b, tol: 1e-9 }).power),
    x,
    v,
  );
  expect(distance(slope.mul(v).sum(), along)).toBeLessThan(1e-5);
});

const spreads = [1, 2, 3].map((s) =>
  wave(5, d, s)
    .T.matmul(wave(5, d, s))
    .add(eye(d, d, { dtype: "float64" }).mul(0.2)),
);
const gaussians = spreads.map((covariance, k) => ({ mean: wave(3, d, 4).slice(k), covariance }));

test("Gaussians: POT; the map carries one to the other; derivatives; a barycentre of one, and of equal ones", () => {
  const [p, q] = gaussians;
  expect(distance(buresWasserstein(p, q), wanted.bures)).toBeLessThan(1e-12);
  expect(distance(buresWasserstein(p, p), 0)).toBeLessThan(1e-13);
  const { matrix, offset } = gaussianMap(p, q);
  expect(far(matrix, wanted.map[0])).toBeLessThan(1e-12);
  expect(far(offset, wanted.map[1])).toBeLessThan(1e-12);
  expect(distance(matrix.matmul(p.covariance).matmul(matrix), q.covariance)).toBeLessThan(1e-12);
  const r = gaussianBarycenter(gaussians, { weights: f64([0.5, 0.2, 0.3]) });
  expect(r.converged.itemSync()).toBe(1);
  expect(far(r.mean, wanted.gaussianBarycenter[0])).toBeLessThan(1e-12);
  expect(far(r.covariance, wanted.gaussianBarycenter[1])).toBeLessThan(1e-9);
  expect(distance(gaussianBarycenter([q, q]).covariance, q.covariance)).toBeLessThan(1e-12);
  // Stationary: Σ w T_k = identity for the maps from the barycentre.
  const maps = gaussians.map((g, k) => gaussianMap(r, g).matrix.mul([0.5, 0.2, 0.3][k]));
  expect(distance(maps[0].add(maps[1]).add(maps[2]), eye(d, d, { dtype: "float64" }))).toBeLessThan(1e-11);
  const loss = (S: Tensor): Tensor => buresWasserstein({ mean: p.mean, covariance: S }, q);
  const v = spreads[2];
  expect(distance(grad(loss)(p.covariance).mul(v).sum(), difference(loss, p.covariance, v))).toBeLessThan(1e-8);
});

test("MMD and energy distance: SciPy, sums written out, tiles, the unbiased estimate", () => {
  const column = (t: Tensor): Tensor => t.slice(null, [0, 1]);
  expect(distance(energyDistance(column(x), column(y), { a, b }), wanted.energy)).toBeLessThan(1e-12);
  const K = (u: Tensor, v: Tensor): Tensor => costMatrix({ x: u, y: v }).div(-2 * 0.49).exp(); // prettier-ignore
  const form = (u: Tensor, v: Tensor, p: Tensor, q: Tensor): Tensor => p.matmul(K(u, v)).mul(q).sum();
  const direct = form(x, x, a, a)
    .add(form(y, y, b, b))
    .sub(form(x, y, a, b).mul(2));
  expect(distance(mmd(x, y, { a, b, bandwidth: 0.7 }), direct)).toBeLessThan(1e-14);
  expect(distance(mmd(x, y, { a, b, bandwidth: 0.7, tile: 4 }), direct)).toBeLessThan(1e-14);
  expect(distance(mmd(x, y, { kernel: "laplacian" }), mmd(x, y, { kernel: (u, v) => costMatrix({ x: u, y: v, cost: "euclidean" }).neg().exp() }))).toBeLessThan(1e-15); // prettier-ignore
  const off = (u: Tensor, k: number): Tensor => K(u, u).sum().sub(k).div(k * (k - 1)); // prettier-ignore
  const unbiased = off(x, n).add(off(y, m)).sub(K(x, y).mean().mul(2));
  expect(distance(mmd(x, y, { bandwidth: 0.7, unbiased: true }), unbiased)).toBeLessThan(1e-14);
  const loss = (t: Tensor): Tensor => energyDistance(t, y);
  expect(distance(grad(loss)(x).mul(x).sum(), difference(loss, x, x))).toBeLessThan(1e-8);
});

const line = from1(20).map((i) => (i - 1) / 19);
const normal = (t: Tensor): Tensor => t.div(t.sum(-1, { keepDims: true }));
const rows = normal(f64([0.2, 0.5, 0.8].map((c) => line.map((t) => Math.exp(-((t - c) ** 2) / 0.01) + 0.01))));
const square = f64(line.map((s) => line.map((t) => (s - t) ** 2)));
const shares = f64([0.5, 0.2, 0.3]);

test("barycentres on a support and on a grid: POT, and what debiasing is for", async () => {
  const options = { weights: shares, tol: 1e-12 };
  const plain = await barycenter(rows, square, { epsilon: 0.02, ...options });
  expect(plain.converged).toBe(true);
  expect(far(plain.barycenter, wanted.barycenter)).toBeLessThan(1e-9);
  const debiased = await barycenter(rows, square, { epsilon: 0.004, debiased: true, ...options });
  expect(far(debiased.barycenter, wanted.debiased)).toBeLessThan(1e-9);
  const points = f64(line.map((t) => [t]));
  const tiled = barycenterCore(rows, { x: points, y: points, tile: 7 }, { epsilon: 0.02, ...options });
  expect(distance(tiled.barycenter, plain.barycenter)).toBeLessThan(1e-12);
  // A line is a grid of one axis.
  const onLine = gridBarycenterCore(rows, { epsilon: 0.02, ...options });
  expect(distance(onLine.barycenter, plain.barycenter)).toBeLessThan(1e-12);
  // Of equal measures the debiased barycentre is that measure; the plain one is blurred.
  const same = await barycenter(rows.slice([0, 1]), square, { epsilon: 0.004, debiased: true, tol: 1e-10 });
  expect(distance(same.barycenter, rows.slice(0))).toBeLessThan(1e-7);
  const blurred = await barycenter(rows.slice([0, 1]), square, { epsilon: 0.004, tol: 1e-10 });
  expect(distance(blurred.barycenter, rows.slice(0))).toBeGreaterThan(1e-3);
  const side = (k: number): number[] => from1(k).map((i) => (i - 1) / (k - 1));
  const images = f64(
    [[0.2, 0.3], [0.8, 0.6]].map(([p, q]) => side(8).map((s) => side(6).map((t) => Math.exp(-((s - p) ** 2 + (t - q) ** 2) / 0.05) + 0.01))), // prettier-ignore
  );
  const total = images.sum([1, 2], { keepDims: true });
  const grid = { epsilon: 0.03, weights: f64([0.4, 0.6]), tol: 1e-12 };
  const image = await gridBarycenter(images.div(total), grid);
  expect(image.barycenter.shape).toEqual([8, 6]);
  expect(far(image.barycenter, wanted.grid)).toBeLessThan(1e-9);
  const sharp = await gridBarycenter(images.div(total), { ...grid, debiased: true });
  expect(far(sharp.barycenter, wanted.gridDebiased)).toBeLessThan(1e-9);
  const short = await barycenter(rows, square, { epsilon: 0.02, maxIter: 3 });
  expect([short.converged, short.status, short.iterations]).toEqual([false, "max-iterations", 3]);
});

const short = f64([0, 0.2, 0.35, 0.5, 0.7, 0.8, 1]);
const three = normal(wave(3, 7, 2).add(1.3));
const target = wave(7, 1, 3).flatten();
const softRows = (t: Tensor): Tensor => t.exp().div(t.exp().sum(1, { keepDims: true }));
/** Of a vector of logarithms of three measures, three weights and seven points. */
const averageOf = (t: Tensor): Tensor => {
  const points = t.slice([24, 31]).expandDims(1);
  const options = { epsilon: 0.1, weights: t.slice([21, 24]), tol: 1e-14 };
  return barycenterCore(softRows(t.slice([0, 21]).reshape([3, 7])), { x: points, y: points }, options).barycenter;
};
const averages: [string, (t: Tensor) => Tensor, Tensor][] = [
  ["measures, their weights and the points", averageOf, concat([three.log().flatten(), shares, short], 0)],
  [
    "pixels, debiased",
    (t) =>
      gridBarycenterCore(softRows(t).reshape([2, 3, 2]), {
        epsilon: 0.1,
        tol: 1e-14,
        debiased: true,
      }).barycenter.flatten(),
    wave(2, 6, 1).div(3),
  ],
];
test.for(averages)("barycentres: first and second derivatives in the %s", ([, average, at]) => {
  const loss = (t: Tensor): Tensor => {
    const w = average(t);
    return w
      .mul(target.slice([0, w.shape[0]]))
      .sum()
      .add(w.square().sum());
  };
  for (const error of derivativeErrors(loss, at, 0.05)) expect(error).toBeLessThan(1e-8);
});

test("the barycentre of Gaussians: first and second derivatives in covariances and weights", () => {
  const loss = (t: Tensor): Tensor => {
    const parts = gaussians.map((g, k) => ({ ...g, covariance: g.covariance.add(t.matmul(t.T).mul(k + 1)) }));
    const weight = shares.add(t.slice(0, 0).mul(f64([1, -1, 0])));
    const r = gaussianBarycenter(parts, { weights: weight });
    return r.covariance
      .mul(wave(d, d, 7))
      .sum()
      .add(r.mean.square().sum());
  };
  for (const error of derivativeErrors(loss, wave(d, 2, 8).div(10), 0.05)) expect(error).toBeLessThan(1e-8);
});

test("free support: POT; the cost never grows; entropic plans", async () => {
  const measures = [
    { points: x, weights: a },
    { points: y, weights: b },
  ];
  const options = { shares: [0.3, 0.7], maxIter: 200, tol: 1e-20 };
  const r = await freeSupportBarycenter(measures, wave(4, d, 5), options);
  expect(r.converged).toBe(true);
  expect(far(r.points, wanted.free)).toBeLessThan(1e-9);
  r.history.slice(1).forEach((h, k) => expect(h.cost).toBeLessThanOrEqual(r.history[k].cost + 1e-14));
  const entropic = await freeSupportBarycenter(measures, wave(4, d, 5), { epsilon: 5, maxIter: 6 });
  // Much entropy: every point goes to the mean.
  const mean = a.matmul(x).add(b.matmul(y)).div(2);
  expect(distance(entropic.points, mean)).toBeLessThan(0.2);
});

const C1 = costMatrix({ x, y: x, cost: "euclidean" });
const C2 = costMatrix({ x: y, y, cost: "euclidean" });
const features = costMatrix({ x: x.slice(null, [0, 2]), y: y.slice(null, [1, 3]) });

test("Gromov–Wasserstein: POT's objectives, plain, fused, entropic, both losses; marginals", async () => {
  let k = 0;
  for (const loss of ["square", "kl"] as const) {
    const [D1, D2] = loss === "square" ? [C1, C2] : [C1.add(0.5), C2.add(0.5)];
    const fused = { features, alpha: 0.6 };
    for (const options of [{}, fused, { epsilon: 0.3, tol: 1e-10 }, { ...fused, epsilon: 0.3, tol: 1e-10 }]) {
      const r = await gromovWasserstein(D1, D2, a, b, { loss, ...options });
      expect(r.converged).toBe(true);
      expect(distance(r.cost, wanted.gromov[k++])).toBeLessThan(1e-9);
      expect(distance(r.plan().sum(1), a) + distance(r.plan().sum(0), b)).toBeLessThan(1e-9);
    }
  }
});

test("Gromov–Wasserstein: the sum written out; derivatives; a permuted space is found at distance 0", async () => {
  const P = a.expandDims(1).mul(b);
  const gap = C1.reshape([n, 1, n, 1])
    .sub(C2.reshape([1, m, 1, m]))
    .square();
  const direct = gap
    .mul(P.reshape([n, m, 1, 1]))
    .mul(P)
    .sum();
  expect(distance(gromovCost(C1, C2, P), direct)).toBeLessThan(1e-13);
  const value = (t: Tensor): Tensor => gromovWassersteinCore(C1.add(t.expandDims(1).mul(t)), C2, a, b).value;
  const t = a.mul(0).add(0.1);
  expect(distance(grad(value)(t).mul(a).sum(), difference(value, t, a, 1e-4))).toBeLessThan(1e-8);
  // Costs that are not symmetric: the conditional gradient ends where nothing is left to gain.
  const skew = C1.add(wave(n, n, 7).div(5));
  const r = await gromovWasserstein(skew, C2, a, b);
  const slope = grad((T: Tensor) => gromovCost(skew, C2, T))(r.plan());
  const best = await emd(a, b, slope);
  expect(slope.mul(r.plan()).sum().itemSync() - best.cost).toBeLessThan(1e-8);
  const order = [3, 0, 4, 1, 2, 7, 5, 6, 11, 8, 10, 9];
  const shuffled = f64(order.map((i) => order.map((j) => C1.slice(i, j).itemSync())));
  const even = f64(order.map(() => 1 / n));
  let least = Infinity;
  for (let seed = 0; seed < 10 && least > 1e-9; seed++) {
    const cost = random.uniform(random.key(seed), { shape: [n, n], dtype: "float64" });
    const init = seed === 0 ? even.expandDims(1).mul(even) : (await emd(even, even, cost)).plan();
    least = Math.min(least, (await gromovWasserstein(C1, shuffled, even, even, { init })).cost);
  }
  expect(least).toBeLessThan(1e-9);
});

test("low rank: marginals, between the exact and the independent plan, close to POT's; rank 1 is the product", async () => {
  const cost = factoredSquares(x, y);
  expect(distance(cost.left.matmul(cost.right.T), costMatrix({ x, y }))).toBeLessThan(1e-14);
  const r = await lowRankSinkhorn(a, b, cost, { rank: 3 });
  expect(r.converged).toBe(true);
  const P = r.plan();
  expect(distance(P.sum(1), a) + distance(P.sum(0), b)).toBeLessThan(1e-5);
  expect(distance(r.g.sum(), 1)).toBeLessThan(1e-5);
  expect(distance(costMatrix({ x, y }).mul(P).sum(), r.cost)).toBeLessThan(1e-12);
  expect(distance(applyLowRank(r, y), P.matmul(y))).toBeLessThan(1e-14);
  const independent = a.matmul(costMatrix({ x, y })).mul(b).sum().itemSync();
  expect(r.cost).toBeGreaterThan(wanted.emd - 1e-6);
  // POT stops after 100 steps, with other step lengths: not the same digits, and not better by much.
  expect(r.cost).toBeLessThan(wanted.lowRank + 2e-3);
  expect(r.cost).toBeLessThan(independent - 0.5);
  const one = jit(() => lowRankSinkhornCore(a, b, cost, { rank: 1, tol: 1e-10 }))();
  expect(distance(one.value, independent)).toBeLessThan(1e-9);
  const more = await lowRankSinkhorn(a, b, cost, { rank: 8, maxIter: 60 });
  expect(more.cost).toBeLessThan(r.cost);
});

test("maps: the barycentric projection is the entropic map at the problem's points; new points", async () => {
  const s = await sinkhorn(a, b, { x, y }, { epsilon: 0.5, tol: 1e-12 });
  const map = (t: Tensor): Tensor => entropicMap(t, y, s.g, { epsilon: 0.5, b });
  expect(distance(map(x), barycentricProjection(s.plan(), y))).toBeLessThan(1e-10);
  expect(distance(jit(map)(x), map(x))).toBeLessThan(1e-14);
  // A translation is found, and carries new points.
  const shift = f64([2, -1, 0.5]);
  const { moved, transform, converged } = await domainAdaptation(x, x.add(shift));
  expect(converged).toBe(true);
  expect(distance(moved, x.add(shift))).toBeLessThan(1e-12);
  const fresh = wave(4, d, 8);
  expect(distance(transform(fresh), fresh.add(shift))).toBeLessThan(1e-12);
  const smooth = await domainAdaptation(x, y, { epsilon: 0.5, a, b, tol: 1e-11 });
  expect(distance(smooth.transform(x), smooth.moved)).toBeLessThan(1e-9);
});

test("gradient flow: the divergence falls, and the points arrive", async () => {
  const start = wave(6, 2, 1).div(4);
  const target = wave(6, 2, 2).add(1);
  const F = (t: Tensor): Tensor => sinkhornDivergence(t, target, { epsilon: 0.3, anderson: 5, tol: 1e-8 }).value;
  const r = await gradientFlow(F, start, { rate: 0.3, maxIter: 40, keep: 10 });
  const values = r.history.map((h) => h.value);
  values.slice(1).forEach((v, k) => expect(v).toBeLessThan(values[k]));
  expect(values[values.length - 1]).toBeLessThan(0.02 * values[0]);
  expect([r.converged, r.iterations, r.trajectory.length]).toEqual([false, 40, 5]);
  // Of a quadratic: each point's velocity does not depend on how many there are.
  const linear = await gradientFlow((t) => t.sub(1).square().sum(1).mean(), start, { rate: 0.25, maxIter: 1 });
  expect(distance(linear.points, start.add(1).div(2))).toBeLessThan(1e-14);
  const rest = await gradientFlow((t) => t.square().sum(), start, { rate: 0.05, tol: 1e-6, maxIter: 500 });
  expect(rest.converged).toBe(true);
});

test("errors", async () => {
  expect(() => slicedWasserstein(x, y.slice(null, [0, 2]), theta)).toThrow("wants one dimension");
  await expect(barycenter(rows, square, { epsilon: 0 })).rejects.toThrow("epsilon is 0");
  expect(() => gridBarycenterCore(rows.slice(0), { epsilon: 1 })).toThrow("wants [k, …grid]");
  await expect(gromovWasserstein(C1, C2, a, a)).rejects.toThrow("q has length 12");
  await expect(lowRankSinkhorn(a, b, factoredSquares(x, y), { rank: 20 })).rejects.toThrow("rank is 20");
  expect(() => gaussianBarycenter([])).toThrow("at least one");
  const stop = AbortSignal.abort(new Error("stop"));
  await expect(barycenter(rows, square, { epsilon: 0.02, signal: stop })).rejects.toThrow("stop");
});
