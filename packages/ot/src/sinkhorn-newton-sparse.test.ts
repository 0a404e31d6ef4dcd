/** Sinkhorn-Newton-Sparse: the statements of its specification. */

import { full, grad, hvp, jit, softmax, stack, tensor, vmap, type Tensor } from "@curv/tensor";
import { expect, test, vi } from "vitest";
import { uniform, uniformWeights as weights } from "./fixtures/inputs.js";
import { difference, distance } from "./fixtures/measure.js";
import {
  costMatrix,
  emd,
  hessianApply,
  hessianSolve,
  sinkhorn,
  sinkhornNewtonSparse,
  sinkhornNewtonSparseCore,
  sparseHessian,
  type SnsOptions,
} from "./index.js";
import { evaluate } from "./lyapunov.js";
import { applyHessian, sparsifyPlan } from "./sparsify.js";

// Not a bound on speed: the machines of a build may be busy.
vi.setConfig({ testTimeout: 60_000 });

const even = (n: number): Tensor => full([n], 1 / n, { dtype: "float64" });
const marginalError = (P: Tensor, a: Tensor, b: Tensor): number =>
  P.sum(1).sub(a).abs().sum().add(P.sum(0).sub(b).abs().sum()).itemSync();

test("1: the minimiser of converged Sinkhorn; n ≠ m; the potentials of both conventions", async () => {
  const [a, b, C] = [weights(50, 1), weights(43, 2), uniform([50, 43], 3)];
  const r = await sinkhornNewtonSparse(a, b, C, { eta: 50, tol: 1e-12 });
  const s = await sinkhorn(a, b, C, { epsilon: 1 / 50, tol: 1e-13, maxIter: 50_000 });
  expect(r.converged && s.converged).toBe(true);
  expect(r.plan().sub(s.plan()).abs().max().itemSync()).toBeLessThan(1e-10);
  expect(Math.abs(r.regularizedCost - s.regularizedCost)).toBeLessThan(1e-10);
  const sum = r.f.expandDims(1).add(r.g);
  expect(sum.sub(s.f.expandDims(1).add(s.g)).abs().max().itemSync()).toBeLessThan(1e-9);
  expect(Math.abs(r.dual - r.regularizedCost)).toBeLessThan(1e-10); // 4: no gap
});

test("2, 3: marginals of the plan that is returned; the potential never falls; few Newton steps where Sinkhorn fails", async () => {
  const n = 120;
  const C = uniform([n, n], 4);
  const r = await sinkhornNewtonSparse(even(n), even(n), C, { eta: 600 });
  expect(r.status).toBe("converged");
  expect(marginalError(r.plan(), even(n), even(n))).toBeLessThanOrEqual(1.01e-10);
  const { history } = r;
  for (let k = 1; k < history.length; k++) {
    expect(history[k].eta).toBe(600);
    expect(history[k].potential - history[k - 1].potential).toBeGreaterThan(-1e-13 * Math.abs(history[k].potential));
  }
  const iterations = r.iterations.sinkhorn + r.iterations.newton;
  expect(iterations).toBeLessThan(100);
  const s = await sinkhorn(even(n), even(n), C, { epsilon: 1 / 600, tol: 1e-10, maxIter: 20 * iterations, block: 500 });
  expect(s.converged).toBe(false);
  // 9: close to the exact optimum.
  const exact = await emd(even(n), even(n), C);
  expect(r.cost - exact.cost).toBeGreaterThan(-1e-9);
  expect(r.cost - exact.cost).toBeLessThan(Math.log(n * n) / 600);
});

test("4: no duality gap, of sums over the plan that is returned", async () => {
  const [a, b, C] = [weights(25, 21), weights(31, 22), uniform([25, 31], 23)];
  const r = await sinkhornNewtonSparse(a, b, C, { eta: 100, tol: 1e-12 });
  expect(r.converged).toBe(true);
  const P = r.plan();
  const primal = P.mul(C).sum().add(P.mul(P.log()).sum().div(100));
  expect(distance(primal, r.dual)).toBeLessThanOrEqual(1e-10);
  expect(distance(primal, r.regularizedCost)).toBeLessThanOrEqual(1e-12);
});

