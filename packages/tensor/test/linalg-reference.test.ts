/**
 * Linear algebra against SciPy and mpmath (fixtures/linalg.json), and the bounds of the specification, §5, on matrices where
 * factorisations go wrong: through the public functions, in both dtypes.
 */

import { describe, expect, it, vi } from "vitest";
import * as linalg from "../src/linalg/index.js";
import { epsilon, eye, matmul, take, tensor, vmap, type FloatDType, type Tensor } from "../src/index.js";
import {
  cosineSquares,
  largeMatrices,
  nastyMatrices,
  symmetricWithSpectrum,
  type TestMatrix,
} from "./support/nasty-matrices.js";
import { testCases } from "./support/reference.js";

testCases("linalg.json", linalg);

// The factorisations of 500×500 take seconds on a busy machine.
vi.setConfig({ testTimeout: 60_000 });

const wide = (x: Tensor): Tensor => x.cast("float64");
const norm = (x: Tensor): number => linalg.vectorNorm(wide(x)).itemSync();
/** ‖A − B‖_F, in float64 whatever the dtypes. */
const distance = (a: Tensor, b: Tensor): number => norm(wide(a).sub(wide(b)));
const product = (...factors: Tensor[]): Tensor => factors.map(wide).reduce(matmul);
const defect = (q: Tensor): number => distance(product(q.T, q), eye(q.shape[1]));

function inDType({ data, m, n }: TestMatrix, dtype: FloatDType): Tensor {
  return tensor(data, { shape: [m, n], dtype });
}

/** Below this a rounding is absolute: half the smallest number. */
const floorOf = (dtype: FloatDType): number => (dtype === "float64" ? 2 ** -1074 : 2 ** -149);

