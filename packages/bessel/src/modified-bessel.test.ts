/** Against mpmath at 60 digits, at 20,000 points (fixtures/bessel_grid.py): random ones, edges of the ladder, integers and halves. Derivatives, shapes, refusals. */

import { DomainError, DTypeError, grad, jit, ShapeError, tensor, vmap, type Tensor } from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { column } from "../test/grid.js";
import * as bessel from "./index.js";

const eps = 2 ** -52;
const [v, x] = [column("v"), column("x")];

/** Name here, name in the fixture, share of points within 4 eps, largest error; of max(1, |value|), of ratios relative. */
const functions = [
  ["logIv", "logIv", 0.999, 9e-16],
  ["logIve", "logIve", 0.999, 9e-16],
  ["logKv", "logKv", 0.999, 2e-15],
  ["logKve", "logKve", 0.999, 2e-15],
  ["besselRatioI", "ratioI", 0.999, 2e-15],
  ["besselRatioK", "ratioK", 0.999, 2e-15],
] as const;

describe.each(functions)("%s", (name, key, share, bound) => {
  const f = bessel[name];
  const wanted = column(key);
  const errors = (got: ArrayLike<number>): Float64Array =>
    wanted.map((w, i) => Math.abs(got[i] - w) / (key.startsWith("ratio") ? Math.abs(w) : Math.max(1, Math.abs(w))));

  test("of numbers, on the grid", () => {
    const error = errors(Array.from(v, (order, i) => f(order, x[i])));
    expect(error.filter((e) => e <= 4 * eps).length / error.length).toBeGreaterThanOrEqual(share);
    expect(error.every((e) => e <= bound)).toBe(true); // NaN fails
  });

  test("of tensors, on the grid; jit gives the same bits", () => {
    const [orders, at] = [tensor(v), tensor(x)];
    const got = f(orders, at).dataSync();
    const error = errors(got);
    expect(error.filter((e) => e <= 4 * eps).length / error.length).toBeGreaterThanOrEqual(share);
    expect(error.every((e) => e <= Math.max(bound, 1.4e-15))).toBe(true);
    expect(jit((a: Tensor, b: Tensor) => f(a, b))(orders, at).dataSync()).toEqual(got);
  });

  test("of a few elements: the numbers' bits, eager, jit and vmap; float32 is the rounded value", () => {
    const few = x.slice(0, 50);
    const scalars = Float64Array.from(few, (t) => f(2.5, t));
    expect(f(2.5, tensor(few)).dataSync()).toEqual(scalars);
    expect(jit((b: Tensor) => f(2.5, b))(tensor(few)).dataSync()).toEqual(scalars);
    expect(vmap((b: Tensor) => f(2.5, b))(tensor(few)).dataSync()).toEqual(scalars);
    const low = f(tensor([0.5, 2]), tensor([1, 3]));
    expect(low.dtype).toBe("float32");
    expect(low.dataSync()).toEqual(Float32Array.of(f(0.5, 1), f(2, 3)));
  });

  test("derivatives in x, to the second order, are those of differences", () => {
    const first = (t: number): number => grad((s: Tensor) => f(1.5, s))(tensor(t, { dtype: "float64" })).itemSync();
    for (const t of [0.3, 2, 25, 400]) {
      const h = 1e-5 * t;
      const slope = (f(1.5, t + h) - f(1.5, t - h)) / (2 * h);
      expect(Math.abs(first(t) - slope)).toBeLessThan(1e-8 * Math.max(1, Math.abs(slope)));
      const second = grad((s: Tensor) => grad((r: Tensor) => f(1.5, r))(s))(tensor(t, { dtype: "float64" })).itemSync();
      const bend = (first(t + h) - first(t - h)) / (2 * h);
      expect(Math.abs(second - bend)).toBeLessThan(1e-5 * Math.max(1, Math.abs(bend)));
    }
  });

  test("finite for orders to 1e7, broadcasting, refusals", () => {
    for (const order of [0, 1, 1e3, 1e7])
      for (const t of [1e-3, 1, 1e3, 1e6]) expect(f(order, t)).toBeLessThan(Infinity);
    expect(f(tensor([[0], [1]]), tensor([1, 2, 3])).shape).toEqual([2, 3]);
    if (name.includes("K")) expect(f(-1, 1)).toBeCloseTo(name === "besselRatioK" ? 1 / f(0, 1) : f(1, 1), 14);
    else expect(() => f(-1, 1)).toThrow(`${name}: v is -1; wants a number >= 0. Of I at −v, besselI gives the value`);
    expect(() => f(1, NaN)).toThrow(DomainError);
    expect(() => f(tensor([1, 2]), tensor([1, 2, 3]))).toThrow(ShapeError);
    expect(() => f(tensor([1, 2], { dtype: "int32" }), 1)).toThrow(DTypeError);
    expect(() => f(tensor([1, 2], { dtype: "int32" }), 1)).toThrow("v is int32; wants float32 or float64");
  });
});

