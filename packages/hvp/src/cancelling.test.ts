/** "Cancelling leaves no worker running": after an abort nothing computes on, and nothing keeps the process alive. */

import { cg, eigsh, lanczos, linearOperator, lobpcg, lsqr, minres, type LinearOperator } from "@curv/linsolve";
import { jit, setThreads, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import {
  frobeniusNorm,
  hutchinsonDiagonal,
  hutchinsonTrace,
  hutchPlusPlus,
  inverseProduct,
  spectralMeasure,
  spectralNorm,
  xTrace,
} from "./index.js";

vi.setConfig({ testTimeout: 60_000 });
beforeAll(() => setThreads(2));
afterAll(() => setThreads(1));

const n = 600;
const key = random.key(0);
const factor = random.normal(key, { shape: [n, n] });
// Large enough to be shared among threads.
const square = jit((v: Tensor) => factor.transpose().matmul(factor.matmul(v)).div(n).add(v));
/** Threads and what they are talked to through; the test runner reads and writes files meanwhile. */
const workers = (): string[] => process.getActiveResourcesInfo().filter((name) => /Worker|MessagePort/.test(name));
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** {@link workers} when none starts or ends any more, however slow the machine is. */
async function settled(): Promise<string[]> {
  for (let before = workers(); ;) {
    await wait(50);
    const now = workers();
    if (now.join() === before.join()) return now;
    before = now;
  }
}
const b = random.normal(random.key(1), { shape: [n] });

interface Stop {
  readonly signal: AbortSignal;
}

test.each<[string, (a: LinearOperator, stop: Stop) => Promise<unknown>]>([
  ["hutchinsonTrace", (a, stop) => hutchinsonTrace(a, key, { probes: 64, atOnce: 1, ...stop })],
  ["hutchinsonDiagonal", (a, stop) => hutchinsonDiagonal(a, key, { probes: 64, atOnce: 1, ...stop })],
  ["frobeniusNorm", (a, stop) => frobeniusNorm(a, key, { probes: 64, atOnce: 1, ...stop })],
  ["hutchPlusPlus", (a, stop) => hutchPlusPlus(a, key, { products: 60, atOnce: 1, ...stop })],
  ["xTrace", (a, stop) => xTrace(a, key, { products: 60, atOnce: 1, ...stop })],
  ["spectralMeasure", (a, stop) => spectralMeasure(a, key, { steps: 60, ...stop })],
  ["spectralNorm", (a, stop) => spectralNorm(a, { tol: 0, ...stop })],
  ["lanczos", (a, stop) => lanczos(a, b, { steps: 60, ...stop })],
  ["eigsh", (a, stop) => eigsh(a, { k: 5, tol: 0, ...stop })],
  ["lobpcg", (a, stop) => lobpcg(a, { k: 5, tol: 0, ...stop })],
  ["cg", (a, stop) => cg(a, b, { rtol: 0, ...stop })],
  ["minres", (a, stop) => minres(a, b, { rtol: 0, ...stop })],
  ["lsqr", (a, stop) => lsqr(a, b, { rtol: 0, atol: 0, ...stop })],
  ["inverseProduct", (a, stop) => inverseProduct(a, b, { damping: 1e-3, rtol: 0, ...stop } as never)],
])("%s", async (_, run) => {
  const warn = vi.spyOn(console, "warn");
  // With two threads and without a run.
  square(b);
  const before = await settled();
  const controller = new AbortController();
  let products = 0;
  const matvec = (v: Tensor): Tensor => {
    if (++products === 8) controller.abort(new Error("enough"));
    return square(v);
  };
  const operator = linearOperator({ matvec, domain: b, symmetric: true, positiveSemidefinite: true, eager: true });
  await expect(run(operator, { signal: controller.signal })).rejects.toThrow("enough");
  const atEnd = products;
  // The block of steps that runs, of 64 at most, may be finished, and its residual measured; not more.
  expect(atEnd).toBeLessThan(8 + 64 + 4);
  await wait(50);
  expect(products).toBe(atEnd);
  await vi.waitFor(() => expect(workers()).toEqual(before), { timeout: 30_000 });
  expect(warn).not.toHaveBeenCalled(); // no worker was lost
});
