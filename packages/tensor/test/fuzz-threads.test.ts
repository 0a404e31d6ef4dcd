/**
 * The random functions again, with kernels of any size shared by 2 and 4 threads, a few elements or rows at a time, and with arguments and
 * results of any size that stay in the kernels' memory: no bit changes.
 */

import { afterEach, expect, test, vi } from "vitest";
import { jit, setThreads, type Tensor } from "../src/index.js";
import { kernelMemory } from "../src/cpu/wasm/memory.js";
import { allocateWorkSpace, matmulModules } from "../src/cpu/wasm/matmul.js";
import { threadPool } from "../src/cpu/wasm/threads.js";
import { expectSame, generate, print, run } from "./support/random-programs.js";

vi.mock("../src/cpu/wasm/thread-costs.js", () => ({ worthThreads: 0, chunkElements: 8, chunkMultiplications: 64 }));
vi.mock("../src/cpu/wasm/resident-costs.js", () => ({ residentBytes: 1, mostResidentBytes: 2 ** 20 }));
vi.mock("../src/cpu/wasm/row-costs.js", () => ({ cacheBytes: 64, fewBytes: 0, shortRow: 0 }));

const firstSeed = Number(process.env.CURV_FUZZ_SEED ?? 10_000);
const runs = Number(process.env.CURV_FUZZ_RUNS ?? 150);

afterEach(() => setThreads(1));

const milliseconds = (n: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, n));

test.each([2, 4])(
  `%d threads change no bit of functions ${firstSeed} to ${firstSeed + runs - 1}`,
  { timeout: 120_000 },
  async (threads) => {
    setThreads(threads);
    const pool = threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)!;
    await milliseconds(500); // until the workers are there
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const program = generate(seed);
      const inputs = [...program.inputs];
      const wanted = run(program, inputs);
      const f = jit((xs: Tensor[]): Tensor[] => run(program, xs));
      for (let call = 0; call < 3; call++) {
        expectSame(
          f(inputs),
          wanted,
          () => `CURV_FUZZ_SEED=${seed} CURV_FUZZ_RUNS=1: ${threads} threads, call ${call}\n${print(program)}`,
        );
        await milliseconds(2); // workers get a program when the event loop turns
      }
    }
    expect(threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)).toBe(pool); // no worker was lost
    const { ids } = pool as unknown as { readonly ids: ReadonlyMap<unknown, number> };
    if (runs >= 100) expect(ids.size).toBeGreaterThan(runs / 3); // programs were shared
  },
);
