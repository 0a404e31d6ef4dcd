/** Eigenvalues and singular values of batches beyond 32 × 32 at once: by the library's method for batches, and by rotations of our own. */

import { eye, makeGraph, tensor, use, type Tensor } from "@curv/tensor";
import { eigh, eigvalsh, svd, svdvals } from "@curv/tensor/linalg";
import type { LibraryHandle } from "koffi";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { cuda, type CudaBackend } from "../src/index.js";
import { openCusolver } from "../src/lib/cusolver.js";
import { librariesOf } from "../src/lib/libraries.js";
import type { Host } from "../src/locate.js";
import { fakeCard } from "./fake/build.js";
import { floats, numbers, type Float } from "./numbers.js";

// Most of it is g++, which compiles each kernel once a checkout.
vi.setConfig({ testTimeout: 300_000 });

const made = fakeCard();

afterEach(() => {
  use("cpu");
  vi.restoreAllMocks();
});

const epsilon = { float32: 2 ** -23, float64: 2 ** -52 };

const swap = (x: Tensor): Tensor => x.transpose([0, 2, 1]);

/** The largest element's size. */
const most = (x: Tensor): number => x.abs().max().itemSync();

/** Σ over rows that are not orthonormal. */
const skew = (q: Tensor): number =>
  most(
    swap(q)
      .matmul(q)
      .sub(eye(q.shape[2], q.shape[2], { dtype: q.dtype as Float })),
  );

/** The first component of a vector that is nearly the largest is positive. */
function expectSigns(vectors: Tensor): void {
  const [count, n, columns] = vectors.shape;
  const data = vectors.dataSync();
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < columns; j++) {
      const column = Array.from({ length: n }, (_, r) => data[(i * n + r) * columns + j]);
      const largest = Math.max(...column.map(Math.abs));
      expect(column.find((y) => Math.abs(y) >= largest * (1 - 2 ** -10))).toBeGreaterThan(0);
    }
  }
}

