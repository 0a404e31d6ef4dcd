/** The ratio of I and its slope where their formulas could lose digits or overflow. */

import { grad, tensor, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import slopes from "./fixtures/ratio-slopes.json" with { type: "json" };
import { besselRatioI, besselRatioK } from "./index.js";

test("the slope keeps its digits for orders that are large beside the argument", () => {
  for (const [v, x, wanted] of slopes) {
    const slope = grad((t: Tensor) => besselRatioI(v, t))(tensor(x, { dtype: "float64" })).itemSync();
    expect(Math.abs(slope / wanted - 1), `v = ${v}, x = ${x}`).toBeLessThan(x > 28 ? 1e-13 : 1e-14);
  }
});

test("orders and arguments near the largest number", () => {
  expect(besselRatioI(1e308, 5e-324)).toBe(0);
  expect(besselRatioI(1e308, 1e308)).toBeCloseTo(Math.SQRT2 - 1, 15);
  expect(besselRatioK(1e308, 1e308)).toBeCloseTo(Math.SQRT2 + 1, 15);
  expect(besselRatioK(1e308, 5e-324)).toBe(Infinity);
});
