/** Sketching solvers, and over-relaxation: solutions, rates, repeatability, refusals. */

import {
  DomainError,
  DTypeError,
  eye,
  grad,
  hvp,
  jit,
  matmul,
  ShapeError,
  stack,
  take,
  tensor,
  tril,
  triu,
  vmap,
  type Tensor,
} from "@curv/tensor";
import { eigvalsh, inv, pinv } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import {
  cg,
  csrFromEntries,
  denseOperator,
  linearOperator,
  lsqr,
  lsrn,
  lsrnCore,
  sketchSolve,
  sketchSolveCore,
  sor,
  sorCore,
  sorPreconditioner,
  sparseOperator,
  statuses,
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

  test("the core is the driver, under jit, and has LSQR's derivatives", async () => {
    const a = draw(15, [40, 5]);
    const b = draw(16, [40]);
    const options = { key: random.key(13), rtol: 1e-14, atol: 1e-14 };
    const run = jit((m: Tensor, right: Tensor) => lsrnCore(denseOperator(m), right, options));
    const [driver, core] = [await lsrn(denseOperator(a), b, options), run(a, b)];
    expect(core.converged.itemSync()).toBe(1);
    expect(core.iterations.itemSync()).toBe(driver.iterations);
    expect(distance(core.x, driver.x)).toBeLessThan(1e-13);
    const wide = lsrnCore(denseOperator(a.transpose()), draw(17, [5]), options);
    expect(distance(wide.x, matmul(pinv(a.transpose()), draw(17, [5])))).toBeLessThan(1e-12);
    const scalar =
      (f: (m: Tensor, right: Tensor) => Tensor) =>
      (m: Tensor): Tensor =>
        f(m, b)
          .mul(draw(18, [5]))
          .sum();
    const got = grad(scalar((m, right) => run(m, right).x))(a);
    const wanted = grad(scalar((m, right) => matmul(inv(matmul(m.transpose(), m)), matmul(m.transpose(), right))))(a);
    expect(got.sub(wanted).abs().max().itemSync()).toBeLessThan(1e-8);
    const many = vmap((right: Tensor) => lsrnCore(denseOperator(a), right, options).x)(stack([b, b.mul(3)], 0));
    expect(distance(many.slice(1), driver.x.mul(3))).toBeLessThan(1e-12);
    const bad = linearOperator({ matvec: (v: Tensor) => matmul(a, v).mul(NaN), domain: draw(1, [5]), range: b });
    expect(() => lsrnCore(bad, b, options)).toThrow("lsrnCore: product 1 of the operator has NaN or an infinity.");
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

  test("a sweep is ω(D + ωL)⁻¹, or SSOR's, with its transpose and derivatives, at once for many columns", () => {
    // No symmetry, and entries out of the order of the rows.
    const [rows, columns] = [[0, 0, 1, 1, 2, 2, 2, 3], [2, 0, 1, 0, 3, 1, 2, 3]]; // prettier-ignore
    const general = csrFromEntries(4, 4, rows, columns, [0.5, 4, 3, -1, 0.25, 2, 5, 2]);
    const dense = toDense(sparseOperator(general));
    const d = eye(4, 4, { dtype: "float64" }).mul(dense);
    const [l, u] = [tril(dense, -1), triu(dense, 1)];
    const omega = 1.3;
    const byHand = {
      false: (lower: Tensor, diagonal: Tensor) => inv(diagonal.add(lower.mul(omega))).mul(omega),
      true: (lower: Tensor, diagonal: Tensor, upper: Tensor) =>
        matmul(
          inv(diagonal.add(upper.mul(omega))),
          matmul(diagonal.mul(omega * (2 - omega)), inv(diagonal.add(lower.mul(omega)))),
        ),
    };
    const close = (x: Tensor, y: Tensor): void => expect(x.sub(y).abs().max().itemSync()).toBeLessThan(1e-13);
    const [v, w] = [draw(31, [4]), draw(32, [4])];
    for (const symmetric of [false, true]) {
      const m = sorPreconditioner(general, { omega, symmetric });
      const wanted = byHand[`${symmetric}`](l, d, u);
      close(toDense(m), wanted);
      close(jit(m.rmatmat)(eye(4, 4, { dtype: "float64" })), wanted.transpose());
      // In the entries, and in the vector.
      const scalar = (values: Tensor, x: Tensor): Tensor =>
        sorPreconditioner({ ...general, values }, { omega, symmetric })
          .matvec(x)
          .mul(w)
          .sum();
      const matrixOf = (values: Tensor): Tensor => sparseOperator({ ...general, values }).matmat(eye(4, 4, { dtype: "float64" })); // prettier-ignore
      const parts = (a: Tensor): Tensor[] => [tril(a, -1), eye(4, 4, { dtype: "float64" }).mul(a), triu(a, 1)];
      const direct = (values: Tensor, x: Tensor): Tensor => {
        const [lower, diagonal, upper] = parts(matrixOf(values));
        return matmul(byHand[`${symmetric}`](lower, diagonal, upper), x)
          .mul(w)
          .sum();
      };
      const { values } = general;
      close(grad((e: Tensor) => scalar(e, v))(values), grad((e: Tensor) => direct(e, v))(values));
      close(grad((x: Tensor) => scalar(values, x))(v), grad((x: Tensor) => direct(values, x))(v));
      const along = draw(33, [8]);
      close(
        hvp((e: Tensor) => scalar(e, v), values, along),
        hvp((e: Tensor) => direct(e, v), values, along),
      );
      const many = tensor([1, 2, -1], { dtype: "float64" }).expandDims(1).mul(values);
      close(
        vmap((e: Tensor) => scalar(e, v))(many),
        stack(
          [0, 1, 2].map((i) => direct(many.slice(i), v)),
          0,
        ),
      );
    }
  });

  test("the core is the driver, under jit, for many columns, and with derivatives in the entries", async () => {
    const options = { omega: 1.7, rtol: 1e-12, maxIter: 5000 };
    const driver = await sor(matrix, b, options);
    const run = jit((values: Tensor, right: Tensor) => sorCore({ ...matrix, values }, right, options));
    const core = run(matrix.values, b);
    expect(core.converged.itemSync()).toBe(1);
    expect(core.iterations.itemSync()).toBe(driver.iterations);
    expect(distance(core.x, driver.x)).toBeLessThan(1e-12);
    const two = sorCore(matrix, stack([b, b.mul(2)], 1), options);
    expect(distance(two.x.slice(null, 1), driver.x.mul(2))).toBeLessThan(1e-8);
    const inverse = inv(toDense(sparseOperator(matrix)));
    const x = matmul(inverse, b);
    // d(Σx) = −(A⁻ᵀ 1)ᵀ dA x.
    const adjoint = matmul(inverse.transpose(), b.mul(0).add(1));
    const rows = take(adjoint, tensor(Int32Array.from(i)));
    const wanted = rows.mul(take(x, tensor(Int32Array.from(j)))).neg();
    const got = grad((values: Tensor) => run(values, b).x.sum())(matrix.values);
    expect(got.sub(wanted).abs().max().itemSync()).toBeLessThan(1e-6 * wanted.abs().max().itemSync());
    expect(() => sorCore({ ...matrix, values: matrix.values.mul(0) }, b)).toThrow(
      "sorCore: the diagonal entry of row 0 is missing, zero or NaN.",
    );
    // Steps that grow for ever are told.
    const wide = csrFromEntries(2, 2, [0, 0, 1, 1], [0, 1, 0, 1], [1, 3, 3, 1]);
    const ones = tensor(Float64Array.of(1, 1));
    expect(await sor(wide, ones)).toMatchObject({ converged: false, status: "diverged" });
    expect(statuses[sorCore(wide, ones).status.itemSync() - 1]).toBe("diverged");
  });

  test("bad calls", () => {
    expect(() => sorPreconditioner(matrix, { omega: 2 })).toThrow("omega is 2; wants 0 < omega < 2.");
    expect(() => sorPreconditioner(csrFromEntries(2, 2, [0], [0], [1]))).toThrow(
      "the diagonal entry of row 1 is missing",
    );
  });
});
