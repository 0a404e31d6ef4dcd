/** What is computed block by block is what the CPU computes at once: with these limits nearly every array is long. */

import {
  broadcastTo,
  concat,
  einsum,
  flip,
  grad,
  hvp,
  jit,
  scan,
  sort,
  tensor,
  whileLoop,
  where,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { beforeAll, expect, test } from "vitest";
import { gpujs, type GpujsBackend } from "./index.js";
import { limits } from "./limits.js";

let backend: GpujsBackend;
beforeAll(async () => {
  Object.assign(limits, { longestArray: 64, blockLength: 32 });
  backend = await gpujs({ mode: "webasm" });
});

const draw = (seed: number, shape: number[]): Tensor => random.normal(random.key(seed), { shape });

/** The same on both, to rounding. */
function compare(f: (...x: Tensor[]) => Tensor, ...x: Tensor[]): void {
  const compiled = jit(f as never) as unknown as typeof f;
  const [got, wanted] = [compiled(...x.map((y) => y.to(backend))), f(...x)];
  expect(got.shape).toEqual(wanted.shape);
  expect(got.dtype).toBe(wanted.dtype);
  const [a, b] = [got.dataSync(), wanted.dataSync()];
  expect(a.length).toBe(b.length);
  b.forEach((y, i) => expect(a[i]).toBeCloseTo(y, 4));
}

const integers = (shape: number[]): Tensor => draw(7, shape).mul(1000).cast("int32");

const cases: readonly (readonly [name: string, f: (...x: Tensor[]) => Tensor, ...x: Tensor[]])[] = [
  ["elementwise", (x) => x.mul(2).add(1).tanh(), draw(1, [173])],
  ["broadcasting", (x, y, z) => x.add(y).mul(z), draw(1, [29, 7]), draw(2, [7]), draw(3, [29, 1])],
  ["an axis of length 1 before", (x, y) => x.sub(y), draw(1, [1, 97, 2]), draw(2, [97, 2])],
  ["words, and floats of the same shape", (x) => x.cast("float32").mul(0.5), integers([50])],
  ["words", (x) => x.mul(x).add(3), integers([11, 9])],
  ["select", (x, y) => where(x.less(y), x, y), draw(1, [80]), draw(2, [80])],
  ["total", (x) => x.sum(), draw(1, [501])],
  ["sums of rows", (x) => x.sum(1), draw(1, [201, 3])],
  ["sums of columns", (x) => x.sum(0), draw(1, [201, 3])],
  ["extremes", (x) => x.max(0).sub(x.min()), draw(1, [40, 5])],
  ["products", (x) => x.prod(), draw(1, [70])],
  ["reshape between blocks of other lengths", (x) => x.reshape([23, 10]).mul(2).reshape([46, 5]), draw(1, [10, 23])],
  ["transpose", (x) => x.transpose(), draw(1, [19, 11])],
  ["transpose of three axes", (x) => x.transpose([1, 2, 0]), draw(1, [5, 5, 6])],
  ["slice", (x) => x.slice([3, 88, 7]), draw(1, [100])],
  ["slice of both axes", (x) => x.slice([1, 40], [0, 4, 2]), draw(1, [41, 5])],
  ["flip", (x) => flip(x, [0, 1]), draw(1, [13, 9])],
  ["flip within rows", (x) => flip(x, 1), draw(1, [13, 9])],
  ["concat along the first axis", (x, y) => concat([x, y, x], 0), draw(1, [33]), draw(2, [50])],
  ["concat along the second", (x, y) => concat([x, y], 1), draw(1, [20, 3]), draw(2, [20, 2])],
  ["broadcastTo", (x) => broadcastTo(x, [30, 4]), draw(1, [4])],
  ["broadcastTo along rows", (x) => broadcastTo(x, [30, 4]), draw(1, [30, 1])],
  ["matmul", (x, y) => x.matmul(y), draw(1, [25, 5]), draw(2, [5, 21])],
  ["matmul with long rows of the second", (x, y) => x.matmul(y), draw(1, [2, 30]), draw(2, [30, 4])],
  ["matmul, both long", (x, y) => x.matmul(y), draw(1, [14, 19]), draw(2, [19, 17])],
  ["products of matrices", (x, y) => einsum("bij,bjk->bik", x, y), draw(1, [9, 4, 5]), draw(2, [9, 5, 3])],
  ["gradient", grad((x: Tensor) => x.square().mul(x).sum()) as (x: Tensor) => Tensor, draw(1, [70])],
  [
    "Hessian-vector product",
    (w, v, x) => hvp((u: Tensor) => x.matmul(u).tanh().square().sum(), w, v),
    draw(1, [8, 9]),
    draw(2, [8, 9]),
    draw(3, [20, 8]),
  ],
  ["random numbers", (key) => random.uniform(key, { shape: [99] }), random.key(3)],
];

test.each(cases)("%s", (...[, f, ...x]) => compare(f as (...x: Tensor[]) => Tensor, ...(x as Tensor[])));

test("a loop carries it", () => {
  compare(
    (x) =>
      whileLoop(
        ([, i]: [Tensor, Tensor]) => i.less(3),
        ([y, i]: [Tensor, Tensor]) => [y.mul(0.5).add(1), i.add(1)] as [Tensor, Tensor],
        [x, tensor(0)] as [Tensor, Tensor],
      )[0],
    draw(1, [90]),
  );
});

test("each array is counted, and freed", () => {
  const before = backend.memory().arrays;
  const x = draw(1, [100]).to(backend);
  const y = x.add(1);
  y.dataSync();
  expect(backend.memory().arrays - before).toBe(8);
  for (const z of [x, y]) z.dispose();
  expect(backend.memory().arrays).toBe(before);
});

test("what is not cut is refused by name", () => {
  const x = draw(1, [100]).to(backend);
  expect(() => sort(x)).toThrow(/sort: gpujs: an array of 100 float32 elements is too large for one launch/);
  expect(() => x.reshape([2, 50]).add(1)).toThrow(/reshape: .* has rows that are too long themselves/);
  expect(() => draw(1, [2, 50]).to(backend)).toThrow(/upload: gpujs: rows of 50 float32 elements are too long/);
  const running = jit((r: Tensor) => scan((c: Tensor, y: Tensor) => [c.add(y), c] as [Tensor, Tensor], r.sum(), r)[1]);
  expect(() => running(x)).toThrow(/scan: gpujs: an array of 100 float32 elements is too large/);
});
