/** Divide and conquer against its definition, and against the QL iteration, on matrices that deflate much, little, and barely. */

import { expect, test } from "vitest";
import { divideAndConquer } from "./divide-and-conquer.js";
import { secularRoot } from "./secular-equation.js";
import { tridiagonalQl } from "./tridiagonal-ql.js";

const EPS = 2 ** -53;
const wave = (i: number): number => Math.sin(1 + 12.9898 * i * (i + 1));

const matrices: readonly (readonly [string, number, (i: number) => number, (i: number) => number])[] = [
  ["random", 150, wave, (i) => wave(i + 7000)],
  ["second differences", 129, () => 2, () => -1],
  ["Wilkinson's, glued by 1e-8", 126, (i) => Math.abs(10 - (i % 21)), (i) => (i % 21 === 20 ? 1e-8 : 1)],
  ["Wilkinson's, glued by 1e-15", 105, (i) => Math.abs(10 - (i % 21)), (i) => (i % 21 === 20 ? 1e-15 : 1)],
  ["couplings of 0", 100, wave, (i) => (i % 7 === 0 ? 0 : wave(i))],
  ["a multiple of the identity, weakly coupled", 110, () => 3, () => 1e-9],
  ["zero", 97, () => 0, () => 0],
  ["graded upwards", 110, (i) => 2 ** (i - 110), (i) => 2 ** (i - 111)],
  ["graded downwards", 110, (i) => 2 ** -i, (i) => 2 ** (-i - 1)],
  ["tiny", 97, (i) => 1e-200 * wave(i), (i) => 1e-200 * wave(i + 99)],
  ["large", 97, (i) => 1e200 * wave(i), (i) => 1e200 * wave(i + 99)],
  ["Hermite's", 200, () => 0, (i) => Math.sqrt((i + 1) / 2)],
  ["two distant clusters", 140, (i) => (i % 2) * 1e6, (i) => 1e-3 * wave(i)],
];

test.each(matrices)("%s", (_, n, diagonal, coupling) => {
  const d = Float64Array.from({ length: n }, (_, i) => diagonal(i));
  const e = Float64Array.from({ length: n - 1 }, (_, i) => coupling(i));
  const norm = Math.max(...d.map((x, i) => Math.abs(x) + Math.abs(e[i - 1] ?? 0) + Math.abs(e[i] ?? 0)));
  const [w, rows] = [d.slice(), new Float64Array(n * n)];
  expect(divideAndConquer(w, e.slice(), rows)).toBe(0);

  let [residual, overlap] = [0, 0];
  for (let p = 0; p < n; p++) {
    const v = (i: number): number => (i < 0 || i >= n ? 0 : rows[p * n + i]);
    for (let i = 0; i < n; i++) {
      const Tv = (i > 0 ? e[i - 1] * v(i - 1) : 0) + d[i] * v(i) + (i < n - 1 ? e[i] * v(i + 1) : 0);
      residual = Math.max(residual, Math.abs(Tv - w[p] * v(i)));
    }
    for (let q = 0; q <= p; q++) {
      let product = p === q ? -1 : 0;
      for (let i = 0; i < n; i++) product += v(i) * rows[q * n + i];
      overlap = Math.max(overlap, Math.abs(product));
    }
  }
  expect(residual).toBeLessThanOrEqual(n * EPS * norm);
  expect(overlap).toBeLessThanOrEqual(n * EPS);

  const expected = d.slice();
  expect(tridiagonalQl(expected, e.slice(), null)).toBe(0);
  w.sort();
  expected.sort();
  for (let i = 0; i < n; i++) expect(Math.abs(w[i] - expected[i])).toBeLessThanOrEqual(n * EPS * norm);
});

test("roots interlace, and leave differences of small relative error", () => {
  for (const spread of [1, 1e-3, 1e-7, 1e-13]) {
    const k = 12;
    const d = Float64Array.from({ length: k }, (_, i) => i * spread + (i > 5 ? 1 : 0));
    const raw = Float64Array.from({ length: k }, (_, i) => (i % 4 === 3 ? 1e-9 : 1 + wave(i) / 2));
    const length = Math.hypot(...raw);
    const z = raw.map((x) => x / length);
    const rho = 0.7;
    const differences = new Float64Array(k);
    for (let i = 0; i < k; i++) {
      const root = secularRoot(i, k, d, z, rho, differences, 0);
      expect(root).toBeGreaterThanOrEqual(d[i]);
      expect(root).toBeLessThanOrEqual(i < k - 1 ? d[i + 1] : d[i] + rho * (1 + 1e-15));
      const terms = [...z].map((x, j) => (x * x) / differences[j]);
      const value = 1 / rho + terms.reduce((sum, x) => sum + x, 0);
      const size = 1 / rho + terms.reduce((sum, x) => sum + Math.abs(x), 0);
      expect(Math.abs(value)).toBeLessThanOrEqual(4 * k * EPS * size);
    }
  }
});
