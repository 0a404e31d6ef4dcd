/** Kernels that small examples do not reach: radix sort and running sums of long rows, convolution in tiles. For any order of warps. */

import {
  argSort,
  conv,
  cumprod,
  cumsum,
  grad,
  linearRecurrence,
  makeGraph,
  tensor,
  topK,
  type Tensor,
} from "@curv/tensor";
import { describe, expect, test } from "vitest";
import { onFakeCard } from "./fake/on-card.js";

const wave = (n: number, seed: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin(seed * 1000 + i * i * 0.7) * 3);

onFakeCard(({ card, backend }) => {
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

  test("running sums of a few long columns are cut, too", () => {
    const x = tensor(wave(1500 * 3, 4).map((y) => Math.round(y * 100)), { dtype: "float64" }).cast("int32").reshape([1500, 3]); // prettier-ignore
    expect(backend().explain(makeGraph((y: Tensor) => cumsum(y, 0), x))).toHaveLength(3);
    for (const reverse of [false, true]) {
      expect(cumsum(x.to(backend()), 0, { reverse }).dataSync()).toEqual(cumsum(x, 0, { reverse }).dataSync());
    }
  });

  describe("recurrences of long lines", () => {
    const compare = (a: Tensor, b: Tensor, axis: number, bound: number): void => {
      for (const reverse of [false, true]) {
        const expected = linearRecurrence(a, b, axis, { reverse }).dataSync();
        const seen = [0, 3].map((seed) => {
          card.setWarpSeed(seed);
          return linearRecurrence(a.to(backend()), b.to(backend()), axis, { reverse }).dataSync();
        });
        expect(seen[1]).toEqual(seen[0]);
        const near = (x: number, y: number): boolean => Object.is(x, y) || Math.abs(x - y) <= bound * Math.max(1, Math.abs(y)); // prettier-ignore
        const wrong = seen[0].findIndex((x, i) => !near(x, expected[i]));
        expect(wrong, `element ${wrong} is ${seen[0][wrong]}, wanted ${expected[wrong]}`).toBe(-1);
      }
    };

    test.each([
      ["float32", 1e-5],
      ["float64", 1e-13],
    ] as const)("are the CPU's in %s, along rows and along few columns, for any order of warps", (dtype, bound) => {
      const [a, b] = [wave(2 * 1300, 5).map((x) => x / 3.1), wave(2 * 1300, 6)].map((data) => tensor(data, { dtype: "float64" }).cast(dtype)); // prettier-ignore
      expect(
        backend().explain(makeGraph((x: Tensor, y: Tensor) => linearRecurrence(x, y, 0), a, b)),
      ).toEqual([expect.stringMatching(/curv_chunk_factors/), expect.stringMatching(/curv_chunk_ends/), expect.stringMatching(/curv_chunk_recurrence/)]); // prettier-ignore
      compare(a.reshape([2, 1300]), b.reshape([2, 1300]), 1, bound);
      compare(a.reshape([1300, 2]), b.reshape([1300, 2]), 0, bound);
    });

    test("factors beyond all numbers do no harm where the results are none", () => {
      const n = 1400;
      const filled = (f: (i: number) => number): Tensor => tensor(Float64Array.from({ length: n }, (_, i) => f(i)), { dtype: "float64" }); // prettier-ignore
      // Nothing, then something that grows: 2¹⁴⁰⁰ is no number.
      compare(filled(() => 2), filled((i) => (i === 900 ? 1 : 0)), 0, 1e-13); // prettier-ignore
      // 2⁻⁹⁰⁰ that comes to 2⁴⁰⁰, through chunks whose factors are as large.
      compare(filled(() => 2), filled((i) => (i === 0 ? 2 ** -900 : 0)), 0, 1e-13); // prettier-ignore
      // It shrinks by 2⁻¹⁰²³ and is made larger again.
      compare(filled((i) => (i % 256 < 128 ? 2 ** -7 : 2 ** 7)), filled((i) => (i === 0 ? 1 : 0)), 0, 1e-13); // prettier-ignore
      // From 0 on it starts afresh; what is not finite stays what the CPU makes of it. The first factor counts for nothing.
      compare(filled((i) => (i % 300 === 0 ? 0 : 0.5)), filled((i) => Math.sin(i)), 0, 1e-13); // prettier-ignore
      compare(filled((i) => (i === 0 || i === n - 1 ? NaN : 0.5)), filled((i) => Math.sin(i)), 0, 1e-13); // prettier-ignore
      compare(
        filled((i) => (i === 700 ? NaN : 0.5)),
        filled((i) => Math.sin(i)),
        0,
        1e-13,
      );
      compare(
        filled((i) => (i === 700 ? Infinity : 0.5)),
        filled((i) => 2 + Math.sin(i)),
        0,
        1e-13,
      );
    });

    test("running products and derivatives come to the CPU's", () => {
      const x = tensor(wave(1200, 7).map((y) => 1 + y / 100), { dtype: "float64" }); // prettier-ignore
      const f = (y: Tensor): Tensor => cumprod(y, 0).sum();
      const [got, expected] = [grad(f)(x.to(backend())).dataSync(), grad(f)(x).dataSync()];
      const scale = Math.max(...expected.map(Math.abs));
      expect(Math.max(...got.map((y, i) => Math.abs(y - expected[i])))).toBeLessThan(1e-13 * 1200 * scale);
    });
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