describe.each(["float64", "float32"] as const)("bounds in %s", (dtype) => {
  const eps = epsilon(dtype);
  const matrices = [...nastyMatrices(), ...largeMatrices()].filter((a) => dtype === "float64" || !a.float64Only);

  describe.each(matrices.map((a) => [a.name, a] as const))("%s", (_name, source) => {
    const { m, n } = source;
    const N = Math.max(m, n);
    const A = inDType(source, dtype);
    const size = norm(A);
    const tiny = N * N * floorOf(dtype);

    it("‖PA − LU‖ ≤ Nε ‖|L||U|‖", () => {
      const { l, u, permutation } = linalg.lu(A);
      const bound = norm(product(l.abs(), u.abs()));
      expect(distance(take(A, permutation, 0), product(l, u))).toBeLessThanOrEqual(N * eps * bound + tiny);
    });

    it("‖A − QR‖ ≤ Nε‖A‖, ‖QᵀQ − I‖ ≤ 6Nε, diag R ≥ 0", () => {
      const { q, r } = linalg.qr(A);
      expect(distance(A, product(q, r))).toBeLessThanOrEqual(N * eps * size + tiny);
      expect(defect(q)).toBeLessThanOrEqual(6 * N * eps);
      const diagonal = Array.from({ length: Math.min(m, n) }, (_, i) => r.slice(i, i).itemSync());
      expect(diagonal.every((d) => d >= 0)).toBe(true);
    });

    it("‖A − USVᵀ‖ ≤ 4Nε‖A‖, orthogonal within 12Nε, s descending", () => {
      const { u, s, vt } = linalg.svd(A);
      expect(distance(A, product(u.mul(s.expandDims(0)), vt))).toBeLessThanOrEqual(4 * N * eps * size + tiny);
      expect(defect(u)).toBeLessThanOrEqual(12 * N * eps);
      expect(defect(vt.T)).toBeLessThanOrEqual(12 * N * eps);
      const values = [...s.dataSync()];
      expect(values.every((x, i) => x >= 0 && (i === 0 || x <= values[i - 1]))).toBe(true);
    });

    // Registered where it makes sense: a matrix that is not symmetric has nothing to skip.
    if (source.symmetric)
      it("‖AV − VW‖ ≤ 7Nε‖A‖, ‖VᵀV − I‖ ≤ 12Nε, w ascending", () => {
        const { values, vectors } = linalg.eigh(A);
        expect(distance(product(A, vectors), wide(vectors).mul(wide(values)))).toBeLessThanOrEqual(
          7 * N * eps * size + tiny,
        );
        expect(defect(vectors)).toBeLessThanOrEqual(12 * N * eps);
        const w = [...values.dataSync()];
        expect(w.every((x, i) => i === 0 || x >= w[i - 1])).toBe(true);
      });

    // Hilbert 12 is definite in float64 only: κ = 1.7e16.
    const definite = source.definite && (dtype === "float64" || !source.name.startsWith("Hilbert"));
    if (definite)
      it("‖A − LLᵀ‖ ≤ Nε‖A‖", () => {
        const l = linalg.cholesky(A);
        expect(distance(A, product(l, l.T))).toBeLessThanOrEqual(N * eps * size + tiny);
      });
  });

  it("solve: forward error within 10Nεκ, κ from 10 to the limit of the dtype", () => {
    for (const kappa of dtype === "float64" ? [10, 1e6, 1e12] : [10, 1e3, 1e5]) {
      const n = 30;
      const spectrum = Array.from({ length: n }, (_, i) => kappa ** (-i / (n - 1)));
      const A = tensor(symmetricWithSpectrum(spectrum), { shape: [n, n], dtype });
      const x = tensor(cosineSquares(n, 2), { shape: [n, 2], dtype });
      const b = product(A, x).cast(dtype);
      for (const got of [linalg.solve(A, b), linalg.lstsq(A, b).x, linalg.choleskySolve(linalg.cholesky(A), b)]) {
        expect(distance(got, x) / norm(x)).toBeLessThanOrEqual(10 * n * eps * kappa);
      }
    }
  });

  it("500×500: the solution's residual is that of a backward-stable method", () => {
    const [source] = largeMatrices();
    const A = inDType(source, dtype);
    const b = tensor(cosineSquares(500, 1), { shape: [500], dtype });
    const x = linalg.solve(A, b);
    const residual = norm(product(A, x.expandDims(1)).sub(wide(b).expandDims(1)));
    expect(residual).toBeLessThanOrEqual(10 * 500 * eps * norm(A) * norm(x));
  });

  it("eig: ‖AV − VΛ‖ ≤ 100Nε‖A‖ and unit vectors, defective matrices included", () => {
    for (const source of matrices.filter((a) => a.m === a.n && a.n > 0 && a.n <= 60)) {
      const A = inDType(source, dtype);
      const { values, vectors } = linalg.eig(A);
      const [vr, vi, wr, wi] = [vectors.re, vectors.im, values.re, values.im].map(wide);
      const re = product(A, vr).sub(vr.mul(wr).sub(vi.mul(wi)));
      const im = product(A, vi).sub(vr.mul(wi).add(vi.mul(wr)));
      const bound = 100 * source.n * eps * norm(A) + source.n ** 2 * floorOf(dtype);
      expect(Math.hypot(norm(re), norm(im)), source.name).toBeLessThanOrEqual(bound);
      const lengths = vr.square().add(vi.square()).sum(0).sqrt().sub(1).abs().max().itemSync();
      expect(lengths, source.name).toBeLessThanOrEqual(10 * source.n * eps);
    }
  });
});

