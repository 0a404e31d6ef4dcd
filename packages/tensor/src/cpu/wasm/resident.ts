/**
 * Arrays whose elements stand in the kernels' memory: large results stay where a program wrote them, until their last tensor is disposed or
 * collected; and large arguments that come a second time leave a copy there. A program reads both where they are.
 */

import { itemSize, type DType, type TypedArray } from "../../dtype.js";
import { allocate, view } from "../../memory.js";
import { kernelMemory, type KernelMemory } from "./memory.js";
import { mostResidentBytes, residentBytes } from "./resident-costs.js";

/** A vector beyond the last element may be read and written, and up to 64 bytes read. */
const slack = 64;

/** Part of the memory that holds a result. */
interface Part {
  readonly address: number;
  readonly bytes: number;
  /** Arrays over it: each tensor and each program that reads it has its own. */
  shares: number;
}

const parts = /* @__PURE__ */ new WeakMap<TypedArray, Part>();
let keptBytes = 0;

/** Shares that were collected before they were given back. */
const collected = /* @__PURE__ */ new FinalizationRegistry<Part>((part) => giveBack(part));

function giveBack(part: Part): void {
  if (--part.shares > 0) return;
  keptBytes -= part.bytes;
  kernelMemory()!.release(part.address);
}

function newShare(part: Part, array: TypedArray): TypedArray {
  part.shares++;
  parts.set(array, part);
  collected.register(array, part, array);
  return array;
}

/** A part of the memory for so many elements; a result may be written there. */
export function allocateArray(memory: KernelMemory, dtype: DType, length: number): number {
  return memory.allocate(length * itemSize(dtype) + slack);
}

/** Whether so many bytes more are kept: not of small arrays, nor where the memory may move, nor where much is kept already. */
function isKept(memory: KernelMemory, bytes: number): boolean {
  return memory.shared && bytes >= residentBytes && keptBytes + bytes <= mostResidentBytes;
}

/** What was written at the address: in place if it is to be kept, else a copy that gives the part back. */
export function takeResult(memory: KernelMemory, address: number, dtype: DType, length: number): TypedArray {
  const array = view(dtype, memory.memory.buffer, address, length);
  const bytes = array.byteLength;
  if (isKept(memory, bytes)) {
    keptBytes += bytes;
    return newShare({ address, bytes, shares: 0 }, array);
  }
  const copy = allocate(dtype, length);
  copy.set(array);
  memory.release(address);
  return copy;
}

/**
 * An array for a result that a primitive's `lower` will write and return: in the kernels' memory, with whatever was there before, if it is
 * large and there is room for it; else a new one of zeros.
 */
export function resultArray(dtype: DType, length: number): TypedArray {
  const memory = kernelMemory();
  if (memory === null || !isKept(memory, length * itemSize(dtype))) return allocate(dtype, length);
  return takeResult(memory, allocateArray(memory, dtype, length), dtype, length);
}

/** Whether the elements are a result that stays in the kernels' memory. */
export function isResult(array: TypedArray): boolean {
  return array.byteLength >= residentBytes && parts.has(array);
}

/** Another array over the same result; null for other arrays. */
export function share(array: TypedArray): TypedArray | null {
  if (array.byteLength < residentBytes) return null;
  const part = parts.get(array);
  if (part === undefined) return null;
  return newShare(part, array.subarray(0));
}

/** Gives a share back; the last one frees the memory. Nothing for other arrays. */
export function letGo(array: TypedArray): void {
  if (array.byteLength < residentBytes) return;
  const part = parts.get(array);
  if (part === undefined) return;
  parts.delete(array);
  collected.unregister(array);
  giveBack(part);
}

/** What a kernel gave for operands, of which it may give one under another shape, or a piece. */
export function ownResults(
  operands: readonly { readonly buffer: TypedArray }[],
  results: readonly TypedArray[],
): readonly TypedArray[] {
  if (!operands.some(({ buffer }) => isResult(buffer))) return results;
  const memory = operands.map(({ buffer }) => buffer.buffer);
  return results.map((y) => {
    if (operands.some(({ buffer }) => buffer === y)) return share(y) ?? y;
    return !isResult(y) && memory.includes(y.buffer) ? y.slice() : y;
  });
}

/** A copy of an argument. */
interface Copy {
  /** −1 before the second use, and when its place was needed. */
  address: number;
  readonly bytes: number;
  /** Runs that read it now. */
  readers: number;
}

const copies = /* @__PURE__ */ new WeakMap<TypedArray, Copy>();
/** Those that have a place, in the order of their last use. Without their arrays, which this must not keep alive. */
const placed = /* @__PURE__ */ new Set<Copy>();
let copiedBytes = 0;
const orphaned = /* @__PURE__ */ new FinalizationRegistry<Copy>((copy) => evict(copy));

function evict(copy: Copy): void {
  if (!placed.delete(copy)) return;
  kernelMemory()!.release(copy.address);
  copy.address = -1;
  copiedBytes -= copy.bytes;
}

/** Gives up the copies that were not used for the longest time until there is room for `bytes` more; whether there is. */
function makeRoom(bytes: number): boolean {
  for (const copy of placed) {
    if (copiedBytes + bytes <= mostResidentBytes) break;
    if (copy.readers === 0) evict(copy);
  }
  return copiedBytes + bytes <= mostResidentBytes;
}

/** Gives up all copies that nobody reads now; whether there were any. */
function giveUpCopies(): boolean {
  const before = copiedBytes;
  makeRoom(mostResidentBytes);
  return copiedBytes < before;
}

/** Where a program finds an argument, and what to do when it has run. */
export interface Argument {
  readonly address: number;
  readonly done: () => void;
}

/** The argument where it is, or copied into the memory: for good, if it is large and was here before. */
export function placeArgument(memory: KernelMemory, array: TypedArray, dtype: DType): Argument {
  if (array.byteLength < residentBytes) return placeOnce(memory, array, dtype);
  // What the program calls could dispose it.
  const own = share(array);
  if (own !== null) return { address: own.byteOffset, done: () => letGo(own) };
  const known = copies.get(array);
  const copy = known ?? { address: -1, bytes: array.byteLength, readers: 0 };
  if (known === undefined) copies.set(array, copy);
  else if (copy.address < 0 && makeRoom(copy.bytes)) {
    copy.address = copyIn(memory, array, dtype);
    copiedBytes += copy.bytes;
    memory.relief = giveUpCopies;
    orphaned.unregister(copy);
    orphaned.register(array, copy, copy);
  }
  if (copy.address < 0) return placeOnce(memory, array, dtype);
  placed.delete(copy);
  placed.add(copy);
  copy.readers++;
  return { address: copy.address, done: () => void copy.readers-- };
}

function placeOnce(memory: KernelMemory, array: TypedArray, dtype: DType): Argument {
  const address = copyIn(memory, array, dtype);
  return { address, done: () => memory.release(address) };
}

function copyIn(memory: KernelMemory, array: TypedArray, dtype: DType): number {
  const address = allocateArray(memory, dtype, array.length);
  memory.arrays[dtype].set(array, address / itemSize(dtype));
  return address;
}
