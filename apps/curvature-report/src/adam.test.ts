import { expect, test } from "vitest";
import { tensor } from "@curv/tensor";
import { adam } from "./adam.js";

test("two steps by the formulas of the paper", () => {
  const { init, update } = adam({ eps: 0 });
  const p = tensor(new Float64Array([1, -2]));
  const g1 = tensor(new Float64Array([0.5, -4]));
  const first = update(g1, init(p), 0.1);
  // Whatever the gradient's size, the first step has the length of the rate.
  expect(
    first.updates
      .sub(tensor(new Float64Array([-0.1, 0.1])))
      .abs()
      .max()
      .itemSync(),
  ).toBeLessThan(1e-15);
  const g2 = tensor(new Float64Array([1, 1]));
  const second = update(g2, first.state, 0.1).updates.arraySync() as number[];
  [
    [0.5, 1],
    [-4, 1],
  ].forEach(([a, b], i) => {
    const mean = (0.9 * 0.1 * a + 0.1 * b) / (1 - 0.9 ** 2);
    const square = (0.999 * 0.001 * a * a + 0.001 * b * b) / (1 - 0.999 ** 2);
    expect(second[i]).toBeCloseTo((-0.1 * mean) / Math.sqrt(square), 12);
  });
});