describe("what is unique", () => {
  it("eigenvalues of general matrices, R22", () => {
    const S = tensor(
      Float64Array.from({ length: 9 }, (_, k) => Math.sin((k + 1) ** 2)),
      { shape: [3, 3] },
    );
    const { re, im } = linalg.eigvals(S);
    const found = [...re.dataSync()].map((x, i) => [x, im.dataSync()[i]]).sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    const wanted = [
      [-0.05001685, -0.73826182],
      [-0.05001685, 0.73826182],
      [0.17926494, 0],
    ];
    found.forEach(([x, y], i) => {
      expect(x).toBeCloseTo(wanted[i][0], 8);
      expect(y).toBeCloseTo(wanted[i][1], 8);
    });
  });

  it("partial pivoting lets the growth matrix grow to 2^39 at n = 40", () => {
    const growth = nastyMatrices().find((a) => a.name === "growth 40")!;
    expect(linalg.lu(inDType(growth, "float64")).u.slice(-1, -1).itemSync()).toBe(549755813888);
  });

  it("the two largest eigenvalues of W21+ are 10.746194182903 and 7e-14 apart", () => {
    const W = nastyMatrices().find((a) => a.name === "W21+")!;
    const w = linalg.eigvalsh(inDType(W, "float64")).dataSync();
    expect(w[20]).toBeCloseTo(10.746194182903, 11);
    expect(w[20] - w[19]).toBeGreaterThanOrEqual(0);
    expect(w[20] - w[19]).toBeLessThan(1e-12);
  });

  it("matrixRank sees what column pivoting does not: Kahan's matrix", () => {
    const kahan = nastyMatrices().find((a) => a.name === "Kahan(1.2) 40")!;
    const A = inDType(kahan, "float64");
    expect(linalg.matrixRank(A).itemSync()).toBe(40);
    expect(linalg.matrixRank(A, { relativeTolerance: 1e-6 }).itemSync()).toBe(39);
  });

  it("a whole-cluster projector does not depend on the basis", () => {
    const cluster = nastyMatrices().find((a) => a.name === "30-fold cluster")!;
    const { vectors } = linalg.eigh(inDType(cluster, "float64"));
    const V = vectors.slice(null, [0, 30]);
    const P = matmul(V, V.T);
    // The projector on the eigenvalue 1 is a polynomial in A: A P = P.
    expect(distance(product(inDType(cluster, "float64"), P), P)).toBeLessThan(1e-11);
    expect(P.slice([0, 30]).size).toBe(1200);
  });

  it("complete QR and full SVD have orthogonal square factors", () => {
    const A = tensor(cosineSquares(6, 3), { shape: [6, 3] });
    const { q, r } = linalg.qr(A, { mode: "complete" });
    expect([q.shape, r.shape]).toEqual([
      [6, 6],
      [6, 3],
    ]);
    expect(defect(q)).toBeLessThan(1e-14);
    expect(distance(A, product(q, r))).toBeLessThan(1e-14);
    for (const x of [A, A.T]) {
      const { u, s, vt } = linalg.svd(x, { full: true });
      expect(u.shape).toEqual([x.shape[0], x.shape[0]]);
      expect(vt.shape).toEqual([x.shape[1], x.shape[1]]);
      expect(defect(u) + defect(vt.T)).toBeLessThan(1e-13);
      const k = s.size;
      expect(distance(x, product(u.slice(null, [0, k]).mul(s), vt.slice([0, k])))).toBeLessThan(1e-14);
    }
  });
});

describe("batches equal the loop", () => {
  const batch = tensor(cosineSquares(8, 9), { shape: [2, 4, 3, 3] });
  const definite = matmul(batch, batch.transpose([0, 1, 3, 2])).add(eye(3, 3, { dtype: "float64" }));
  it.each([
    ["cholesky", definite],
    ["inv", batch],
    ["det", batch],
    ["eigvalsh", definite],
    ["svdvals", batch],
    ["expm", batch],
    ["logm", definite],
    ["sqrtm", definite],
    ["pinv", batch],
    ["matrixRank", batch],
    ["matrixNorm", batch],
  ] as const)("%s", (name, x) => {
    const f = linalg[name] as (a: Tensor) => Tensor;
    const whole = f(x);
    expect(distance(vmap(vmap(f))(x), whole)).toBe(0);
    for (let i = 0; i < 2; i++) {
      for (let j = 0; j < 4; j++) expect(distance(f(x.slice(i, j)), whole.slice(i, j))).toBe(0);
    }
  });
});
