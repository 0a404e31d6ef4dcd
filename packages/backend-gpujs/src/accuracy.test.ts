/** The elementary functions are as accurate as they say, and NaN, infinities and words are what they are on the CPU. */

import * as curv from "@curv/tensor";
import { fromTypedArray, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { beforeAll, describe, expect, test } from "vitest";
import { accuracyBounds, apply, largestError } from "../test/accuracy-bounds.js";
import { gpujs, type GpujsBackend } from "./index.js";

const points = 4096;
const functions = new Map<string, unknown>(Object.entries(curv));
let backend: GpujsBackend;
beforeAll(async () => {
  backend = await gpujs({ mode: "webasm" });
});

test.each(accuracyBounds)("$name on [$from, $to] to $ulp ulp", async (bound) => {
  expect(await largestError(bound, backend, points)).toBeLessThanOrEqual(bound.ulp);
});

test("large angles are reduced exactly", () => {
  const x = fromTypedArray(Float32Array.of(8191.5, 8193, 1e5, 1e10, -3.7e20, 2 ** 100, 3e38), [7]);
  for (const name of ["sin", "cos", "tan"]) {
    const wanted = apply(name, x.cast("float64")).dataSync();
    apply(name, x.to(backend))
      .dataSync()
      .forEach((y, i) => expect(Math.abs(y - wanted[i])).toBeLessThan(6e-7 * Math.max(1, wanted[i] ** 2)));
  }
});

test("pow: (8 + 2 |y ln x|) ulp", () => {
  const x = random.uniform(random.key(1), { shape: [points], low: 0.01, high: 100 });
  const y = random.uniform(random.key(2), { shape: [points], low: -12, high: 12 });
  const got = curv.pow(x.to(backend), y.to(backend)).dataSync();
  const [a, b] = [x.dataSync(), y.dataSync()];
  for (let i = 0; i < points; i++) {
    const wanted = a[i] ** b[i];
    if (wanted > 1e37 || wanted < 1e-37) continue;
    const bound = (8 + 2 * Math.abs(b[i] * Math.log(a[i]))) * 2 ** -24;
    expect(Math.abs(got[i] / wanted - 1), `${a[i]}^${b[i]}`).toBeLessThan(bound);
  }
});

describe("random numbers are the CPU's", () => {
  const both = (draw: (key: Tensor) => Tensor): void => {
    const key = random.key(12);
    expect([...draw(key.to(backend)).dataSync()]).toEqual([...draw(key).dataSync()]);
  };
  test("bits", () => both((key) => random.bits(key, { shape: [1000] })));
  test("uniform", () => both((key) => random.uniform(key, { shape: [100] })));
  test("integers", () => both((key) => random.randint(key, -7, 1_000_003, { shape: [100] })));
  test("orders", () => both((key) => random.permutation(key, 50)));
  test("split keys", () => both((key) => random.splitKeys(key, 5)));
});

test("words wrap, divide and shift as on the CPU", () => {
  const words = Uint32Array.of(0, 1, 7, 65535, 65536, 65537, 0x7fffffff, 0x80000000, 0xdeadbeef, 0xffffffff);
  const n = words.length;
  for (const dtype of ["int32", "uint32"] as const) {
    const data = dtype === "int32" ? new Int32Array(words.buffer) : words;
    const x = fromTypedArray(data, [n, 1]);
    const y = fromTypedArray(data, [1, n]);
    for (const name of ["add", "sub", "mul", "floorDiv", "mod", "rem", "bitwiseXor", "maximum", "less"]) {
      const f = functions.get(name) as (x: Tensor, y: Tensor) => Tensor;
      expect([...f(x.to(backend), y.to(backend)).dataSync()], `${name} of ${dtype}`).toEqual([...f(x, y).dataSync()]);
    }
    const shifts = fromTypedArray(dtype === "int32" ? Int32Array.of(0, 1, 15, 16, 17, 31, 32, -1) : Uint32Array.of(0, 1, 15, 16, 17, 31, 32, 99), [1, 8]); // prettier-ignore
    for (const name of ["shiftLeft", "shiftRight"]) {
      const f = functions.get(name) as (x: Tensor, y: Tensor) => Tensor;
      expect([...f(x.to(backend), shifts.to(backend)).dataSync()], `${name} of ${dtype}`).toEqual([
        ...f(x, shifts).dataSync(),
      ]);
    }
  }
});
