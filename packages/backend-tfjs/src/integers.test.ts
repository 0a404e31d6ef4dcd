/** int32 on the engines is that of the CPU to the last bit, at the ends of its range and where it wraps. */

import {
  concat,
  cummax,
  cumprod,
  cumsum,
  floorDiv,
  matmul,
  max,
  maximum,
  min,
  minimum,
  mod,
  prod,
  rem,
  sort,
  sum,
  tensor,
  use,
  where,
  type Tensor,
} from "@curv/tensor";
import * as tf from "@tensorflow/tfjs";
import { afterEach, expect, test } from "vitest";
import { engines, open, whyNot } from "../test/engines.js";

afterEach(async () => {
  use("cpu");
  await tf.setBackend("cpu");
});

type Operation = (x: Tensor, y: Tensor) => Tensor;

const square = (x: Tensor): Tensor => x.reshape(8, 8);

/** The engines have a kernel of that name for most of these, and many are right for small integers only. */
const operations: Readonly<Record<string, Operation>> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  mul: (x, y) => x.mul(y),
  neg: (x) => x.neg(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  square: (x) => x.square(),
  pow: (x) => x.pow(tensor(3, { dtype: "int32" })),
  floorDiv,
  mod,
  rem,
  less: (x, y) => x.less(y),
  equal: (x, y) => x.equal(y),
  maximum,
  minimum,
  where: (x, y) => where(x.less(y), x, y),
  sum: (x) => sum(x),
  "sum of rows": (x) => sum(square(x), 0),
  prod: (x) => prod(where(x.equal(0), 3, x)),
  "prod of rows": (x) => prod(square(x), 1),
  max: (x) => max(x),
  min: (x) => min(x),
  matmul: (x, y) => matmul(square(x), square(y)),
  cumsum: (x) => cumsum(x, 0),
  cumprod: (x) => cumprod(x, 0),
  cummax: (x) => cummax(x, 0),
  sort: (x) => sort(x),
  transpose: (x) => square(x).T,
  concat: (x, y) => concat([x, y], 0),
};

/** 64 odd numbers of so many bits with a sign, by a linear congruence. */
function numbers(seed: number, bits: number): Int32Array {
  let state = seed;
  return Int32Array.from({ length: 64 }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((mixed ^ (mixed >>> 13)) >> (32 - bits)) | 1;
  });
}

const ends = [-(2 ** 31), 2 ** 31 - 1, -1, 0, 1, 2, -2, 65536];
const cases: Readonly<Record<string, readonly [Int32Array, Int32Array]>> = {
  "the ends of the range": [Int32Array.from({ length: 64 }, (_, i) => ends[i >> 3]), Int32Array.from({ length: 64 }, (_, i) => ends[i & 7])],
  "32 bits": [numbers(1, 32), numbers(7, 32)],
  "31 bits by 6": [numbers(2, 31), numbers(3, 6)],
  "25 bits by 12": [numbers(4, 25), numbers(5, 12)],
}; // prettier-ignore

test.for(engines)("on the %s engine", async (engine, { skip }) => {
  const reason = whyNot(engine);
  skip(reason !== undefined, reason);
  const backend = await open(engine);
  for (const [name, f] of Object.entries(operations)) {
    for (const [which, [x, y]] of Object.entries(cases)) {
      const expected = await f(tensor(x), tensor(y)).data();
      const got = await f(tensor(x).to(backend), tensor(y).to(backend)).data();
      expect([...got], `${name}, ${which}`).toEqual([...expected]);
    }
  }
});