test("spot values of the specification", () => {
  // v, x, log I, log K: all digits valid.
  const rows: readonly (readonly [number, number, number, number])[] = [
    [0.5, 2, 0.71600242968946804, -2.1207822376352452],
    [7.25, 12, 7.6358739548757333, -10.969672393561655],
    [0, 700, 695.80569999844345, -703.04992725894391],
    [10, 1e5, 99993.324099981817, -100005.53017263233],
    [1023, 300.5, -921.88152045489706, 914.2164964500934],
  ];
  for (const [order, t, i, k] of rows) {
    expect(Math.abs(bessel.logIv(order, t) - i)).toBeLessThan(4 * eps * Math.max(1, Math.abs(i)));
    expect(Math.abs(bessel.logKv(order, t) - k)).toBeLessThan(4 * eps * Math.max(1, Math.abs(k)));
  }
});

test("gradients in x are v/x + r and v/x − q, to 1e-13, on the grid", () => {
  const gradient = (f: (v: Tensor, x: Tensor) => Tensor): Float64Array =>
    grad((t: Tensor) => f(tensor(v), t).sum())(tensor(x)).dataSync() as Float64Array;
  for (const [name, key, sign] of [["logIv", "ratioI", 1], ["logKv", "ratioK", -1]] as const) {
    const ratio = column(key);
    const got = gradient(bessel[name]);
    // The larger part counts where the two cancel.
    const error = got.map((g, i) => Math.abs(g - (v[i] / x[i] + sign * ratio[i])) / Math.max(v[i] / x[i], ratio[i]));
    expect(error.every((e) => e < 1e-13)).toBe(true);
  }
}); // prettier-ignore

test("tiny arguments, subnormal ones too", () => {
  // By mpmath: besselk and besseli at 60 digits.
  const smallest = 5e-324;
  const rows: readonly (readonly ["logKv" | "logIv", number, number, number])[] = [
    ["logKv", 1e-12, 1e-300, 6.5379827338810342],
    ["logKv", 1e-3, 1e-200, 6.167719326927848],
    ["logKv", 0, 1e-300, 6.5379827338810342],
    ["logKv", 0, smallest, 6.6127880721788324],
    ["logKv", 0.3, smallest, 223.94261654484048],
    ["logKv", 2.5, smallest, 1862.424583444766],
    ["logKv", 40, smallest, 29911.267377157732],
    ["logIv", 0.3, smallest, -223.43179092107449],
    ["logIv", 2.5, smallest, -1864.0340213572001],
  ];
  for (const [name, v, x, wanted] of rows)
    expect(Math.abs(bessel[name](v, x) / wanted - 1), `${name}(${v}, ${x})`).toBeLessThan(1e-14);
  for (const order of [0, 1e-12, 0.5, 3, 1e7]) {
    for (const t of [smallest, 1e-300, 1e-160, 1e-20, 1e-3, 1e200]) {
      for (const [name] of functions) {
        const value = bessel[name](order, t);
        expect(value, `${name}(${order}, ${t})`).not.toBeNaN();
        if (name !== "besselRatioK") expect(Math.abs(value)).toBeLessThan(Infinity); // that one overflows, truly
      }
    }
  }
});

test("negative orders of K", () => {
  // K_{v+1}/K_v by mpmath.
  const rows = [
    [-0.3, 0.7, 1.2068634707187958],
    [-2.7, 3, 0.54276037068224407],
    [-0.8, 40, 0.99261893025940186],
    [-7.25, 12, 0.59484135976653971],
    [-0.5, 2, 1],
    [-100.3, 50, 0.23743995936975554],
  ];
  for (const [v, x, wanted] of rows) {
    expect(Math.abs(bessel.besselRatioK(v, x) / wanted - 1)).toBeLessThan(4 * eps);
    expect(bessel.logKv(v, x)).toBe(bessel.logKv(-v, x));
    expect(bessel.logKve(v, x)).toBe(bessel.logKve(-v, x));
  }
});

test("at the ends", () => {
  expect(bessel.logIv(0, 0)).toBe(0);
  expect(bessel.logIv(2, 0)).toBe(-Infinity);
  expect(bessel.logKv(2, 0)).toBe(Infinity);
  expect(bessel.logKv(2, Infinity)).toBe(-Infinity);
  expect(bessel.besselRatioI(3, 0)).toBe(0);
});

test("neighbouring branches meet", () => {
  for (const [name, , , bound] of functions) {
    for (const order of [0.5, 2.9, 3.1, 10, 17.9, 18.1, 31.9, 32.1, 89, 91, 299, 301]) {
      for (const edge of [26, 28, 30, 45, 50, 110, 170, 300, 900, 1400, 8000]) {
        const [below, above] = [bessel[name](order, edge * (1 - 1e-14)), bessel[name](order, edge * (1 + 1e-14))];
        // What the function itself does between the two: |x f′| ≤ 2x + v + 2 in log scale.
        const own = 2.1e-14 * (2 * edge + order + 2);
        expect(Math.abs(above - below)).toBeLessThan(own + 2 * bound * Math.max(1, Math.abs(above)));
      }
    }
  }
});
