/** Reading safetensors. */

import { fromTypedArray } from "../create.js";
import { sizeOf } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { unflattenAny, type Tree } from "../tree/tree.js";
import { decodeElements, readAs } from "./element-types.js";
import { parseHeader, prefix, readHeaderLength, type TensorInfo } from "./header.js";
import { quote } from "./json.js";
import { decodeStructure, mismatch, structureKey, structureOfNames } from "./structure.js";

/** What a file holds, by name. */
export interface LoadedFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * The tree that the bytes of a safetensors file hold: the one that was saved, or for a file of another program nested objects, one
 * level for each dot in a name. Objects have no prototype, so that a file can name a tensor anything.
 *
 * F64, F32, I32, U32 and BOOL keep their type; F16 and BF16 become float32; I8, U8, I16, U16 and I64 int32, U64 uint32.
 *
 * @param bytes - The whole file. To read some tensors of a large one, see {@link loadLazy}.
 * @throws FormatError for a file that breaks a rule of the format, before anything is allocated by what it says; DTypeError for other
 * element types, and for 64-bit integers that do not fit into 32.
 *
 * @example
 * const { params } = load<{ params: Params }>(await readFile("model.safetensors"));
 */
export function load<T = Tree>(bytes: Uint8Array | ArrayBuffer): T {
  return treeOf(loadTensors(bytes)) as T;
}

/** The tensors of a file by name, and its metadata, whatever tree they were saved from. @throws as {@link load}. */
export function loadTensors(bytes: Uint8Array | ArrayBuffer): LoadedFile {
  const file = ArrayBuffer.isView(bytes) ? bytes : new Uint8Array(bytes);
  const length = readHeaderLength(file, file.length);
  const header = parseHeader(file.subarray(prefix, prefix + length), file.length);
  for (const [name, { type }] of header.tensors) readAs(type, name);
  const tensors = new Map<string, Tensor>();
  for (const [name, info] of header.tensors) {
    tensors.set(name, makeTensor(name, info, file.subarray(info.begin, info.end)));
  }
  return { tensors, metadata: header.metadata };
}

/** A tensor of a file, from its bytes. */
export function makeTensor(name: string, { type, shape }: TensorInfo, bytes: Uint8Array): Tensor {
  return fromTypedArray(decodeElements(type, bytes, sizeOf(shape), name), shape, readAs(type, name));
}

/** The tree that was saved, or nested objects by the dots in the names. */
export function treeOf({ tensors, metadata }: LoadedFile): unknown {
  const text = metadata.get(structureKey);
  const { structure, names } =
    text === undefined ? structureOfNames(tensors.keys()) : decodeStructure(text, tensors.size);
  const missing = names.find((name) => !tensors.has(name));
  if (missing !== undefined) throw mismatch(`has a leaf ${quote(missing)}, which the file has not`);
  if (new Set(names).size !== tensors.size) {
    throw mismatch(`has ${new Set(names).size} leaves, the file ${tensors.size} tensors`);
  }
  return unflattenAny(
    structure,
    names.map((name) => tensors.get(name)),
    "load",
  );
}
