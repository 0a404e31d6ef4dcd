/** The matrix exponential against mpmath. */

import { describe, expect, test } from "vitest";
import { expm } from "./expm.js";
import cases from "./fixtures/expm.json" with { type: "json" };
import { nastyMatrices } from "../../../test/support/nasty-matrices.js";
import { EPS, distance, precisions, product } from "../../../test/support/residuals.js";

describe.each(cases)("$name", ({ n, a, expm: expected, condition }) => {
  test.each(precisions)("relative error ≤ 100ε·κ_exp in $precision", ({ eps, round }) => {
    const x = round(expm(round(Float64Array.from(a)), n));
    const reference = Float64Array.from(expected);
    expect(distance(x, reference)).toBeLessThanOrEqual(100 * eps * Math.max(1, condition) * distance(reference));
  });
});

test("R15: Σ e^(0.3 A₁) = 11.467612514769471", () => {
  const { a } = cases.find((c) => c.name === "R15")!;
  const sum = expm(Float64Array.from(a), 3).reduce((x, y) => x + y, 0);
  expect(Math.abs(sum / 11.467612514769471 - 1)).toBeLessThan(4e-15);
});

test("R30: a matrix far from normal is not squared needlessly", () => {
  const x = expm(Float64Array.of(1, 1000, 0, 1), 2);
  for (const [i, factor] of [1, 1000, 0, 1].entries())
    expect(Math.abs(x[i] - Math.E * factor)).toBeLessThanOrEqual(2e-15 * factor);
});

test("huge and tiny entries", () => {
  const huge = expm(Float64Array.of(0, 1e150, 0, 0), 2);
  expect(Math.abs(huge[1] / 1e150 - 1)).toBeLessThan(4e-16);
  expect([huge[0], huge[2], huge[3]]).toEqual([1, 0, 1]);
  expect([...expm(Float64Array.of(0, 5e-324, 0, 0), 2)]).toEqual([1, 5e-324, 0, 1]);
  expect([...expm(Float64Array.of(800, 0, 0, -800), 2)]).toEqual([Infinity, 0, 0, 0]);
});

test("empty, scalar, zero; NaN and infinities", () => {
  expect(expm(new Float64Array(0), 0)).toEqual(new Float64Array(0));
  expect([...expm(Float64Array.of(-2), 1)]).toEqual([Math.exp(-2)]);
  expect([...expm(new Float64Array(4), 2)]).toEqual([1, 0, 0, 1]);
  for (const bad of [NaN, Infinity]) expect([...expm(Float64Array.of(1, bad, 0, 1), 2)]).toEqual([NaN, NaN, NaN, NaN]);
});

const moderate = nastyMatrices().filter((a) => a.m === a.n && a.m > 0 && distance(a.data) < 20);
test.each(moderate)("$name: e^A e^(−A) = I to Nε‖e^A‖‖e^(−A)‖ max(1, ‖A‖)", ({ n, data }) => {
  const forth = expm(data, n);
  const back = expm(
    data.map((x) => -x),
    n,
  );
  const error = product(n, n, n, forth, back);
  for (let i = 0; i < n; i++) error[i * n + i] -= 1;
  const bound = n * EPS * distance(forth) * distance(back) * Math.max(1, distance(data));
  expect(distance(error)).toBeLessThanOrEqual(bound);
});
