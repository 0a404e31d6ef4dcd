/** What solvers owe beside solutions: derivatives, jit, many right-hand sides, trees, progress, cancellation, the truth, and clear errors. */

import {
  DomainError,
  eye,
  grad,
  hvp,
  isCurvError,
  jit,
  jvp,
  matmul,
  ShapeError,
  tensor,
  vmap,
  zeros,
  type Tensor,
} from "@curv/tensor";
import { inv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test, vi } from "vitest";
import {
  bicgstab,
  bicgstabCore,
  cg,
  cgCore,
  denseOperator,
  diagonalOperator,
  gmres,
  gmresCore,
  linearOperator,
  lsmr,
  lsmrCore,
  lsqr,
  lsqrCore,
  minres,
  minresCore,
  richardson,
  richardsonCore,
  statuses,
  type LinearOperator,
} from "./index.js";

const draw = (seed: number, shape: number[], dtype: "float32" | "float64" = "float64"): Tensor =>
  random.normal(random.key(seed), { shape, dtype });
const n = 6;
const square = draw(1, [n, n]);
const identity = eye(n, n, { dtype: "float64" });
const spd = square.matmul(square.transpose()).div(n).add(identity);
const symmetric = square.add(square.transpose());
const general = square.mul(0.2).add(identity);
const tall = draw(2, [9, n]);
const b = draw(3, [n]);
const exact = { rtol: 1e-14 };
const close = (x: Tensor, y: Tensor, tolerance: number): void => {
  expect(x.shape).toEqual(y.shape);
  const [p, q] = [x.dataSync(), y.dataSync()];
  q.forEach((v, i) => expect(Math.abs(p[i] - v)).toBeLessThanOrEqual(tolerance * (1 + Math.abs(v))));
};

type Core = (a: LinearOperator, b: Tensor, o?: object) => { readonly x: Tensor };
const cores: Readonly<Record<string, readonly [Core, Tensor, boolean]>> = {
  cg: [cgCore, spd, true],
  minres: [minresCore, symmetric, true],
  gmres: [gmresCore, general, false],
  bicgstab: [bicgstabCore, general, false],
};

describe.each(Object.keys(cores))("%s, traceable", (name) => {
  const [core, a, isSymmetric] = cores[name];
  const solve = (m: Tensor, v: Tensor): Tensor => core(denseOperator(m, { symmetric: isSymmetric }), v, exact).x;
  const direct = (m: Tensor, v: Tensor): Tensor => matmul(inv(m), v);
  // Symmetric directions, where the method believes in symmetry.
  const along = (m: Tensor): Tensor => (isSymmetric ? m.add(m.transpose()) : m);

  test("is the solution, under jit and vmap too", () => {
    close(solve(a, b), direct(a, b), 1e-11);
    close(jit(solve)(a, b), direct(a, b), 1e-11);
    const bs = draw(4, [3, n]);
    close(vmap(solve, { inAxes: [null, 0] })(a, bs), vmap(direct, { inAxes: [null, 0] })(a, bs), 1e-11);
    close(solve(a, draw(5, [n, 4])), matmul(inv(a), draw(5, [n, 4])), 1e-11);
  });

  test("first and second derivatives in A and b are those of A⁻¹ b", () => {
    const scalar =
      (f: typeof solve) =>
      (p: { m: Tensor; v: Tensor }): Tensor =>
        f(along(p.m), p.v)
          .mul(draw(6, [n]))
          .sum()
          .tanh();
    const at = { m: along(a).div(isSymmetric ? 4 : 1), v: b };
    const dir = { m: draw(7, [n, n]), v: draw(8, [n]) };
    const [got, wanted] = [grad(scalar(solve))(at), grad(scalar(direct))(at)];
    close(got.m, wanted.m, 1e-8);
    close(got.v, wanted.v, 1e-8);
    close(jvp(scalar(solve), [at], [dir]).tangent, jvp(scalar(direct), [at], [dir]).tangent, 1e-8);
    const [h, wantedH] = [hvp(scalar(solve), at, dir), hvp(scalar(direct), at, dir)];
    close(h.m, wantedH.m, 1e-7);
    close(h.v, wantedH.v, 1e-7);
  });
});

