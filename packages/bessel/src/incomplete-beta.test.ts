/** The incomplete beta function against mpmath (fixtures/incomplete_beta.py). */

import { DomainError, grad, tensor, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import fixture from "./fixtures/incomplete-beta.json" with { type: "json" };
import { incompleteBeta, inverseIncompleteBeta } from "./incomplete-beta/index.js";
import { gammaP } from "./incomplete-gamma/index.js";

const rows: Record<keyof typeof fixture, number[][]> = fixture;
const without = (table: number[][], keep: number[]): number[][] => table.map((row) => keep.map((c) => row[c]));

test("I_x(a, b) to 3e-14·max(1, |log|/20), a and b to 10⁴", () => {
  expect(rows.values.length).toBeGreaterThan(200);
  const tail = (_a: number, _b: number, _x: number, p: number): number => p * Math.max(1, -Math.log(p) / 20);
  expect(worst(rows.values, incompleteBeta, tail)).toBeLessThan(3e-14);
});

test("the inverse to 4e-15·max(1, |log x|), and back", () => {
  const size = (_a: number, _b: number, _p: number, x: number): number => x * Math.max(1, Math.abs(Math.log(x)));
  expect(worst(rows.inverse, inverseIncompleteBeta, size)).toBeLessThan(4e-15);
  for (const [a, b] of [
    [0.1, 0.2],
    [0.5, 30],
    [3, 2],
    [400, 1e4],
    [1e6, 1e6],
  ]) {
    // prettier-ignore
    for (const p of [1e-100, 1e-5, 0.2, 0.5, 0.8, 0.9999]) {
      const x = inverseIncompleteBeta(a, b, p);
      if (x < 1e-280 || 1 - x < 1e-3) continue;
      expect(Math.abs(incompleteBeta(a, b, x) / p - 1), `${a}, ${b}, ${p}`).toBeLessThan(1e-11);
    }
  }
});

test("ends, refusals, symmetry, a limit", () => {
  expect([incompleteBeta(2, 3, 0), incompleteBeta(2, 3, 1), inverseIncompleteBeta(2, 3, 0), inverseIncompleteBeta(2, 3, 1)]).toEqual([0, 1, 0, 1]); // prettier-ignore
  expect(incompleteBeta(1, 1, 0.3)).toBeCloseTo(0.3, 15);
  expect(incompleteBeta(2, 1, 5e-324)).toBe(0);
  expect(incompleteBeta(1, 1, 5e-324)).toBe(5e-324);
  expect(incompleteBeta(2.5, 4, 0.7) + incompleteBeta(4, 2.5, 1 - 0.7)).toBeCloseTo(1, 15);
  expect(Math.abs(incompleteBeta(3, 1e9, 2e-9) / gammaP(3, 2) - 1)).toBeLessThan(1e-8); // b·x → x of a gamma variable
  const refused = [() => incompleteBeta(0, 1, 0.5), () => incompleteBeta(1, -1, 0.5), () => incompleteBeta(1, 1, 1.5), () => inverseIncompleteBeta(1, 1, NaN)]; // prettier-ignore
  for (const f of refused) expect(f).toThrow(DomainError);
  expect(incompleteBeta(1, 1, f64([-1, 2])).dataSync()).toEqual(Float64Array.of(NaN, NaN));
  expect(incompleteBeta(tensor([1, 2]), 3, 0.5).dtype).toBe("float32");
});

test("derivatives in a and b, mixed ones too, to 1e-13", () => {
  const inA = (a: number, b: number, x: number): number => grad((t: Tensor) => incompleteBeta(t, b, x))(f64(a)).itemSync();
  const inB = (a: number, b: number, x: number): number => grad((t: Tensor) => incompleteBeta(a, t, x))(f64(b)).itemSync();
  const inAA = (a: number, b: number, x: number): number => grad((s: Tensor) => grad((t: Tensor) => incompleteBeta(t, b, x))(s))(f64(a)).itemSync(); // prettier-ignore
  const inAB = (a: number, b: number, x: number): number => grad((s: Tensor) => grad((t: Tensor) => incompleteBeta(t, s, x))(f64(a)))(f64(b)).itemSync(); // prettier-ignore
  for (const [c, f] of [inA, inB, inAA, inAB].entries()) {
    expect(worst(without(rows.slopes, [0, 1, 2, 3 + c]), f)).toBeLessThan(1e-13);
  }
}); // prettier-ignore

test("of tensors: broadcast, jit, vmap; derivatives in all", () => {
  const operands = [[0.4, 3, 30], [0.9, 2, 20], [0.3, 0.5, 0.7]]; // prettier-ignore
  behavesAsTensorFunction(incompleteBeta, operands);
  behavesAsTensorFunction(inverseIncompleteBeta, operands);
});