describe("on the fake card", () => {
  beforeEach(({ skip }) => skip(typeof made === "string", String(made)));

  let opened: CudaBackend | null = null;
  const backend = (): CudaBackend => (opened ??= cuda());

  test.each(floats)("eigenvalues of a batch in one call of the library, in %s", (dtype) => {
    const place = backend();
    const { solver } = librariesOf(place.device);
    const [single, together] = [vi.spyOn(solver, "eigh"), vi.spyOn(solver, "eighTogether")];
    const x = numbers([3, 40, 40], dtype);
    const symmetric = x.add(swap(x)).to(place);
    const { values, vectors } = eigh(symmetric);
    expect([single.mock.calls.length, together.mock.calls.length]).toEqual([0, 1]);
    const bound = 40 * epsilon[dtype];
    const size = most(values);
    expect(most(symmetric.matmul(vectors).sub(vectors.mul(values.expandDims(1))))).toBeLessThan(bound * size);
    expect(skew(vectors)).toBeLessThan(bound);
    expectSigns(vectors);
    const expected = eigvalsh(x.add(swap(x)));
    expect(most(values.to("cpu").sub(expected))).toBeLessThan(bound * size);
    expect(most(eigvalsh(symmetric).to("cpu").sub(expected))).toBeLessThan(bound * size);
    // A matrix that is not finite is not shown to the library.
    const spoilt = symmetric.add(tensor([0, NaN, 0]).to(place).cast(dtype).reshape([3, 1, 1]));
    expect(() => eigh(spoilt)).toThrow(/eigh/);
  });

  test("where the library is older, matrices go one after the other", () => {
    const place = cuda({ name: "older" });
    const { solver } = librariesOf(place.device);
    vi.spyOn(solver, "eighTogether").mockReturnValue(false);
    const single = vi.spyOn(solver, "eigh");
    const x = numbers([2, 33, 33], "float64");
    const got = eigvalsh(x.add(swap(x)).to(place));
    expect(single).toHaveBeenCalledTimes(2);
    expect(most(got.to("cpu").sub(eigvalsh(x.add(swap(x)))))).toBeLessThan(1e-12);
    place.dispose();
  });

  test.each(floats)("singular values and vectors of a batch by one kernel, in %s", (dtype) => {
    const place = backend();
    const { solver } = librariesOf(place.device);
    const calls = (["svd", "svdJacobi", "svdBatched"] as const).map((name) => vi.spyOn(solver, name));
    const bound = 60 * epsilon[dtype];
    for (const shape of [
      [2, 40, 9],
      [2, 8, 33],
      [3, 50, 4],
      [2, 34, 1],
    ] as const) {
      const [count, m, n] = shape;
      const k = Math.min(m, n);
      // prettier-ignore
      const x = numbers(shape, dtype);
      const there = x.to(place);
      const expected = svdvals(x);
      const size = most(expected);
      for (const full of [false, true]) {
        const { u, s, vt } = svd(there, { full });
        expect([u.shape, vt.shape]).toEqual([[count, m, full ? m : k], [count, full ? n : k, n]]); // prettier-ignore
        expect(most(s.to("cpu").sub(expected))).toBeLessThan(bound * size);
        const [left, right] = [u.slice(null, null, [0, k]), vt.slice(null, [0, k])];
        expect(most(left.mul(s.expandDims(1)).matmul(right).sub(there))).toBeLessThan(bound * size);
        for (const q of [u, swap(vt)]) expect(skew(q)).toBeLessThan(bound);
        expectSigns(u);
        if (full) expectSigns(swap(vt).slice(null, null, [k]));
      }
      expect(most(svdvals(there).to("cpu").sub(expected))).toBeLessThan(bound * size);
    }
    for (const call of calls) expect(call).not.toHaveBeenCalled();
    // What a compiled function does is the same kernel.
    const graph = makeGraph((a: Tensor) => svd(a).s, numbers([2, 40, 9], dtype));
    expect(place.explain(graph).filter((line) => line.startsWith("curv_jacobi"))).toHaveLength(1);
  });

  test.each(floats)("matrices without full rank, and such whose squares would overflow, in %s", (dtype) => {
    const place = backend();
    const bound = 60 * epsilon[dtype];
    const [m, n] = [36, 11];
    const huge = dtype === "float32" ? 1e36 : 1e300;
    const line = numbers([1, m, 1], dtype).matmul(numbers([1, 1, n], dtype));
    const whole = numbers([1, m, n], dtype);
    const all = [line.mul(0), line, whole.mul(huge), whole.div(huge), whole];
    const x = tensor(Float64Array.from(all.flatMap((y) => [...y.dataSync()])), { dtype: "float64" }).cast(dtype).reshape([5, m, n]); // prettier-ignore
    const { u, s, vt } = svd(x.to(place));
    for (const q of [u, swap(vt)]) expect(skew(q)).toBeLessThan(bound);
    const values = s.to("cpu").dataSync();
    const row = (i: number): number[] => [...values.subarray(i * n, (i + 1) * n)];
    expect(row(0).every((y) => y === 0)).toBe(true);
    expect(row(1)[1]).toBeLessThan(bound * row(1)[0]);
    // A matrix is scaled before it is squared.
    for (const [i, scale] of [
      [2, huge],
      [3, 1 / huge],
    ] as const) {
      row(i).forEach((y, j) => expect(Math.abs(y / scale - row(4)[j])).toBeLessThan(bound * row(4)[0]));
    }
  });

  test("as many columns as warps have pairs to turn, and more", () => {
    const x = numbers([2, 37, 36], "float64");
    expect(most(svdvals(x.to(backend())).to("cpu").sub(svdvals(x)))).toBeLessThan(1e-12);
  });

  test("wide matrices by strips of columns, each by itself in a batch: graded, and of low rank", () => {
    const [m, n] = [129, 129];
    // Few columns are not zero, at the ends of strips and in the last, which has one: on the fake card a turn takes long.
    const columns = [
      [0, 64, 128],
      [31, 32, 33],
    ];
    const scales = [1, 1e-6, 1e-12];
    const draw = numbers([2, 3, m], "float64").dataSync();
    const element = (i: number, r: number, k: number): number => draw[(i * 3 + k) * m + r] * (i === 0 ? scales[k] : 1);
    const data = new Float64Array(2 * m * n);
    columns.forEach((own, i) =>
      own.forEach((column, k) => {
        for (let r = 0; r < m; r++) data[(i * m + r) * n + column] = element(i, r, k);
      }),
    );
    const values = svdvals(tensor(data).reshape([2, m, n]).to(backend())).dataSync();
    columns.forEach((_, i) => {
      const narrow = Float64Array.from({ length: 3 * m }, (_, at) => element(i, Math.floor(at / 3), at % 3));
      const wanted = svdvals(tensor(narrow).reshape([m, 3]), { accurate: true }).dataSync();
      wanted.forEach((w, k) => expect(Math.abs(values[i * n + k] / w - 1)).toBeLessThan(1e-13));
      expect(values.subarray(i * n + 3, (i + 1) * n).every((y) => y === 0)).toBe(true);
    });
  });

  test("small singular values have as many right digits as large ones", () => {
    // B D with columns of B orthonormal to some digits and D graded: relative accuracy is that of the equilibrated matrix.
    const [m, n] = [40, 12];
    const { u } = svd(numbers([2, m, n], "float64"));
    const scales = Float64Array.from({ length: n }, (_, i) => 10 ** -(2 * i));
    const graded = u.mul(tensor(scales, { dtype: "float64" }));
    const got = svdvals(graded.to(backend()), { accurate: true }).to("cpu").dataSync();
    got.forEach((y, i) => expect(Math.abs(y / scales[i % n] - 1)).toBeLessThan(1e-13));
  });
});

