/** Windows that overlap much are taken one axis after the other, and come to what the CPU makes of them. */

import { grad, makeGraph, maxPool, sumPool, tensor, zeros, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { onFakeCard } from "./fake/on-card.js";

onFakeCard(({ card, backend }) => {
  const x = (() => {
    const data = Float64Array.from({ length: 2 * 3 * 19 * 17 }, (_, i) => Math.round(9 * Math.sin(i * i * 0.7)));
    for (let i = 0; i < data.length; i += 101) data[i] = [NaN, -0, 0, Infinity, -Infinity][i % 5];
    return tensor(data, { dtype: "float64" }).reshape([2, 3, 19, 17]);
  })();
  const options = [
    { window: 9, stride: 1, padding: "same" },
    { window: [11, 7], stride: [2, 1], dilation: [1, 2], padding: [[10, 3], [2, 5]] }, // prettier-ignore
  ] as const;
  const elements = (y: Tensor): number[] => Array.from(y.dataSync() as Float64Array);

  test.each(options)("largest elements and sums: window $window", (of) => {
    card.setWarpSeed(5);
    const there = x.to(backend());
    expect(elements(maxPool(there, of))).toEqual(elements(maxPool(x, of)));
    // The first of equal ones has the derivative, and it is an integer: which one shows.
    const slope = (y: Tensor): Tensor => grad((z: Tensor) => maxPool(z, of).sum())(y);
    expect(elements(slope(there))).toEqual(elements(slope(x)));
    // Sums of integers have no error; 0 is 0, whatever its sign.
    expect(elements(sumPool(there, of).add(0))).toEqual(elements(sumPool(x, of).add(0)));
  });

  test("windows that overlap little, or not, are taken at once", () => {
    const launches = (window: number, stride: number): number =>
      backend().explain(makeGraph((y: Tensor) => sumPool(y, { window, stride }), zeros([1, 1, 40, 40]))).length;
    expect([launches(3, 1), launches(9, 9), launches(9, 1), launches(1, 1)]).toEqual([1, 1, 2, 1]);
    // Windows of one element are where they are.
    const of = { window: 1 };
    expect(elements(maxPool(x.to(backend()), of))).toEqual(elements(maxPool(x, of)));
  });
});
