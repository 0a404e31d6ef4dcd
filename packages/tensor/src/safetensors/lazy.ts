/** Reading single tensors of a large file by ranges of bytes. */

import type { Tensor } from "../tensor.js";
import { DomainError } from "../errors.js";
import { decode } from "./decode.js";
import { readHeader, readHeaderLength, type Entry } from "./layout.js";

/** Something with a length whose bytes can be read in part: a Blob or File, an open file, a server that knows ranges. */
export interface RangeReader {
  /** Bytes in all. */
  readonly length: number;
  /** The bytes from begin to end (exclusive). */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** A file of which only the header has been read, and checked. */
export interface LazyFile {
  /** Names of the tensors, in file order. */
  readonly names: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Shape and dtype (as the format names it) of a tensor. */
  describe(name: string): { readonly shape: readonly number[]; readonly dtype: string };
  /** Reads one tensor. */
  tensor(name: string): Promise<Tensor>;
}

/**
 * Opens a file by its header; tensors are read when they are asked for.
 *
 * @param source - A Blob (a File is one) or a {@link RangeReader}.
 */
export async function open(source: Blob | RangeReader): Promise<LazyFile> {
  const reader = "read" in source ? source : blobReader(source);
  const start = await reader.read(0, Math.min(8, reader.length));
  const headerLength = readHeaderLength(start, reader.length);
  const { entries, metadata, dataStart } = readHeader(await reader.read(8, 8 + headerLength), reader.length);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const find = (name: string): Entry => {
    const entry = byName.get(name);
    if (entry === undefined) {
      throw new DomainError(
        `safetensors: the file has no tensor ${JSON.stringify(name)}; it has ${[...byName.keys()].slice(0, 8).join(", ")}.`,
      );
    }
    return entry;
  };
  return {
    names: entries.map(({ name }) => name),
    metadata,
    describe: (name) => {
      const { shape, dtype } = find(name);
      return { shape, dtype };
    },
    tensor: async (name) => {
      const entry = find(name);
      return decode(entry, await reader.read(dataStart + entry.begin, dataStart + entry.end));
    },
  };
}

function blobReader(blob: Blob): RangeReader {
  return {
    length: blob.size,
    read: async (begin, end) => new Uint8Array(await blob.slice(begin, end).arrayBuffer()),
  };
}
