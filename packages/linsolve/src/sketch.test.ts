/** Sketching solvers, and over-relaxation: solutions, rates, repeatability, refusals. */

import { DomainError, DTypeError, eye, jit, matmul, ShapeError, tensor, type Tensor } from "@curv/tensor";
import { eigvalsh, inv, pinv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  cg,
  csrFromEntries,
  denseOperator,
  lsqr,
  lsrn,
  sketchSolve,
  sketchSolveCore,
  sor,
  sorPreconditioner,
  sparseOperator,
  toDense,
  type Sketch,
} from "./index.js";

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const distance = (x: Tensor, y: Tensor): number => x.sub(y).square().sum().sqrt().itemSync();

describe("sketch and project", () => {
  const a = draw(1, [12, 8]).add(eye(12, 8, { dtype: "float64" }).mul(3));
  const x = draw(2, [8]);
  const b = matmul(a, x);
  const sketches: Readonly<Record<string, Sketch>> = {
    "Kaczmarz by row norms": { kind: "kaczmarz" },
    "Kaczmarz, uniform": { kind: "kaczmarz", weights: "uniform" },
    Gaussian: { kind: "gaussian" },
    "blocks of four": { kind: "block", size: 4 },
  };

  test.each(Object.keys(sketches))("%s solves a consistent system, alike under jit", (name) => {
    const options = { key: random.key(3), sketch: sketches[name] };
    const result = sketchSolveCore(a, b, options);
    expect(result.converged.itemSync()).toBe(1);
    expect(distance(result.x, x)).toBeLessThan(1e-6);
    expect(result.residual.itemSync()).toBeCloseTo(distance(matmul(a, result.x), b), 12);
    const compiled = jit((m: Tensor, v: Tensor) => sketchSolveCore(m, v, options))(a, b);
    expect(Array.from(compiled.x.dataSync())).toEqual(Array.from(result.x.dataSync()));
    expect(compiled.steps.itemSync()).toBe(result.steps.itemSync());
  });

  test.each(Object.keys(sketches))("%s: the driver does what the core does, and tells", async (name) => {
    const options = { key: random.key(3), sketch: sketches[name] };
    const core = sketchSolveCore(a, b, options);
    const seen: number[] = [];
    const result = await sketchSolve(a, b, { ...options, onProgress: ({ iterations }) => seen.push(iterations) });
    expect(result).toMatchObject({ converged: true, status: "converged", sweeps: core.sweeps.itemSync() });
    expect(result.steps).toBe(core.steps.itemSync());
    expect(distance(result.x, core.x)).toBeLessThan(1e-12);
    expect(result.residual).toBe(result.history.at(-1));
    expect(seen.at(-1)).toBe(result.sweeps);
  });

  test("the driver can be stopped, and says when the sweeps are used up", async () => {
    const controller = new AbortController();
    const stopped = sketchSolve(a, b, {
      key: random.key(3),
      rtol: 0,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
    const short = await sketchSolve(a, b, { key: random.key(3), rtol: 0, maxSweeps: 3 });
    expect(short).toMatchObject({ converged: false, status: "maxIter", sweeps: 3, steps: 36 });
  });

  test.each(Object.keys(sketches))("%s: a row of zeros says nothing", (name) => {
    const withZero = tensor([[1, 0], [0, 0], [2, 1]], { dtype: "float64" }); // prettier-ignore
    const right = tensor([1, 0, 3], { dtype: "float64" });
    const sketch: Sketch = name.startsWith("blocks") ? { kind: "block", size: 2 } : sketches[name];
    const { x: solution, converged } = sketchSolveCore(withZero, right, { key: random.key(3), sketch });
    expect(converged.itemSync()).toBe(1);
    expect(distance(solution, tensor([1, 1], { dtype: "float64" }))).toBeLessThan(1e-6);
  });

  test("in float32; from a start: what no equation asks for stays; another key is another run", () => {
    const single = sketchSolveCore(a.cast("float32"), b.cast("float32"), { key: random.key(3) });
    expect([single.x.dtype, single.converged.itemSync()]).toEqual(["float32", 1]);
    expect(distance(single.x.cast("float64"), x)).toBeLessThan(1e-3);
    const wide = a.transpose();
    const c = draw(4, [8]);
    const x0 = draw(5, [12]);
    const run = (seed: number): Tensor => sketchSolveCore(wide, c, { key: random.key(seed), rtol: 1e-12, x0 }).x;
    // The solution next to x0: x0 + A⁺(c − A x0).
    expect(distance(run(6), x0.add(matmul(pinv(wide), c.sub(matmul(wide, x0)))))).toBeLessThan(1e-9);
    expect(Array.from(run(6).dataSync())).not.toEqual(Array.from(run(7).dataSync()));
  });

  test("of a wide system, the solution of least norm", () => {
    const wide = a.transpose();
    const c = draw(4, [8]);
    const { x: least, converged } = sketchSolveCore(wide, c, { key: random.key(5), rtol: 1e-12 });
    expect(converged.itemSync()).toBe(1);
    expect(distance(least, matmul(pinv(wide), c))).toBeLessThan(1e-10);
  });

  test("the expected squared error falls by 1 − σ_min²/‖A‖² a step", () => {
    // The mean over many runs of one sweep, against the bound of Strohmer and Vershynin.
    const gram = a.transpose().matmul(a);
    const one = jit((k: Tensor) => sketchSolveCore(a, b, { key: k, maxSweeps: 1 }).x);
    const runs = 200;
    let sum = 0;
    for (let i = 0; i < runs; i++) sum += distance(one(random.foldIn(random.key(6), i)), x) ** 2;
    const sigma = eigvalsh(gram).slice(0).itemSync();
    const rate = 1 - sigma / a.square().sum().itemSync();
    expect(sum / runs).toBeLessThanOrEqual(rate ** 12 * x.square().sum().itemSync());
  });

  test("an inconsistent system, and sweeps used up, are not called solved", () => {
    const result = sketchSolveCore(a, draw(8, [12]), { key: random.key(9), maxSweeps: 20 });
    expect(result.converged.itemSync()).toBe(0);
    expect(result.sweeps.itemSync()).toBe(20);
    expect(result.steps.itemSync()).toBe(240);
  });

  test.each<[string, () => unknown, new (...args: never[]) => Error, string]>([
    ["shapes", () => sketchSolveCore(a, x, { key: random.key(0) }), ShapeError, "a and b have shapes [12, 8] and [8]"],
    [
      "block",
      () => sketchSolveCore(a, b, { key: random.key(0), sketch: { kind: "block", size: 13 } }),
      DomainError,
      "sketch.size is 13; wants an integer from 1 to 12",
    ],
    [
      "kind",
      () => sketchSolveCore(a, b, { key: random.key(0), sketch: { kind: "exact" } as never }),
      DomainError,
      'sketch.kind is "exact"; wants "kaczmarz", "gaussian" or "block"',
    ],
    [
      "weights",
      () => sketchSolveCore(a, b, { key: random.key(0), sketch: { kind: "kaczmarz", weights: "norm" } as never }),
      DomainError,
      'sketch.weights is "norm"; wants "rowNorm" or "uniform"',
    ],
    ["rtol", () => sketchSolveCore(a, b, { key: random.key(0), rtol: -1 }), DomainError, "rtol is -1"],
    [
      "precision",
      () => sketchSolveCore(a, b.cast("float32"), { key: random.key(0) }),
      DTypeError,
      "b is float32; wants float64, as a is",
    ],
    [
      "precision of the start",
      () => sketchSolveCore(a, b, { key: random.key(0), x0: x.cast("float32") }),
      DTypeError,
      "x0 is float32; wants float64, as a is",
    ],
    ["NaN", () => sketchSolveCore(a, b.mul(NaN), { key: random.key(0) }), DomainError, "b has NaN at [0]"],
    ["sweeps", () => sketchSolveCore(a, b, { key: random.key(0), maxSweeps: -1 }), DomainError, "maxSweeps is -1"],
  ])("bad call: %s", (_name, call, error, message) => {
    expect(call).toThrow(error);
    expect(call).toThrow(message);
  });
});

describe("lsrn", () => {
  const scales = tensor(Float64Array.from({ length: 20 }, (_, i) => 10 ** (-i / 4)));
  const tall = draw(11, [400, 20]).mul(scales);

  test.each([
    ["tall", tall, 400],
    ["wide", tall.transpose(), 20],
  ] as const)("%s, condition 1e5: few steps, whatever the condition", async (_name, a, m) => {
    const b = draw(12, [m]);
    const plain = await lsqr(denseOperator(a), b, { rtol: 1e-12, atol: 1e-12 });
    const result = await lsrn(denseOperator(a), b, { key: random.key(13), rtol: 1e-12, atol: 1e-12 });
    expect(result.converged).toBe(true);
    expect(result.iterations).toBeLessThan(60);
    expect(result.iterations).toBeLessThan(plain.iterations);
    const x = matmul(pinv(a), b);
    expect(distance(result.x, x)).toBeLessThan(1e-6 * distance(x, x.mul(0)));
  });

  test("refuses an oversampling that cannot work", async () => {
    await expect(lsrn(denseOperator(tall), draw(1, [400]), { key: random.key(0), oversampling: 1 })).rejects.toThrow(
      "lsrn: oversampling is 1; wants a number > 1.",
    );
  });
});

describe("over-relaxation", () => {
  const n = 30;
  const [i, j, v]: [number[], number[], number[]] = [[], [], []];
  for (let p = 0; p < n; p++) {
    for (const q of [p - 1, p, p + 1]) {
      if (q < 0 || q >= n) continue;
      i.push(p);
      j.push(q);
      v.push(p === q ? 2 : -1);
    }
  }
  const matrix = csrFromEntries(n, n, i, j, v);
  const b = draw(14, [n]);

  test("Gauss–Seidel needs half of Jacobi's steps, the best omega far fewer", async () => {
    const x = matmul(inv(toDense(sparseOperator(matrix))), b);
    const options = { rtol: 1e-8, maxIter: 5000 };
    const gaussSeidel = await sor(matrix, b, options);
    const best = await sor(matrix, b, { ...options, omega: 2 / (1 + Math.sin(Math.PI / (n + 1))) });
    for (const result of [gaussSeidel, best]) {
      expect(result.converged).toBe(true);
      expect(distance(result.x, x)).toBeLessThan(1e-5);
    }
    // ρ(Gauss–Seidel) = cos²(π/(n + 1)).
    const predicted = Math.log(1e-8) / Math.log(Math.cos(Math.PI / (n + 1)) ** 2);
    expect(gaussSeidel.iterations).toBeGreaterThan(0.5 * predicted);
    expect(gaussSeidel.iterations).toBeLessThan(1.3 * predicted);
    expect(best.iterations).toBeLessThan(gaussSeidel.iterations / 8);
  });

  test("SSOR is symmetric, and helps CG", async () => {
    const m = sorPreconditioner(matrix, { omega: 1.5, symmetric: true });
    const dense = toDense(m);
    expect(dense.sub(dense.transpose()).abs().max().itemSync()).toBeLessThan(1e-13);
    const operator = sparseOperator(matrix, { positiveSemidefinite: true });
    const [plain, better] = [await cg(operator, b), await cg(operator, b, { preconditioner: m })];
    expect(better.converged).toBe(true);
    expect(better.iterations).toBeLessThan(plain.iterations / 1.5);
  });

  test("bad calls", () => {
    expect(() => sorPreconditioner(matrix, { omega: 2 })).toThrow("omega is 2; wants 0 < omega < 2.");
    expect(() => sorPreconditioner(csrFromEntries(2, 2, [0], [0], [1]))).toThrow(
      "the diagonal entry of row 1 is missing",
    );
    expect(() => sorPreconditioner(matrix).rmatvec(b)).toThrow("use symmetric: true");
  });
});
