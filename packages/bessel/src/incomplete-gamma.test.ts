/** Incomplete gamma functions against mpmath (fixtures/incomplete_gamma.py). */

import { DomainError, grad, tensor, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import fixture from "./fixtures/incomplete-gamma.json" with { type: "json" };
import { gammaP, gammaQ, inverseGammaP, inverseGammaQ } from "./incomplete-gamma/index.js";

const rows: Record<keyof typeof fixture, number[][]> = fixture;
const without = (table: number[][], keep: number[]): number[][] => table.map((row) => keep.map((c) => row[c]));
const tail = (_a: number, _x: number, p: number): number => p * Math.max(1, -Math.log(p) / 20);

test("P and Q to 1e-14·max(1, |log|/20) in both tails, a from 1e-8 to 10⁵", () => {
  expect(rows.values.length).toBeGreaterThan(350);
  expect(worst(without(rows.values, [0, 1, 2]), gammaP, tail)).toBeLessThan(1e-14);
  expect(worst(without(rows.values, [0, 1, 3]), gammaQ, tail)).toBeLessThan(1e-14);
  const moderate = rows.values.filter(([a, , p, q]) => a < 1 && Math.min(p, q) > 1e-12);
  expect(worst(without(moderate, [0, 1, 3]), gammaQ)).toBeLessThan(5e-15); // Q ≈ a·E₁(x) for tiny a
});

test("Q of orders below 1 to 7e-16 where the series ends and the fraction begins, and its inverse", () => {
  expect(worst(rows.seam, gammaQ)).toBeLessThan(7e-16);
  expect(worst(without(rows.seam, [0, 2, 1]), inverseGammaQ)).toBeLessThan(1e-15);
});

test("inverses to 2e-15·max(1, |log x|), and back", () => {
  const size = (_a: number, _p: number, x: number): number => x * Math.max(1, Math.abs(Math.log(x)));
  expect(worst(rows.inverse, inverseGammaP, size)).toBeLessThan(2e-15);
  expect(worst(rows.inverseQ, inverseGammaQ, size)).toBeLessThan(2e-15);
  for (const a of [0.02, 0.7, 1, 3.3, 50, 2e4, 1e7]) {
    for (const p of [1e-200, 1e-9, 0.1, 0.5, 0.9, 0.999999]) {
      const x = inverseGammaP(a, p);
      if (x > 1e-280) expect(Math.abs(gammaP(a, x) / p - 1), `${a}, ${p}`).toBeLessThan(1e-11); // P moves by eps·x·density
      const y = inverseGammaQ(a, p);
      if (y > 1e-280) expect(Math.abs(gammaQ(a, y) / p - 1), `${a}, ${p}`).toBeLessThan(1e-11);
    }
  }
});

test("ends and refusals", () => {
  expect([gammaP(2, 0), gammaQ(2, 0), gammaP(2, Infinity), gammaQ(2, Infinity)]).toEqual([0, 1, 1, 0]);
  expect([inverseGammaP(2, 0), inverseGammaP(2, 1), inverseGammaQ(2, 0), inverseGammaQ(2, 1)]).toEqual([0, Infinity, Infinity, 0]); // prettier-ignore
  expect([gammaP(1, 5e-324), gammaQ(1, 5e-324), gammaQ(3, 800), gammaP(1e9, 1)]).toEqual([5e-324, 1, 0, 0]);
  expect(gammaP(1, 2)).toBeCloseTo(-Math.expm1(-2), 15);
  expect(gammaQ(1e-300, 1) / 1e-300).toBeCloseTo(0.21938393439552029, 14); // E₁(1)
  expect(gammaP(1e12, 1e12)).toBeCloseTo(0.5, 6);
  const refused = [() => gammaP(0, 1), () => gammaP(1, -1), () => gammaQ(NaN, 1), () => inverseGammaP(1, 1.1), () => inverseGammaQ(-1, 0.5), () => inverseGammaP(1, NaN)]; // prettier-ignore
  for (const f of refused) expect(f).toThrow(DomainError);
  expect(gammaP(f64([0, 1]), f64([1, -1])).dataSync()).toEqual(Float64Array.of(NaN, NaN));
  expect(inverseGammaP(1, f64([-0.1, 1.1])).dataSync()).toEqual(Float64Array.of(NaN, NaN));
  expect(gammaP(tensor([1, 2]), 3).dtype).toBe("float32");
});

test("derivatives in a of two orders to 2e-14, relative", () => {
  const first = (a: number, x: number): number => grad((t: Tensor) => gammaP(t, x))(f64(a)).itemSync();
  const second = (a: number, x: number): number =>
    grad((t: Tensor) => grad((s: Tensor) => gammaP(s, x))(t))(f64(a)).itemSync();
  expect(worst(without(rows.slopes, [0, 1, 2]), first)).toBeLessThan(2e-14);
  expect(worst(without(rows.slopes, [0, 1, 3]), second)).toBeLessThan(2e-14);
});

test("of tensors: broadcast, jit, vmap; derivatives in both", () => {
  const operands = [[0.4, 3, 30], [0.9, 2, 33]]; // prettier-ignore
  behavesAsTensorFunction(gammaP, operands);
  behavesAsTensorFunction(gammaQ, operands);
  const shares = [[0.4, 3, 30], [0.3, 0.01, 0.6]]; // prettier-ignore
  behavesAsTensorFunction(inverseGammaP, shares);
  behavesAsTensorFunction(inverseGammaQ, shares);
});
