/** Threads change how long it takes, and nothing else. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { conv, getThreads, grad, jit, scan, setThreads, type Tensor, zeros } from "../src/index.js";
import { kernelMemory } from "../src/cpu/wasm/memory.js";
import { allocateWorkSpace, matmulModules } from "../src/cpu/wasm/matmul.js";
import { threadPool } from "../src/cpu/wasm/threads.js";
import { cholesky, eigh, lu, qr, solve, svd } from "../src/linalg/index.js";
import * as random from "../src/random/index.js";

afterEach(() => setThreads(1));

const draw = (seed: number, shape: number[], dtype: "float32" | "float64"): Tensor =>
  random.normal(random.key(seed), { shape, dtype });

/** Functions whose kernels are long enough for threads. */
const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  "elementwise chain": (x) => x.tanh().mul(2).exp().add(x),
  "sums of rows": (x) => x.exp().sum(1),
  "sums of columns": (x) => x.square().sum(0),
  "sum of all": (x) => x.sum(),
  "largest of rows": (x) => x.max(1),
  "sines, with some that Math.sin computes": (x) => x.mul(1000).sin(),
  "transposed product": (x) => x.transpose().matmul(x),
  "batched product": (x) => x.reshape([4, 150, 300]).matmul(x.reshape([4, 300, 150])),
  gradient: grad((x: Tensor) => x.matmul(x.transpose()).tanh().sum()),
  convolution: (x) => conv(x.reshape([15, 3, 100, 40]), draw(9, [8, 3, 3, 3], x.dtype as "float32"), { padding: 1 }),
  loop: (x) =>
    scan(
      (c: Tensor, _: Tensor): [Tensor, Tensor] => [c.matmul(x).tanh(), c.sum()],
      draw(8, [300, 600], x.dtype as "float32"),
      zeros([3]),
    )[0],
};

const bytes = (x: Tensor): Buffer => Buffer.from(x.dataSync().slice().buffer);

/** Workers take part from the first call after they have got the program; they get it when the event loop turns. */
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 150));

describe.each(["float32", "float64"] as const)("%s: the same bits with 1, 2, 3 and 4 threads", (dtype) => {
  test.each(Object.keys(functions))("%s", async (name) => {
    const x = draw(7, name === "loop" ? [600, 600] : [600, 300], dtype).mul(0.1);
    const f = jit(functions[name]);
    const expected = bytes(f(x));
    for (const threads of [2, 3, 4]) {
      setThreads(threads);
      expect(bytes(f(x)).equals(expected), `${threads} threads, first call`).toBe(true);
      await turn();
      for (let repeat = 0; repeat < 3; repeat++) {
        expect(bytes(f(x)).equals(expected), `${threads} threads, call ${repeat}`).toBe(true);
      }
    }
  });
});

/** Eager calls with products that are large enough for threads. */
const eager: Readonly<Record<string, (x: Tensor) => readonly Tensor[]>> = {
  cholesky: (x) => [cholesky(x.matmul(x.transpose()))],
  lu: (x) => Object.values(lu(x)),
  "qr of a tall matrix": (x) => Object.values(qr(x.reshape([640, 160]))),
  eigh: (x) => Object.values(eigh(x.add(x.transpose()))),
  svd: (x) => Object.values(svd(x)),
  solve: (x) => [solve(x, x.transpose())],
  "an eager product": (x) => [x.matmul(x.transpose())],
  "an eager product of float32": (x) => [x.cast("float32").transpose().matmul(x.cast("float32"))],
  "an eager product of a wide matrix": (x) => [x.slice([0, 100]).matmul(x)],
};

test.each(Object.keys(eager))("%s: the same bits with 1, 2 and 3 threads", async (name) => {
  const x = draw(11, [320, 320], "float64");
  const factors = (): Buffer => Buffer.concat(eager[name](x).map(bytes));
  const expected = factors();
  for (const threads of [2, 3]) {
    setThreads(threads);
    expect(factors().equals(expected), `${threads} threads, first call`).toBe(true);
    await turn();
    const runs = vi.spyOn(threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)!, "run");
    expect(factors().equals(expected), `${threads} threads`).toBe(true);
    expect(runs).toHaveBeenCalled();
  }
});

interface Inside {
  readonly words: Int32Array;
}

test("a worker that is lost in the middle of a chunk costs time, not the result", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const x = draw(3, [512, 512], "float64");
  const f = jit((y: Tensor) => y.matmul(y).exp().sum(0));
  const expected = bytes(f(x));
  setThreads(2);
  f(x);
  await turn();
  const pool = threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)!;
  // Somebody went in and never comes out.
  Atomics.add((pool as unknown as Inside).words, 32, 1);
  expect(bytes(f(x)).equals(expected)).toBe(true);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0][0]).toContain("a worker thread was lost");
  // From here on without threads, until they are asked for again.
  expect(bytes(f(x)).equals(expected)).toBe(true);
  warn.mockRestore();
}, 60_000);

test("so does one that is lost in the middle of a factorisation", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const x = draw(4, [400, 400], "float64");
  const factors = (): Buffer => Buffer.concat(Object.values(lu(x)).map(bytes));
  const expected = factors();
  setThreads(2);
  lu(x);
  await turn();
  const pool = threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)!;
  Atomics.add((pool as unknown as Inside).words, 32, 1);
  expect(factors().equals(expected)).toBe(true);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
}, 60_000);

test("setThreads wants a positive integer", () => {
  for (const count of [0, -1, 1.5, NaN, Infinity, 1000, "2" as never]) {
    expect(() => setThreads(count)).toThrow(/setThreads: count is .*; wants an integer from 1 to 256/);
  }
  setThreads(2);
  expect(getThreads()).toBe(2);
});
