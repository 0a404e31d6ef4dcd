/** Runs a package's own kernel over arrays: in the kernels' memory, slab by slab, by all threads where there are several. */

import type { TypedArray } from "../dtype.js";
import { allocateWorkSpace, matmulModules, workSpace, workSpaceBytes } from "../cpu/wasm/matmul.js";
import { kernelMemory, type KernelMemory } from "../cpu/wasm/memory.js";
import { ModuleBuilder, type Exports } from "../cpu/wasm/module.js";
import { worthThreads } from "../cpu/wasm/thread-costs.js";
import {
  giveUpThreads,
  LostWorker,
  threadPool,
  threadsWanted,
  type SharedProgram,
  type ThreadPool,
} from "../cpu/wasm/threads.js";

/** A function of float64 arrays of equal length, element by element. */
export interface ArrayKernel {
  /** How many arrays it reads. */
  readonly inputs: number;
  /** Elements that a thread takes at once. */
  readonly chunk: number;
  /** Bytes of scratch that it uses from the address that `FunctionBody.work()` puts on the stack; each thread has its own. */
  readonly scratch: number;
  /** Rough time for an element, to decide whether threads pay. */
  readonly nanoseconds: number;
  /**
   * Writes the module, whose exported function `kernel0(base, start, end)` computes the elements from `start` to `end`. At `base` stand, as
   * 32-bit integers, the addresses of the inputs and then of the output; behind them a word that is 0: the kernel may set it to say that it
   * leaves elements to the caller. It may read, but not write, up to 64 bytes beyond the end of an array. An element may depend on nothing but the inputs at its index. Imports are functions of Math only.
   */
  write(module: ModuleBuilder): void;
}

interface Compiled extends SharedProgram {
  readonly exports: Exports;
}

const compiled = /* @__PURE__ */ new WeakMap<ArrayKernel, Compiled>();
const headerBytes = 64;
/** A kernel may read so many bytes beyond the end of an array. */
const slack = 64;
/**
 * Elements that several threads share at a time, at most. The calling thread alone can copy: while the others compute a slab, it stores the
 * one before and loads the next. One thread takes chunk by chunk, which stays in its cache.
 */
const slabElements = 131_072;
/** The first and the last slabs are short: nobody computes before the first is loaded, nor while the last is stored. */
const shortSlab = 16_384;

/**
 * out[i] = f(inputs[0][i], …), computed in float64 and rounded to the dtype of `out`. The bits do not depend on the number of threads.
 *
 * @returns "all"; "some" if the kernel said that it left elements to the caller; "none", with `out` as it was, where WebAssembly with
 *   vectors cannot be had.
 */
export function runArrayKernel(
  kernel: ArrayKernel,
  inputs: readonly TypedArray[],
  out: TypedArray,
): "all" | "some" | "none" {
  const memory = kernelMemory();
  if (memory === null) return "none";
  // Operands that lie in a memory which is not shared would die when it grows.
  const operands = inputs.map((x) => (!memory.shared && x.buffer === memory.memory.buffer ? x.slice() : x));
  let program = compiled.get(kernel);
  if (program === undefined) compiled.set(kernel, (program = compile(memory, kernel)));
  const several = threadsWanted() && out.length * kernel.nanoseconds >= worthThreads;
  const pool = several ? threadPool(memory, matmulModules, allocateWorkSpace) : null;
  const most = Math.min(out.length, pool === null ? kernel.chunk : slabElements);
  const bytes = headerBytes + (kernel.inputs + 1) * 8 * most + slack;
  const base = memory.allocate(pool === null ? bytes : 2 * bytes);
  const run: Run = { memory, kernel, program, inputs: operands, out, left: 0 };
  let lost = false;
  try {
    if (pool === null) runAlone(run, base, most);
    else runByThreads(run, pool, [base, base + bytes], most);
    return run.left === 0 ? "all" : "some";
  } catch (error) {
    if (!(error instanceof LostWorker)) throw error;
    // The part of the memory is not given back: the worker may still write there.
    lost = true;
    giveUpThreads();
    return runArrayKernel(kernel, operands, out);
  } finally {
    if (!lost) memory.release(base);
  }
}

interface Run {
  readonly memory: KernelMemory;
  readonly kernel: ArrayKernel;
  readonly program: Compiled;
  readonly inputs: readonly TypedArray[];
  readonly out: TypedArray;
  /** Not 0: the kernel has left elements to the caller. */
  left: number;
}

/** The elements from `start` on, and where they are in the kernels' memory. */
interface Slab {
  readonly base: number;
  readonly start: number;
  readonly length: number;
}

function runAlone(run: Run, base: number, most: number): void {
  const compute = run.program.exports.kernel0;
  for (let start = 0; start < run.out.length; start += most) {
    const slab = load(run, base, start, most);
    compute(base, 0, slab.length);
    store(run, slab);
  }
}

function runByThreads(run: Run, pool: ThreadPool, bases: readonly [number, number], most: number): void {
  const { kernel, program, out } = run;
  const lengthAt = (start: number): number =>
    Math.min(most, Math.max(shortSlab, Math.min(start, (out.length - start) >> 1)));
  let before: Slab | null = null;
  let slab: Slab | null = load(run, bases[0], 0, lengthAt(0));
  for (let turn = 1; slab !== null; turn++) {
    const end = slab.start + slab.length;
    let next: Slab | null = null;
    pool.run(program, 0, program.exports.kernel0, slab.base, slab.length, kernel.chunk, () => {
      if (before !== null) store(run, before);
      if (end < out.length) next = load(run, bases[turn % 2], end, lengthAt(end));
    });
    [before, slab] = [slab, next];
  }
  if (before !== null) store(run, before);
}

function load({ memory, kernel, inputs, out }: Run, base: number, start: number, most: number): Slab {
  const slab = { base, start, length: Math.min(most, out.length - start) };
  const { int32: words, float64: numbers } = memory.arrays;
  for (let i = 0; i <= kernel.inputs; i++) words[base / 4 + i] = addressOf(slab, i);
  words[base / 4 + kernel.inputs + 1] = 0;
  inputs.forEach((x, i) => numbers.set(x.subarray(start, start + slab.length), addressOf(slab, i) / 8));
  return slab;
}

function store(run: Run, slab: Slab): void {
  const { memory, kernel, out } = run;
  const from = addressOf(slab, kernel.inputs) / 8;
  out.set(memory.arrays.float64.subarray(from, from + slab.length), slab.start);
  run.left |= memory.arrays.int32[slab.base / 4 + kernel.inputs + 1];
}

function addressOf({ base, length }: Slab, array: number): number {
  return base + headerBytes + 8 * array * length;
}

function compile(memory: KernelMemory, kernel: ArrayKernel): Compiled {
  if (kernel.scratch > workSpaceBytes)
    throw new RangeError(`scratch of ${kernel.scratch} bytes; there are ${workSpaceBytes}`);
  const module = new ModuleBuilder(memory.shared, workSpace());
  kernel.write(module);
  return module.build(memory.memory);
}