describe.each([
  ["lsqr", lsqrCore],
  ["lsmr", lsmrCore],
] as const)("%s, traceable", (_name, core) => {
  test("is the least-squares solution, with its derivatives", () => {
    const c = draw(9, [9]);
    const solve = (p: { m: Tensor; v: Tensor }): Tensor =>
      core(denseOperator(p.m), p.v, { rtol: 1e-14, atol: 1e-14, damping: 0.3 })
        .x.mul(draw(6, [n]))
        .sum();
    const direct = ({ m, v }: { m: Tensor; v: Tensor }): Tensor =>
      matmul(inv(m.transpose().matmul(m).add(identity.mul(0.09))), matmul(m.transpose(), v))
        .mul(draw(6, [n]))
        .sum();
    const at = { m: tall, v: c };
    close(solve(at), direct(at), 1e-10);
    close(jit(solve)(at), direct(at), 1e-10);
    const [g, wanted] = [grad(solve)(at), grad(direct)(at)];
    close(g.m, wanted.m, 1e-8);
    close(g.v, wanted.v, 1e-8);
  });
});

test("preconditioners: exact inverses need a step or two, and the solution stays", async () => {
  const operator = denseOperator(spd, { positiveSemidefinite: true });
  const preconditioner = denseOperator(inv(spd), { symmetric: true });
  for (const solve of [cg, minres, gmres, bicgstab]) {
    const result = await solve(operator, b, { preconditioner });
    expect(result.converged).toBe(true);
    expect(result.iterations).toBeLessThanOrEqual(2);
    close(result.x, matmul(inv(spd), b), 1e-7);
  }
});

test("a good start needs fewer steps, the solution none", async () => {
  const operator = denseOperator(spd, { symmetric: true });
  const x = matmul(inv(spd), b);
  expect(await cg(operator, b, { x0: x })).toMatchObject({ converged: true, iterations: 0 });
  const near = await cg(operator, b, { x0: x.add(draw(9, [n]).mul(1e-6)) });
  expect(near.iterations).toBeLessThan((await cg(operator, b)).iterations);
  expect(await cg(operator, zeros([n], { dtype: "float64" }))).toMatchObject({
    converged: true,
    iterations: 0,
    residual: 0,
  });
});

test("trees: Newton's direction of a model, in its parameters' shape", async () => {
  const params = { w: draw(11, [3, 2]), b: draw(12, [2]) };
  const x = draw(13, [8, 3]);
  const loss = (p: typeof params): Tensor =>
    x.matmul(p.w).add(p.b).tanh().square().mean().add(p.w.square().sum()).add(p.b.square().sum());
  const operator = linearOperator({
    matvec: (v: typeof params) => hvp(loss, params, v),
    domain: params,
    symmetric: true,
  });
  const g = grad(loss)(params);
  const { x: step, converged } = await cg(operator, g);
  expect(converged).toBe(true);
  const back = operator.apply(step);
  close(back.w, g.w, 1e-6);
  close(back.b, g.b, 1e-6);
});

test("an operator that cannot be traced is stepped through", async () => {
  const products: number[] = [];
  const operator = linearOperator({
    matvec: (v: Tensor) => {
      products.push(v.dataSync()[0]); // a traced value would throw
      return matmul(spd, v);
    },
    domain: b,
    symmetric: true,
    eager: true,
  });
  const [eager, traced] = [await cg(operator, b), await cg(denseOperator(spd, { symmetric: true }), b)];
  expect(eager).toMatchObject({ converged: true, iterations: traced.iterations });
  expect(products.length).toBeGreaterThanOrEqual(eager.iterations);
});

