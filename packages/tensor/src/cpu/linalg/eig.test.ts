/** The general eigensolver on the whole list of nasty matrices, in both precisions. */

import { describe, expect, test } from "vitest";
import { eig } from "./eig.js";
import spectra from "./fixtures/spectra.json" with { type: "json" };
import { largeMatrices, nastyMatrices, sineSquares } from "../../../test/support/nasty-matrices.js";
import { EPS, TINIEST, distance, precisions, product } from "../../../test/support/residuals.js";

/** [Re w, Im w, condition number of w]. */
const references: Readonly<Record<string, readonly (readonly number[])[]>> = spectra.eig;

const square = [...nastyMatrices(), ...largeMatrices().slice(0, 1)].filter((a) => a.m === a.n);

interface Eigen {
  readonly wr: Float64Array;
  readonly wi: Float64Array;
  readonly vr: Float64Array;
  readonly vi: Float64Array;
}

function solve(a: Float64Array, n: number): Eigen {
  const out = {
    wr: new Float64Array(n),
    wi: new Float64Array(n),
    vr: new Float64Array(n * n),
    vi: new Float64Array(n * n),
  };
  expect(eig(a, n, out.wr, out.wi, out.vr, out.vi)).toBe(0);
  return out;
}

describe.each(precisions)("$precision", ({ precision, eps, round }) => {
  const list = square.filter(
    (a) => (precision === "float64" || !a.float64Only) && (a.n < 500 || precision === "float64"),
  );

  test.each(list)(
    "$name: ‖AV − VW‖ ≤ 10Nε‖A‖, ‖v‖ = 1, phases fixed, pairs together",
    { timeout: 120_000 },
    ({ n, data }) => {
      const a = round(data);
      const exact = solve(a, n);
      const [wr, wi, vr, vi] = [exact.wr, exact.wi, exact.vr, exact.vi].map(round);
      const re = product(n, n, n, a, vr);
      const im = product(n, n, n, a, vi);
      const vwRe = vr.map((x, k) => x * wr[k % n] - vi[k] * wi[k % n]);
      const vwIm = vr.map((x, k) => x * wi[k % n] + vi[k] * wr[k % n]);
      const bound = 10 * n * eps * distance(a) + 4 * n * n * TINIEST;
      expect(Math.hypot(distance(re, vwRe), distance(im, vwIm))).toBeLessThanOrEqual(bound);

      for (let j = 0; j < n; j++) {
        const sizes = Array.from({ length: n }, (_, i) => Math.hypot(exact.vr[i * n + j], exact.vi[i * n + j]));
        expect(Math.abs(Math.hypot(...sizes) - 1)).toBeLessThan(4 * n * EPS);
        const first = sizes.findIndex((x) => x >= (1 - 2 ** -10) * Math.max(...sizes) * (1 - 4 * EPS));
        expect(exact.vr[first * n + j]).toBeGreaterThan(0);
        expect(exact.vi[first * n + j]).toBe(0);
        if (exact.wi[j] > 0) {
          expect(exact.wr[j + 1]).toBe(exact.wr[j]);
          expect(exact.wi[j + 1]).toBe(-exact.wi[j]);
        }
        if (exact.wi[j] === 0) for (let i = 0; i < n; i++) expect(exact.vi[i * n + j]).toBe(0);
      }
      const tie = 10 * n * EPS * Math.max(0, ...exact.wr.map((x, j) => Math.hypot(x, exact.wi[j])));
      expect(exact.wr.every((x, j) => j === 0 || x >= exact.wr[j - 1] - 2 * n * tie)).toBe(true);

      const [onlyRe, onlyIm] = [new Float64Array(n), new Float64Array(n)];
      expect(eig(a, n, onlyRe, onlyIm, null, null)).toBe(0);
      expect([onlyRe, onlyIm]).toEqual([exact.wr, exact.wi]); // to the last bit
    },
  );

  test.each(Object.keys(references))("%s: each eigenvalue within 10Nε‖A‖κ(w) of mpmath's", (name) => {
    const reference = references[name];
    const n = reference.length;
    const data = list.find((a) => a.name === name)?.data ?? sineSquares(n, n);
    const a = round(data);
    const { wr, wi } = solve(a, n);
    const unmatched = new Set(reference);
    for (let j = 0; j < n; j++) {
      const ranked = [...unmatched].sort(
        (x, y) => Math.hypot(x[0] - wr[j], x[1] - wi[j]) - Math.hypot(y[0] - wr[j], y[1] - wi[j]),
      );
      const [re, im, condition] = ranked[0];
      unmatched.delete(ranked[0]);
      expect(Math.hypot(re - wr[j], im - wi[j])).toBeLessThanOrEqual(10 * n * eps * distance(a) * condition);
    }
  });
});

