/** The vector kernels beside the functions of numbers, on points of all regions; threads, odd lengths, points that are left to the caller. */

import { setThreads, tensor } from "@curv/tensor";
import { afterEach, expect, test } from "vitest";
import * as bessel from "../index.js";

const n = 20_001;
/** Log-uniform, with some of the ends. */
const decades = (low: number, high: number, factor: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => low * (high / low) ** (((i + 0.5) * factor) % 1));
const v = decades(1e-3, 1e5, 0.7548776662466927);
const x = decades(1e-6, 1e6, 0.5698402909980532);
for (let i = 0; i < n; i += 97) v[i] = Math.round(2 * v[i]) / 2;

afterEach(() => setThreads(1));

// Generous: workers start, and everything is compiled, on a machine that others use.
const patience = { timeout: 60_000 };

test.each(["logIv", "logIve", "logKv", "logKve"] as const)("%s", patience, (name) => {
  const f = bessel[name];
  const got = f(tensor(v), tensor(x)).dataSync();
  for (let i = 0; i < n; i++) {
    const wanted = f(v[i], x[i]);
    const difference = Math.abs(got[i] - wanted) / Math.max(1, Math.abs(wanted));
    if (!(difference < 3e-15)) expect.fail(`${name}(${v[i]}, ${x[i]}) is ${got[i]}, of numbers ${wanted}`);
  }
  // An element depends on nothing but its order and argument.
  expect(f(tensor(v.slice(1, 5000)), tensor(x.slice(1, 5000))).dataSync()).toEqual(got.slice(1, 5000));
  for (const threads of [2, 3]) {
    setThreads(threads);
    expect(f(tensor(v), tensor(x)).dataSync()).toEqual(got);
  }
  expect(f(tensor(v, { dtype: "float32" }), tensor(x, { dtype: "float32" })).dataSync()).toEqual(
    Float32Array.from(f(tensor(v.map(Math.fround)), tensor(x.map(Math.fround))).dataSync()),
  );
});

test("what has no formula on vectors, among what has one", patience, () => {
  const [orders, at] = [v.slice(0, 1200), x.slice(0, 1200)];
  const odd: readonly (readonly [v: number, x: number])[] = [
    [0, 0], [2, 0], [2, Infinity], [Infinity, 2], [NaN, 1], [1, NaN], [-1, 1], [1, -1], [3, 5e-324], [1e200, 1e190],
    [0, 1], [0, 1e-300], [17.5, 1e-7], [1e-300, 30], [0, 2000], [1e7, 1e-3], [18, 26], [0.5, 0.5],
  ]; // prettier-ignore
  odd.forEach(([order, t], i) => ([orders[61 * i], at[61 * i]] = [order, t]));
  for (const name of ["logIv", "logIve", "logKv", "logKve"] as const) {
    const got = bessel[name](tensor(orders), tensor(at)).dataSync();
    odd.forEach(([order, t], i) => {
      const wanted = bessel[name](tensor(order, { dtype: "float64" }), tensor(t, { dtype: "float64" })).itemSync();
      if (Math.abs(wanted) < Infinity)
        expect(Math.abs(got[61 * i] - wanted)).toBeLessThan(3e-15 * Math.max(1, Math.abs(wanted)));
      else expect(got[61 * i], `${name}(${order}, ${t})`).toBe(wanted);
    });
  }
});
