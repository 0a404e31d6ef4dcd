/**
 * Batches of matrices by several threads. A worker takes some of the matrices and does to them what this thread would, with the same code,
 * so results do not depend on who did it.
 */

import { itemSize, type TypedArray } from "../dtype.js";
import { own, view } from "../memory.js";
import type { Aval, HostArray } from "../primitives/primitive.js";
import { sizeOf } from "../shape.js";
import { encodeJob, mostJobBytes, runBatch, type BatchArray, type Lowering } from "./batch-job.js";
import { externalFactorisations } from "./external-factorisations.js";
import { allocateWorkSpace, matmulModules } from "./wasm/matmul.js";
import { kernelMemory } from "./wasm/memory.js";
import { worthThreads } from "./wasm/thread-costs.js";
import {
  getThreads,
  giveUpThreads,
  LostWorker,
  threadPool,
  threadsWanted,
  type ScriptProgram,
} from "./wasm/threads.js";

/** A matrix takes about so many nanoseconds, and one more for each of m n min(m, n) multiplications. */
const overhead = 1000;
/** One that is larger may take seconds; its products are shared instead. */
const largestOrder = 400;
const chunksPerThread = 4;
const cacheLine = 64;

/**
 * Shares a function of matrices, the last two axes of its inputs, between threads where that is worth it.
 *
 * @param primitive - Its name; batch-worker.ts has to know it.
 * @param lower - Treats each matrix by itself. Its params are plain values.
 */
export function inBatches<P>(primitive: string, lower: Lowering<P>): Lowering<P> {
  return (inputs, params, outs) => byThreads(primitive, inputs, params, outs, lower) ?? lower(inputs, params, outs);
}

/** Null where there is no help, or not enough to do. */
function byThreads<P>(
  primitive: string,
  inputs: readonly HostArray[],
  params: P,
  outs: readonly Aval[],
  lower: Lowering<P>,
): readonly TypedArray[] | null {
  const { shape } = inputs[inputs.length - 1];
  const axes = shape.length - 2;
  const count = sizeOf(shape.slice(0, axes));
  if (!isWorthThreads(count, shape[axes], shape[axes + 1])) return null;
  const memory = kernelMemory();
  const program = memory === null ? null : batchProgram();
  const pool = memory === null || program === null ? null : threadPool(memory, matmulModules, allocateWorkSpace);
  if (memory === null || program === null || pool === null) return null;

  let bytes = mostJobBytes;
  const offsets = [...inputs, ...outs].map(({ dtype, shape }) => {
    const offset = bytes;
    bytes += Math.ceil((itemSize(dtype) * sizeOf(shape)) / cacheLine) * cacheLine;
    return offset;
  });
  let base: number;
  try {
    base = memory.allocate(bytes);
  } catch {
    return null; // more than the kernels' memory can hold
  }
  const { buffer } = memory.memory;
  const array = ({ dtype, shape }: HostArray | Aval, i: number): BatchArray => ({
    address: base + offsets[i],
    dtype,
    shape: shape.slice(axes),
  });
  const whole = ({ address, dtype, shape }: BatchArray): TypedArray =>
    view(dtype, buffer, address, count * sizeOf(shape));
  const job = { primitive, params, inputs: inputs.map(array), outs: outs.map((y, i) => array(y, inputs.length + i)) };
  new Uint8Array(buffer).set(encodeJob(job), base);
  job.inputs.forEach((x, i) => whole(x).set(inputs[i].buffer));
  const chunk = Math.ceil(count / (chunksPerThread * getThreads()));
  let lost = false;
  try {
    pool.run(program, 0, (_base, start, end) => runBatch(buffer, job, lower, start, end), base, count, chunk);
    return job.outs.map((y) => {
      const out = own(y.dtype, count * sizeOf(y.shape));
      out.set(whole(y));
      return out;
    });
  } catch (error) {
    if (!(error instanceof LostWorker)) throw error;
    // This part is not given back: the worker may still write there.
    lost = true;
    giveUpThreads();
    return null;
  } finally {
    if (!lost) memory.release(base);
  }
}

function isWorthThreads(count: number, m: number, n: number): boolean {
  if (!threadsWanted() || count < 2 || Math.max(m, n) > largestOrder) return false;
  // A library has threads of its own, and workers do not have the library.
  if (externalFactorisations(Infinity) !== null) return false;
  return count * (overhead + m * n * Math.min(m, n)) >= worthThreads;
}

let program: ScriptProgram | null | undefined;

/**
 * What workers load; null while nobody knows where it is. That is asked where it does no harm: there are module systems that do not read a
 * file that asks for its own address.
 */
function batchProgram(): ScriptProgram | null {
  if (program === undefined) {
    program = null;
    import("./batch-script.js").then(
      ({ batchScript }) => (program = { script: batchScript() }),
      () => undefined,
    );
  }
  return program;
}
