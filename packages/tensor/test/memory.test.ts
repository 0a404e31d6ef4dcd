/** Eager programs run in bounded memory without one `dispose` (theme-tensor-core §11.15). */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { grad, retain, tanh, tensor, type Tensor } from "@curv/tensor";
import * as tree from "@curv/tensor/tree";
import { uniformOf } from "../src/testing/operand.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const mega = 2 ** 20;

/** Bytes that are reachable: objects and the elements of typed arrays. */
async function reachable(): Promise<number> {
  // The memory of dead array buffers is given back by another thread, some time after the collection: wait until nothing more is.
  let least = Infinity;
  for (let quiet = 0; quiet < 3; quiet++) {
    collect();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    if (heapUsed + arrayBuffers < 0.99 * least) quiet = 0;
    least = Math.min(least, heapUsed + arrayBuffers);
  }
  return least;
}

function drawn(shape: readonly number[], scale: number): Tensor {
  const uniform = uniformOf(shape.join());
  return tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * (2 * uniform() - 1)),
    { shape },
  );
}

test("10,000 eager training steps of a small network hold a flat heap", { timeout: 120_000 }, async () => {
  const x = drawn([64, 2], 1);
  const y = drawn([64, 1], 1);
  const loss = (p: { w1: Tensor; b1: Tensor; w2: Tensor; b2: Tensor; w3: Tensor }): Tensor => {
    const h1 = tanh(x.matmul(p.w1).add(p.b1));
    const h2 = tanh(h1.matmul(p.w2).add(p.b2));
    return h2.matmul(p.w3).sub(y).square().mean();
  };
  const gradient = grad(loss);
  let params = {
    w1: drawn([2, 32], 1),
    b1: drawn([32], 0.1),
    w2: drawn([32, 32], 0.2),
    b2: drawn([32], 0.1),
    w3: drawn([32, 1], 0.2),
  };
  const first = loss(params).itemSync();
  const reachableAt: number[] = [];
  const residentAt: number[] = [];
  for (let step = 1; step <= 10_000; step++) {
    params = tree.axpy(-0.05, gradient(params), params);
    if (step % 2500 === 0) {
      residentAt.push(process.memoryUsage().rss);
      reachableAt.push(await reachable());
    }
  }
  expect(loss(params).itemSync()).toBeLessThan(first / 2);
  // Between collections garbage comes and goes; what is held does not grow, and neither does the process.
  expect(reachableAt[3] - reachableAt[0]).toBeLessThan(0.5 * mega);
  expect(residentAt[3] - residentAt[0]).toBeLessThan(48 * mega);
});

test(
  "of 100,000 small results every hundredth kept holds less than 16 KiB each and 20 MB",
  { timeout: 60_000 },
  async () => {
    const x = drawn([64], 1);
    const kept: Tensor[] = [];
    collect();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 100_000; i++) {
      const y = x.add(x);
      if (i % 100 === 0) kept.push(y);
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(kept.length * 16384 + 20 * mega);
  },
);

test("retained results leave their slabs: 2000 of 64 numbers hold 1 MB, not 32", { timeout: 60_000 }, async () => {
  const x = drawn([64], 1);
  const before = await reachable();
  const kept: Tensor[] = [];
  for (let i = 0; i < 200_000; i++) {
    const y = x.add(x);
    if (i % 100 === 0) kept.push(retain(y));
  }
  const held = (await reachable()) - before;
  expect(kept.length).toBe(2000);
  expect(held).toBeLessThan(3 * mega);
});
