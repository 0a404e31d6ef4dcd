/** Error functions against mpmath (fixtures/error_functions.py), their derivatives, both tails. */

import { DTypeError, grad, jit, tensor, vmap, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import rows from "./fixtures/error-functions.json" with { type: "json" };
import { erfcx, logErfc, logNdtr } from "./index.js";

const f64 = (values: number | number[]): Tensor => tensor(values, { dtype: "float64" });
const relative = (got: number, wanted: number): number => (got === wanted ? 0 : Math.abs(got / wanted - 1));

test("values, to 1e-15", () => {
  for (const [x, scaled, logC, logPhi] of rows) {
    if (scaled !== 0) expect(relative(erfcx(x), scaled), `erfcx(${x})`).toBeLessThan(1e-15);
    expect(relative(logErfc(x), logC), `logErfc(${x})`).toBeLessThan(1e-15);
    expect(relative(logNdtr(x), logPhi), `logNdtr(${x})`).toBeLessThan(1e-15);
  }
  expect(erfcx(-30)).toBe(Infinity);
  expect(erfcx(-Infinity)).toBe(Infinity);
  expect(erfcx(1e200)).toBeCloseTo(0, 10);
  expect([erfcx(NaN), logErfc(NaN), logNdtr(NaN)]).toEqual([NaN, NaN, NaN]);
  expect([logErfc(Infinity), logNdtr(-Infinity), logNdtr(Infinity), logErfc(-Infinity)]).toEqual([-Infinity, -Infinity, -0, Math.LN2]); // prettier-ignore
});

test("of tensors: the same bits eager, jitted and batched; refusals", () => {
  const x = f64([-3, 0.2, 40]);
  for (const f of [erfcx, logErfc, logNdtr]) {
    const wanted = Float64Array.from([-3, 0.2, 40], (t) => f(t));
    expect(f(x).dataSync()).toEqual(wanted);
    expect(jit((t: Tensor) => f(t))(x).dataSync()).toEqual(wanted);
    expect(vmap((t: Tensor) => f(t))(x).dataSync()).toEqual(wanted);
    expect(f(tensor([1])).dtype).toBe("float32");
    expect(() => f(tensor([1], { dtype: "int32" }))).toThrow(DTypeError);
  }
});

test("derivatives: Mills' ratio to full precision in both tails, second ones by differences", () => {
  for (const [x, , , , ratio] of rows.filter((_, i) => i % 5 === 0)) {
    if (ratio < 1e-290) continue;
    expect(relative(grad((t: Tensor) => logNdtr(t))(f64(x)).itemSync(), ratio), `${x}`).toBeLessThan(1e-13);
  }
  for (const f of [erfcx, logErfc, logNdtr]) {
    for (const x of [-2, 0.3, 4]) {
      const slope = (t: number): number => grad((s: Tensor) => f(s))(f64(t)).itemSync();
      expect(slope(x)).toBeCloseTo((f(x + 1e-5) - f(x - 1e-5)) / 2e-5, 5);
      const bend = grad((s: Tensor) => grad((r: Tensor) => f(r))(s))(f64(x)).itemSync();
      expect(bend).toBeCloseTo((slope(x + 1e-5) - slope(x - 1e-5)) / 2e-5, 5);
    }
  }
});
