/** Writing files, the same bytes for the same tensors as the reference writer. */

import type { DType, TypedArray } from "../dtype.js";
import { DomainError } from "../errors.js";
import type { Tensor } from "../tensor.js";
import { flattenTree, type CheckTree } from "../tree/tree.js";
import { encodeStructure, leafNames, metadataKey } from "./structure.js";

export interface SaveOptions {
  /** Further entries of the file's `__metadata__`. */
  readonly metadata?: Readonly<Record<string, string>>;
}

const names: Readonly<Record<DType, string>> = {
  float64: "F64",
  uint32: "U32",
  float32: "F32",
  int32: "I32",
  bool: "BOOL",
};
/** Tensors are written by dtype in this order, then by name: what the reference writer does, and it aligns every tensor. */
const order: readonly DType[] = ["float64", "float32", "uint32", "int32", "bool"];

/**
 * A tree of tensors as a safetensors file. Names are the paths, joined by dots; the structure is kept in the metadata, so that `load` gives
 * the same tree back, bit for bit.
 *
 * @throws TreeError for a key that contains a dot.
 */
export async function save<T>(tree: T & CheckTree<T>, { metadata = {} }: SaveOptions = {}): Promise<Uint8Array> {
  const { leaves, structure } = flattenTree(tree, "save");
  const paths = leafNames(structure);
  return write(
    paths.map((name, i) => [name, leaves[i]] as const),
    { ...metadata, [metadataKey]: encodeStructure(structure) },
  );
}

/** Named tensors as a safetensors file, without more. */
export async function saveTensors(
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  { metadata = {} }: SaveOptions = {},
): Promise<Uint8Array> {
  const entries =
    tensors instanceof Map
      ? [...(tensors as ReadonlyMap<string, Tensor>)]
      : Object.entries(tensors as Readonly<Record<string, Tensor>>);
  if (entries.some(([name]) => name === "__metadata__"))
    throw new DomainError(`saveTensors: the name "__metadata__" is reserved.`);
  return write(entries, metadata);
}

async function write(
  entries: readonly (readonly [string, Tensor])[],
  metadata: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const sorted = [...entries].sort(
    ([a, x], [b, y]) => order.indexOf(x.dtype) - order.indexOf(y.dtype) || (a < b ? -1 : a > b ? 1 : 0),
  );
  const data: TypedArray[] = await Promise.all(sorted.map(([, x]) => x.data()));
  const header: string[] = [];
  const keys = Object.keys(metadata).sort();
  if (keys.length > 0) {
    header.push(
      `"__metadata__":{${keys.map((key) => `${JSON.stringify(key)}:${JSON.stringify(metadata[key])}`).join()}}`,
    );
  }
  let at = 0;
  sorted.forEach(([name, x], i) => {
    const end = at + data[i].byteLength;
    header.push(
      `${JSON.stringify(name)}:{"dtype":"${names[x.dtype]}","shape":[${x.shape.join()}],"data_offsets":[${at},${end}]}`,
    );
    at = end;
  });
  const text = new TextEncoder().encode(`{${header.join()}}`);
  // Padded with spaces, so that the data begin at a multiple of 8.
  const headerLength = Math.ceil(text.length / 8) * 8;
  const file = new Uint8Array(8 + headerLength + at);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerLength), true);
  file.fill(32, 8, 8 + headerLength);
  file.set(text, 8);
  let offset = 8 + headerLength;
  for (const array of data) {
    file.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    offset += array.byteLength;
  }
  return file;
}