test("5: gradient and Hessian of f are those of automatic differentiation and of differences", () => {
  const [n, m, eta] = [5, 4, 7];
  const [C, r, c, z, v] = [uniform([n, m], 24), weights(n, 25), weights(m, 26), uniform([n + m], 27), uniform([n + m], 28)]; // prettier-ignore
  const f = (t: Tensor): Tensor => {
    const [x, y] = [t.slice([0, n]), t.slice([n, n + m])];
    const mass = x.expandDims(1).add(y).sub(C).mul(eta).sub(1).exp().sum();
    return r.mul(x).sum().add(c.mul(y).sum()).sub(mass.div(eta));
  };
  const data = (t: Tensor): Float64Array => Float64Array.from(t.dataSync());
  const problem = { C: data(C), r: data(r), c: data(c), eta };
  const at = evaluate(problem, data(z).slice(0, n), data(z).slice(n));
  const gradient = tensor([...problem.r.map((w, i) => w - at.rows[i]), ...problem.c.map((w, j) => w - at.columns[j])], { dtype: "float64" }); // prettier-ignore
  expect(distance(f(z), at.potential)).toBeLessThan(1e-13);
  expect(distance(grad(f)(z), gradient)).toBeLessThan(1e-13);
  const slope = gradient.mul(v).sum().itemSync();
  expect(distance(slope, difference(f, z, v, 1e-4))).toBeLessThan(1e-8 * Math.max(1, Math.abs(slope)));
  const product = new Float64Array(n + m);
  const whole = sparsifyPlan(at.P, at.rows, at.columns, { kind: "dense" }, 1);
  applyHessian(whole, at.rows, at.columns, data(v), product);
  // Relative to the largest: exponents of this problem come to thousands.
  const wanted = tensor(product).mul(-eta);
  expect(distance(hvp(f, z, v), wanted)).toBeLessThan(1e-12 * Math.max(1, wanted.abs().max().itemSync()));
});

test("6: without a mask it is Newton's method: the last errors fall quadratically, to the floor", async () => {
  for (const seed of [5, 6, 7]) {
    const [a, b, C] = [weights(30, seed), weights(30, seed + 50), uniform([30, 30], seed + 100)];
    const r = await sinkhornNewtonSparse(a, b, C, { eta: 40, mask: { kind: "dense" }, tol: 1e-13 });
    expect(r.converged).toBe(true);
    const errors = r.history.filter((h) => h.stage === "newton").map((h) => h.marginalError);
    expect(errors.length).toBeGreaterThanOrEqual(3);
    const last = errors.slice(-3);
    // The linear systems are solved to 0.1 min(0.01, e), so that e² is what is left; below 1e-12 sums of the plan round.
    last.slice(1).forEach((e, k) => expect(e).toBeLessThanOrEqual(Math.max(100 * last[k] ** 2, 1e-12)));
  }
});

test("5: Hessian products equal the dense block matrix; the fixed mask keeps as many as it says, and the whole diagonal", () => {
  const [n, m] = [6, 5];
  const P = uniform([n, m], 8);
  const [rows, columns] = [P.sum(1), P.sum(0)].map((t) => Float64Array.from(t.dataSync()));
  const data = Float64Array.from(P.dataSync());
  const z = Float64Array.from(uniform([n + m], 9).dataSync());
  const out = new Float64Array(n + m);
  applyHessian(sparsifyPlan(data, rows, columns, { kind: "dense" }, 1), rows, columns, z, out);
  const [zx, zy] = [tensor(z.slice(0, n)), tensor(z.slice(n))];
  const wanted = [
    ...tensor(rows).mul(zx).add(P.matmul(zy)).dataSync(),
    ...tensor(columns).mul(zy).add(P.T.matmul(zx)).dataSync(),
  ];
  out.forEach((v, i) => expect(Math.abs(v - wanted[i])).toBeLessThan(1e-13));
  // 8 of the 11 + 60 elements, of which 11 would be the diagonal if all sums were largest: count as the rule does.
  const all = [...rows, ...columns, ...data, ...data].sort((p, q) => q - p);
  const fixed = sparsifyPlan(data, rows, columns, { kind: "fixed", lambda: 25 / 121 }, 1);
  expect(fixed.value.length).toBe(data.filter((p) => p >= all[24]).length);
  expect(fixed.value.length).toBeGreaterThan(0);
  const auto = sparsifyPlan(data, rows, columns, { kind: "auto" }, 1e-2);
  expect(auto.value.length).toBeLessThanOrEqual(n * m);
});

