/** Reading whole files. */

import type { Tensor } from "../tensor.js";
import { unflatten, type Tree } from "../tree/tree.js";
import { decode } from "./decode.js";
import { readHeader, readHeaderLength, type Header } from "./layout.js";
import { readStructure } from "./structure.js";

/** The tensors of a file by name, as the file has them. */
export interface LoadedFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The checked header of a file in memory. */
function headerOf(bytes: Uint8Array): Header {
  const length = readHeaderLength(bytes, bytes.length);
  return readHeader(bytes.subarray(8, 8 + length), bytes.length);
}

/**
 * All tensors of a safetensors file by name, whoever wrote it. F64, F32, I32, U32 and BOOL keep their dtypes; F16 and BF16 become float32,
 * smaller integers int32, 64-bit integers int32 or uint32 if all values fit.
 *
 * @throws FormatError for a file that breaks the format in any way; DTypeError for a dtype or for integers that no tensor can hold.
 */
export function loadTensors(bytes: Uint8Array): LoadedFile {
  const { entries, metadata, dataStart } = headerOf(bytes);
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    tensors.set(entry.name, decode(entry, bytes.subarray(dataStart + entry.begin, dataStart + entry.end)));
  }
  return { tensors, metadata };
}

/**
 * The tree of a file. One that `save` wrote comes back with its own structure; in others the dots in names make nested objects, which have no
 * prototype.
 *
 * @throws FormatError, DTypeError as {@link loadTensors}.
 */
export function load<T = Tree>(bytes: Uint8Array): T {
  const { tensors, metadata } = loadTensors(bytes);
  const { structure, names } = readStructure(metadata, [...tensors.keys()]);
  return unflatten<T>(
    structure,
    names.map((name) => tensors.get(name)!),
  );
}
