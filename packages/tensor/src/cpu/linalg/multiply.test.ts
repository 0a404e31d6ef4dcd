/** The strided product against the triple loop. */

import { describe, expect, test } from "vitest";
import { multiplyAdd } from "./multiply.js";
import { sineSquares } from "../../../test/support/nasty-matrices.js";
import { EPS, product, transposed } from "../../../test/support/residuals.js";

describe.each([
  [1, 1, 1],
  [2, 4, 3],
  [3, 5, 7],
  [5, 3, 300],
  [17, 270, 9],
  [0, 3, 2],
  [3, 0, 2],
  [3, 2, 0],
])("m = %i, n = %i, k = %i", (m, n, k) => {
  const a = sineSquares(m, k);
  const b = sineSquares(k, n);
  const expected = product(m, n, k, a, b);
  const size = product(m, n, k, a.map(Math.abs), b.map(Math.abs));
  const check = (c: Float64Array, alpha: number): void => {
    const worst = c.reduce(
      (w, x, i) => Math.max(w, Math.abs(x - 1 - alpha * expected[i]) - (k + 4) * EPS * (size[i] + 1)),
      0,
    );
    expect(worst).toBe(0);
  };

  test("C + AB", () => {
    const c = new Float64Array(m * n).fill(1);
    multiplyAdd(m, n, k, 1, a, 0, k, 1, b, 0, n, 1, c, 0, n);
    check(c, 1);
  });

  test("C − AB with transposed operands", () => {
    const c = new Float64Array(m * n).fill(1);
    multiplyAdd(m, n, k, -1, transposed(m, k, a), 0, 1, m, transposed(k, n, b), 0, 1, k, c, 0, n);
    check(c, -1);
  });

  test("inside larger arrays, rows of C backwards; what surrounds C is untouched", () => {
    const [rows, columns] = [m + 2, n + 3];
    const c = new Float64Array(rows * columns).fill(1);
    multiplyAdd(m, n, k, 1, a, 0, k, 1, b, 0, n, 1, c, m * columns + 2, -columns);
    const inner = new Float64Array(m * n);
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        const at = (m - i) * columns + 2 + j;
        inner[i * n + j] = c[at];
        c[at] = 1;
      }
    }
    check(inner, 1);
    expect(c.every((x) => x === 1)).toBe(true);
  });

  test("an infinity stays in its row", () => {
    if (m < 2 || n === 0 || k === 0) return;
    const bad = a.slice();
    bad[0] = Infinity;
    const c = new Float64Array(m * n).fill(1);
    multiplyAdd(m, n, k, 1, bad, 0, k, 1, b, 0, n, 1, c, 0, n);
    expect(c.subarray(n).every(Number.isFinite)).toBe(true);
  });
});