describe("a batch that is too large for one call", () => {
  /** cuSOLVER on paper: what is asked of it, and 1 MiB of work space a matrix. */
  function paper(has: boolean): { host: Host; calls: unknown[][] } {
    const calls: unknown[][] = [];
    const func = (name: string): ((...args: unknown[]) => number) => {
      if (!has && name.startsWith("cusolverDnXsyevBatched")) throw new Error("no such function");
      return (...args) => {
        if (name === "cusolverDnXsyevBatched_bufferSize") {
          (args[11] as BigUint64Array)[0] = BigInt(args[13] as number) << 20n;
          (args[12] as BigUint64Array)[0] = 1000n;
        }
        if (name === "cusolverDnXsyevBatched") calls.push(args);
        return 0;
      };
    };
    const handle = { func } as unknown as LibraryHandle;
    return { calls, host: { platform: "linux", env: {}, exists: () => false, list: () => [], load: () => handle } };
  }

  test("is cut into parts with work space in 256 MiB", () => {
    const { host, calls } = paper(true);
    const asked: number[] = [];
    const solver = openCusolver(0n, (bytes) => BigInt(asked.push(bytes)), host);
    expect(solver.eighTogether("float64", "upper", true, 40, 0n, 2n ** 40n, 2n ** 50n, 600)).toBe(true);
    // 600 → 300 → 150 matrices, 150 MiB.
    const each = calls.map((args) => ({ a: args[6], w: args[9], info: args[15], count: args[16] }));
    expect(each.map(({ count }) => count)).toEqual([150, 150, 150, 150]);
    expect(each.map(({ a }) => a)).toEqual([0, 1, 2, 3].map((i) => BigInt(i * 150 * 40 * 40 * 8)));
    expect(each.map(({ w }) => w)).toEqual([0, 1, 2, 3].map((i) => 2n ** 40n + BigInt(i * 150 * 40 * 8)));
    expect(each.map(({ info }) => info)).toEqual([0, 1, 2, 3].map((i) => 2n ** 50n + BigInt(i * 150 * 4)));
    expect(asked).toEqual([150, 150, 150, 150].map((n) => n * 2 ** 20));
    // Work space on the host, which stays the library's.
    for (const args of calls) expect([(args[13] as Uint8Array).length >= 1000, args[14]]).toEqual([true, 1000]);
  });

  test("is left to the caller where there is no such function", () => {
    const solver = openCusolver(0n, () => 0n, paper(false).host);
    expect(solver.eighTogether("float32", "upper", false, 40, 0n, 0n, 0n, 2)).toBe(false);
  });
});
