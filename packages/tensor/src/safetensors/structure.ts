/**
 * How a tree is kept in a flat file: each leaf under its path joined by ".", and what the nodes are as JSON in __metadata__.curv, where
 * "*" stands for a leaf.
 */

import { FormatError, TreeError } from "../errors.js";
import type { Path, Structure } from "../tree/tree.js";
import { parseJson, quote, type Json } from "./json.js";

/** Where the structure stands in the metadata. */
export const structureKey = "curv";

/** Depth to which trees may be nested. */
const depthLimit = 1000;

/** The name of a leaf whose tree is stored with the file. */
export function nameOfPath(path: Path): string {
  const dotted = path.find((step) => typeof step === "string" && step.includes("."));
  if (dotted !== undefined) {
    throw new TreeError(`save: the key ${JSON.stringify(dotted)} contains "."; names are keys joined by ".".`);
  }
  return checkName(joinPath(path));
}

/** The name of a member of an object of tensors: its key. */
export function nameOfKey(path: Path): string {
  if (path.length !== 1 || typeof path[0] !== "string") {
    throw new TreeError(
      `save: without its structure a tree must be one object of tensors; ${joinPath(path)} is not a key of it.`,
    );
  }
  return checkName(path[0]);
}

function checkName(name: string): string {
  if (name === "__metadata__") throw new TreeError('save: the key "__metadata__" is reserved by the format.');
  if (/\p{Surrogate}/u.test(name)) throw new TreeError(`save: ${JSON.stringify(name)} is not well-formed Unicode.`);
  return name;
}

/** A tensor that is no member of anything has a name, too. */
function joinPath(path: Path): string {
  return path.length === 0 ? "value" : path.join(".");
}

export function encodeStructure(structure: Structure): string {
  switch (structure.kind) {
    case "leaf":
      return '"*"';
    case "none":
      return structure.value === null ? "null" : '"undefined"';
    case "array":
      return `[${structure.children.map(encodeStructure).join(",")}]`;
    case "object":
      return `{${structure.keys.map((key, i) => `${JSON.stringify(key)}:${encodeStructure(structure.children[i])}`).join(",")}}`;
  }
}

/** The structure of at most so many leaves, and their names in order. Objects get no prototype. */
export function decodeStructure(
  text: string,
  leaves: number,
): { readonly structure: Structure; readonly names: readonly string[] } {
  const bytes = new TextEncoder().encode(text);
  const limits = { depth: depthLimit, elements: 1_000_000, keys: 1_000_000, values: 4_000_000 };
  const root = parseJson(bytes, "__metadata__.curv", limits);
  const names: string[] = [];
  const build = (node: Json, path: readonly (string | number)[]): Structure => {
    if (node === "*") {
      if (names.length === leaves) throw mismatch(`has more than the ${leaves} leaves of the file`);
      names.push(joinPath(path));
      return { kind: "leaf" };
    }
    if (node === null) return { kind: "none", value: null };
    if (node === "undefined") return { kind: "none", value: undefined };
    if (Array.isArray(node)) return { kind: "array", children: node.map((child, i) => build(child, [...path, i])) };
    if (node instanceof Map) {
      const keys = [...node.keys()].sort(byCodeUnit);
      return { kind: "object", keys, children: keys.map((key) => build(node.get(key)!, [...path, key])), bare: true };
    }
    throw mismatch("is no tree");
  };
  return { structure: build(root, []), names };
}

/** Nested objects, one level for each "." in a name: for files of other programs. */
export function structureOfNames(names: Iterable<string>): {
  readonly structure: Structure;
  readonly names: readonly string[];
} {
  type Level = Map<string, Level | string>;
  const root: Level = new Map();
  const conflict = (name: string): FormatError =>
    new FormatError(`safetensors: ${quote(name)} is a tensor and begins the names of others; loadTensors reads it.`);
  for (const name of names) {
    const keys = name.split(".");
    const last = keys.pop()!;
    if (keys.length >= depthLimit) {
      throw new FormatError(`safetensors: ${quote(name)} has more than ${depthLimit} parts; loadTensors reads it.`);
    }
    let level = root;
    for (const key of keys) {
      const next = level.get(key) ?? new Map<string, Level | string>();
      if (typeof next === "string") throw conflict(next);
      level.set(key, next);
      level = next;
    }
    if (level.has(last)) throw conflict(name);
    level.set(last, name);
  }
  const ordered: string[] = [];
  const build = (node: Level | string): Structure => {
    if (typeof node === "string") {
      ordered.push(node);
      return { kind: "leaf" };
    }
    const keys = [...node.keys()].sort(byCodeUnit);
    return { kind: "object", keys, children: keys.map((key) => build(node.get(key)!)), bare: true };
  };
  return { structure: build(root), names: ordered };
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** The structure does not describe what is in the file. */
export function mismatch(what: string): FormatError {
  return new FormatError(`safetensors: __metadata__.curv ${what}; loadTensors reads the tensors without it.`);
}
