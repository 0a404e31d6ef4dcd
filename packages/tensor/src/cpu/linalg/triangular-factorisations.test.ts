/** Bounds of the LU, QR and Cholesky factorisations and of triangular solves, on the whole list of nasty matrices, in both precisions. */

import { describe, expect, test } from "vitest";
import { cholesky } from "./cholesky.js";
import { lu, permutationSign, unpackLower, unpackUpper } from "./lu.js";
import { growth, largeMatrices, nastyMatrices, sineSquares } from "../../../test/support/nasty-matrices.js";
import type { TestMatrix } from "../../../test/support/nasty-matrices.js";
import {
  EPS,
  TINIEST,
  distance,
  orthogonalityError,
  precisions,
  product,
  transposed,
} from "../../../test/support/residuals.js";
import { qr } from "./qr.js";
import { qrPivoted } from "./qr-pivoted.js";
import { triangularSolve } from "./triangular-solve.js";

const [random500, , definite500] = largeMatrices();
const matrices = [...nastyMatrices(), random500];

const within = (error: number, bound: number): void => expect(error).toBeLessThanOrEqual(bound);

const isUpper = (m: number, n: number, r: Float64Array): boolean =>
  r.every((x, k) => k % n >= Math.min(m, Math.floor(k / n)) || x === 0);

describe.each(precisions)("$precision", ({ precision, eps, round }) => {
  const list = matrices.filter((a) => precision === "float64" || !a.float64Only);

  test.each(list)("lu, $name: ‖PA − LU‖ ≤ Nε‖|L||U|‖", { timeout: 60_000 }, ({ m, n, data }) => {
    const a = round(data);
    const k = Math.min(m, n);
    const packed = a.slice();
    const perm = new Int32Array(m);
    const info = lu(packed, m, n, perm);
    const l = new Float64Array(m * k);
    const u = new Float64Array(k * n);
    unpackLower(packed, m, n, l);
    unpackUpper(packed, m, n, u);
    const [L, U] = [round(l), round(u)];
    const pa = new Float64Array(m * n);
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) pa[i * n + j] = a[perm[i] * n + j];
    const scale = distance(product(m, n, k, L.map(Math.abs), U.map(Math.abs)));
    within(distance(product(m, n, k, L, U), pa), Math.max(m, n) * eps * scale + m * n * TINIEST);
    expect(L.every((x) => Math.abs(x) <= 1)).toBe(true);
    const zeroPivot = Array.from({ length: k }, (_, i) => u[i * n + i]).indexOf(0);
    expect(info).toBe(zeroPivot + 1);
    expect([...perm].sort((x, y) => x - y)).toEqual(Array.from({ length: m }, (_, i) => i));
  });

  for (const complete of [false, true]) {
    const kind = complete ? "complete" : "thin";
    const sizes = list.filter((a) => !complete || Math.max(a.m, a.n) < 500);
    test.each(sizes)(
      `qr ${kind}, $name: ‖A − QR‖ ≤ Nε‖A‖, ‖QᵀQ − I‖ ≤ 6Nε, diag R ≥ 0`,
      { timeout: 60_000 },
      ({ m, n, data }) => {
        const a = round(data);
        const columns = complete ? m : Math.min(m, n);
        const q0 = new Float64Array(m * columns);
        const r0 = new Float64Array(columns * n);
        qr(a, m, n, q0, r0, complete);
        const [q, r] = [round(q0), round(r0)];
        const N = Math.max(m, n);
        within(distance(product(m, n, columns, q, r), a), N * eps * distance(a) + 4 * m * n * TINIEST);
        within(orthogonalityError(m, columns, q), 6 * N * eps);
        expect(isUpper(columns, n, r)).toBe(true);
        for (let i = 0; i < Math.min(m, n); i++) expect(r[i * n + i]).toBeGreaterThanOrEqual(0);
        const only = new Float64Array(columns * n);
        qr(a, m, n, null, only, complete);
        expect(only).toEqual(r0);
      },
    );
  }

  const pivoted = list.filter((a) => Math.max(a.m, a.n) < 500);
  test.each(pivoted)("qrPivoted, $name: ‖AΠ − QR‖ ≤ Nε‖A‖, ‖QᵀQ − I‖ ≤ 6Nε, R_ii descends", ({ m, n, data }) => {
    const a = round(data);
    const k = Math.min(m, n);
    const q0 = new Float64Array(m * k);
    const r0 = new Float64Array(k * n);
    const perm = new Int32Array(n);
    qrPivoted(a, m, n, q0, r0, perm);
    const [q, r] = [round(q0), round(r0)];
    const permuted = a.map((_, l) => a[l - (l % n) + perm[l % n]]);
    const N = Math.max(m, n);
    within(distance(product(m, n, k, q, r), permuted), N * eps * distance(a) + 4 * m * n * TINIEST);
    within(orthogonalityError(m, k, q), 6 * N * eps);
    expect(isUpper(k, n, r)).toBe(true);
    for (let i = 0; i < k; i++) {
      expect(r[i * n + i]).toBeGreaterThanOrEqual(0);
      // Column j below row i − 1 is no longer than R_ii.
      for (let j = i + 1; j < n; j++) {
        const rest = Float64Array.from({ length: k - i }, (_, l) => r0[(i + l) * n + j]);
        within(distance(rest), r0[i * n + i] * (1 + 1e-6) + N * EPS * r0[0] + 4 * k * TINIEST);
      }
    }
  });

  // Rounding the Hilbert matrix of order 12 to float32 makes it indefinite.
  const definite = [...list, ...(precision === "float64" ? [definite500] : [])].filter(
    (a) => a.definite && (precision === "float64" || a.name !== "Hilbert 12"),
  );
  test.each(definite)("cholesky, $name: ‖A − LLᵀ‖ ≤ Nε‖A‖", { timeout: 60_000 }, ({ n, data }) => {
    const a = round(data);
    const l0 = a.slice();
    for (let i = 0; i < n; i++) l0.fill(NaN, i * n + i + 1, (i + 1) * n); // the upper triangle is not read
    expect(cholesky(l0, n)).toEqual({ info: 0, pivot: NaN });
    const l = round(l0);
    // The rounding of L itself, at most ε/2 in each factor, comes on top in float32.
    within(distance(product(n, n, n, l, transposed(n, n, l)), a), Math.max(n, 2) * eps * distance(a) + n * TINIEST);
    expect(isUpper(n, n, transposed(n, n, l))).toBe(true);
  });
});

