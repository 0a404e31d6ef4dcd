/** Reading parts of a safetensors file that is not in memory. */

import { DomainError, FormatError } from "../errors.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { Tree } from "../tree/tree.js";
import { readAs } from "./element-types.js";
import { parseHeader, prefix, readHeaderLength, type TensorInfo } from "./header.js";
import { quote } from "./json.js";
import { makeTensor, treeOf } from "./load.js";

/** Something that can be read in pieces: a file, a URL with range requests, an object store. */
export interface RangeReader {
  /** Number of bytes. */
  readonly size: number;
  /** The bytes from `begin` to `end` (exclusive). */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** A file whose header has been read and checked, and whose tensors are read when they are asked for. */
export interface LazyFile {
  /** Names, in the order of the file, with element types as the file names them and shapes. */
  readonly tensors: ReadonlyMap<string, { readonly type: string; readonly shape: Shape }>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Reads one tensor. */
  tensor(name: string): Promise<Tensor>;
  /** Reads all of them, as {@link load} does. */
  tree<T = Tree>(): Promise<T>;
}

/**
 * Opens a file without reading its tensors.
 *
 * @param source - A `Blob` or `File`, or anything that reads ranges.
 * @throws FormatError and DTypeError as {@link load}: for the header at once, for elements when they are read.
 *
 * @example
 * const file = await open("model.safetensors"); // node:fs/promises
 * const { size } = await file.stat();
 * const read = async (begin: number, end: number) => {
 *   const bytes = new Uint8Array(end - begin);
 *   const { bytesRead } = await file.read(bytes, 0, bytes.length, begin);
 *   return bytes.subarray(0, bytesRead);
 * };
 * const model = await loadLazy({ size, read });
 * const embedding = await model.tensor("embedding.weight");
 */
export async function loadLazy(source: Blob | RangeReader): Promise<LazyFile> {
  const reader = "arrayBuffer" in source ? blobReader(source) : source;
  const { size } = reader;
  const length = readHeaderLength(await readExactly(reader, 0, Math.min(prefix, size)), size);
  const header = parseHeader(await readExactly(reader, prefix, prefix + length), size);

  const readTensor = async (name: string, info: TensorInfo): Promise<Tensor> => {
    readAs(info.type, name);
    return makeTensor(name, info, await readExactly(reader, info.begin, info.end));
  };
  return {
    tensors: header.tensors,
    metadata: header.metadata,
    tensor: async (name) => {
      const info = header.tensors.get(name);
      if (info === undefined) throw new DomainError(`safetensors: the file has no tensor ${quote(name)}.`);
      return readTensor(name, info);
    },
    tree: async <T>() => {
      const tensors = new Map<string, Tensor>();
      for (const [name, { type }] of header.tensors) readAs(type, name);
      for (const [name, info] of header.tensors) tensors.set(name, await readTensor(name, info));
      return treeOf({ tensors, metadata: header.metadata }) as T;
    },
  };
}

function blobReader(blob: Blob): RangeReader {
  return {
    size: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}

async function readExactly(reader: RangeReader, begin: number, end: number): Promise<Uint8Array> {
  if (begin === end) return new Uint8Array(0);
  const bytes = await reader.read(begin, end);
  if (bytes.length !== end - begin) {
    throw new FormatError(`safetensors: asked for bytes ${begin} to ${end}, got ${bytes.length}.`);
  }
  return bytes;
}
