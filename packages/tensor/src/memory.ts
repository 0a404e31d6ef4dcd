/** Storage of eager results, and scopes that bound how long they live. */

import { itemSize, type DType, type TypedArray } from "./dtype.js";

/**
 * V8 keeps typed arrays of at most 64 bytes on its own heap and mallocs larger ones, which costs ten times as much. Small results are
 * therefore cut from slabs. A slab lives as long as its last view: what is kept for long is copied out (`tidy`, `jit`, `retain`).
 */
const slabBytes = 16384;
const heapLimit = 64;
const slabLimit = 1024;
let slab: ArrayBuffer | null = null;
let used = 0;

/** A zeroed array of `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  const bytes = length * itemSize(dtype);
  if (bytes <= heapLimit || bytes > slabLimit) return own(dtype, length);
  const start = used;
  used += (bytes + 15) & ~15;
  if (slab === null || used > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = (bytes + 15) & ~15;
    return view(dtype, slab, 0, length);
  }
  return view(dtype, slab, start, length);
}

/** A zeroed array with a buffer of its own. */
export function own(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "uint32":
      return new Uint32Array(length);
    case "bool":
      return new Uint8Array(length);
  }
}

/** Elements of a buffer. */
export function view(dtype: DType, buffer: ArrayBufferLike, offset: number, length: number): TypedArray {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, offset, length);
    case "float64":
      return new Float64Array(buffer, offset, length);
    case "int32":
      return new Int32Array(buffer, offset, length);
    case "uint32":
      return new Uint32Array(buffer, offset, length);
    case "bool":
      return new Uint8Array(buffer, offset, length);
  }
}

/** The array itself, or a copy if it is cut from a slab. A part of the kernels' memory, which is shared, has its elements to itself. */
export function offSlab(array: TypedArray): TypedArray {
  // Asking a small array for its buffer would move its elements off V8's heap. (If it is a view after all, it is the first one.)
  if (array.byteLength <= heapLimit && array.byteOffset === 0) return array;
  return array.byteLength === array.buffer.byteLength || isShared(array.buffer) ? array : array.slice();
}

function isShared(buffer: ArrayBufferLike): boolean {
  return typeof SharedArrayBuffer !== "undefined" && buffer instanceof SharedArrayBuffer;
}
