/** Lanczos processes and the eigenpairs of thick restarts: against known spectra, and against SciPy's count of products. */

import { eye, hvp, jit, matmul, tensor, type Tensor, DomainError, ShapeError } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import * as random from "@curv/tensor/random";
import { describe, expect, test } from "vitest";
import reference from "../fixtures/eigsh.json" with { type: "json" };
import { denseOperator, diagonalOperator, eigsh, lanczos, lanczosCore, linearOperator } from "../index.js";

const f64 = (data: ArrayLike<number>): Tensor => tensor(Float64Array.from(data));
const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape, dtype: "float64" });
const symmetric = (n: number, seed: number): Tensor => {
  const a = draw(seed, [n, n]);
  return a.add(a.transpose()).div(2);
};
const values = (x: Tensor): number[] => Array.from(x.dataSync());

describe("lanczosCore", () => {
  const n = 60;
  const a = symmetric(n, 1);
  const operator = denseOperator(a, { symmetric: true });
  const start = draw(2, [n]);
  const tridiagonal = (alpha: Tensor, beta: Tensor, m: number): Tensor => {
    const t = new Float64Array(m * m);
    const [d, e] = [alpha.dataSync(), beta.dataSync()];
    for (let i = 0; i < m; i++) t[i * (m + 1)] = d[i];
    for (let i = 0; i + 1 < m; i++) t[i * m + i + 1] = t[(i + 1) * m + i] = e[i];
    return tensor(t, { shape: [m, m] });
  };

  test("all of the space: an orthonormal basis, and all eigenvalues", () => {
    const { alpha, beta, basis, taken } = lanczosCore(operator, start, { steps: n });
    expect(taken.itemSync()).toBe(n);
    const defect = matmul(basis, basis.transpose())
      .sub(eye(n, n, { dtype: "float64" }))
      .abs()
      .max()
      .itemSync();
    expect(defect).toBeLessThan(1e-13 * n);
    const got = values(eigvalsh(tridiagonal(alpha, beta, n)));
    values(eigvalsh(a)).forEach((w, i) => expect(Math.abs(got[i] - w)).toBeLessThan(1e-11));
  });

  test("moments vᵀAᵏv are exact for k ≤ 2m − 1", () => {
    const m = 6;
    const { alpha, beta } = jit((v: Tensor) => lanczosCore(operator, v, { steps: m }))(start);
    const t = tridiagonal(alpha, beta, m).div(10);
    const v = start.div(start.square().sum().sqrt());
    let [power, image] = [eye(m, m, { dtype: "float64" }), v];
    for (let k = 0; k <= 2 * m - 1; k++) {
      const [got, wanted] = [power.slice(0, 0).itemSync(), v.mul(image).sum().itemSync()];
      expect(Math.abs(got - wanted)).toBeLessThan(1e-10 * Math.max(1, Math.abs(wanted)));
      power = matmul(power, t);
      image = matmul(a, image).div(10);
    }
  });

  test("no ghosts: an eigenvalue far outside comes once", () => {
    const spectrum = f64([1000, ...Array.from({ length: 199 }, (_, i) => 1 - i / 198)]);
    const m = 100;
    const { alpha, beta } = lanczosCore(diagonalOperator(spectrum), draw(3, [200]), { steps: m });
    const ritz = values(eigvalsh(tridiagonal(alpha, beta, m)));
    expect(ritz.filter((x) => Math.abs(x - 1000) < 1e-6)).toHaveLength(1);
  });

  test("step by step: ghosts without reorthogonalisation, none with a selective one", { timeout: 60_000 }, async () => {
    const spectrum = f64([1000, ...Array.from({ length: 199 }, (_, i) => 1 - i / 198)]);
    const ghosts = async (reorthogonalise: "full" | "selective" | "none"): Promise<number> => {
      const run = await lanczos(diagonalOperator(spectrum), draw(3, [200]), { steps: 100, reorthogonalise });
      const ritz = values(eigvalsh(tridiagonal(f64([...run.alpha]), f64([...run.beta]), 100)));
      return ritz.filter((x) => Math.abs(x - 1000) < 1e-6).length;
    };
    expect(await ghosts("full")).toBe(1);
    expect(await ghosts("selective")).toBe(1);
    expect(await ghosts("none")).toBeGreaterThan(1);
  });

  test("selective: orthogonal to √ε, eigenvalues at the ends to rounding", async () => {
    // Both ends converge long before the middle.
    const spectrum = f64(Array.from({ length: 300 }, (_, i) => (i < 5 ? 10 + i : i > 294 ? -10 - i / 100 : i / 300)));
    const { alpha, beta, basis } = await lanczos(diagonalOperator(spectrum), draw(4, [300]), {
      steps: 80,
      reorthogonalise: "selective",
    });
    const gram = matmul(basis, basis.transpose()).sub(eye(80, 80, { dtype: "float64" }));
    expect(gram.abs().max().itemSync()).toBeLessThan(1e-6);
    const ritz = values(eigvalsh(tridiagonal(f64([...alpha]), f64([...beta]), 80)));
    const wanted = values(spectrum).sort((p, q) => p - q);
    for (let i = 0; i < 5; i++) {
      expect(Math.abs(ritz[i] - wanted[i])).toBeLessThan(1e-12);
      expect(Math.abs(ritz[79 - i] - wanted[299 - i])).toBeLessThan(1e-12);
    }
    const plain = await lanczos(diagonalOperator(spectrum), draw(4, [300]), { steps: 80, reorthogonalise: "none" });
    const lost = matmul(plain.basis, plain.basis.transpose()).sub(eye(80, 80, { dtype: "float64" }));
    expect(lost.abs().max().itemSync()).toBeGreaterThan(0.1);
  });

  test("step by step it is the same process, is watched, and stops", async () => {
    const whole = lanczosCore(operator, start, { steps: 20 });
    const seen: number[] = [];
    const run = await lanczos(operator, start, { steps: 20, onProgress: ({ steps }) => seen.push(steps) });
    run.alpha.forEach((x, i) => expect(Math.abs(x - whole.alpha.dataSync()[i])).toBeLessThan(1e-12));
    run.beta.forEach((x, i) => expect(Math.abs(x - whole.beta.dataSync()[i])).toBeLessThan(1e-12));
    expect(seen).toHaveLength(20);
    const stopped = lanczos(operator, start, { steps: 20, signal: AbortSignal.abort() });
    await expect(stopped).rejects.toThrow(/abort/);
    await expect(lanczos(operator, start, { steps: 0 })).rejects.toThrow("lanczos: steps is 0");
    await expect(lanczos(operator, start, { steps: 2, reorthogonalise: "some" as never })).rejects.toThrow(
      'reorthogonalise is "some"',
    );
  });

  test("an invariant space ends it", () => {
    const { taken, alpha, beta } = lanczosCore(diagonalOperator(f64([1, 1, 2, 2, 3, 3])), f64([1, 1, 1, 1, 1, 1]), {
      steps: 6,
    });
    expect(taken.itemSync()).toBe(3);
    expect(values(alpha).slice(3)).toEqual([0, 0, 0]);
    expect(beta.dataSync()[2]).toBe(0);
    const ritz = values(eigvalsh(tridiagonal(alpha, beta, 3)));
    [1, 2, 3].forEach((w, i) => expect(ritz[i]).toBeCloseTo(w, 12));
  });

  test("bad calls", () => {
    expect(() => lanczosCore(operator, start, { steps: 61 })).toThrow(
      "lanczosCore: steps is 61; wants an integer from 1 to 60.",
    );
    expect(() => lanczosCore(operator, draw(1, [5]), { steps: 2 })).toThrow(ShapeError);
    expect(() => lanczosCore(operator, start.mul(NaN), { steps: 2 })).toThrow("start has NaN");
  });
});

