/**
 * Pytrees: any nesting of plain objects and arrays with tensors as leaves. Arrays go by index, objects by their keys sorted by code unit,
 * so {b, a} and {a, b} have one structure; null and undefined have no leaves.
 */

import { TreeError } from "../errors.js";
import { formatShape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";

/** Any tree, as a value. In signatures use a type parameter with {@link TreeOf}, so that interfaces are accepted, too. */
export type Tree = Tensor | null | undefined | readonly Tree[] | { readonly [key: string]: Tree };

/** P if it is a tree of tensors; `never` at the places where it is not. */
export type TreeOf<P> = P extends Tensor | null | undefined
  ? P
  : P extends (...args: never[]) => unknown
    ? never
    : P extends object
      ? { readonly [K in keyof P]: TreeOf<P[K]> }
      : never;

/** Intersected with a parameter, it makes a leaf that is no tensor a compile error. */
export type CheckTree<P> = [P] extends [TreeOf<P>] ? unknown : { "every leaf must be a Tensor": P };

/** The shape of a tree without its leaves. Compare with {@link sameStructure}. */
export type Structure =
  | { readonly kind: "leaf" }
  | { readonly kind: "none"; readonly value: null | undefined }
  | { readonly kind: "array"; readonly children: readonly Structure[] }
  | {
      readonly kind: "object";
      readonly keys: readonly string[];
      readonly children: readonly Structure[];
      readonly bare: boolean;
    };

/** Names of places in a tree, from the root: keys and indices. */
export type Path = readonly (string | number)[];

const leaf: Structure = { kind: "leaf" };
/** Deeper trees are taken for cyclic ones. @internal */
export const depthLimit = 1000;

/** `params.layers[2].w`. The root may be "" where the tree has no name. */
export function formatPath(path: Path, root: string): string {
  if (root === "" && path.length === 0) return "the tree";
  const text = path.reduce<string>((t, step) => (typeof step === "number" ? `${t}[${step}]` : `${t}.${step}`), root);
  return text.startsWith(".") ? text.slice(1) : text;
}

/** @internal */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describeLeaf(value: unknown): string {
  if (typeof value !== "object") return `a ${typeof value}`;
  const name = (value as object).constructor?.name ?? "object";
  return /^[aeiou]/i.test(name) ? `an ${name}` : `a ${name}`;
}

/** @internal */
export function notATree(value: unknown, path: Path, caller: string, root: string): TreeError {
  return new TreeError(`${caller}: ${formatPath(path, root)} is ${describeLeaf(value)}; leaves must be Tensors.`);
}

/** Visits the tree in order; `onLeaf` sees every value that is no array, plain object, null or undefined. */
function walk(
  value: unknown,
  path: (string | number)[],
  onLeaf: (value: unknown, path: Path) => void,
  caller: string,
  root: string,
): Structure {
  if (value === null || value === undefined) return { kind: "none", value };
  if (typeof value === "object" && !isTensor(value)) {
    if (path.length > depthLimit)
      throw new TreeError(
        `${caller}: ${formatPath([], root)} is nested deeper than ${depthLimit} levels; is it cyclic?`,
      );
    const descend = (step: string | number, child: unknown): Structure => {
      path.push(step);
      const structure = walk(child, path, onLeaf, caller, root);
      path.pop();
      return structure;
    };
    if (Array.isArray(value)) return { kind: "array", children: value.map((child, i) => descend(i, child)) };
    if (isPlainObject(value)) {
      const keys = sortedKeys(value);
      const children = keys.map((key) => descend(key, (value as Record<string, unknown>)[key]));
      return { kind: "object", keys, children, bare: Object.getPrototypeOf(value) === null };
    }
  }
  onLeaf(value, path);
  return leaf;
}

/** Keys in the order of a tree's children: by code unit. @internal */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  for (let i = 1; i < keys.length; i++) {
    if (keys[i - 1] > keys[i]) return keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  }
  return keys;
}

/** Leaves of any kind with the structure around them; jit uses it for arguments that may hold numbers. @internal */
export function flattenAny(
  tree: unknown,
  caller: string,
  root = "",
): { leaves: unknown[]; structure: Structure; paths: Path[] } {
  const leaves: unknown[] = [];
  const paths: Path[] = [];
  const structure = walk(
    tree,
    [],
    (value, path) => {
      leaves.push(value);
      paths.push([...path]);
    },
    caller,
    root,
  );
  return { leaves, structure, paths };
}

/** The tensors of a tree, in order. @internal */
export function leavesOf(tree: unknown, caller: string, root = ""): Tensor[] {
  if (isTensor(tree)) return [tree];
  return flattenTree(tree, caller, root).leaves;
}

/** {@link flatten} with the name of the caller and of the argument, for messages. @internal */
export function flattenTree(tree: unknown, caller: string, root = ""): { leaves: Tensor[]; structure: Structure } {
  const leaves: Tensor[] = [];
  const structure = walk(
    tree,
    [],
    (value, path) => {
      if (!isTensor(value)) throw notATree(value, path, caller, root);
      leaves.push(value);
    },
    caller,
    root,
  );
  return { leaves, structure };
}

/** Leaves in order, and the structure from which {@link unflatten} makes the tree again. */
export function flatten<T>(tree: T & CheckTree<T>): { leaves: Tensor[]; structure: Structure } {
  return flattenTree(tree, "flatten");
}

/** The tree of a structure with these leaves. */
export function unflatten<T = Tree>(structure: Structure, leaves: readonly Tensor[]): T {
  return unflattenAny(structure, leaves, "unflatten") as T;
}

