/** Arrays of as many numbers as a launch can index, and of more. What takes its time is behind `CURV_GPUJS_CONFORMANCE=all`. */

import { arange, fromTypedArray, jit, zeros, type Tensor } from "@curv/tensor";
import { expect, test } from "vitest";
import { gpujs } from "./index.js";

const all = process.env.CURV_GPUJS_CONFORMANCE === "all";
const most = 2 ** 23;
const more = 2 ** 24 + 5;

/** 0 … 8190 again and again. */
function counting(n: number): Float32Array {
  const data = new Float32Array(n);
  for (let i = 0; i < n; i++) data[i] = i % 8191;
  return data;
}

const last = (y: ArrayLike<number>): number[] => Array.from(y).slice(-16);
const lastOf = (n: number, f: (i: number) => number): number[] => Array.from({ length: 16 }, (_, i) => f(n - 16 + i));

test("2²⁴ + 5 numbers: as many launches as there are blocks, right in the last cells", async () => {
  const backend = await gpujs({ mode: "webasm" });
  const data = counting(more);
  const x = fromTypedArray(data, [more]).to(backend);
  const f = jit((y: Tensor) => y.mul(2).add(1));
  const before = backend.launches;
  const y = f(x);
  expect(backend.launches - before).toBe(5);
  expect([...y.slice([more - 16, more]).dataSync()]).toEqual(lastOf(more, (i) => 2 * data[i] + 1));
  for (const z of [x, y]) z.dispose();
});

test.runIf(all).each(["webasm", "cpu"] as const)("large arrays, %s", { timeout: 600_000 }, async (mode) => {
  const backend = await gpujs({ mode });
  const data = counting(most);
  const x = fromTypedArray(data, [most / 4, 4]).to(backend);
  const before = backend.launches;
  const y = x.transpose().reshape([most]).add(1).dataSync();
  expect(backend.launches - before).toBe(2);
  expect(y.subarray(-16)).toEqual(Float32Array.from(lastOf(most, (i) => data[4 * (i % (most / 4)) + 3] + 1)));
  expect(zeros([more]).to(backend).add(1).sum().itemSync()).toBe(Math.fround(more));
  expect(last(arange(more, { dtype: "int32" }).to(backend).add(1).dataSync().subarray(-16))).toEqual(
    lastOf(more, (i) => i + 1),
  );
});
