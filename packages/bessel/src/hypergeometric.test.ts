/** Confluent hypergeometric functions against mpmath (fixtures/hypergeometric.py), their moments, the distributions they normalise. */

import { DomainError, grad, tensor, TracingError, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { behavesAsTensorFunction, f64, worst } from "../test/measure.js";
import fixture from "./fixtures/hypergeometric.json" with { type: "json" };
import { hyp0f1, hyp1f1, hyp1f1Ratio, logHyp0f1, logHyp1f1 } from "./hypergeometric/index.js";
import { logIv } from "./index.js";

const rows: Record<keyof typeof fixture, number[][]> = fixture;
const without = (table: number[][], keep: number[]): number[][] => table.map((row) => keep.map((c) => row[c]));
const atLeastOne = (...row: number[]): number => Math.max(1, Math.abs(row[row.length - 1]));

test("log ₀F₁ and its derivative to 1e-15, relative, b to 10⁴", () => {
  expect(worst(without(rows.logHyp0f1, [0, 1, 2]), logHyp0f1)).toBeLessThan(1e-15);
  const slope = (b: number, z: number): number => grad((t: Tensor) => logHyp0f1(b, t))(f64(z)).itemSync();
  expect(worst(without(rows.logHyp0f1, [0, 1, 3]), slope)).toBeLessThan(1e-15);
});

test("₀F₁ itself: as the exponential of its logarithm, and where it oscillates", () => {
  for (const [b, z, log] of rows.logHyp0f1) {
    if (log > 700) continue;
    expect(Math.abs(hyp0f1(b, z) / Math.exp(log) - 1)).toBeLessThan(1e-15 * Math.max(1, log));
  }
  const amplitude = new Map(rows.hyp0f1.map(([b, z, , a]) => [`${b} ${z}`, a]));
  const scale = (b: number, z: number, y: number): number => Math.max(Math.abs(y), amplitude.get(`${b} ${z}`)!);
  expect(worst(without(rows.hyp0f1, [0, 1, 2]), hyp0f1, scale)).toBeLessThan(2e-14);
  expect(hyp0f1(0.5, -9)).toBeCloseTo(Math.cos(6), 14); // ₀F₁(½; −z²/4) = cos z
  expect(hyp0f1(1.5, 400)).toBeCloseTo(Math.sinh(40) / 40, -2);
});

test("log ₁F₁ to 1e-14 of max(1, |value|), dimensions to 10⁵; the ratio to 8e-15, relative", () => {
  expect(rows.logHyp1f1.length).toBeGreaterThan(150);
  expect(worst(without(rows.logHyp1f1, [0, 1, 2, 3]), logHyp1f1, atLeastOne)).toBeLessThan(1e-14);
  expect(worst(without(rows.logHyp1f1, [0, 1, 2, 4]), hyp1f1Ratio)).toBeLessThan(8e-15);
  expect(hyp1f1(0.5, 1.5, 1)).toBeCloseTo(1.4626517459071816, 14); // ∫₀¹e^{t²}dt
});

test("derivatives of log ₁F₁ are moments of the tilted beta distribution", () => {
  for (const [a, b, x, variance, inA, inB, inAA] of rows.moments) {
    const [ta, tb, tx] = [f64(a), f64(b), f64(x)];
    // Those in a and b are differences to the moments of the beta distribution, which are of the order of 1.
    const close = (got: Tensor, wanted: number, scale = 1): void =>
      expect(Math.abs(got.itemSync() - wanted), `${a} ${b} ${x}`).toBeLessThan(1e-14 * scale);
    close(grad((t: Tensor) => grad((s: Tensor) => logHyp1f1(a, b, s))(t))(tx), variance, variance);
    close(grad((t: Tensor) => logHyp1f1(t, b, x))(ta), inA);
    close(grad((t: Tensor) => logHyp1f1(a, t, x))(tb), inB);
    close(grad((t: Tensor) => grad((s: Tensor) => logHyp1f1(s, b, x))(t))(ta), inAA);
  }
});

test("₀F₁ is the von Mises–Fisher normaliser: log I_v(κ) = v log(κ/2) − log Γ(v + 1) + log ₀F₁(v + 1; κ²/4)", () => {
  for (const [v, k] of [
    [0, 3],
    [1.5, 40],
    [7, 2000],
  ]) {
    // prettier-ignore
    const gamma = [0, 0.2846828704729192, 8.525161361065415][[0, 1.5, 7].indexOf(v)];
    expect(Math.abs(v * Math.log(k / 2) - gamma + logHyp0f1(v + 1, (k * k) / 4) - logIv(v, k))).toBeLessThan(1e-14 * k);
  }
});

test("ends and refusals", () => {
  expect([logHyp0f1(2, 0), logHyp0f1(2, Infinity), logHyp0f1(2, 5e-324), hyp0f1(3, 0)]).toEqual([0, Infinity, 0, 1]);
  expect([logHyp1f1(1, 2, 0), logHyp1f1(1, 2, Infinity), logHyp1f1(1, 2, -Infinity)]).toEqual([0, Infinity, -Infinity]);
  expect([hyp1f1Ratio(1, 4, 0), hyp1f1Ratio(1, 4, Infinity), hyp1f1Ratio(1, 4, -Infinity)]).toEqual([0.25, 1, 0]);
  expect(hyp1f1(1, 2, 1e4)).toBe(Infinity);
  expect(logHyp1f1(1, 2, 1e8)).toBeCloseTo(1e8 - Math.log(1e8), 6); // (e^x − 1)/x
  const refused = [() => logHyp0f1(0, 1), () => logHyp0f1(1, -1), () => logHyp1f1(2, 1, 1), () => logHyp1f1(0, 1, 1), () => hyp1f1(1, 2, NaN), () => hyp0f1(-1, 1)]; // prettier-ignore
  for (const f of refused) expect(f).toThrow(DomainError);
  expect(logHyp1f1(f64([2, 1]), 1.5, 1).dataSync()[0]).toBe(NaN);
  expect(() => grad((b: Tensor) => logHyp0f1(b, 1))(f64(2))).toThrow(TracingError);
  expect(logHyp1f1(0.5, tensor([1, 2]), 3).dtype).toBe("float32");
});

test("of tensors: broadcast, jit, vmap; derivatives by differences", () => {
  behavesAsTensorFunction(hyp0f1, [[0.7, 3, 20], [-4, 0.5, 300]], { derivatives: [1] }); // prettier-ignore
  behavesAsTensorFunction(logHyp0f1, [[0.7, 3, 20], [4, 0.5, 900]], { derivatives: [1] }); // prettier-ignore
  const operands = [[0.5, 2, 3], [1.5, 8, 40], [3, -20, 700]]; // prettier-ignore
  behavesAsTensorFunction(logHyp1f1, operands, { digits: 4 });
  behavesAsTensorFunction(hyp1f1Ratio, operands, { digits: 4 });
  behavesAsTensorFunction(hyp1f1, [[0.5], [1.5], [2]], { digits: 4 }); // prettier-ignore
});
