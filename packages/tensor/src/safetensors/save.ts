/** Writing safetensors. */

import { DomainError, ShapeError, TreeError } from "../errors.js";
import type { TypedArray } from "../dtype.js";
import { isTensor, type Tensor } from "../tensor.js";
import { flattenAny, formatPath, type CheckTree } from "../tree/tree.js";
import { copyBytes, writtenAs } from "./element-types.js";
import { prefix } from "./header.js";
import { encodeStructure, nameOfKey, nameOfPath, structureKey } from "./structure.js";

export interface SaveOptions {
  /**
   * Whether to store the structure of the tree. Without it the tree must be one object of tensors, whose keys are the names as they are,
   * dots included: for other programs. Default true.
   */
  readonly structure?: boolean;
  /** Further strings for the header, by name: a version, a licence. The name "curv" is taken. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A tree of tensors as the bytes of a safetensors file, which every safetensors reader reads.
 *
 * A leaf is named by its path, keys and indices joined by "."; the structure stands in the metadata, so that {@link load} gives the same
 * tree again. The same tree gives the same bytes.
 *
 * @throws TreeError for a key that contains "."; BackendError if a backend cannot read synchronously (see {@link saveAsync}).
 *
 * @example
 * await writeFile("model.safetensors", save({ params, step }));
 *
 * Source: the description of the safetensors format; the order of tensors is that of the reference writer.
 */
export function save<T>(tree: T & CheckTree<T>, options: SaveOptions = {}): Uint8Array {
  const file = layOut(tree, options);
  file.tensors.forEach((each) => file.write(each, each.leaf.dataSync()));
  return file.bytes;
}

/** {@link save} for tensors on a backend that reads asynchronously. */
export async function saveAsync<T>(tree: T & CheckTree<T>, options: SaveOptions = {}): Promise<Uint8Array> {
  const file = layOut(tree, options);
  for (const each of file.tensors) file.write(each, await each.leaf.data());
  return file.bytes;
}

interface Placed {
  readonly name: string;
  readonly leaf: Tensor;
  /** First byte in the file. */
  readonly begin: number;
  readonly size: number;
}

interface Layout {
  readonly bytes: Uint8Array;
  readonly tensors: readonly Placed[];
  write(each: Placed, elements: TypedArray): void;
}

/** Types in the order in which they are written: the largest elements first, so that all are aligned. */
const order: readonly string[] = ["F64", "F32", "U32", "I32", "BOOL"];

/** The file with its header, and where each tensor goes. */
function layOut(tree: unknown, { metadata = {}, structure: keep = true }: SaveOptions): Layout {
  const { leaves, structure, paths } = flattenAny(tree, "save");
  const encoder = new TextEncoder();
  const named = leaves.map((leaf, i) => {
    if (!isTensor(leaf)) {
      throw new TreeError(`save: ${formatPath(paths[i], "tree")} is a ${typeof leaf}; leaves must be Tensors.`);
    }
    const name = keep ? nameOfPath(paths[i]) : nameOfKey(paths[i]);
    const key = encoder.encode(name);
    if (key.length > 4096)
      throw new TreeError(`save: the name ${name.slice(0, 16)}… has ${key.length} bytes; at most 4096.`);
    if (leaf.rank > 32) throw new ShapeError(`save: ${name} has ${leaf.rank} axes; at most 32.`);
    return { name, key, leaf, rank: order.indexOf(writtenAs[leaf.dtype]) };
  });
  named.sort((a, b) => a.rank - b.rank || compareBytes(a.key, b.key));

  let offset = 0;
  const entries = named.map(({ name, leaf }) => {
    const type = writtenAs[leaf.dtype];
    const size = leaf.size * (type === "F64" ? 8 : type === "BOOL" ? 1 : 4);
    const begin = offset;
    offset += size;
    const text = `${JSON.stringify(name)}:{"dtype":"${type}","shape":[${leaf.shape.join(",")}],"data_offsets":[${begin},${offset}]}`;
    return { name, leaf, begin, size, text };
  });
  const strings = formatMetadata(metadata, keep ? encodeStructure(structure) : null);
  const json = encoder.encode(`{${[...strings, ...entries.map(({ text }) => text)].join(",")}}`);
  const length = Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(prefix + length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, prefix);
  bytes.fill(0x20, prefix + json.length, prefix + length);
  return {
    bytes,
    tensors: entries.map(({ name, leaf, begin, size }) => ({ name, leaf, begin: prefix + length + begin, size })),
    write: ({ begin, size }, elements) => {
      const source = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
      copyBytes(source, bytes.subarray(begin, begin + size), elements.BYTES_PER_ELEMENT);
    },
  };
}

/** The entry of the metadata, if there are any. */
function formatMetadata(metadata: Readonly<Record<string, string>>, structure: string | null): string[] {
  const pairs = Object.entries(metadata);
  for (const [key, value] of pairs) {
    if (typeof value !== "string") throw new DomainError(`save: metadata.${key} is a ${typeof value}; wants a string.`);
    if (key === structureKey) throw new DomainError(`save: metadata.${key} is where the structure of the tree goes.`);
  }
  if (structure !== null) pairs.push([structureKey, structure]);
  if (pairs.length === 0) return [];
  pairs.sort(([a], [b]) => (a < b ? -1 : 1));
  const members = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return [`"__metadata__":{${members.join(",")}}`];
}

/** By UTF-8, which is the order of code points. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const n = Math.min(a.length, b.length);
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}