describe("cholesky", () => {
  test.each([1, 2, 5, 48, 49, 130])(
    "an indefinite matrix of order %i reports its pivot and fills the rest with NaN",
    (n) => {
      for (const bad of new Set([0, n >> 1, n - 1])) {
        const a = new Float64Array(n * n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < i; j++) a[i * n + j] = 1e-3;
          a[i * n + i] = i === bad ? -1 : 1;
        }
        const { info, pivot } = cholesky(a, n);
        expect(info).toBe(bad + 1);
        expect(pivot).toBeLessThanOrEqual(-1);
        expect(pivot).toBeGreaterThan(-1 - n * 1e-6);
        const expected = a.map((x, k) => (k % n > Math.floor(k / n) ? 0 : Math.floor(k / n) >= bad ? NaN : x));
        expect(a).toEqual(expected);
        expect(a.subarray(0, bad * n).some(Number.isNaN)).toBe(false);
      }
    },
  );

  test("singular and NaN matrices fail", () => {
    expect(cholesky(new Float64Array(9), 3)).toEqual({ info: 1, pivot: 0 });
    expect(cholesky(Float64Array.of(1, 0, 1, 1), 2)).toEqual({ info: 2, pivot: 0 });
    expect(cholesky(Float64Array.of(NaN), 1)).toEqual({ info: 1, pivot: NaN });
    expect(cholesky(Float64Array.of(1, 0, NaN, 1), 2).info).toBe(2);
  });

  test("R10: Σ chol((A₀ + A₀ᵀ)/2) has derivative 0.202722242361701 along e₀e₀ᵀ", () => {
    const sum = (t: number): number => {
      const a = Float64Array.of(4 + t, 1, 0, 1, 3, 1, 0, 1, 2);
      cholesky(a, 3);
      return a.reduce((x, y) => x + y, 0);
    };
    expect((sum(1e-4) - sum(-1e-4)) / 2e-4).toBeCloseTo(0.202722242361701, 9);
  });
});

describe("lu", () => {
  test("partial pivoting grows to exactly 2^39 on the growth matrix of order 40", () => {
    const a = Float64Array.from({ length: 1600 }, (_, k) => growth(40)(Math.floor(k / 40), k % 40));
    lu(a, 40, 40, new Int32Array(40));
    expect(a[1599]).toBe(549755813888);
  });

  test("ties choose the first row", () => {
    const perm = new Int32Array(3);
    lu(Float64Array.of(1, 2, 3, -1, 5, 1, 1, 0, 4), 3, 3, perm);
    expect(perm[0]).toBe(0);
  });

  test("the sign of a permutation is (−1)^(number of transpositions)", () => {
    expect(permutationSign(Int32Array.of())).toBe(1);
    expect(permutationSign(Int32Array.of(0, 1, 2))).toBe(1);
    expect(permutationSign(Int32Array.of(1, 0, 2))).toBe(-1);
    expect(permutationSign(Int32Array.of(1, 2, 0))).toBe(1);
    expect(permutationSign(Int32Array.of(3, 2, 1, 0))).toBe(1);
    expect(permutationSign(Int32Array.of(1, 2, 3, 0))).toBe(-1);
  });

  test("solving through L, U and P: forward error ≤ 10Nεκ", () => {
    for (const n of [1, 3, 33, 100]) {
      const a = sineSquares(n, n);
      const x = Float64Array.from({ length: n }, (_, i) => 1 + (i % 3));
      const b = product(n, 1, n, a, x);
      const packed = a.slice();
      const perm = new Int32Array(n);
      expect(lu(packed, n, n, perm)).toBe(0);
      const y = b.map((_, i) => b[perm[i]]);
      triangularSolve(packed, n, y, 1, { unit: true });
      triangularSolve(packed, n, y, 1, { lower: false });
      within(distance(y, x) / distance(x), 10 * n * EPS * 1e4); // κ of these matrices is below 1e4
    }
  });
});