/** @internal */
export function unflattenAny(structure: Structure, leaves: readonly unknown[], caller: string): unknown {
  let at = 0;
  const build = (s: Structure): unknown => {
    switch (s.kind) {
      case "leaf":
        return leaves[at++];
      case "none":
        return s.value;
      case "array":
        return s.children.map(build);
      case "object": {
        const object: Record<string, unknown> = s.bare ? (Object.create(null) as Record<string, unknown>) : {};
        s.keys.forEach((key, i) => {
          const child = build(s.children[i]);
          // Assigning "__proto__" would change the prototype instead.
          if (key !== "__proto__") object[key] = child;
          else
            Object.defineProperty(object, key, { value: child, enumerable: true, configurable: true, writable: true });
        });
        return object;
      }
    }
  };
  const wanted = countLeaves(structure);
  if (wanted !== leaves.length) throw new TreeError(`${caller}: structure has ${wanted} leaves, got ${leaves.length}.`);
  return build(structure);
}

/** Number of leaves. */
export function countLeaves(structure: Structure): number {
  if (structure.kind === "leaf") return 1;
  if (structure.kind === "none") return 0;
  return structure.children.reduce((sum, child) => sum + countLeaves(child), 0);
}

/** Whether two structures are equal. */
export function sameStructure(a: Structure, b: Structure): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === "leaf" || a.kind === "none") return true;
  const other = b as typeof a;
  if (a.children.length !== other.children.length) return false;
  if (a.kind === "object" && a.keys.some((key, i) => key !== (other as typeof a).keys[i])) return false;
  return a.children.every((child, i) => sameStructure(child, other.children[i]));
}

/** A structure as messages show it: `{loss, aux: [2]}` with shapes where leaves are given. @internal */
export function formatStructure(structure: Structure, leaves?: readonly Tensor[]): string {
  let at = 0;
  const show = (s: Structure): string => {
    switch (s.kind) {
      case "leaf":
        return leaves === undefined ? "*" : formatShape(leaves[at++].shape);
      case "none":
        return String(s.value);
      case "array":
        return `[${s.children.map(show).join(", ")}]`;
      case "object":
        return `{${s.keys.map((key, i) => (leaves === undefined && s.children[i].kind === "leaf" ? key : `${key}: ${show(s.children[i])}`)).join(", ")}}`;
    }
  };
  return show(structure);
}

/** Applies `f` to corresponding leaves of trees of one structure. */
export function map<T>(
  f: (x: Tensor, ...others: Tensor[]) => Tensor,
  tree: T & CheckTree<T>,
  ...others: readonly NoInfer<T>[]
): T {
  return mapAs(
    "map",
    f,
    tree,
    "tree",
    others,
    others.map((_, i) => `others[${i}]`),
  ) as T;
}

/** {@link map} on behalf of `caller`, which has names for the trees. @internal */
export function mapAs(
  caller: string,
  f: (x: Tensor, ...others: Tensor[]) => Tensor,
  tree: unknown,
  name: string,
  others: readonly unknown[],
  names: readonly string[],
): unknown {
  const first = flattenTree(tree, caller, name);
  const rest = others.map((other, i) => matchingLeaves(first.structure, other, caller, names[i], name));
  const mapped = first.leaves.map((x, i) => f(x, ...rest.map((leaves) => leaves[i])));
  return unflattenAny(first.structure, mapped, caller);
}

/** Leaves of `tree`, which must have the structure `wanted`, that of what `model` names. @internal */
export function matchingLeaves(
  wanted: Structure,
  tree: unknown,
  caller: string,
  root: string,
  model: string,
): Tensor[] {
  const { leaves, structure } = flattenTree(tree, caller, root);
  const place = firstDifference(structure, wanted);
  if (place === null) return leaves;
  const { path, got, want } = place;
  throw new TreeError(
    `${caller}: structures differ: ${formatPath(path, root)} is ${describePlace(got)}, ${formatPath(path, model)} is ${describePlace(want)}.`,
  );
}

interface Difference {
  readonly path: Path;
  /** Null where there is nothing. */
  readonly got: Structure | null;
  readonly want: Structure | null;
}

/** The first place, in order, where two structures differ. */
function firstDifference(got: Structure, want: Structure, path: Path = []): Difference | null {
  if (got.kind !== want.kind) return { path, got, want };
  if (got.kind === "leaf" || got.kind === "none") return null;
  const steps = (s: typeof got): readonly (string | number)[] =>
    s.kind === "object" ? s.keys : s.children.map((_, i) => i);
  const other = want as typeof got;
  const [mine, theirs] = [steps(got), steps(other)];
  const all = [...theirs, ...mine.filter((step) => !theirs.includes(step))];
  for (const step of all) {
    const [a, b] = [got.children[mine.indexOf(step)] ?? null, other.children[theirs.indexOf(step)] ?? null];
    if (a === null || b === null) return { path: [...path, step], got: a, want: b };
    const found = firstDifference(a, b, [...path, step]);
    if (found !== null) return found;
  }
  return null;
}

function describePlace(structure: Structure | null): string {
  if (structure === null) return "missing";
  return structure.kind === "leaf" ? "a Tensor" : formatStructure(structure);
}

/** Combines all leaves from left to right. */
export function reduce<T, A>(f: (accumulated: A, x: Tensor) => A, tree: T & CheckTree<T>, initial: A): A {
  return leavesOf(tree, "reduce").reduce(f, initial);
}

/** Leaves with their paths. */
export function leavesWithPath<T>(tree: T & CheckTree<T>): { path: Path; leaf: Tensor }[] {
  const { leaves, paths } = flattenAny(tree, "leavesWithPath");
  return leaves.map((value, i) => {
    if (!isTensor(value)) throw notATree(value, paths[i], "leavesWithPath", "");
    return { path: paths[i], leaf: value };
  });
}