test("7, 8: gauge, permutations and a constant cost", async () => {
  const [a, b, C] = [weights(12, 10), weights(9, 11), uniform([12, 9], 12)];
  const P = (await sinkhornNewtonSparse(a, b, C, { eta: 30, tol: 1e-13 })).plan();
  const init = { x: full([12], 3, { dtype: "float64" }), y: full([9], -3, { dtype: "float64" }) };
  const others = [
    await sinkhornNewtonSparse(a, b, C, { eta: 30, tol: 1e-13, init }),
    await sinkhornNewtonSparse(a, b, C.add(5), { eta: 30, tol: 1e-13 }),
  ];
  for (const other of others) expect(other.plan().sub(P).abs().max().itemSync()).toBeLessThan(1e-12);
  const turned = await sinkhornNewtonSparse(a.slice([null, null, -1]), b, C.slice([null, null, -1]), {
    eta: 30,
    tol: 1e-13,
  });
  expect(turned.plan().slice([null, null, -1]).sub(P).abs().max().itemSync()).toBeLessThan(1e-12);
});

test("10: single points give the product plan", async () => {
  const one = await sinkhornNewtonSparse(even(1), weights(4, 13), uniform([1, 4], 14), { epsilon: 0.01 });
  expect(one.plan().slice(0).sub(weights(4, 13)).abs().max().itemSync()).toBeLessThan(1e-10);
});

test("11: float32 costs at eta max C = 5000, where Newton's steps fail at first: a path of smaller eta leads there", async () => {
  const n = 40;
  const [w, C] = [even(n).cast("float32"), uniform([n, n], 15).cast("float32")];
  const r = await sinkhornNewtonSparse(w, w, C, { eta: 5000 });
  expect(r.status).toBe("converged");
  expect(r.residual).toBeLessThan(1e-5);
  expect(r.history.some((h) => h.eta < 5000)).toBe(true);
  for (let k = 1; k < r.history.length; k++) {
    const [before, now] = [r.history[k - 1], r.history[k]];
    if (before.eta === now.eta) expect(now.potential).toBeGreaterThan(before.potential - 1e-13);
  }
  const exact = await sinkhornNewtonSparse(even(n), even(n), uniform([n, n], 15), { eta: 5000 });
  expect(exact.status).toBe("converged");
  expect(marginalError(exact.plan(), even(n), even(n))).toBeLessThan(1.01e-10);
});

test("city-block distances on a grid, where exact plans are many: a fine path of smaller eta leads there", async () => {
  const side = 14;
  const places = Float64Array.from({ length: 2 * side ** 2 }, (_, k) =>
    k % 2 ? (k >> 1) % side : Math.floor((k >> 1) / side),
  );
  const grid = tensor(places, { shape: [side ** 2, 2] });
  const C = costMatrix({ x: grid, y: grid, cost: "cityblock" }).div(2 * (side - 1));
  const spots = (seed: number): Tensor => {
    const w = uniform([side ** 2], seed)
      .sub(0.7)
      .maximum(0)
      .add(1e-4);
    return w.div(w.sum());
  };
  for (const seed of [4, 14]) {
    const r = await sinkhornNewtonSparse(spots(seed), spots(seed + 1), C, { eta: 1200, tol: 1e-8 });
    expect(r.status).toBe("converged");
    expect(marginalError(r.plan(), spots(seed), spots(seed + 1))).toBeLessThanOrEqual(1.01e-8);
  }
});

