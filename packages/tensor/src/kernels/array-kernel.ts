/** Runs a package's own kernel over arrays: in the kernels' memory, slab by slab, by all threads where there are several. */

import type { TypedArray } from "../dtype.js";
import { allocateWorkSpace, matmulModules, workSpace, workSpaceBytes } from "../cpu/wasm/matmul.js";
import { kernelMemory, type KernelMemory } from "../cpu/wasm/memory.js";
import { ModuleBuilder, type Exports } from "../cpu/wasm/module.js";
import { isResult, placeArgument, share, type Argument } from "../cpu/wasm/resident.js";
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
 * out[i] = f(inputs[0][i], …), computed in float64 and rounded to the dtype of `out`, which may be a {@link resultArray}: then nothing is
 * copied. The bits do not depend on the number of threads.
 *
 * @param inputs - Elements of tensors, or other arrays that nobody changes afterwards: a copy of large ones may be kept for the next call.
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
  if (isResult(out) && out instanceof Float64Array) return runInPlace(memory, kernel, program, pool, operands, out);
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

/** Results that a lost worker may still write to: never given back. */
const abandoned: TypedArray[] = [];

/** All elements at once, with the operands and the result where they are. */
function runInPlace(
  memory: KernelMemory,
  kernel: ArrayKernel,
  program: Compiled,
  pool: ThreadPool | null,
  inputs: readonly TypedArray[],
  out: Float64Array,
): "all" | "some" {
  const operands: Argument[] = [];
  const base = memory.allocate(headerBytes);
  let lost = false;
  try {
    for (const x of inputs)
      operands.push(placeArgument(memory, x instanceof Float64Array ? x : new Float64Array(x), "float64"));
    const words = memory.arrays.uint32.subarray(base / 4);
    [...operands.map(({ address }) => address), out.byteOffset, 0].forEach((word, i) => (words[i] = word));
    const compute = program.exports.kernel0;
    if (pool !== null) pool.run(program, 0, compute, base, out.length, kernel.chunk);
    else
      for (let at = 0; at < out.length; at += kernel.chunk) compute(base, at, Math.min(out.length, at + kernel.chunk));
    return words[kernel.inputs + 1] === 0 ? "all" : "some";
  } catch (error) {
    if (!(error instanceof LostWorker)) throw error;
    // Nothing is given back: the worker may still compute the same numbers, from the same numbers.
    lost = true;
    abandoned.push(share(out)!);
    giveUpThreads();
    return runInPlace(memory, kernel, program, null, inputs, out);
  } finally {
    if (!lost) {
      for (const operand of operands) operand.done();
      memory.release(base);
    }
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
