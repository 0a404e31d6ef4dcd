/** J and Y of real order against mpmath (fixtures/cylinder.py): every region, edges, derivatives, refusals. */

import { DomainError, grad, tensor, TracingError, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import { distance } from "./cylinder/debye.js";
import { besselJ, besselY } from "./cylinder/index.js";
import { sphericalBesselJ, sphericalBesselY } from "./spherical/index.js";
import rows from "./fixtures/cylinder.json" with { type: "json" };

const ofJ = rows.map(([v, x, j]) => [v, x, j]);
const ofY = rows.map(([v, x, , y]) => [v, x, y]);
const moduli = new Map(rows.map(([v, x, j, y]) => [`${v} ${x}`, Math.hypot(j, y)]));

/** What the documentation states: relative to the value left of the turning point, to the modulus right of it; times max(14, w). */
function scale(v: number, x: number, value: number): number {
  const size = Math.abs(value);
  if (x < v) return size * Math.max(14, Math.abs(Math.log(size)));
  return moduli.get(`${v} ${x}`)! * Math.max(14, v > x / 2 ? distance(v, x) : (v * v) / x);
}

test("J and Y to 1.5e-15·max(14, w), at orders to 5·10⁴ and arguments to 10⁹", () => {
  expect(rows.length).toBeGreaterThan(450);
  expect(worst(ofJ, besselJ, scale)).toBeLessThan(1.5e-15);
  expect(worst(ofY, besselY, scale)).toBeLessThan(1.5e-15);
});

test("to 5e-15 outright for arguments to 100 and orders to 20", () => {
  const near = (table: number[][]): number[][] => table.filter(([v, x]) => v < 20 && x < 100);
  const plain = (v: number, x: number, value: number): number => (x < v ? Math.abs(value) : moduli.get(`${v} ${x}`)!);
  expect(near(ofJ).length).toBeGreaterThan(150);
  expect(worst(near(ofJ), besselJ, plain)).toBeLessThan(5e-15);
  expect(worst(near(ofY), besselY, plain)).toBeLessThan(5e-15);
});

test("J_{v+1}Y_v − J_vY_{v+1} = 2/(πx) at joints of the regions and far out", () => {
  for (const [v, x] of [
    [11.9, 2],
    [12.1, 2],
    [39.9, 41],
    [40.1, 41],
    [40.1, 75],
    [1e5, 1e5],
    [1e7, 1e7],
    [0.3, 22.1],
    [1e9, 1e9],
  ]) {
    // prettier-ignore
    const wronskian = besselJ(v + 1, x) * besselY(v, x) - besselJ(v, x) * besselY(v + 1, x);
    expect(Math.abs((wronskian * Math.PI * x) / 2 - 1), `${v}, ${x}`).toBeLessThan(1e-12 + 1e-15 * x ** (2 / 3));
  }
});

test("negative orders, ends, poles, under- and overflow", () => {
  expect(besselJ(-3, 2)).toBe(-besselJ(3, 2));
  expect(besselJ(-2, 0)).toBe(0);
  expect(Math.abs(besselJ(-2.5, 1) / 2.876387857462161 - 1)).toBeLessThan(2e-15); // closed form
  expect(besselJ(-0.5, 3)).toBeCloseTo(Math.sqrt(2 / (3 * Math.PI)) * Math.cos(3), 15);
  expect(besselY(-0.5, 3)).toBeCloseTo(Math.sqrt(2 / (3 * Math.PI)) * Math.sin(3), 15);
  expect([besselJ(0, 0), besselJ(2.5, 0), besselJ(3, -2), besselJ(2, -2)]).toEqual([1, 0, -besselJ(3, 2), besselJ(2, 2)]); // prettier-ignore
  expect([besselJ(0, 5e-324), besselJ(300, 1e-3), besselJ(7, Infinity), besselY(7, Infinity)]).toEqual([1, 0, 0, 0]);
  expect([besselY(0, 0), besselY(300, 1e-3), besselY(1, 5e-324)]).toEqual([-Infinity, -Infinity, -Infinity]);
  expect(besselY(0, 5e-324)).toBeCloseTo((2 / Math.PI) * (-1075 * Math.LN2 + 0.5772156649015329 + Math.LN2 - Math.LN2), 11); // prettier-ignore
  const refused = [() => besselJ(0.5, -1), () => besselY(1, -1), () => besselJ(NaN, 1), () => besselJ(1, NaN), () => besselY(Infinity, 1)]; // prettier-ignore
  for (const f of refused) expect(f).toThrow(DomainError);
  expect(besselJ(f64([0.5, 1, NaN]), f64(-1)).dataSync()).toEqual(Float64Array.of(NaN, -besselJ(1, 1), NaN));
  expect(besselY(0, f64([-1, NaN])).dataSync()).toEqual(Float64Array.of(NaN, NaN));
});

test("of tensors; derivatives in x of two orders, none in v", () => {
  const operands = [[0, 2.5, 30, 100, -1.5], [0.7, 3, 25, 103, 2]]; // prettier-ignore
  behavesAsTensorFunction(besselJ, operands, { derivatives: [1] });
  behavesAsTensorFunction(besselY, operands, { derivatives: [1] });
  expect(() => grad((v: Tensor) => besselJ(v, 1))(f64(2))).toThrow(TracingError);
  expect(besselJ(tensor([1, 2]), 3).dtype).toBe("float32");
});

test("spherical functions of half orders are the same", () => {
  for (const x of [0.3, 7, 40]) {
    const factor = Math.sqrt(Math.PI / (2 * x));
    expect(Math.abs(besselJ(4.5, x) * factor - sphericalBesselJ(4, x))).toBeLessThan(1e-15);
    expect(Math.abs((besselY(4.5, x) * factor) / sphericalBesselY(4, x) - 1)).toBeLessThan(1e-13);
  }
});