test("12: the plan is the gradient in the cost", async () => {
  const [a, b, C, v] = [weights(4, 16), weights(3, 17), uniform([4, 3], 18), uniform([4, 3], 19)];
  const at = async (t: number): Promise<number> =>
    (await sinkhornNewtonSparse(a, b, C.add(v.mul(t)), { eta: 20, tol: 1e-14 })).regularizedCost;
  const h = 1e-3;
  const slope = (8 * ((await at(h)) - (await at(-h))) - ((await at(2 * h)) - (await at(-2 * h)))) / (12 * h);
  const P = (await sinkhornNewtonSparse(a, b, C, { eta: 20, tol: 1e-14 })).plan();
  expect(distance(P.mul(v).sum(), slope)).toBeLessThan(1e-8);
});

/** Numbers in [0, 1) of a seed, without the cost of tensors: mulberry32. */
function* uniforms(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    yield ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}

test("2, fuzz: never `converged` with marginals that are off, whatever the problem", async () => {
  const masks: SnsOptions["mask"][] = [{ kind: "auto" }, { kind: "fixed", lambda: 0.1 }, { kind: "dense" }];
  const seen = { converged: 0, huge: 0, neighbours: 0, duplicates: 0, oblong: 0, float32: 0 };
  for (let seed = 0; seed < 500; seed++) {
    const draws = uniforms(seed);
    const next = (): number => draws.next().value;
    const [n, m] = [1 + Math.floor(6 * next()), 1 + Math.floor(6 * next())];
    const eta = 10 ** (5 * next());
    // Points on a line, every third problem with duplicates; costs up to 10¹².
    const isDuplicated = seed % 3 === 0;
    const point = (): number => (isDuplicated ? Math.floor(3 * next()) : next());
    const unit = seed % 5 === 0 ? 10 ** (12 * next()) : 1;
    const [x, y] = [Array.from({ length: n }, point), Array.from({ length: m }, point)];
    const costs = Float64Array.from({ length: n * m }, (_, k) => unit * (x[Math.floor(k / m)] - y[k % m]) ** 2);
    // Every seventh problem has weights beside which others are almost nothing.
    const isSteep = seed % 7 === 0;
    const weigh = (length: number): Float64Array => {
      const w = Float64Array.from({ length }, () => (isSteep ? next() ** 60 + 1e-100 : next() + 0.1));
      const sum = w.reduce((s, t) => s + t, 0);
      return w.map((t) => t / sum);
    };
    const dtype = seed % 11 === 0 && !isSteep ? "float32" : "float64";
    const [C, a, b] = [tensor(costs, { shape: [n, m] }), tensor(weigh(n)), tensor(weigh(m))].map((t) => t.cast(dtype));
    const mask = masks[seed % 4 === 3 ? 1 : seed % 3]!;
    const r = await sinkhornNewtonSparse(a, b, C, { eta, warmup: 20, maxNewton: 30, mask });
    expect(r.converged).toBe(r.status === "converged");
    const [P, p, q] = [r.plan(), a, b].map((t) => t.cast("float64"));
    const error = marginalError(P, p, q);
    if (!r.converged) expect(error).not.toBeLessThan(dtype === "float32" ? 1e-6 : 1e-11);
    else expect(error).toBeLessThanOrEqual(dtype === "float32" ? 1e-5 + 1e-6 : 1e-10 + 1e-14);
    seen.converged += r.converged ? 1 : 0;
    seen.huge += unit * eta > 1e8 ? 1 : 0;
    seen.neighbours += isSteep ? 1 : 0;
    seen.duplicates += isDuplicated ? 1 : 0;
    seen.oblong += n !== m ? 1 : 0;
    seen.float32 += dtype === "float32" ? 1 : 0;
  }
  // Not vacuous, in any of the ways in which problems are hard; the others must have said that they did not converge.
  expect(seen.converged).toBeGreaterThan(250);
  expect(seen.converged).toBeLessThan(500);
  for (const count of [seen.huge, seen.neighbours, seen.duplicates, seen.oblong, seen.float32])
    expect(count).toBeGreaterThan(30);
}, 120_000);

