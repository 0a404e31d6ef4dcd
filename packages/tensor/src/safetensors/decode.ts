/** The elements of one tensor from its bytes. */

import { DTypeError } from "../errors.js";
import { fromTypedArray } from "../create.js";
import { dtypeOfArray, type TypedArray } from "../dtype.js";
import type { Tensor } from "../tensor.js";
import { checkReadable, type Entry } from "./layout.js";

/** A tensor of its own memory: half precisions become float32, small integers int32, 64-bit ones int32 or uint32 if every value fits. */
export function decode(entry: Entry, bytes: Uint8Array): Tensor {
  const dtype = checkReadable(entry);
  // A copy: aligned, and independent of the file. (`slice` would not copy Node's Buffers.)
  const { buffer } = new Uint8Array(bytes);
  switch (dtype) {
    case "F64":
      return wrap(new Float64Array(buffer), entry);
    case "F32":
      return wrap(new Float32Array(buffer), entry);
    case "I32":
      return wrap(new Int32Array(buffer), entry);
    case "U32":
      return wrap(new Uint32Array(buffer), entry);
    case "F16":
      return wrap(Float32Array.from(new Uint16Array(buffer), fromHalf), entry);
    case "BF16":
      return wrap(fromBrainFloat(new Uint16Array(buffer)), entry);
    case "I16":
      return wrap(Int32Array.from(new Int16Array(buffer)), entry);
    case "U16":
      return wrap(Int32Array.from(new Uint16Array(buffer)), entry);
    case "I8":
      return wrap(Int32Array.from(new Int8Array(buffer)), entry);
    case "U8":
      return wrap(Int32Array.from(new Uint8Array(buffer)), entry);
    case "I64":
      return wrap(narrow(new BigInt64Array(buffer), entry), entry);
    case "U64":
      return wrap(narrow(new BigUint64Array(buffer), entry), entry);
    case "BOOL":
      return fromTypedArray(
        Uint8Array.from(new Uint8Array(buffer), (v) => (v === 0 ? 0 : 1)),
        entry.shape,
        "bool",
      );
  }
}

function wrap(elements: TypedArray, { shape }: Entry): Tensor {
  return fromTypedArray(elements, shape, dtypeOfArray(elements)!);
}

/** IEEE half precision. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The upper half of a float32. */
function fromBrainFloat(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (b) => b << 16).buffer);
}

function narrow(values: BigInt64Array | BigUint64Array, { name, dtype }: Entry): Int32Array | Uint32Array {
  let low = 0n;
  let high = 0n;
  for (const v of values) {
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low >= -2147483648n && high <= 2147483647n) return Int32Array.from(values as BigInt64Array, Number);
  if (low >= 0n && high <= 4294967295n) return Uint32Array.from(values as BigInt64Array, Number);
  throw new DTypeError(
    `safetensors: ${name} is ${dtype} with values from ${low} to ${high}, which neither int32 nor uint32 can hold.`,
  );
}
