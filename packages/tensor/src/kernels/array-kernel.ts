/** Runs a package's own kernel over arrays: in the kernels' memory, slab by slab, by all threads where there are several. */

import type { TypedArray } from "../dtype.js";
import { allocateWorkSpace, matmulModules, workSpace, workSpaceBytes } from "../cpu/wasm/matmul.js";
import { kernelMemory, type KernelMemory } from "../cpu/wasm/memory.js";
import { ModuleBuilder, type Exports } from "../cpu/wasm/module.js";
import { worthThreads } from "../cpu/wasm/thread-costs.js";
import { giveUpThreads, LostWorker, threadPool, threadsWanted, type SharedProgram } from "../cpu/wasm/threads.js";

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
/** Elements in the kernels' memory at a time, where several threads share them; one thread takes chunk by chunk, which stays in its cache. */
const slabElements = 262_144;

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
  const slab = Math.min(out.length, several ? slabElements : kernel.chunk);
  const base = memory.allocate(headerBytes + (kernel.inputs + 1) * 8 * slab + slack);
  let lost = false;
  try {
    let left = 0;
    for (let start = 0; start < out.length; start += slab) {
      left |= runSlab(memory, kernel, program, operands, out, base, start, Math.min(slab, out.length - start), several);
    }
    return left === 0 ? "all" : "some";
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

/** The word that the kernel may set. */
function runSlab(
  memory: KernelMemory,
  kernel: ArrayKernel,
  program: Compiled,
  inputs: readonly TypedArray[],
  out: TypedArray,
  base: number,
  start: number,
  length: number,
  several: boolean,
): number {
  const { int32: words, float64: numbers } = memory.arrays;
  const address = (i: number): number => base + headerBytes + 8 * i * length;
  for (let i = 0; i <= kernel.inputs; i++) words[base / 4 + i] = address(i);
  const flag = base / 4 + kernel.inputs + 1;
  words[flag] = 0;
  inputs.forEach((x, i) => numbers.set(x.subarray(start, start + length), address(i) / 8));
  const own = program.exports.kernel0;
  const pool = several ? threadPool(memory, matmulModules, allocateWorkSpace) : null;
  if (pool !== null) pool.run(program, 0, own, base, length, kernel.chunk);
  else for (let at = 0; at < length; at += kernel.chunk) own(base, at, Math.min(length, at + kernel.chunk));
  const from = address(kernel.inputs) / 8;
  out.set(numbers.subarray(from, from + length), start);
  return words[flag];
}

function compile(memory: KernelMemory, kernel: ArrayKernel): Compiled {
  if (kernel.scratch > workSpaceBytes)
    throw new RangeError(`scratch of ${kernel.scratch} bytes; there are ${workSpaceBytes}`);
  const module = new ModuleBuilder(memory.shared, workSpace());
  kernel.write(module);
  return module.build(memory.memory);
}