test("traps: no array of (n + m)²; a cold start is no NaN; a fixed mask on a diffuse plan says that it stalls", async () => {
  const [n, m] = [30, 26];
  const [a, b, C] = [weights(n, 30), weights(m, 31), uniform([n, m], 32)];
  let largest = 0;
  const Arrays = Float64Array;
  vi.stubGlobal(
    "Float64Array",
    class extends Arrays {
      constructor(...rest: [number]) {
        super(...rest);
        largest = Math.max(largest, this.length);
      }
    },
  );
  let r;
  try {
    r = await sinkhornNewtonSparse(a, b, C, { eta: 300 });
  } finally {
    vi.unstubAllGlobals();
  }
  expect([r.status, r.iterations.newton > 0]).toEqual(["converged", true]);
  expect(largest).toBe(n * m);
  const cold = await sinkhornNewtonSparse(a, b, C, { eta: 300, warmup: 0 });
  expect(Number.isFinite(cold.residual)).toBe(true);
  expect(cold.history.every((h) => Number.isFinite(h.potential) && Number.isFinite(h.marginalError))).toBe(true);
  // Densities on a line: the plan is spread over far more elements than the paper's 3 n.
  const line = Array.from({ length: 60 }, (_, i) => i / 59);
  const density = (centre: number): Tensor => {
    const w = tensor(
      line.map((t) => Math.exp(-((t - centre) ** 2) / 0.02) + 1e-3),
      { dtype: "float64" },
    );
    return w.div(w.sum());
  };
  const t = tensor(line, { dtype: "float64" });
  const spread = t.expandDims(1).sub(t).abs();
  const few = { eta: 600, mask: { kind: "fixed", lambda: 2 / 60 }, maxNewton: 30 } as const;
  const stuck = await sinkhornNewtonSparse(density(0.3), density(0.6), spread, few);
  expect(stuck.status).not.toBe("converged");
  expect(marginalError(stuck.plan(), density(0.3), density(0.6))).toBeGreaterThan(1e-10);
  const auto = await sinkhornNewtonSparse(density(0.3), density(0.6), spread, { eta: 600 });
  expect(auto.status).toBe("converged");
});

test("the core: traceable, with the driver's plan and derivatives to 1e-8, second ones included", async () => {
  const [a, b, C] = [weights(5, 33), weights(4, 34), uniform([5, 4], 35)];
  const options = { eta: 20, tol: 1e-13 };
  const r = sinkhornNewtonSparseCore(a, b, C, options);
  expect(r.converged.itemSync()).toBe(1);
  const driver = await sinkhornNewtonSparse(a, b, C, options);
  expect(distance(r.value, driver.regularizedCost)).toBeLessThan(1e-12);
  expect(distance(r.f.expandDims(1).add(r.g), driver.f.expandDims(1).add(driver.g))).toBeLessThan(1e-12);
  expect(r.iterations.itemSync()).toBe(driver.iterations.sinkhorn + driver.iterations.newton);
  const P = grad((c: Tensor) => sinkhornNewtonSparseCore(a, b, c, options).value)(C);
  expect(distance(P, driver.plan())).toBeLessThan(1e-12);
  const loss = (c: Tensor): Tensor => {
    const { f, g, value } = sinkhornNewtonSparseCore(softmax(c.sum(1)), b, c, options);
    return value.add(f.expandDims(1).add(g).square().mean());
  };
  const [v, w] = [uniform([5, 4], 36).div(10), uniform([5, 4], 37)];
  const g = jit(grad(loss));
  expect(distance(g(C).mul(v).sum(), difference(jit(loss), C, v))).toBeLessThan(1e-8);
  expect(
    distance(
      hvp(loss, C, v).mul(w).sum(),
      difference((t) => g(t).mul(w).sum(), C, v),
    ),
  ).toBeLessThan(1e-8);
  const many = jit(vmap((c: Tensor) => sinkhornNewtonSparseCore(a, b, c, options).value))(stack([C.mul(2), C]));
  expect(distance(many.slice(1), r.value)).toBeLessThan(1e-13);
  // Where ε is so small that Sinkhorn does not get there in 10,000 sweeps, the gradient is still right.
  const sharp = { eta: 2000, tol: 1e-10 };
  const steep = grad((c: Tensor) => sinkhornNewtonSparseCore(a, b, c, sharp).value)(C);
  expect(marginalError(steep, a, b)).toBeLessThan(1e-9);
  expect(() => sinkhornNewtonSparseCore(a, b, C, {})).toThrow("exactly one");
});

