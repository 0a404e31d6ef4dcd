/** Batches of matrices by several threads: what workers do is what this thread would have done. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { encodeJob, mostJobBytes, type BatchArray } from "../src/cpu/batch-job.js";
import { program } from "../src/cpu/batch-worker.js";
import { inBatches } from "../src/cpu/batches.js";
import { allocateWorkSpace, matmulModules } from "../src/cpu/wasm/matmul.js";
import { kernelMemory } from "../src/cpu/wasm/memory.js";
import { threadPool, type ThreadPool } from "../src/cpu/wasm/threads.js";
import { itemSize } from "../src/dtype.js";
import { setThreads } from "../src/index.js";
import { view } from "../src/memory.js";
import { aval, type HostArray, type Primitive } from "../src/primitives/primitive.js";
import { choleskyPrimitive } from "../src/primitives/linalg/cholesky.js";
import { eigPrimitive } from "../src/primitives/linalg/eig.js";
import { eighPrimitive } from "../src/primitives/linalg/eigh.js";
import { expmDerivativePrimitive, expmPrimitive } from "../src/primitives/linalg/expm.js";
import { luPrimitive } from "../src/primitives/linalg/lu.js";
import { qrPrimitive } from "../src/primitives/linalg/qr.js";
import { svdPrimitive } from "../src/primitives/linalg/svd.js";
import { triangularSolvePrimitive } from "../src/primitives/linalg/triangular-solve.js";
import { sizeOf } from "../src/shape.js";

/** Where workers find their program; without one as a rule, because they cannot read these sources. */
const script = vi.hoisted(() => ({ address: "data:text/javascript,throw 1" }));
vi.mock("../src/cpu/batch-script.js", () => ({ batchScript: () => script.address }));

/** Matrices with large diagonals, so that all of them are positive definite. */
function matrices(count: number, m: number, n: number, dtype: "float32" | "float64"): HostArray {
  const size = count * m * n;
  const buffer = dtype === "float32" ? new Float32Array(size) : new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const [row, column] = [Math.floor(i / n) % m, i % n];
    buffer[i] = Math.sin(1 + 0.7 * i * i) + (row === column ? 3 * n : 0);
  }
  return { shape: [count, m, n], dtype, buffer };
}

const bytesOf = (x: ArrayBufferView): Buffer => Buffer.from(x.buffer, x.byteOffset, x.byteLength);

const square = (dtype: "float32" | "float64"): HostArray[] => [matrices(7, 5, 5, dtype)];
const cases: readonly (readonly [Primitive, unknown, (dtype: "float32" | "float64") => HostArray[]])[] = [
  [choleskyPrimitive, null, square],
  [luPrimitive, null, (dtype) => [matrices(7, 4, 6, dtype)]],
  [qrPrimitive, { complete: false }, (dtype) => [matrices(7, 6, 4, dtype)]],
  [qrPrimitive, { complete: true }, (dtype) => [matrices(7, 6, 4, dtype)]],
  [svdPrimitive, { vectors: true, full: false, accurate: false }, (dtype) => [matrices(7, 6, 4, dtype)]],
  [svdPrimitive, { vectors: false, full: false, accurate: true }, (dtype) => [matrices(7, 4, 6, dtype)]],
  [eighPrimitive, { vectors: true }, square],
  [eigPrimitive, { vectors: true }, square],
  [expmPrimitive, null, (dtype) => [matrices(7, 3, 3, dtype)]],
  [expmDerivativePrimitive, null, (dtype) => [matrices(7, 3, 3, dtype), matrices(7, 3, 3, dtype)]],
  [
    triangularSolvePrimitive,
    { lower: true, transpose: true, unit: false },
    (dtype) => [matrices(7, 5, 5, dtype), matrices(7, 5, 2, dtype)],
  ],
];

