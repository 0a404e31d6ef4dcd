/** Element types of the format, and what they become here. */

import { DTypeError, FormatError } from "../errors.js";
import type { DType, TypedArray } from "../dtype.js";
import { own } from "../memory.js";

/** Bits of one element of each type that the format has. */
export const bitsOf: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8],
  ["I8", 8],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["I32", 32],
  ["U32", 32],
  ["F32", 32],
  ["C64", 64],
  ["F64", 64],
  ["I64", 64],
  ["U64", 64],
]);

/** The type in which each dtype is written, in the order in which the reference writes them. */
export const writtenAs: Readonly<Record<DType, string>> = {
  float64: "F64",
  float32: "F32",
  uint32: "U32",
  int32: "I32",
  bool: "BOOL",
};

/** How one type is read: `element` gives the i-th number of little-endian bytes. Without it the bytes are the elements. */
interface Decoding {
  readonly dtype: DType;
  readonly element?: (bytes: DataView, i: number, name: string) => number;
}

const decodings: ReadonlyMap<string, Decoding> = /* @__PURE__ */ new Map<string, Decoding>([
  ["F64", { dtype: "float64" }],
  ["F32", { dtype: "float32" }],
  ["I32", { dtype: "int32" }],
  ["U32", { dtype: "uint32" }],
  ["BOOL", { dtype: "bool", element: readBoolean }],
  ["F16", { dtype: "float32", element: (bytes, i) => fromHalf(bytes.getUint16(2 * i, true)) }],
  ["BF16", { dtype: "float32", element: (bytes, i) => fromBrainFloat(bytes.getUint16(2 * i, true)) }],
  ["I8", { dtype: "int32", element: (bytes, i) => bytes.getInt8(i) }],
  ["U8", { dtype: "int32", element: (bytes, i) => bytes.getUint8(i) }],
  ["I16", { dtype: "int32", element: (bytes, i) => bytes.getInt16(2 * i, true) }],
  ["U16", { dtype: "int32", element: (bytes, i) => bytes.getUint16(2 * i, true) }],
  ["I64", { dtype: "int32", element: readSigned64 }],
  ["U64", { dtype: "uint32", element: readUnsigned64 }],
]);

/** The dtype as which a type is read. @throws DTypeError for a type that cannot be. */
export function readAs(type: string, name: string): DType {
  const decoding = decodings.get(type);
  if (decoding !== undefined) return decoding.dtype;
  const known = bitsOf.has(type) ? "is not supported" : "is unknown";
  throw new DTypeError(
    `safetensors: ${name}: dtype ${type.slice(0, 32)} ${known}; reads ${[...decodings.keys()].join(", ")}.`,
  );
}

/**
 * The elements that the bytes hold, in an array of their own.
 *
 * @throws DTypeError for a type that cannot be read, or a 64-bit integer that does not fit into 32.
 */
export function decodeElements(type: string, bytes: Uint8Array, count: number, name: string): TypedArray {
  const elements = own(readAs(type, name), count);
  const { element } = decodings.get(type)!;
  if (element === undefined) {
    copyBytes(bytes, new Uint8Array(elements.buffer), elements.BYTES_PER_ELEMENT);
  } else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0; i < count; i++) elements[i] = element(view, i, name);
  }
  return elements;
}

/** Copies elements between this machine's byte order and the little-endian one of files. */
export function copyBytes(
  source: Uint8Array,
  target: Uint8Array,
  itemSize: number,
  bigEndian: boolean = new Uint8Array(Uint16Array.of(1).buffer)[0] === 0,
): void {
  target.set(source);
  if (!bigEndian || itemSize === 1) return;
  for (let at = 0; at < target.length; at += itemSize) target.subarray(at, at + itemSize).reverse();
}

function readBoolean(bytes: DataView, i: number, name: string): number {
  const byte = bytes.getUint8(i);
  if (byte > 1) throw new FormatError(`safetensors: ${name}: element ${i} of BOOL is ${byte}; wants 0 or 1.`);
  return byte;
}

function readSigned64(bytes: DataView, i: number, name: string): number {
  const value = bytes.getBigInt64(8 * i, true);
  if (value < -(2n ** 31n) || value >= 2n ** 31n) throw tooLarge(name, "I64", i, value, "int32");
  return Number(value);
}

function readUnsigned64(bytes: DataView, i: number, name: string): number {
  const value = bytes.getBigUint64(8 * i, true);
  if (value >= 2n ** 32n) throw tooLarge(name, "U64", i, value, "uint32");
  return Number(value);
}

function tooLarge(name: string, type: string, i: number, value: bigint, dtype: DType): DTypeError {
  return new DTypeError(`safetensors: ${name}: element ${i} of ${type} is ${value}, which ${dtype} cannot hold.`);
}

/** IEEE binary16: 5 bits of exponent, 10 of mantissa. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const mantissa = bits & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** The upper half of a float32. */
function fromBrainFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 7) & 0xff;
  const mantissa = bits & 0x7f;
  if (exponent === 0) return sign * mantissa * 2 ** -133;
  if (exponent === 255) return mantissa === 0 ? sign * Infinity : NaN;
  return sign * (128 + mantissa) * 2 ** (exponent - 134);
}