describe("eigsh", () => {
  const n = 2000;
  const spectra: Readonly<Record<string, Float64Array>> = {
    "ten on top, one of them double": Float64Array.from({ length: n }, (_, i) =>
      i < 10 ? 2 - 0.01 * (i === 4 ? 3 : i) : 1.8 * (1 - (i - 10) / (n - 10)),
    ),
    "1/j": Float64Array.from({ length: n }, (_, i) => 1 / (i + 1)),
    uniform: Float64Array.from({ length: n }, (_, i) => i / n),
  };
  const start = f64(Array.from({ length: n }, (_, i) => Math.sin((i + 1) ** 2)));

  test.each(reference.runs)(
    "$name, $ncv vectors: the top ten to 1e-10, with no more than 1.2 × SciPy's products",
    { timeout: 60_000 },
    async ({ name, ncv, products }) => {
      const spectrum = spectra[name];
      const wanted = Array.from(spectrum)
        .sort((p, q) => q - p)
        .slice(0, 10);
      const result = await eigsh(diagonalOperator(tensor(spectrum)), { k: 10, basisSize: ncv, start });
      expect(result).toMatchObject({ converged: true, status: "converged" });
      // The double is found, and nothing comes twice that is there once.
      values(result.values).forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-10));
      values(result.residuals).forEach((r, i) => expect(r).toBeLessThan(2e-10 * wanted[i]));
      const gram = matmul(result.vectors.transpose(), result.vectors).sub(eye(10, 10, { dtype: "float64" }));
      expect(gram.abs().max().itemSync()).toBeLessThan(1e-12);
      expect(result.products, `SciPy ${products}`).toBeLessThanOrEqual(1.2 * products);
    },
  );

  test.each(["largest", "smallest", "magnitude", "bothEnds"] as const)("%s of a dense matrix", async (which) => {
    const a = symmetric(80, 5);
    const all = values(eigvalsh(a));
    const wanted = {
      largest: all.toReversed(),
      smallest: all,
      magnitude: all.toSorted((p, q) => Math.abs(q) - Math.abs(p)),
      bothEnds: [79, 0, 78, 1, 77, 2].map((i) => all[i]),
    }[which].slice(0, 6);
    const result = await eigsh(denseOperator(a, { symmetric: true }), { k: 6, which });
    expect(result.converged).toBe(true);
    values(result.values).forEach((x, i) => expect(Math.abs(x - wanted[i])).toBeLessThan(1e-9));
  });

  test("multiplicities of any order, the identity, and all of a small space", async () => {
    const triple = await eigsh(diagonalOperator(f64([5, 5, 5, 4, ...Array.from({ length: 50 }, (_, i) => i / 50)])), {
      k: 4,
    });
    values(triple.values).forEach((x, i) => expect(x).toBeCloseTo([5, 5, 5, 4][i], 9));
    const identity = await eigsh(denseOperator(eye(30, 30, { dtype: "float64" }), { symmetric: true }), { k: 5 });
    values(identity.values).forEach((x) => expect(x).toBeCloseTo(1, 12));
    const small = await eigsh(diagonalOperator(f64([3, 1, 2])), { k: 3 });
    values(small.values).forEach((x, i) => expect(x).toBeCloseTo([3, 2, 1][i], 12));
    const zero = await eigsh(diagonalOperator(f64(new Array<number>(25).fill(0))), { k: 2 });
    expect(values(zero.values)).toEqual([0, 0]);
  });

  test("float32, trees, and operators that cannot be traced", async () => {
    const params = { w: draw(11, [4, 3]), b: draw(12, [3]) };
    const x = draw(13, [9, 4]);
    const loss = (p: typeof params): Tensor => x.matmul(p.w).add(p.b).tanh().square().mean();
    const options = { matvec: (v: typeof params) => hvp(loss, params, v), domain: params, symmetric: true } as const;
    const { values: top, vectors } = await eigsh(linearOperator(options), { k: 3 });
    const v = linearOperator(options).domain.unravel(vectors.slice(null, 0));
    const image = hvp(loss, params, v);
    expect(
      image.w
        .sub(v.w.mul(top.slice(0)))
        .abs()
        .max()
        .itemSync(),
    ).toBeLessThan(1e-9);
    const eager = await eigsh(linearOperator({ ...options, eager: true }), { k: 3 });
    values(eager.values).forEach((e, i) => expect(e).toBeCloseTo(values(top)[i], 9));
    const low = await eigsh(diagonalOperator(tensor(Float32Array.from({ length: 100 }, (_, i) => i))), { k: 2 });
    expect(low.values.dtype).toBe("float32");
    values(low.values).forEach((e, i) => expect(Math.abs(e - (99 - i))).toBeLessThan(1e-3));
  });

  test("products used up are said, and a signal stops it", async () => {
    const operator = diagonalOperator(tensor(spectra.uniform));
    expect(await eigsh(operator, { k: 3, maxProducts: 40 })).toMatchObject({ converged: false, status: "maxProducts" });
    const controller = new AbortController();
    const run = eigsh(operator, { k: 5, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(run).rejects.toThrow(/abort/i);
  });

  test.each<[string, () => Promise<unknown>, new (...args: never[]) => Error, string]>([
    [
      "k",
      () => eigsh(diagonalOperator(f64([1, 2])), { k: 3 }),
      DomainError,
      "eigsh: k is 3; wants an integer from 1 to 2.",
    ],
    [
      "basisSize",
      () => eigsh(diagonalOperator(f64(new Array(50).fill(1))), { k: 5, basisSize: 5 }),
      DomainError,
      "eigsh: basisSize is 5; wants an integer from 7 to 50.",
    ],
    [
      "which",
      () => eigsh(diagonalOperator(f64([1, 2])), { k: 1, which: "best" as never }),
      DomainError,
      'which is "best"',
    ],
    [
      "not symmetric",
      () => eigsh(denseOperator(draw(1, [30, 30]))),
      DomainError,
      "eigsh: the operator is not symmetric",
    ],
    ["not square", () => eigsh(denseOperator(draw(1, [3, 2]))), ShapeError, "wants a square one"],
    [
      "NaN",
      () => eigsh(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: draw(1, [30]), symmetric: true })),
      DomainError,
      "has NaN or an infinity",
    ],
    [
      "NaN later",
      () =>
        eigsh(linearOperator({ matvec: (v: Tensor) => v.mul(NaN), domain: draw(1, [30]), symmetric: true }), {
          check: false,
        }),
      DomainError,
      "eigsh: product 1 of the operator has NaN",
    ],
    [
      "start",
      () => eigsh(diagonalOperator(f64([1, 2])), { k: 1, start: f64([1]) }),
      ShapeError,
      "eigsh: start has shape [1]; wants [2].",
    ],
  ])("bad call: %s", async (_name, call, error, message) => {
    await expect(Promise.resolve().then(call)).rejects.toThrow(error);
    await expect(Promise.resolve().then(call)).rejects.toThrow(message);
  });
});