describe("what a worker does", () => {
  test.each(
    cases.flatMap((one) => (["float32", "float64"] as const).map((dtype) => [one[0].name, dtype, one] as const)),
  )("%s, %s: the same bits, in parts that do not touch the others", (_name, dtype, [primitive, params, make]) => {
    const inputs = make(dtype);
    const outs = primitive.shape(
      inputs.map((x) => aval(x.shape, x.dtype)),
      params,
    );
    const expected = primitive.lower!(inputs, params, outs);
    const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
    let end = mostJobBytes;
    const place = ({ dtype, shape }: (typeof inputs)[number] | (typeof outs)[number]): BatchArray => {
      const address = end;
      end += Math.ceil((itemSize(dtype) * sizeOf(shape)) / 64) * 64;
      return { address, dtype, shape: shape.slice(1) };
    };
    const job = { primitive: primitive.name, params, inputs: inputs.map(place), outs: outs.map(place) };
    const encoded = encodeJob(job);
    expect(encoded.length).toBeLessThan(mostJobBytes);
    new Uint8Array(memory.buffer).set(encoded);
    const whole = ({ address, dtype, shape }: BatchArray): ReturnType<typeof view> => view(dtype, memory.buffer, address, 7 * sizeOf(shape)); // prettier-ignore
    job.inputs.forEach((x, i) => whole(x).set(inputs[i].buffer));
    const { kernel0 } = program(memory);
    kernel0(0, 2, 5);
    job.outs.forEach((y, i) => {
      const size = expected[i].length / 7;
      const wanted = expected[i].map((x, at) => (at >= 2 * size && at < 5 * size ? x : 0));
      expect(bytesOf(whole(y).slice()).equals(bytesOf(wanted)), `output ${i}`).toBe(true);
    });
    kernel0(0, 0, 2);
    kernel0(0, 5, 7);
    job.outs.forEach((y, i) => expect(bytesOf(whole(y).slice()).equals(bytesOf(expected[i]))).toBe(true));
    job.inputs.forEach((x, i) => expect(bytesOf(whole(x).slice()).equals(bytesOf(inputs[i].buffer))).toBe(true));
  });

  test("workers know every function that is shared", () => {
    const folder = join(import.meta.dirname, "../src/primitives/linalg");
    const shared = readdirSync(folder).flatMap((file) =>
      [...readFileSync(join(folder, file), "utf8").matchAll(/inBatches\("(\w+)"/g)].map(([, name]) => name),
    );
    expect(new Set(cases.map(([{ name }]) => name))).toEqual(new Set(shared));
  });
});

describe("who does it", () => {
  beforeEach(() => setThreads(2));
  afterEach(() => {
    setThreads(1);
    vi.restoreAllMocks();
  });

  const pool = (): ThreadPool => threadPool(kernelMemory()!, matmulModules, allocateWorkSpace)!;
  const input = matrices(200, 16, 16, "float64");
  const outs = [aval(input.shape, "float64")];
  let atFirst: () => void = () => undefined;
  const double = inBatches<null>("double", ([x]) => {
    atFirst();
    atFirst = () => undefined;
    return [new Float64Array(x.buffer).map((value) => 2 * value)];
  });
  const doubled = new Float64Array(input.buffer).map((value) => 2 * value);
  const run = (): Float64Array => double([input], null, outs)[0] as Float64Array;
  /** Calls until the threads are asked, which begins when the address of their program is known. */
  const untilShared = async (): Promise<void> => {
    const runs = vi.spyOn(pool(), "run");
    await vi.waitFor(() => {
      expect(bytesOf(run()).equals(bytesOf(doubled))).toBe(true);
      expect(runs).toHaveBeenCalled();
    }, 30_000);
  };

  test("this thread alone, where workers cannot load their program", async () => {
    await untilShared();
    for (let i = 0; i < 5; i++) {
      expect(bytesOf(run()).equals(bytesOf(doubled))).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });

  test("this thread, for what has work to share inside", async () => {
    await untilShared();
    const inside = matrices(30, 200, 200, "float64");
    const outer = inBatches<null>("outer", ([x]) => {
      // A batch, and in it products that would be worth threads.
      return [choleskyPrimitive.lower!([x], null, [aval(x.shape, "float64"), aval([x.shape[0]], "int32")])[0]];
    });
    const shared = outer([inside], null, [aval(inside.shape, "float64")])[0];
    setThreads(1);
    const alone = outer([inside], null, [aval(inside.shape, "float64")])[0];
    expect(bytesOf(shared).equals(bytesOf(alone))).toBe(true);
  });

  test("a lost worker costs time, not the result", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    await untilShared();
    // Somebody went in and never comes out.
    Atomics.add((pool() as unknown as { readonly words: Int32Array }).words, 32, 1);
    expect(bytesOf(run()).equals(bytesOf(doubled))).toBe(true);
    expect(warn.mock.calls).toEqual([[expect.stringContaining("a worker thread was lost")]]);
  }, 60_000);
});

describe("a worker that triples", () => {
  test("takes some of the matrices, and each is done once", async () => {
    vi.resetModules();
    const fresh = await import("../src/cpu/batches.js");
    const { kernelMemory } = await import("../src/cpu/wasm/memory.js");
    const { setThreads } = await import("../src/cpu/wasm/threads.js");
    const memory = kernelMemory()!;
    const flag = memory.allocate(64);
    script.address = `data:text/javascript,${encodeURIComponent(`
      export const program = (memory) => ({
        kernel0: (base, start, end) => {
          const length = new DataView(memory.buffer).getInt32(base, true);
          const { inputs, outs } = JSON.parse(String.fromCharCode(...new Uint8Array(memory.buffer, base + 4, length)));
          const view = ({ address }) => new Float64Array(memory.buffer, address + start * 256 * 8, (end - start) * 256);
          view(outs[0]).set(view(inputs[0]).map((x) => 3 * x));
          const words = new Int32Array(memory.buffer, ${flag}, 2);
          Atomics.store(words, 0, 1);
          Atomics.notify(words, 0);
          Atomics.wait(words, 1, 0, 30000);
        },
      });
    `)}`;
    setThreads(2);
    const input = matrices(200, 16, 16, "float64");
    const words = new Int32Array(memory.memory.buffer, flag, 2);
    let calls = 0;
    const f = fresh.inBatches<null>("double", ([x]) => {
      calls++;
      // Part of a batch: neither goes on before the other has some, too.
      Atomics.store(words, 1, 1);
      Atomics.notify(words, 1);
      if (x.shape[0] < 200) Atomics.wait(words, 0, 0, 30_000);
      return [new Float64Array(x.buffer).map((value) => 2 * value)];
    });
    const outs = [aval(input.shape, "float64")];
    await vi.waitFor(() => {
      calls = 0;
      f([input], null, outs);
      expect(words[0]).toBe(1);
    }, 50_000);
    calls = 0;
    words.fill(0);
    const [out] = f([input], null, outs);
    const factors = Array.from({ length: 200 }, (_, i) => {
      const quotients = new Set([...out.subarray(i * 256, (i + 1) * 256)].map((y, k) => y / input.buffer[i * 256 + k]));
      return [...quotients].map((q) => Math.round(q));
    });
    expect(new Set(factors.flat())).toEqual(new Set([2, 3]));
    for (const own of factors) expect(new Set(own).size).toBe(1);
    expect(calls).toBeGreaterThan(0);
    setThreads(1);
  }, 90_000);
});
