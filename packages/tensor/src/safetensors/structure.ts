/** The structure of a tree beside its tensors: as JSON in the file's metadata, or from the dots in names. */

import { FormatError, TreeError } from "../errors.js";
import type { Structure } from "../tree/tree.js";

/** Key in `__metadata__`. */
export const metadataKey = "curv";

/** Structure as plain JSON: 0 a leaf, null and undefined, arrays, objects as [keys, children]. */
type Encoded =
  | 0
  | "null"
  | "undefined"
  | { readonly a: readonly Encoded[] }
  | { readonly o: readonly (readonly [string, Encoded])[] };

/** The names of the leaves: paths joined by dots. A tensor alone is called "value". */
export function leafNames(structure: Structure): string[] {
  const names: string[] = [];
  const visit = (s: Structure, path: readonly string[]): void => {
    if (s.kind === "leaf") names.push(path.length === 0 ? "value" : path.join("."));
    else if (s.kind === "array") s.children.forEach((child, i) => visit(child, [...path, String(i)]));
    else if (s.kind === "object") {
      s.keys.forEach((key, i) => {
        if (key.includes("."))
          throw new TreeError(
            `save: key ${JSON.stringify(key)} contains "."; names of tensors are paths joined by dots.`,
          );
        visit(s.children[i], [...path, key]);
      });
    }
  };
  visit(structure, []);
  const repeated =
    names.find((name, i) => names.indexOf(name) !== i) ?? (names.includes("__metadata__") ? "__metadata__" : undefined);
  if (repeated !== undefined)
    throw new TreeError(`save: two leaves are called ${JSON.stringify(repeated)}, or the name is reserved.`);
  return names;
}

/** The text that goes into the metadata. */
export function encodeStructure(structure: Structure): string {
  const encode = (s: Structure): Encoded => {
    switch (s.kind) {
      case "leaf":
        return 0;
      case "none":
        return s.value === null ? "null" : "undefined";
      case "array":
        return { a: s.children.map(encode) };
      case "object":
        return { o: s.keys.map((key, i) => [key, encode(s.children[i])] as const) };
    }
  };
  return JSON.stringify(encode(structure));
}

function decodeStructure(text: string): Structure {
  const bad = (): FormatError => new FormatError(`safetensors: __metadata__.${metadataKey} describes no tree.`);
  const decode = (value: unknown, depth: number): Structure => {
    if (depth > 1000) throw bad();
    if (value === 0) return { kind: "leaf" };
    if (value === "null") return { kind: "none", value: null };
    if (value === "undefined") return { kind: "none", value: undefined };
    if (typeof value !== "object" || value === null) throw bad();
    if ("a" in value && Array.isArray(value.a))
      return { kind: "array", children: value.a.map((child) => decode(child, depth + 1)) };
    if (!("o" in value) || !Array.isArray(value.o)) throw bad();
    const members = value.o.map((member: unknown) => {
      if (!Array.isArray(member) || member.length !== 2 || typeof member[0] !== "string") throw bad();
      return [member[0], decode(member[1], depth + 1)] as const;
    });
    const keys = members.map(([key]) => key);
    if (new Set(keys).size !== keys.length) throw bad();
    return { kind: "object", keys, children: members.map(([, child]) => child), bare: true };
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw bad();
  }
  return decode(json, 0);
}

/** Structure of a file's tree, and the names of its leaves in order. */
export function readStructure(
  metadata: ReadonlyMap<string, string>,
  names: readonly string[],
): { structure: Structure; names: string[] } {
  const text = metadata.get(metadataKey);
  if (text === undefined) {
    const structure = fromNames(names);
    return { structure, names: leafNames(structure) };
  }
  const structure = decodeStructure(text);
  const wanted = leafNames(structure);
  const missing = wanted.find((name) => !names.includes(name));
  if (missing !== undefined || wanted.length !== names.length) {
    throw new FormatError(
      `safetensors: the tensors are not the leaves of the tree in __metadata__.${metadataKey}${missing === undefined ? "" : `: ${missing} is missing`}.`,
    );
  }
  return { structure, names: wanted };
}

/** Nested objects from names with dots. */
function fromNames(names: readonly string[]): Structure {
  interface Node {
    readonly children: Map<string, Node>;
    leaf: boolean;
  }
  const root: Node = { children: new Map(), leaf: false };
  for (const name of names) {
    let node = root;
    for (const key of name.split(".")) {
      if (!node.children.has(key)) node.children.set(key, { children: new Map(), leaf: false });
      node = node.children.get(key)!;
    }
    node.leaf = true;
  }
  const build = ({ children, leaf }: Node, path: string): Structure => {
    if (leaf && children.size > 0) {
      throw new FormatError(
        `safetensors: ${path} is a tensor and also the beginning of longer names; use loadTensors.`,
      );
    }
    if (leaf) return { kind: "leaf" };
    const keys = [...children.keys()].sort((a, b) => (a < b ? -1 : 1));
    return {
      kind: "object",
      keys,
      bare: true,
      children: keys.map((key) => build(children.get(key)!, path === "" ? key : `${path}.${key}`)),
    };
  };
  return build(root, "");
}