const named = (name: string): { n: number; data: Float64Array } => square.find((a) => a.name === name)!;

test.each(["upper triangular", "lower triangular", "Jordan 12", "Jordan 6 nilpotent"])(
  "%s: the eigenvalues are the diagonal, exactly",
  (name) => {
    const { n, data } = named(name);
    const { wr, wi } = solve(data, n);
    const diagonal = Float64Array.from({ length: n }, (_, i) => data[i * n + i]).sort();
    expect(wr).toEqual(diagonal);
    expect(wi.every((x) => x === 0)).toBe(true);
  },
);

test("cyclic shift: the twelfth roots of unity, in order", () => {
  const { wr, wi } = solve(named("cyclic shift").data, 12);
  const expected = [6, 5, -5, 4, -4, 3, -3, 2, -2, 1, -1, 0].map((k) => (2 * Math.PI * k) / 12);
  expected.forEach((angle, j) => {
    expect(Math.abs(wr[j] - Math.cos(angle))).toBeLessThan(12 * EPS * 10);
    expect(Math.abs(wi[j] - Math.sin(angle))).toBeLessThan(12 * EPS * 10);
  });
});

test("skew-symmetric: real parts that are rounding errors do not scramble the order", () => {
  const n = 10;
  const a = sineSquares(n, n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a[j * n + i] = i === j ? (a[i * n + i] = 0) : -a[i * n + j];
  const { wi } = solve(a, n);
  for (let j = 0; j < n; j += 2) {
    expect(wi[j]).toBeGreaterThan(0);
    expect(wi[j + 1]).toBe(-wi[j]);
    if (j > 0) expect(wi[j]).toBeGreaterThan(wi[j - 2]);
  }
});

test("R22: eigenvalues of S(3, 3)", () => {
  const { wr, wi } = solve(sineSquares(3, 3), 3);
  const expected = [
    [-0.05001684901933874, 0.73826182278460013],
    [-0.05001684901933874, -0.73826182278460013],
    [0.17926493847434708, 0],
  ];
  expected.forEach(([re, im], j) => expect(Math.hypot(re - wr[j], im - wi[j])).toBeLessThan(5e-15));
});

test("2×2 blocks: real, nearly double, defective and complex pairs", () => {
  for (const [a, b, c, d] of [
    [1, 2, 3, 4],
    [1, 1e-8, 1e-8, 1],
    [1, 1, -1e-30, 1],
    [1, 1, 1e-30, 1],
    [4, 1, -1, 2],
    [0, 1, -1, 0],
    [1e-9, 1e9, -1e-9, 1e-9],
    [0, 1, 0, 0],
    [2, -3, 3, 2],
  ]) {
    const { wr, wi } = solve(Float64Array.of(a, b, c, d), 2);
    const size = Math.hypot(a, b, c, d);
    expect(Math.abs(wr[0] + wr[1] - (a + d))).toBeLessThanOrEqual(8 * EPS * size);
    expect(Math.abs(wr[0] * wr[1] - wi[0] * wi[1] - (a * d - b * c))).toBeLessThanOrEqual(
      16 * EPS * (Math.abs(a * d) + Math.abs(b * c)),
    );
  }
});

test("NaN and infinities give NaN and −1", () => {
  for (const bad of [NaN, Infinity]) {
    for (const n of [1, 2, 5, 30]) {
      const a = sineSquares(n, n);
      a[n * n - 1] = bad;
      const out = [new Float64Array(n), new Float64Array(n), new Float64Array(n * n), new Float64Array(n * n)] as const;
      expect(eig(a, n, ...out)).toBe(-1);
      expect(out.every((x) => x.every(Number.isNaN))).toBe(true);
    }
  }
});
