/** The inverse of the ratio, and its derivatives. */

import { DomainError, grad, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { besselRatioI, inverseBesselRatioI } from "./index.js";
import { inverseRatioOfI } from "./scalar/inverse-ratio.js";

const f64 = (values: number | number[]): Tensor => tensor(values, { dtype: "float64" });

test("gives the ratio back to a few ulp, in at most 8 steps", () => {
  for (const p of [2, 3, 10, 784, 2048, 8192, 32768, 1e5]) {
    for (const r of [1e-12, 1e-3, 0.05, 0.3, 0.5, 0.9, 0.95, 0.999, 1 - 1e-9]) {
      const { x, iterations } = inverseRatioOfI(p / 2 - 1, r);
      expect(Math.abs(besselRatioI(p / 2 - 1, x) - r)).toBeLessThan(4e-16 + 4e-16 * r);
      expect(iterations).toBeLessThanOrEqual(8);
    }
  }
  expect(inverseBesselRatioI(0.5, 0)).toBe(0);
  expect(inverseBesselRatioI(0.5, 1)).toBe(Infinity);
});

test("of tensors: broadcast, jit, vmap, derivatives to the second order", () => {
  const r = f64([0.1, 0.5, 0.9]);
  const wanted = Float64Array.from([0.1, 0.5, 0.9], (t) => inverseBesselRatioI(4, t));
  expect(inverseBesselRatioI(4, r).dataSync()).toEqual(wanted);
  expect(jit((t: Tensor) => inverseBesselRatioI(4, t))(r).dataSync()).toEqual(wanted);
  expect(vmap((t: Tensor) => inverseBesselRatioI(4, t))(r).dataSync()).toEqual(wanted);
  for (const t of [0.1, 0.5, 0.9]) {
    const h = 1e-5;
    const slope = (s: number): number => grad((q: Tensor) => inverseBesselRatioI(4, q))(f64(s)).itemSync();
    const difference = (inverseBesselRatioI(4, t + h) - inverseBesselRatioI(4, t - h)) / (2 * h);
    expect(Math.abs(slope(t) / difference - 1)).toBeLessThan(1e-7);
    const bend = grad((q: Tensor) => grad((s: Tensor) => inverseBesselRatioI(4, s))(q))(f64(t)).itemSync();
    expect(Math.abs(bend - (slope(t + h) - slope(t - h)) / (2 * h))).toBeLessThan(1e-6 * Math.abs(bend));
    const inV = grad((o: Tensor) => inverseBesselRatioI(o, t))(f64(4)).itemSync();
    expect(inV).toBeCloseTo((inverseBesselRatioI(4 + h, t) - inverseBesselRatioI(4 - h, t)) / (2 * h), 6);
  }
});

test("refusals", () => {
  expect(() => inverseBesselRatioI(-1, 0.5)).toThrow(DomainError);
  expect(() => inverseBesselRatioI(1, 1.5)).toThrow("inverseBesselRatioI: r is 1.5; wants 0 <= r <= 1.");
  expect(inverseBesselRatioI(1, tensor([1.5])).dataSync()).toEqual(Float32Array.of(NaN));
});
