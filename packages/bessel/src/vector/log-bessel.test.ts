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

/** Where one formula of the vectors takes over from another: arguments, orders, and orders over arguments. */
const edges = {
  x: [0.019, 0.05, 0.065, 0.154, 0.47, 0.5, 1, 2, 5, 10, 11, 18, 26, 28, 30, 45, 50, 110, 170, 200, 300, 900, 1400, 8000],
  v: [0.5, 1.5, 2, 3.05, 4, 4.5, 9, 9.5, 15.3919, 18, 32, 90, 300],
  slope: [0.615, 1, 3],
  // v² over x
  parabola: [0.1, 2],
}; // prettier-ignore

test.each(["logIv", "logIve", "logKv", "logKve"] as const)("%s on both sides of every edge", patience, (name) => {
  const [orders, at]: [number[], number[]] = [[], []];
  const put = (order: number, t: number): void => void (orders.push(order), at.push(t));
  // The regions are told in float32, so that the edge lies up to 2⁻²⁴ beside.
  for (const beside of [-1e-6, -4e-8, -1e-15, 0, 1e-15, 4e-8, 1e-6]) {
    for (let i = 0; i < 40; i++) {
      const [order, t] = [1e-2 * 1e5 ** (((i + 0.5) * 0.7548776662466927) % 1), 1e-3 * 1e7 ** (((i + 0.5) * 0.5698402909980532) % 1)]; // prettier-ignore
      for (const edge of edges.x) put(order, edge * (1 + beside));
      for (const edge of edges.v) put(edge * (1 + beside), t);
      for (const edge of edges.slope) put(edge * t * (1 + beside), t);
      for (const edge of edges.parabola) put(Math.sqrt(edge * t) * (1 + beside), t);
    }
  }
  const got = bessel[name](tensor(Float64Array.from(orders)), tensor(Float64Array.from(at))).dataSync();
  for (let i = 0; i < got.length; i++) {
    const wanted = bessel[name](orders[i], at[i]);
    const difference = Math.abs(got[i] - wanted) / Math.max(1, Math.abs(wanted));
    if (!(difference < 3e-15)) expect.fail(`${name}(${orders[i]}, ${at[i]}) is ${got[i]}, of numbers ${wanted}`);
  }
});
