/** Bounds of the symmetric eigensolver on the whole list of nasty matrices, in both precisions. */

import { describe, expect, test } from "vitest";
import { eigh } from "./eigh.js";
import spectra from "./fixtures/spectra.json" with { type: "json" };
import {
  largeMatrices,
  nastyMatrices,
  sineSquares,
  symmetricWithSpectrum,
} from "../../../test/support/nasty-matrices.js";
import {
  distance,
  orthogonalityError,
  precisions,
  product,
  signsAreFixed,
  TINIEST,
} from "../../../test/support/residuals.js";

const references: Readonly<Record<string, readonly number[]>> = spectra.eigh;

/** Every square matrix of the list serves: only its lower triangle is looked at. */
const square = [...nastyMatrices(), ...largeMatrices().slice(1, 2)].filter((a) => a.m === a.n);

const mirrored = (a: Float64Array, n: number): Float64Array =>
  a.map((_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return a[Math.max(i, j) * n + Math.min(i, j)];
  });

describe.each(precisions)("$precision", ({ precision, eps, round }) => {
  const list = square.filter((a) => precision === "float64" || !a.float64Only);

  test.each(list)(
    "$name: ‖AV − VW‖ ≤ 7Nε‖A‖, ‖VᵀV − I‖ ≤ 12Nε, ascending, signs fixed",
    { timeout: 60_000 },
    ({ n, data }) => {
      const a = mirrored(round(data), n);
      const lower = a.map((x, k) => (k % n > Math.floor(k / n) ? NaN : x)); // the upper triangle is not read
      const w0 = new Float64Array(n);
      const v0 = new Float64Array(n * n);
      expect(eigh(lower, n, w0, v0)).toBe(0);
      const [w, v] = [round(w0), round(v0)];
      const vw = v.map((x, k) => x * w[k % n]);
      const slack = 2 * n * n * TINIEST;
      expect(distance(product(n, n, n, a, v), vw)).toBeLessThanOrEqual(7 * n * eps * distance(a) + slack);
      expect(orthogonalityError(n, n, v)).toBeLessThanOrEqual(12 * n * eps);
      expect(w0.every((x, i) => i === 0 || w0[i - 1] <= x)).toBe(true);
      expect(signsAreFixed(v0, n, n)).toBe(true);

      const only = new Float64Array(n);
      expect(eigh(lower, n, only, null)).toBe(0);
      expect(only).toEqual(w0); // to the last bit
    },
  );

  test.each(Object.keys(references))("%s: eigenvalues within 10Nε‖A‖ of mpmath's", (name) => {
    const { n, data } = list.find((a) => a.name === name)!;
    const a = round(data);
    const w = new Float64Array(n);
    eigh(a, n, w, null);
    const error = round(w).reduce((worst, x, i) => Math.max(worst, Math.abs(x - references[name][i])), 0);
    expect(error).toBeLessThanOrEqual(10 * n * eps * distance(a));
  });

  test.each([
    ["30-fold cluster", (i: number) => (i < 30 ? 1 : i)],
    ["1e-12-spaced cluster", (i: number) => 1 + i * 1e-12],
    ["rank 3 of 40, symmetric", (i: number) => (i < 37 ? 0 : i - 36)],
  ] as const)("%s: the prescribed eigenvalues", (name, expected) => {
    const { n, data } = list.find((a) => a.name === name)!;
    const w = new Float64Array(n);
    eigh(round(data), n, w, new Float64Array(n * n));
    const error = w.reduce((worst, x, i) => Math.max(worst, Math.abs(x - expected(i))), 0);
    expect(error).toBeLessThanOrEqual(10 * n * eps * distance(data));
  });
});

test("W21+: the two largest eigenvalues, 7e-14 apart, are told apart", () => {
  const w = new Float64Array(21);
  const { data } = square.find((a) => a.name === "W21+")!;
  eigh(data, 21, w, null);
  expect(w[20]).toBeCloseTo(10.746194182903, 12);
  expect(w[20] - w[19]).toBeGreaterThan(5e-14);
  expect(w[20] - w[19]).toBeLessThan(9e-14);
});

test("R11, R12: λmax(A₀) and the square of its eigenvector's first component", () => {
  const w = new Float64Array(3);
  const v = new Float64Array(9);
  eigh(Float64Array.of(4, 1, 0, 1, 3, 1, 0, 1, 2), 3, w, v);
  expect(Math.abs(w[2] / 4.73205080756888 - 1)).toBeLessThan(1e-14);
  expect(Math.abs(v[2] ** 2 / 0.622008467928146 - 1)).toBeLessThan(1e-14);
});

test("components that tie to rounding: the first one is positive", () => {
  for (const n of [2, 8, 20]) {
    const v = new Float64Array(n * n);
    const toeplitz = Float64Array.from({ length: n * n }, (_, k) => 0.5 ** Math.abs(Math.floor(k / n) - (k % n)));
    eigh(toeplitz, n, new Float64Array(n), v);
    expect(signsAreFixed(v, n, n)).toBe(true);
  }
});

test("eigenvalues of a graded definite matrix are found to relative accuracy by Jacobi (n ≤ 8)", () => {
  const n = 8;
  // D B D with B = tridiag(1, 4, 1): tiny eigenvalues are the relative-perturbation kind, κ(B) < 3.
  const graded = Float64Array.from({ length: n * n }, (_, k) => {
    const [i, j] = [Math.floor(k / n), k % n];
    return (i === j ? 4 : Math.abs(i - j) === 1 ? 1 : 0) * 2 ** (-20 * (i + j));
  });
  const w = new Float64Array(n);
  eigh(graded, n, w, null);
  // det(DBD) = det(B)·Π2^(−40i); det(B) by its recurrence.
  let [previous, determinant] = [1, 4];
  for (let i = 2; i <= n; i++) [previous, determinant] = [determinant, 4 * determinant - previous];
  const product_ = w.reduce((x, y, i) => x * y * 2 ** (40 * (n - 1 - i)), 1);
  expect(Math.abs(product_ / determinant - 1)).toBeLessThan(1e-13);
});

test("NaN and infinities give NaN and −1", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    for (const n of [1, 3, 8, 9, 40]) {
      const a = symmetricWithSpectrum(Array.from({ length: n }, (_, i) => i));
      a[(n - 1) * n] = bad;
      const w = new Float64Array(n);
      const v = new Float64Array(n * n);
      expect(eigh(a, n, w, v)).toBe(-1);
      expect([...w, ...v].every(Number.isNaN)).toBe(true);
    }
  }
});

test("the input is left as it was", () => {
  const a = sineSquares(20, 20);
  const copy = a.slice();
  eigh(a, 20, new Float64Array(20), new Float64Array(400));
  expect(a).toEqual(copy);
});
