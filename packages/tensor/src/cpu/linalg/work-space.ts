/**
 * Where the factorisations keep their matrices: in the kernel memory, so that the vector kernels reach them, or in ordinary arrays where
 * there is none. The functions of this folder take either, and their results have the same bits.
 */

import { factorisationKernels, type FactorisationKernels } from "../wasm/factorisation.js";
import { kernelMemory } from "../wasm/memory.js";
import { giveUpThreads, LostWorker } from "../wasm/threads.js";

/** The part of a memory that is being used, in bytes. */
interface Part {
  readonly buffer: ArrayBufferLike;
  /** Whether the vector kernels reach it. */
  readonly kernels: boolean;
  top: number;
  readonly end: number;
}

let open: Part | null = null;

/** Below so many entries copying costs more than the vector kernels save. */
const fewEntries = 24 * 24;
/** For those: an array of its own takes longer to get than a small matrix to factor. */
let scratch: ArrayBuffer | null = null;
const scratchBytes = 2 ** 18;
const cacheLine = 64;

/**
 * Runs a computation whose arrays come from `doubles` and may be in the kernel memory.
 *
 * @param entries - Entries of the matrix: few stay in ordinary memory.
 * @param length - Numbers that will be asked for; what goes beyond it is outside again, where everything is slower.
 * @param compute - Called again, with one thread, if a worker is lost: it must not have changed what it reads by then.
 */
export function inWorkSpace<T>(entries: number, length: number, compute: () => T): T {
  if (open !== null) return compute();
  if (entries < fewEntries) {
    scratch ??= new ArrayBuffer(scratchBytes);
    open = { buffer: scratch, kernels: false, top: 0, end: scratchBytes };
    try {
      return compute();
    } finally {
      open = null;
    }
  }
  const memory = kernelMemory();
  if (memory === null) return compute();
  factorisationKernels(); // before the views: what it allocates may make the memory grow, and they would die
  const bytes = 8 * length + 32 * cacheLine;
  let start: number;
  try {
    start = memory.allocate(bytes);
  } catch {
    return compute(); // the matrix is too large for the kernel memory
  }
  open = { buffer: memory.memory.buffer, kernels: true, top: start, end: start + bytes };
  let lost = false;
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof LostWorker)) throw error;
    // This part is not given back: the worker may still write there.
    lost = true;
  } finally {
    open = null;
    if (!lost) memory.release(start);
  }
  giveUpThreads();
  return inWorkSpace(entries, length, compute);
}

/** A new array of zeros. */
export function doubles(length: number): Float64Array {
  const array = room(length);
  return array.buffer === open?.buffer ? array.fill(0) : array;
}

/** A copy of the first entries of an array. */
export function copied(from: Float64Array, length: number = from.length): Float64Array {
  const array = room(length);
  array.set(length === from.length ? from : from.subarray(0, length));
  return array;
}

function room(length: number): Float64Array {
  const bytes = Math.ceil((8 * length) / cacheLine) * cacheLine;
  if (open === null || open.top + bytes > open.end) return new Float64Array(length);
  const array = new Float64Array(open.buffer, open.top, length);
  open.top += bytes;
  return array;
}

/** Gives back an array of `doubles`, and all that came after it. */
export function giveBack(array: Float64Array): void {
  if (open !== null && array.buffer === open.buffer) open.top = array.byteOffset;
}

/** The vector kernels if they reach all of these arrays, else null. */
export function kernelsFor(a: Float64Array, b: Float64Array, c: Float64Array): FactorisationKernels | null {
  if (open === null || !open.kernels) return null;
  const { buffer } = open;
  return a.buffer === buffer && b.buffer === buffer && c.buffer === buffer ? factorisationKernels() : null;
}
