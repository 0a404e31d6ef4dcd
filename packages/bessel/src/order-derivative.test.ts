/** Derivatives in the order, against mpmath (fixtures/order_derivatives.py), and how they join those in x. */

import { grad, jvp, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { describe, expect, test } from "vitest";
import rows from "./fixtures/order-derivatives.json" with { type: "json" };
import { besselRatioI, besselRatioK, logIv, logIve, logKv, logKve } from "./index.js";

type F = (v: number | Tensor, x: number | Tensor) => Tensor;
const f64 = (values: number | number[]): Tensor => tensor(values, { dtype: "float64" });
const v = rows.map((row) => row[0]);
const x = rows.map((row) => row[1]);

/** ∂ⁿf/∂vⁿ at all points. */
function derivatives(f: F, n: number, at: Tensor, arguments_: Tensor): Tensor {
  let g: (order: Tensor, t: Tensor) => Tensor = f;
  for (let k = 0; k < n; k++) {
    const inner = g;
    g = (order, t) => jvp((s: Tensor) => inner(s, t), [order], [f64(1).broadcastTo(order.shape)]).tangent;
  }
  return g(at, arguments_);
}

/**
 * Function, where its columns start, and the largest error of the first, second, third derivative: relative to the value, or, where
 * symmetry makes that vanish, to h^(1 − n), h = √(v² + x²); of q, which grows like 2v/x, to q′h^(1 − n).
 */
const functions: readonly (readonly [string, F, number, readonly number[]])[] = [
  ["logIv", logIv, 2, [1e-14, 1e-13, 1e-11]],
  ["logIve", logIve, 2, [1e-14, 1e-13, 1e-11]],
  ["logKv", logKv, 5, [1e-14, 1e-14, 1e-13]],
  ["logKve", logKve, 5, [1e-14, 1e-14, 1e-13]],
  ["besselRatioI", besselRatioI, 8, [1e-14, 1e-13, 1e-12]],
  ["besselRatioK", besselRatioK, 11, [1e-14, 1e-10, 1e-10]],
];

describe.each(functions)("%s", (name, f, start, bounds) => {
  test("first, second and third derivative in v", () => {
    for (const n of [1, 2, 3]) {
      const got = derivatives(f, n, f64(v), f64(x)).dataSync();
      rows.forEach((row, i) => {
        const wanted = row[start + n - 1];
        const h = Math.hypot(v[i], x[i], 1);
        const scale = name === "besselRatioK" ? row[start] / h ** (n - 1) : 1 / h ** (n - 1);
        const error = Math.abs(got[i] - wanted) / Math.max(Math.abs(wanted), Math.min(1, scale));
        expect(error, `${n}, v = ${v[i]}, x = ${x[i]}: ${got[i]}, not ${wanted}`).toBeLessThan(bounds[n - 1]);
      });
    }
  });

  test("mixed derivatives do not depend on the order of differentiation", () => {
    for (const [order, t] of [[0.3, 0.8], [4.5, 7], [12, 60], [3, 2000], [40, 5], [700, 900]]) {
      const vx = grad((a: Tensor) => grad((b: Tensor) => f(a, b))(f64(t)))(f64(order)).itemSync();
      const xv = grad((b: Tensor) => grad((a: Tensor) => f(a, b))(f64(order)))(f64(t)).itemSync();
      expect(Math.abs(vx - xv)).toBeLessThanOrEqual(1e-11 * Math.abs(vx));
      const vvx = grad((b: Tensor) => grad((a: Tensor) => grad((c: Tensor) => f(c, b))(a))(f64(order)))(f64(t)).itemSync();
      const h = 1e-4 * order;
      const at = (o: number): number =>
        grad((a: Tensor) => grad((b: Tensor) => f(a, b))(f64(t)))(f64(o)).itemSync();
      const bend = (at(order + h) - at(order - h)) / (2 * h);
      expect(Math.abs(vvx - bend)).toBeLessThan(1e-5 * Math.abs(bend) + 1e-12);
    }
  }); // prettier-ignore

  test("the same bits eager, jitted and batched", () => {
    const first = (a: Tensor, b: Tensor): Tensor => grad((o: Tensor) => f(o, b).sum())(a);
    const [a, b] = [f64(v.slice(0, 20)), f64(x.slice(0, 20))];
    const eager = first(a, b).dataSync();
    expect(jit(first)(a, b).dataSync()).toEqual(eager);
    expect(vmap(first)(a, b).dataSync()).toEqual(eager);
    expect(eager.every(Number.isFinite)).toBe(true);
  });
});

test("at arguments whose square is 0 the derivatives of log I are those of its leading term", () => {
  const slope = (o: Tensor): Tensor => grad((a: Tensor) => logIv(a, 1e-200))(o);
  // log(x/2) − ψ(2), and −ψ′(2).
  expect(slope(f64(1)).itemSync()).toBeCloseTo(Math.log(5e-201) - 0.42278433509846714, 12);
  expect(grad(slope)(f64(1)).itemSync()).toBeCloseTo(1 - Math.PI ** 2 / 6, 14);
});

test("log K is even in v: its derivatives at negative orders", () => {
  const slope = (o: number): number => grad((a: Tensor) => logKv(a, 2))(f64(o)).itemSync();
  expect(slope(-3)).toBe(-slope(3));
  expect(slope(0)).toBe(0);
  const ratio = (o: number): number => grad((a: Tensor) => besselRatioK(a, 2))(f64(o)).itemSync();
  for (const o of [-0.2, -0.9, -1, -3.4]) {
    const h = 1e-5;
    expect(ratio(o)).toBeCloseTo((besselRatioK(o + h, 2) - besselRatioK(o - h, 2)) / (2 * h), 8);
  }
});

test("second derivatives in x keep their digits where r is nearly 1", () => {
  // Order, x, r′ and q′ by mpmath.
  const rows = [
    [1, 1e4, 1.4999249887480308e-8, -1.5000749887519683e-8],
    [1, 1e6, 1.499999249998875e-12, -1.500000749998875e-12],
    [100, 3e5, 1.1162963037243131e-9, -1.1170370259054098e-9],
    [1000, 50, 0.00049856867258135894, -0.79950043879532579],
  ];
  for (const [order, t, r, q] of rows) {
    const slope = (f: F): number => grad((s: Tensor) => f(order, s))(f64(t)).itemSync();
    expect(Math.abs(slope(besselRatioI) / r - 1)).toBeLessThan(2e-14);
    expect(Math.abs(slope(besselRatioK) / q - 1)).toBeLessThan(2e-14);
  }
});
