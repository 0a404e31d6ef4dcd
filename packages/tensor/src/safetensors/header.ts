/** The header of a safetensors file: what is in it and where. Everything is checked before anything is allocated by it. */

import { FormatError } from "../errors.js";
import { formatShape, type Shape } from "../shape.js";
import { bitsOf } from "./element-types.js";
import { parseJson, quote, type Json } from "./json.js";

/** One tensor of a file. */
export interface TensorInfo {
  /** Element type as the file names it: "F32", "BF16", … */
  readonly type: string;
  readonly shape: Shape;
  /** First byte, from the start of the file. */
  readonly begin: number;
  /** Byte after the last. */
  readonly end: number;
}

export interface Header {
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

const headerLimit = 100_000_000;
const tensorLimit = 1_000_000;
/** That is a million tensors of eight axes. */
const valueLimit = 16_000_000;
const nameLimit = 4096;
const axisLimit = 32;
/** Bytes before the header: its length. */
export const prefix = 8;

/**
 * Length of the header, from the first eight bytes of a file.
 *
 * @param size - Of the file.
 */
export function readHeaderLength(bytes: Uint8Array, size: number): number {
  if (size < prefix)
    throw new FormatError(`safetensors: file has ${size} bytes; the header length alone is ${prefix}.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, prefix).getBigUint64(0, true);
  if (length > headerLimit) {
    const shown = length <= Number.MAX_SAFE_INTEGER ? String(length) : Number(length).toExponential().replace("+", "");
    throw new FormatError(`safetensors: header length ${shown} exceeds the limit ${headerLimit}.`);
  }
  const end = prefix + Number(length);
  if (end > size) throw new FormatError(`safetensors: header ends at ${end}, file has ${size} bytes.`);
  return Number(length);
}

/**
 * What the header says.
 *
 * @param bytes - The header, without its length.
 * @param size - Of the file.
 * @throws FormatError for whatever the format does not allow: see the messages.
 */
export function parseHeader(bytes: Uint8Array, size: number): Header {
  if (bytes.length > 0 && bytes[0] !== 0x7b) {
    throw new FormatError(`safetensors: header begins with byte ${bytes[0]}; wants 123, a "{".`);
  }
  const limits = { depth: 4, elements: axisLimit, keys: tensorLimit + 1, values: valueLimit };
  const root = parseJson(bytes, "header", limits) as Map<string, Json>;
  const tensors = new Map<string, TensorInfo>();
  let metadata: ReadonlyMap<string, string> = new Map();
  const start = prefix + bytes.length;
  for (const [name, value] of root) {
    if (name === "__metadata__") metadata = readMetadata(value);
    else tensors.set(checkName(name), readInfo(name, value, start));
  }
  if (tensors.size > tensorLimit) throw new FormatError(`safetensors: header has more than ${tensorLimit} names.`);
  checkRanges(tensors, start, size);
  return { tensors, metadata };
}

function readMetadata(value: Json): ReadonlyMap<string, string> {
  if (!(value instanceof Map)) throw new FormatError("safetensors: __metadata__ is no object; wants strings by name.");
  for (const [key, text] of value) {
    if (typeof text !== "string") throw new FormatError(`safetensors: __metadata__: ${quote(key)} is no string.`);
  }
  return value as Map<string, string>;
}

function checkName(name: string): string {
  // At most three bytes for each unit of UTF-16.
  if (3 * name.length > nameLimit && new TextEncoder().encode(name).length > nameLimit) {
    throw new FormatError(`safetensors: the name ${name.slice(0, 16)}… has more than ${nameLimit} bytes.`);
  }
  return name;
}

const fields: readonly string[] = ["dtype", "shape", "data_offsets"];

function readInfo(name: string, value: Json, start: number): TensorInfo {
  if (!(value instanceof Map)) {
    throw new FormatError(`safetensors: ${name} is no object; wants dtype, shape and data_offsets.`);
  }
  for (const field of fields) {
    if (!value.has(field)) throw new FormatError(`safetensors: ${name}: ${field} is missing.`);
  }
  for (const field of value.keys()) {
    if (!fields.includes(field)) throw new FormatError(`safetensors: ${name}: ${quote(field)} is unknown.`);
  }
  const type = value.get("dtype")!;
  if (typeof type !== "string") throw new FormatError(`safetensors: ${name}: dtype is no string.`);
  const shape = readIntegers(name, "shape", value.get("shape")!);
  const offsets = readIntegers(name, "data_offsets", value.get("data_offsets")!);
  if (offsets.length !== 2) {
    throw new FormatError(`safetensors: ${name}: data_offsets has ${offsets.length} numbers; wants begin and end.`);
  }
  const [begin, end] = offsets;
  if (begin > end)
    throw new FormatError(`safetensors: ${name}: data_offsets ${formatShape(offsets)} end before they begin.`);
  checkSize(name, type, shape, offsets);
  return { type, shape, begin: start + begin, end: start + end };
}

function readIntegers(name: string, field: string, value: Json): number[] {
  if (!Array.isArray(value)) throw new FormatError(`safetensors: ${name}: ${field} is no array.`);
  return value.map((element) => {
    if (typeof element === "number") return element;
    const isNumber = typeof element === "object" && element !== null && "digits" in element;
    const shown = isNumber ? element.digits : "what is no number";
    throw new FormatError(`safetensors: ${name}: ${field} has ${shown}; wants integers from 0 to 2^53 - 1.`);
  });
}

/** Exact, in integers of any length; the axes must also multiply to a safe integer where one of them is 0. */
function checkSize(name: string, type: string, shape: Shape, [begin, end]: readonly number[]): void {
  const extent = shape.reduce((product, n) => (n === 0 ? product : product * BigInt(n)), 1n);
  if (extent > Number.MAX_SAFE_INTEGER) {
    throw new FormatError(`safetensors: ${name}: shape ${formatShape(shape)} has too many elements.`);
  }
  const bits = bitsOf.get(type);
  if (bits === undefined) return;
  const needed = (shape.includes(0) ? 0n : extent) * BigInt(bits);
  if (needed === 8n * BigInt(end - begin)) return;
  const bytes = needed % 8n === 0n ? `${needed / 8n} bytes` : `${needed} bits`;
  throw new FormatError(
    `safetensors: ${name}: dtype ${type} and shape ${formatShape(shape)} need ${bytes}, data_offsets [${begin}, ${end}] give ${end - begin}.`,
  );
}

/** The tensors must cover the data exactly: no gap, no overlap, nothing left. */
function checkRanges(tensors: ReadonlyMap<string, TensorInfo>, start: number, size: number): void {
  const ordered = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let covered = start;
  let before = "";
  for (const [name, { begin, end }] of ordered) {
    if (begin < covered) throw new FormatError(`safetensors: ${name} overlaps ${before} at byte ${begin - start}.`);
    if (begin > covered) {
      throw new FormatError(`safetensors: ${begin - covered} bytes before ${name} belong to no tensor.`);
    }
    if (end > size) {
      throw new FormatError(
        `safetensors: ${name} ends at byte ${end - start} of the data, which have ${size - start}.`,
      );
    }
    covered = end;
    before = name;
  }
  if (covered < size) throw new FormatError(`safetensors: ${size - covered} bytes after the last tensor.`);
}
