/** Spherical Bessel functions and Airy functions against mpmath (fixtures/spherical_airy.py). */

import { DomainError, grad, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import { airyAi, airyAiPrime, airyBi, airyBiPrime } from "./airy/index.js";
import airyRows from "./fixtures/airy.json" with { type: "json" };
import rows from "./fixtures/spherical.json" with { type: "json" };
import { sphericalBesselI, sphericalBesselJ, sphericalBesselK, sphericalBesselY } from "./spherical/index.js";

const column = (c: number): number[][] => rows.filter((row) => row[c] !== 0).map((row) => [row[0], row[1], row[c]]);
const moduli = new Map(rows.map(([n, x, j, y]) => [`${n} ${x}`, Math.hypot(j, y)]));
const size = (n: number, x: number, value: number): number => (x < n ? Math.abs(value) : moduli.get(`${n} ${x}`)!);
const scaled = { scaled: true } as const;

test("j, y, i, k: orders to 400, arguments from 1e-20 to 1000", () => {
  const tail = (n: number, x: number, j: number): number => size(n, x, j) * Math.max(1, Math.abs(Math.log(Math.abs(j))) / 4); // prettier-ignore
  expect(worst(column(2), sphericalBesselJ, tail)).toBeLessThan(3e-15);
  expect(worst(column(3), sphericalBesselY, size)).toBeLessThan(7e-15);
  expect(worst(column(4), (n, x) => sphericalBesselI(n, x))).toBeLessThan(5e-15);
  expect(worst(column(5), (n, x) => sphericalBesselI(n, x, scaled))).toBeLessThan(5e-15);
  expect(worst(column(6), (n, x) => sphericalBesselK(n, x))).toBeLessThan(3e-15);
  expect(worst(column(7), (n, x) => sphericalBesselK(n, x, scaled))).toBeLessThan(3e-15);
});

test("spherical: ends, parity, refusals", () => {
  expect([sphericalBesselJ(0, 0), sphericalBesselJ(3, 0), sphericalBesselI(0, 0), sphericalBesselI(2, 0)]).toEqual([1, 0, 1, 0]); // prettier-ignore
  expect([sphericalBesselY(2, 0), sphericalBesselK(2, 0), sphericalBesselK(1, 1e-200)]).toEqual([-Infinity, Infinity, Infinity]); // prettier-ignore
  expect([sphericalBesselJ(3, -2), sphericalBesselY(3, -2), sphericalBesselI(3, -2)]).toEqual([-sphericalBesselJ(3, 2), sphericalBesselY(3, 2), -sphericalBesselI(3, 2)]); // prettier-ignore
  expect([sphericalBesselJ(2, Infinity), sphericalBesselI(2, Infinity), sphericalBesselK(2, Infinity)]).toEqual([0, Infinity, 0]); // prettier-ignore
  expect(sphericalBesselI(1, 1e-310)).toBeCloseTo(1e-310 / 3, 320);
  expect(sphericalBesselI(0, 712)).toBeCloseTo(Math.exp(712 - Math.log(1424)), -300); // e^712 itself overflows
  expect(sphericalBesselI(0, 712)).toBeLessThan(Infinity);
  for (const f of [() => sphericalBesselJ(-1, 1), () => sphericalBesselJ(0.5, 1), () => sphericalBesselJ(0, NaN), () => sphericalBesselK(0, -1)]) expect(f).toThrow(DomainError); // prettier-ignore
  // Derivatives at 0 exist: j₀′ = 0, j₁′ = ⅓.
  expect(grad((x: Tensor) => sphericalBesselJ(0, x))(f64(0)).itemSync()).toBeCloseTo(0, 16);
  expect(grad((x: Tensor) => sphericalBesselI(1, x))(f64(0)).itemSync()).toBeCloseTo(1 / 3, 16);
});

test("spherical: of tensors, derivatives of two orders", () => {
  const x = [[0.4, 3, 17]];
  for (const n of [0, 3]) {
    for (const f of [sphericalBesselJ, sphericalBesselY, sphericalBesselI, sphericalBesselK]) {
      behavesAsTensorFunction((t: never) => f(n, t) as unknown, x);
    }
    for (const f of [sphericalBesselI, sphericalBesselK]) {
      behavesAsTensorFunction((t: never) => f(n, t, scaled) as unknown, x);
    }
  }
});

const airyModuli = new Map(airyRows.map(([x, a, b, da, db]) => [x, [Math.hypot(a, b), Math.hypot(da, db)]]));

test("Airy functions to 2e-15, from −10⁶ to 100", () => {
  const functions = [airyAi, airyBi, airyAiPrime, airyBiPrime];
  for (const [i, f] of functions.entries()) {
    const of = (x: number, y: number): number => (x >= 0 ? Math.abs(y) : airyModuli.get(x)![i >> 1]);
    const plain = airyRows.map((row) => [row[0], row[1 + i]]);
    const times = airyRows.map((row) => [row[0], row[5 + i]]);
    expect(
      worst(plain, (x) => f(x), of),
      f.name,
    ).toBeLessThan(2e-15);
    expect(
      worst(times, (x) => f(x, scaled), of),
      f.name,
    ).toBeLessThan(2e-15);
  }
});

test("Airy: ends, and what is beyond", () => {
  expect([airyAi(120), airyBi(120), airyAiPrime(120), airyBiPrime(Infinity)]).toEqual([0, Infinity, -0, Infinity]);
  expect([airyAi(-Infinity), airyBi(-Infinity), airyAi(NaN), airyAi(-1e250)]).toEqual([0, 0, NaN, NaN]);
  expect(airyAi(0) * airyBiPrime(0) - airyAiPrime(0) * airyBi(0)).toBeCloseTo(1 / Math.PI, 15);
  expect(airyAi(1e200, scaled)).toBeCloseTo(0.5 / Math.sqrt(Math.PI) / 1e50, 60);
  expect(airyAi(5e-324)).toBe(airyAi(0));
  // Joints of the methods
  for (const x of [1, -1]) expect(airyAi(x * (1 + 2e-16))).toBeCloseTo(airyAi(x), 15);
});

test("Airy: of tensors, derivatives of two orders, scaled ones too", () => {
  for (const f of [airyAi, airyBi, airyAiPrime, airyBiPrime]) {
    behavesAsTensorFunction(f, [[-7.1, -0.6, 0.7, 4]]);
    behavesAsTensorFunction((t: never) => f(t, scaled) as unknown, [[-7.1, -0.6, 0.7, 4]]);
  }
});