test("the sparse Hessian by itself: products and solves", async () => {
  const P = uniform([6, 5], 38);
  const whole = await sparseHessian(P, { mask: { kind: "dense" } });
  const z = { f: uniform([6], 39), g: uniform([5], 40) };
  const out = await hessianApply(whole, z);
  expect(distance(out.f, P.sum(1).mul(z.f).add(P.matmul(z.g)))).toBeLessThan(1e-12);
  expect(distance(out.g, P.sum(0).mul(z.g).add(P.T.matmul(z.f)))).toBeLessThan(1e-12);
  const solved = await hessianSolve(whole, out);
  expect(solved.converged).toBe(true);
  // Up to (t, −t), which the Hessian does not see.
  const again = await hessianApply(whole, solved.z);
  expect(distance(again.f, out.f) + distance(again.g, out.g)).toBeLessThan(1e-9);
  expect((await hessianSolve(whole, out, { maxIter: 1 })).converged).toBe(false);
  const sparse = await sparseHessian(P, { mask: { kind: "auto", deltaMax: 0.2 }, error: 0.2 });
  expect(sparse.plan.value.length).toBeLessThan(30);
  expect(sparse.rows).toEqual(whole.rows);
  await expect(hessianApply(whole, { f: z.g, g: z.f })).rejects.toThrow("f has length 5");
});

test("errors teach", async () => {
  const C = uniform([2, 2], 20);
  const zero = tensor([1, 0], { dtype: "float64" });
  await expect(sinkhornNewtonSparse(zero, even(2), C, { eta: 1 })).rejects.toThrow(
    "a[1] is 0; wants strictly positive",
  );
  await expect(sinkhornNewtonSparse(even(2), even(2).mul(2), C, { eta: 1 })).rejects.toThrow("a sums to 1, b to 2");
  await expect(sinkhornNewtonSparse(even(2), even(2), C.div(0), { eta: 1 })).rejects.toThrow("cost[0, 0] is Infinity");
  await expect(sinkhornNewtonSparse(even(2), even(2), C, { eta: 1, epsilon: 1 })).rejects.toThrow("exactly one");
  await expect(sinkhornNewtonSparse(even(2), even(2), C, undefined as never)).rejects.toThrow("exactly one");
  const from = (x: Tensor): Promise<unknown> =>
    sinkhornNewtonSparse(even(2), even(2), C, { eta: 1, init: { x, y: even(2) } });
  await expect(from(even(2).mul(NaN))).rejects.toThrow("init.x[0] is NaN");
  await expect(from(even(3))).rejects.toThrow("init.x has length 3; the cost wants 2");
  await expect(from(undefined as never)).rejects.toThrow("init.x is undefined; wants a Tensor");
  const start = { f: even(2), g: even(2).mul(Infinity) };
  await expect(sinkhorn(even(2), even(2), C, { epsilon: 1, init: start })).rejects.toThrow("init.g[0] is Infinity");
  expect((await sinkhornNewtonSparse(even(2), even(2), C, { eta: 1e8 })).warning).toContain("exponents round");
});