describe("qr", () => {
  test("R18: Σ|R| and Σ|Q| of S(4, 3)", () => {
    const q = new Float64Array(12);
    const r = new Float64Array(9);
    qr(sineSquares(4, 3), 4, 3, q, r);
    const sum = (x: Float64Array): number => x.reduce((total, y) => total + Math.abs(y), 0);
    expect(Math.abs(sum(r) / 5.6342538944227153 - 1)).toBeLessThan(2e-15);
    expect(Math.abs(sum(q) / 5.2814073963837334 - 1)).toBeLessThan(2e-15);
  });
});

describe("triangularSolve", () => {
  const flags = [false, true];
  const cases = [0, 1, 2, 7, 32, 33, 100].flatMap((n) => [0, 1, 2, 3, 4, 17].map((columns) => ({ n, columns })));
  test.each(cases)("n = $n, $columns columns: componentwise residual ≤ (n + 1)ε|A||X|", ({ n, columns }) => {
    const a = sineSquares(n, n);
    for (let i = 0; i < n; i++) a[i * n + i] += 2;
    const b = sineSquares(n, columns);
    for (const lower of flags) {
      for (const transpose of flags) {
        for (const unit of flags) {
          const triangle = a.map((x, k) => {
            const [i, j] = [Math.floor(k / n), k % n];
            return i === j ? (unit ? 1 : x) : i > j === lower ? x / (unit ? n : 1) : 0;
          });
          const T = transpose ? transposed(n, n, triangle) : triangle;
          // What must not be read is NaN.
          const input = triangle.map((x, k) => {
            const [i, j] = [Math.floor(k / n), k % n];
            return i === j ? (unit ? NaN : x) : i > j === lower ? x : NaN;
          });
          const x = b.slice();
          triangularSolve(input, n, x, columns, { lower, transpose, unit });
          const residual = product(n, columns, n, T, x);
          const scale = product(n, columns, n, T.map(Math.abs), x.map(Math.abs));
          const worst = residual.reduce((w, r, k) => Math.max(w, Math.abs(r - b[k]) / scale[k]), 0);
          within(worst, 2 * (n + 1) * EPS);
        }
      }
    }
  });

  test("a zero diagonal gives Inf and NaN, not an error", () => {
    const x = Float64Array.of(1, 1);
    triangularSolve(Float64Array.of(0, 0, 1, 1), 2, x, 1);
    expect([...x]).toEqual([Infinity, -Infinity]);
    const y = Float64Array.of(0, 1);
    triangularSolve(Float64Array.of(0, 0, 1, 1), 2, y, 1);
    expect([...y]).toEqual([NaN, NaN]);
  });
});

describe("qrPivoted", () => {
  const rank = (name: string): number => {
    const { m, n, data } = matrices.find((a) => a.name === name)!;
    const r = new Float64Array(Math.min(m, n) * n);
    qrPivoted(data, m, n, null, r, new Int32Array(n));
    let count = 0;
    for (let i = 0; i < Math.min(m, n); i++) if (r[i * n + i] > Math.max(m, n) * EPS * r[0]) count++;
    return count;
  };

  test("finds the rank, but for Kahan's matrix", () => {
    expect(rank("rank 3 of 40")).toBe(3);
    expect(rank("ones")).toBe(1);
    expect(rank("zeros")).toBe(0);
    expect(rank("200×10")).toBe(10);
    expect(rank("Läuchli 41×40")).toBe(40);
    expect(rank("Kahan(1.2) 40")).toBe(40);
  });
});

test("NaN input terminates", () => {
  const bad: TestMatrix[] = nastyMatrices().filter((a) => a.m > 0 && a.n > 0 && a.m <= 40);
  for (const { m, n, data } of bad) {
    const a = data.slice();
    a[(m * n) >> 1] = NaN;
    lu(a.slice(), m, n, new Int32Array(m));
    qr(a, m, n, new Float64Array(m * m), new Float64Array(m * n), true);
    if (m === n) cholesky(a.slice(), n);
  }
});
