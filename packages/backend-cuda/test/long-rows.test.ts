/** Kernels that small examples do not reach: radix sort and running sums of long rows, convolution in tiles. For any order of warps. */

import { argSort, conv, cumsum, grad, tensor, topK, type Tensor } from "@curv/tensor";
import { afterAll, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { fakeCard, type FakeCard } from "./fake/build.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();
const card = made as FakeCard;

const wave = (n: number, seed: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin(seed * 1000 + i * i * 0.7) * 3);

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());
  afterAll(() => {
    if (typeof made !== "string") card.setWarpSeed(0);
  });

  /** Numbers with ties, zeros of both signs, infinities and NaN of both signs. */
  const special = (n: number, dtype: "float32" | "float64"): Tensor => {
    const data = wave(n, 1).map((x, i) => (i % 3 === 0 ? Math.round(x * 4) / 4 : x));
    const odd = [-0, 0, NaN, -Infinity, Infinity, NaN, 5e-324, -1e-40];
    odd.forEach((x, i) => {
      for (let at = 17 * i + 5; at < n; at += 701) data[at] = x;
    });
    return tensor(data, { dtype: "float64" }).cast(dtype);
  };

  // Two tiles, or one. Ascending with one order of warps, and descending, as the largest are found, with another.
  test.each([
    ["float32", 4200],
    ["float64", 2100],
  ] as const)("long rows are sorted as on the CPU, ties in their order: %s", (dtype, n) => {
    const x = special(n, dtype);
    const there = x.to(backend());
    card.setWarpSeed(5);
    expect(argSort(there).dataSync()).toEqual(argSort(x).dataSync());
    card.setWarpSeed(8);
    const [got, expected] = [topK(there, 2000), topK(x, 2000)];
    expect(got.values.dataSync()).toEqual(expected.values.dataSync());
    expect(got.indices.dataSync()).toEqual(expected.indices.dataSync());
  });

  test("integers and truth values are sorted by their digits, too", () => {
    const data = wave(2100, 2).map((x, i) => Math.round(x * 1e9) * (i % 5 === 0 ? 0 : 1));
    for (const dtype of ["int32", "uint32", "bool"] as const) {
      const x = tensor(data, { dtype: "float64" }).cast(dtype);
      expect(argSort(x.to(backend())).dataSync()).toEqual(argSort(x).dataSync());
    }
  });

  test("running sums of long rows, forwards and backwards, repeat bit for bit", () => {
    for (const dtype of ["float32", "int32"] as const) {
      const x = tensor(wave(2 * 2051, 3).map((y) => y * 100), { dtype: "float64" }).cast(dtype).reshape([2, 2051]); // prettier-ignore
      for (const reverse of [false, true]) {
        const expected = cumsum(x.cast("float64"), -1, { reverse }).dataSync();
        const seen = [0, 3].map((seed) => {
          card.setWarpSeed(seed);
          return cumsum(x.to(backend()), -1, { reverse }).dataSync();
        });
        expect(seen[1]).toEqual(seen[0]);
        const bound = { float32: 0.02, int32: 0 }[dtype];
        expect(seen[0].every((y, i) => Math.abs(y - expected[i]) <= bound)).toBe(true);
      }
    }
  });

  test("convolution in tiles is the CPU's, with strides, dilation, groups, and in its derivatives", () => {
    const padded = { padding: [[1, 1], [1, 1]] } as const; // prettier-ignore
    const apart = { stride: 2, padding: [[0, 1], [2, 0]], dilation: 2, groups: 2 } as const; // prettier-ignore
    const make = (shape: readonly number[], seed: number): Tensor => {
      const data = wave(shape.reduce((n, m) => n * m, 1), seed); // prettier-ignore
      return tensor(data, { dtype: "float64" }).reshape([...shape]);
    };
    for (const [x, w, options] of [
      [make([2, 5, 9, 8], 4), make([9, 5, 3, 3], 5), padded],
      [make([2, 16, 7, 6], 6), make([20, 8, 2, 3], 7), apart],
      [make([1, 3, 70], 8), make([8, 3, 5], 9), {}],
    ] as const) {
      const f = (a: Tensor, b: Tensor): Tensor => conv(a, b, options);
      const all = (a: Tensor, b: Tensor): Tensor[] => [
        f(a, b),
        grad((u: Tensor) => f(u, b).square().sum())(a),
        grad((v: Tensor) => f(a, v).square().sum())(b),
      ];
      const expected = all(x, w);
      card.setWarpSeed(11);
      all(x.to(backend()), w.to(backend())).forEach((y, k) => {
        const [got, want] = [y.dataSync(), expected[k].dataSync()];
        const bound = Math.max(...want.map(Math.abs)) * 1e-13;
        const wrong = got.findIndex((v, i) => !(Math.abs(v - want[i]) < bound));
        expect(wrong, `result ${k}: element ${wrong} is ${got[wrong]}, wanted ${want[wrong]}`).toBe(-1);
      });
    }
  });
});
