/** Bounds of the singular value decomposition on the whole list of nasty matrices, in both precisions and by both methods. */

import { describe, expect, test } from "vitest";
import spectra from "./fixtures/spectra.json" with { type: "json" };
import {
  largeMatrices,
  nastyMatrices,
  sineSquares,
  symmetricWithSpectrum,
} from "../../../test/support/nasty-matrices.js";
import {
  EPS,
  TINIEST,
  distance,
  orthogonalityError,
  precisions,
  product,
  signsAreFixed,
  transposed,
} from "../../../test/support/residuals.js";
import { svd } from "./svd.js";

const references: Readonly<Record<string, readonly number[]>> = spectra.svd;

const matrices = [...nastyMatrices(), ...largeMatrices().slice(0, 1)];

const variants = [
  { variant: "thin", full: false, accurate: false },
  { variant: "full", full: true, accurate: false },
  { variant: "accurate", full: false, accurate: true },
  { variant: "full and accurate", full: true, accurate: true },
];

describe.each(precisions)("$precision", ({ precision, eps, round }) => {
  const list = matrices.filter((a) => precision === "float64" || !a.float64Only);

  describe.each(variants)("$variant", ({ full, accurate }) => {
    const sizes = list.filter((a) => Math.max(a.m, a.n) < 500 || !(full || accurate));
    test.each(sizes)(
      "$name: ‖A − USVᵀ‖ ≤ 4Nε‖A‖, orthogonal to 12Nε, descending, signs fixed",
      { timeout: 60_000 },
      ({ m, n, data }) => {
        const a = round(data);
        const k = Math.min(m, n);
        const N = Math.max(m, n);
        const columns = full ? m : k;
        const rows = full ? n : k;
        const s0 = new Float64Array(k);
        const u0 = new Float64Array(m * columns);
        const vt0 = new Float64Array(rows * n);
        expect(svd(a, m, n, s0, u0, vt0, { full, accurate })).toBe(0);
        const [s, u, vt] = [round(s0), round(u0), round(vt0)];
        const us = new Float64Array(m * rows);
        for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) us[i * rows + j] = u[i * columns + j] * s[j];
        const slack = 2 * m * n * TINIEST;
        expect(distance(product(m, n, rows, us, vt), a)).toBeLessThanOrEqual(4 * N * eps * distance(a) + slack);
        expect(orthogonalityError(m, columns, u)).toBeLessThanOrEqual(12 * N * eps);
        expect(orthogonalityError(n, rows, transposed(rows, n, vt))).toBeLessThanOrEqual(12 * N * eps);
        expect(s0.every((x, i) => x >= 0 && (i === 0 || s0[i - 1] >= x))).toBe(true);
        expect(signsAreFixed(u0, m, columns)).toBe(true);
        if (full && n > m) expect(signsAreFixed(transposed(n - m, n, vt0.slice(m * n)), n, n - m)).toBe(true);

        const only = new Float64Array(k);
        expect(svd(a, m, n, only, null, null, { accurate })).toBe(0);
        expect(distance(only, s0)).toBeLessThanOrEqual(10 * N * eps * distance(a) + slack);
      },
    );
  });

  test.each(Object.keys(references))("%s: singular values within 10Nε‖A‖ of mpmath's", (name) => {
    const { m, n, data } = list.find((a) => a.name === name)!;
    const a = round(data);
    for (const accurate of [false, true]) {
      const s = new Float64Array(Math.min(m, n));
      svd(a, m, n, s, null, null, { accurate });
      const error = round(s).reduce((worst, x, i) => Math.max(worst, Math.abs(x - references[name][i])), 0);
      expect(error).toBeLessThanOrEqual(10 * Math.max(m, n) * eps * distance(a));
    }
  });

  test("Läuchli: √(n + μ²) once and μ n − 1 times", () => {
    const { m, n, data } = list.find((a) => a.name === "Läuchli 41×40")!;
    const s = new Float64Array(n);
    svd(round(data), m, n, s, null, null);
    expect(Math.abs(s[0] - Math.sqrt(n))).toBeLessThanOrEqual(10 * m * eps * s[0]);
    for (let i = 1; i < n; i++) expect(Math.abs(s[i] - 1e-9)).toBeLessThanOrEqual(10 * m * eps * s[0]);
  });
});