test("progress is told, and a signal stops the run", async () => {
  const slow = diagonalOperator(tensor(Float64Array.from({ length: 400 }, (_, i) => 1.05 ** i)), {
    positiveSemidefinite: true,
  });
  const rhs = draw(14, [400]);
  const onProgress = vi.fn();
  await cg(slow, rhs, { rtol: 1e-12, maxIter: 300, onProgress });
  expect(onProgress.mock.calls.length).toBeGreaterThan(3);
  const seen = onProgress.mock.calls.map(([p]) => (p as { iterations: number }).iterations);
  expect(seen).toEqual(seen.toSorted((p, q) => p - q));
  const controller = new AbortController();
  const stopped = cg(slow, rhs, {
    rtol: 0,
    maxIter: 100_000,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(stopped).rejects.toThrow(/abort/i);
  await expect(cg(slow, rhs, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
});

describe("what did not work says so", () => {
  test("steps used up", async () => {
    expect(await cg(denseOperator(spd, { symmetric: true }), b, { maxIter: 2 })).toMatchObject({
      converged: false,
      status: "maxIter",
      iterations: 2,
    });
  });
  test("an indefinite matrix given to cg", async () => {
    const operator = diagonalOperator(tensor(Float64Array.of(1, -1, 2)));
    expect(await cg(operator, tensor(Float64Array.of(1, 2, 1)))).toMatchObject({
      converged: false,
      status: "indefinite",
    });
    const { status } = cgCore(operator, tensor(Float64Array.of(1, 2, 1)));
    expect(statuses[status.itemSync() - 1]).toBe("indefinite");
  });
  test("the floor of the precision", async () => {
    const operator = denseOperator(spd.cast("float32"), { symmetric: true });
    const result = await cg(operator, b.cast("float32"), { rtol: 1e-12 });
    expect(result).toMatchObject({ converged: false, status: "precision" });
    expect(result.residual).toBeLessThan(1e-5);
  });
  test("Richardson: growth proves divergence only where A is symmetric, and not preconditioned", async () => {
    // (I − A)² = 0: the residual grows a thousandfold, and is gone after two steps.
    const nilpotent = denseOperator(tensor(Float64Array.of(1, -1e3, 0, 1), { shape: [2, 2] }));
    const start = tensor(Float64Array.of(0, 1));
    expect(await richardson(nilpotent, start, { stepSize: 1 })).toMatchObject({ converged: true, iterations: 2 });
    // A transient of many growths: a shift to the left by 1.5 a step, which falls off the end.
    const shift = eye(8, 8, { k: 1, dtype: "float64" }).mul(1.5);
    const last = eye(8, 8, { dtype: "float64" }).slice(7);
    const long = await richardson(denseOperator(eye(8, 8, { dtype: "float64" }).sub(shift)), last, { stepSize: 1 });
    expect(long).toMatchObject({ converged: true, iterations: 8 });
    expect(Math.max(...long.history)).toBeCloseTo(1.5 ** 7, 8);
    // What grows for ever is found in the end, there too; a symmetric one after three steps.
    const diagonal = eye(3, 3, { dtype: "float64" }).mul(tensor(Float64Array.of(2.5, 1, 0.5)));
    const rhs = tensor(Float64Array.of(1, 1, 1));
    const general = await richardson(denseOperator(diagonal), rhs, { stepSize: 1 });
    expect(general).toMatchObject({ converged: false, status: "diverged" });
    const said = denseOperator(diagonal, { symmetric: true });
    const short = await richardson(said, rhs, { stepSize: 1 });
    expect(short).toMatchObject({ converged: false, status: "diverged" });
    expect(short.iterations).toBeLessThan(general.iterations / 2);
    const core = richardsonCore(said, rhs, { stepSize: 1 });
    expect(statuses[core.status.itemSync() - 1]).toBe("diverged");
    // A singular one keeps a part of the residual as it is, to rounding: no growth.
    const singular = diagonalOperator(tensor(Float64Array.of(0, 1, 0.5)));
    expect((await richardson(singular, rhs, { stepSize: 0.3, maxIter: 400 })).status).not.toBe("diverged");
  });
  test("a breakdown of Bi-CGSTAB", async () => {
    const turn = denseOperator(tensor(Float64Array.of(0, 1, -1, 0), { shape: [2, 2] }));
    const result = await bicgstab(turn, tensor(Float64Array.of(1, 0)));
    expect(result).toMatchObject({ converged: false, status: "breakdown" });
    expect(await gmres(turn, tensor(Float64Array.of(1, 0)))).toMatchObject({ converged: true, iterations: 2 });
  });
});

describe("bad input is refused", () => {
  const operator = denseOperator(spd, { symmetric: true });
  const bad = tensor(Float64Array.of(1, 2, NaN, 0, 0, 0));
  test.each<[string, () => Promise<unknown>, new (...args: never[]) => Error, string]>([
    ["NaN in b", () => cg(operator, bad), DomainError, "cg: b has NaN at [2]; wants finite numbers."],
    ["NaN in x0", () => gmres(operator, b, { x0: bad }), DomainError, "gmres: x0 has NaN at [2]"],
    ["infinity in b", () => lsqr(operator, b.mul(Infinity)), DomainError, "lsqr: b has"],
    ["shape of b", () => cg(operator, draw(1, [5])), ShapeError, "cg: b has shape [5]; wants a vector [6]."],
    [
      "not square",
      () => minres(denseOperator(tall), b),
      ShapeError,
      "minres: the operator is 9 × 6; wants a square one.",
    ],
    ["not symmetric", () => cg(denseOperator(general), b), DomainError, "cg: the operator is not symmetric: uᵀAv = "],
    [
      "not symmetric, but said so",
      () => minres(denseOperator(general, { symmetric: true }), b),
      DomainError,
      "minres: the operator is not symmetric",
    ],
    ["rtol", () => cg(operator, b, { rtol: -1 }), DomainError, "cg: rtol is -1, atol is 0; wants numbers >= 0."],
    ["maxIter", () => cg(operator, b, { maxIter: 1.5 }), DomainError, "cg: maxIter is 1.5; wants an integer >= 0."],
    [
      "restart",
      async () => gmres(operator, b, { restart: 0 }),
      DomainError,
      "gmres: restart is 0; wants an integer >= 1.",
    ],
    ["damping", () => lsmr(operator, b, { damping: NaN }), DomainError, "lsmr: damping is NaN"],
    [
      "preconditioner",
      () => cg(operator, b, { preconditioner: diagonalOperator(draw(1, [5])) }),
      ShapeError,
      "the preconditioner is 5 × 5; wants 6 × 6",
    ],
    [
      "NaN in a product",
      () => gmres(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: b }), b),
      DomainError,
      "gmres: a product of the operator has NaN or an infinity, in step 1",
    ],
    [
      "NaN in a product, before the first step",
      () => cg(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: b, symmetric: true }), b),
      DomainError,
      "cg: a product of the operator has NaN",
    ],
    [
      "NaN in a product of least squares",
      () => lsqr(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: b }), b),
      DomainError,
      "lsqr: a product of the operator has NaN",
    ],
  ])("%s", async (_name, call, error, message) => {
    const failure = await Promise.resolve()
      .then(call)
      .then(
        () => null,
        (e: unknown) => e,
      );
    expect(failure).toBeInstanceOf(error);
    expect(isCurvError(failure)).toBe(true);
    expect((failure as Error).message).toContain(message);
  });
  test("in a traced solver too, when the values are known", () => {
    expect(() => cgCore(operator, bad)).toThrow("cg: b has NaN at [2]");
    expect(() => jit((v: Tensor) => cgCore(operator, v).x)(bad)).toThrow("cg: b has NaN at [2]");
    expect(() => gmresCore(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: b }), b)).toThrow(
      "a product of the operator has NaN",
    );
  });
});
