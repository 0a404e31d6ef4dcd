/** What a safetensors header says, and every check that it must pass before a byte of data is touched. */

import { DTypeError, FormatError } from "../errors.js";
import { parseHeader, type JsonValue } from "./json.js";

/** Dtypes of the format, with bytes per element. */
export const fileDTypes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type FileDType = keyof typeof fileDTypes;

/** Where a tensor lies in the file. */
export interface Entry {
  readonly name: string;
  /** One of {@link FileDType}, or a name that this reader does not know. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** From the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data begin in the file. */
  readonly dataStart: number;
}

const headerLimit = 100_000_000;
const tensorLimit = 1_000_000;
const nameLimit = 4096;
const rankLimit = 32;

const fail = (message: string): never => {
  throw new FormatError(`safetensors: ${message}`);
};

/** Length of the header from the first eight bytes, checked against the length of the file before anything is allocated. */
export function readHeaderLength(start: Uint8Array, fileLength: number): number {
  if (fileLength < 8 || start.length < 8) fail(`file has ${fileLength} bytes; the header length alone is 8.`);
  const length = new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(headerLimit)) fail(`header length ${formatLength(length)} exceeds the limit ${headerLimit}.`);
  const end = 8 + Number(length);
  if (end > fileLength) fail(`header ends at ${end}, file has ${fileLength} bytes.`);
  return Number(length);
}

function formatLength(length: bigint): string {
  return length < 10n ** 15n ? String(length) : Number(length).toExponential(0).replace("e+", "e");
}

/** The checked header of a file of `fileLength` bytes. */
export function readHeader(bytes: Uint8Array, fileLength: number): Header {
  const json = parseHeader(bytes);
  const dataStart = 8 + bytes.length;
  const dataLength = fileLength - dataStart;
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [name, value] of json) {
    if (name === "__metadata__") readMetadata(value, metadata);
    else entries.push(readEntry(name, value, dataLength));
  }
  if (entries.length > tensorLimit) fail(`${entries.length} tensors exceed the limit ${tensorLimit}.`);
  checkTiling(entries, dataLength);
  return { entries, metadata, dataStart };
}

function readMetadata(value: JsonValue, metadata: Map<string, string>): void {
  if (!(value instanceof Map)) return fail("__metadata__ is no object.");
  for (const [key, text] of value) {
    if (typeof text !== "string") fail(`__metadata__: ${JSON.stringify(key)} is no string.`);
    metadata.set(key, text as string);
  }
}

function readEntry(name: string, value: JsonValue, dataLength: number): Entry {
  if (name.length > nameLimit) fail(`a name has ${name.length} characters; at most ${nameLimit}.`);
  if (!(value instanceof Map)) return fail(`${name}: the entry is no object.`);
  for (const key of value.keys()) {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets")
      fail(`${name}: ${JSON.stringify(key)} is no field of an entry.`);
  }
  const dtype = value.get("dtype");
  if (typeof dtype !== "string") return fail(`${name}: dtype is no string.`);
  const shape = integers(value.get("shape"), `${name}: shape`);
  if (shape.length > rankLimit) fail(`${name}: shape has ${shape.length} axes; at most ${rankLimit}.`);
  const offsets = integers(value.get("data_offsets"), `${name}: data_offsets`);
  if (offsets.length !== 2) fail(`${name}: data_offsets has ${offsets.length} numbers; wants 2.`);
  const [begin, end] = offsets;
  if (begin > end) fail(`${name}: data_offsets [${begin}, ${end}] run backwards.`);
  if (end > dataLength) fail(`${name}: data_offsets [${begin}, ${end}] reach beyond the ${dataLength} bytes of data.`);
  const elements = shape.reduce((n, length) => n * BigInt(length), 1n);
  const size = isFileDType(dtype) ? BigInt(fileDTypes[dtype]) : null;
  if (size !== null && elements * size !== BigInt(end - begin)) {
    fail(
      `${name}: dtype ${dtype} and shape [${shape.join(", ")}] need ${elements * size} bytes, data_offsets [${begin}, ${end}] give ${end - begin}.`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function integers(value: JsonValue | undefined, what: string): number[] {
  if (!Array.isArray(value)) return fail(`${what} is no array.`);
  for (const n of value) {
    if (typeof n !== "number" || !Number.isSafeInteger(n) || n < 0)
      fail(`${what} has ${String(n)}; wants safe integers >= 0.`);
  }
  return value as number[];
}

/** The tensors must cover the data exactly: no gap, no overlap, no tail. */
function checkTiling(entries: readonly Entry[], dataLength: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  let previous = "";
  for (const { name, begin, end } of sorted) {
    if (begin < at) fail(`${name} overlaps ${previous} at byte ${begin}.`);
    if (begin > at) fail(`${begin - at} bytes before ${name} belong to no tensor.`);
    at = end;
    previous = name;
  }
  if (at !== dataLength) fail(`${dataLength - at} bytes after the last tensor.`);
}

export function isFileDType(name: string): name is FileDType {
  return Object.hasOwn(fileDTypes, name);
}

/** Refuses a dtype that cannot be read. */
export function checkReadable({ name, dtype }: Entry): FileDType {
  if (!isFileDType(dtype)) {
    throw new DTypeError(`safetensors: ${name} has dtype ${dtype}; can read ${Object.keys(fileDTypes).join(", ")}.`);
  }
  return dtype;
}