describe("accurate: columns scaled by 2^(−12j), σ from 1 to 1e-25", () => {
  const [m, n] = [10, 8];
  const a = Float64Array.from({ length: m * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return (((7 * i + 3 * j * j + i * j) % 11) - 5 + (i === j ? 12 : 0)) * 2 ** (-12 * j);
  });
  const expected = spectra.scaledColumns;
  const relativeError = (s: Float64Array): number =>
    s.reduce((worst, x, i) => Math.max(worst, Math.abs(x / expected[i] - 1)), 0);

  test("every singular value to 1e-14, also of Aᵀ", () => {
    const s = new Float64Array(n);
    svd(a, m, n, s, null, null, { accurate: true });
    expect(relativeError(s)).toBeLessThan(1e-14);
    svd(transposed(m, n, a), n, m, s, new Float64Array(n * n), new Float64Array(n * m), { accurate: true });
    expect(relativeError(s)).toBeLessThan(1e-14);
  });

  test("which the bidiagonal method does not reach", () => {
    // The same columns among others of unit size, so that Jacobi's method is not taken by default.
    const wider = 20;
    const b = new Float64Array(30 * wider);
    // In an order that does not help it.
    for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) b[i * wider + ((3 * j + 5) % n)] = a[i * n + j];
    for (let j = n; j < wider; j++) b[(j + 2) * wider + j] = 1;
    const find = (accurate: boolean): number => {
      const s = new Float64Array(wider);
      svd(b, 30, wider, s, null, null, { accurate });
      return Math.abs(s[wider - 1] / expected[n - 1] - 1);
    };
    expect(find(true)).toBeLessThan(1e-14);
    expect(find(false)).toBeGreaterThan(1e-6);
  });
});

test("near the identity singular vectors do not grow: rotations are not too long on average", () => {
  const n = 40;
  const a = symmetricWithSpectrum(Array.from({ length: n }, (_, i) => 1 + i * 1e-12));
  const [s, u, vt] = [new Float64Array(n), new Float64Array(n * n), new Float64Array(n * n)];
  svd(a, n, n, s, u, vt);
  expect(orthogonalityError(n, n, u)).toBeLessThan(3 * n * EPS);
  expect(orthogonalityError(n, n, vt)).toBeLessThan(3 * n * EPS); // 6nε with r = √(x² + y²) as rounded
});

test("R16: nuclear norm of S(4, 3), 3.51824504956031", () => {
  const s = new Float64Array(3);
  svd(sineSquares(4, 3), 4, 3, s, null, null);
  expect(Math.abs((s[0] + s[1] + s[2]) / 3.5182450495603051 - 1)).toBeLessThan(2e-15);
});

test("R17: sum of the best rank 2 of S(4, 3)", () => {
  const [s, u, vt] = [new Float64Array(3), new Float64Array(12), new Float64Array(9)];
  svd(sineSquares(4, 3), 4, 3, s, u, vt);
  let sum = 0;
  for (let p = 0; p < 2; p++) {
    for (let i = 0; i < 4; i++) for (let j = 0; j < 3; j++) sum += u[i * 3 + p] * s[p] * vt[p * 3 + j];
  }
  expect(Math.abs(sum / -1.9202129648180284 - 1)).toBeLessThan(4e-15);
});

test("NaN and infinities give NaN and −1", () => {
  for (const bad of [NaN, Infinity]) {
    for (const [m, n] of [
      [1, 1],
      [5, 3],
      [40, 30],
      [3, 50],
    ] as const) {
      const a = sineSquares(m, n);
      a[m * n - 1] = bad;
      const k = Math.min(m, n);
      const out = [new Float64Array(k), new Float64Array(m * k), new Float64Array(k * n)] as const;
      expect(svd(a, m, n, ...out)).toBe(-1);
      expect(out.every((x) => x.every(Number.isNaN))).toBe(true);
    }
  }
});
