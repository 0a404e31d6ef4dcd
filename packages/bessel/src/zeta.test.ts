/** Zeta functions and exponential integrals against mpmath (fixtures/zeta.py). */

import { DomainError, grad, polygamma, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import { expintE, expintEi } from "./exponential-integral/index.js";
import fixture from "./fixtures/zeta.json" with { type: "json" };
import { hurwitzZeta, zeta } from "./zeta/index.js";

const rows: Record<keyof typeof fixture, number[][]> = fixture;

test("ζ(s) to 3e-15, at its pole and zeros too; far to the left to 1e-15·|s|", () => {
  expect(worst(rows.zeta, zeta)).toBeLessThan(3e-15);
  expect(worst(rows.farLeft, zeta, (s, y) => Math.abs(s) * Math.abs(y))).toBeLessThan(1.5e-15);
  expect([zeta(-2), zeta(-40), zeta(0), zeta(Infinity)]).toEqual([0, 0, -0.5, 1]);
  expect(zeta(2)).toBeCloseTo(Math.PI ** 2 / 6, 15);
  expect(zeta(1 - 2 ** -52)).toBeLessThan(-4e15);
  for (const s of [1, -Infinity, NaN]) expect(() => zeta(s)).toThrow(DomainError);
  expect(zeta(f64([1, NaN])).dataSync()).toEqual(Float64Array.of(NaN, NaN));
});

test("ζ(s, a) to 2e-15", () => {
  expect(worst(rows.hurwitz, hurwitzZeta)).toBeLessThan(2e-15);
  expect(hurwitzZeta(3, 1)).toBeCloseTo(zeta(3), 15);
  expect(hurwitzZeta(4, 0.3) * 6).toBeCloseTo(polygamma(3, f64(0.3)).itemSync(), 9);
  expect([hurwitzZeta(1, 2), hurwitzZeta(Infinity, 2), hurwitzZeta(3, Infinity)]).toEqual([Infinity, 0, 0]);
  for (const [s, a] of [[0.5, 1], [2, 0], [2, -1], [NaN, 1]]) expect(() => hurwitzZeta(s, a)).toThrow(DomainError); // prettier-ignore
});

test("derivatives in s to 1e-14 of max(1, |value|)", () => {
  const size = (...row: number[]): number => Math.max(1, Math.abs(row[row.length - 1]));
  expect(worst(rows.slope, (s) => grad((t: Tensor) => zeta(t))(f64(s)).itemSync(), size)).toBeLessThan(1e-14);
  const inS = (s: number, a: number): number => grad((t: Tensor) => hurwitzZeta(t, a))(f64(s)).itemSync();
  expect(worst(rows.hurwitzSlope, inS, size)).toBeLessThan(1e-14);
});

test("E_n and Ei to 2e-15, Ei at its zero too", () => {
  expect(worst(rows.expintE, expintE)).toBeLessThan(2e-15);
  expect(worst(rows.expintEi, expintEi)).toBeLessThan(2e-15);
  expect([expintE(0, 0), expintE(1, 0), expintE(2, 0), expintE(5, 0), expintE(3, Infinity)]).toEqual([Infinity, Infinity, 1, 0.25, 0]); // prettier-ignore
  expect([expintEi(0), expintEi(-Infinity), expintEi(Infinity), expintEi(720)]).toEqual([-Infinity, -0, Infinity, Infinity]); // prettier-ignore
  expect(expintE(1, 5e-324)).toBeCloseTo(1074 * Math.LN2 - 0.5772156649015329, 10);
  expect(expintE(0, 2)).toBe(Math.exp(-2) / 2);
  for (const f of [() => expintE(-1, 1), () => expintE(1.5, 1), () => expintE(1, -1), () => expintEi(NaN)]) expect(f).toThrow(DomainError); // prettier-ignore
  expect(expintE(1, f64([-1])).dataSync()).toEqual(Float64Array.of(NaN));
});

test("of tensors; derivatives of two orders", () => {
  behavesAsTensorFunction(zeta, [[-7.5, -0.4, 0.5, 1.2, 6]]);
  behavesAsTensorFunction(hurwitzZeta, [[1.3, 2, 9], [0.4, 3, 30]]); // prettier-ignore
  behavesAsTensorFunction(expintEi, [[-2, 0.3, 5, 50]]);
  for (const n of [0, 1, 4]) behavesAsTensorFunction((x: never) => expintE(n, x) as unknown, [[0.3, 2, 30]]);
});
