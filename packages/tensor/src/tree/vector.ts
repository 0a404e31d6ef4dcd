/** Trees as vectors: sums, multiples, inner products, norms, random directions. */

import { zerosLike as tensorZerosLike, zeros } from "../create.js";
import { isFloat } from "../dtype.js";
import { DTypeError } from "../errors.js";
import * as elementwise from "../ops/elementwise.js";
import type { Key } from "../random/key.js";
import { split } from "../random/key.js";
import { normal } from "../random/normal.js";
import { rademacher } from "../random/rademacher.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { flattenTree, leavesOf, mapAs, matchingLeaves, unflattenAny, type CheckTree } from "./tree.js";

type Leafwise = (x: Tensor, ...others: Tensor[]) => Tensor;

const mapTrees = (caller: string, f: Leafwise, tree: unknown, ...others: unknown[]): unknown =>
  mapAs(caller, f, tree, "x", others, ["y"]);

/** x + y, leaf by leaf. */
export function add<T>(x: T & CheckTree<T>, y: NoInfer<T>): T {
  return mapTrees("add", elementwise.add as Leafwise, x, y) as T;
}

/** x − y, leaf by leaf. */
export function sub<T>(x: T & CheckTree<T>, y: NoInfer<T>): T {
  return mapTrees("sub", elementwise.sub as Leafwise, x, y) as T;
}

/** α x. */
export function scale<T>(alpha: TensorLike, x: T & CheckTree<T>): T {
  return mapTrees("scale", (leaf) => elementwise.mul(leaf, alpha), x) as T;
}

/** α x + y. */
export function axpy<T>(alpha: TensorLike, x: T & CheckTree<T>, y: NoInfer<T>): T {
  return mapTrees("axpy", (a, b) => elementwise.add(elementwise.mul(a, alpha), b), x, y) as T;
}

/** Σ xᵢ yᵢ over all elements of all leaves, a scalar. */
export function dot<T>(x: T & CheckTree<T>, y: NoInfer<T>): Tensor {
  const left = flattenTree(x, "dot", "x");
  const right = matchingLeaves(left.structure, y, "dot", "y", "x");
  const terms = left.leaves.map((a, i) => elementwise.mul(a, right[i]).sum());
  return terms.length === 0 ? zeros([]) : terms.reduce((a, b) => elementwise.add(a, b));
}

/** Euclidean norm of all elements, a scalar. */
export function norm<T>(x: T & CheckTree<T>): Tensor {
  const leaves = leavesOf(x, "norm", "x");
  const terms = leaves.map((a) => elementwise.square(a).sum());
  return elementwise.sqrt(terms.length === 0 ? zeros([]) : terms.reduce((a, b) => elementwise.add(a, b)));
}

/** Zeros of the same structure, shapes and dtypes. */
export function zerosLike<T>(x: T & CheckTree<T>): T {
  return mapTrees("zerosLike", tensorZerosLike, x) as T;
}

/** Number of elements of all leaves. */
export function size<T>(x: T & CheckTree<T>): number {
  return leavesOf(x, "size", "x").reduce((n, leaf) => n + leaf.size, 0);
}

/** A random tree of the same structure, shapes and dtypes: standard normal, or ±1. Each leaf draws from its own key. */
export function randomLike<T>(key: Key, x: T & CheckTree<T>, distribution: "normal" | "rademacher" = "normal"): T {
  const { leaves, structure } = flattenTree(x, "randomLike", "x");
  const keys = split(key, Math.max(1, leaves.length));
  const drawn = leaves.map((leaf, i) => {
    if (!isFloat(leaf.dtype)) throw new DTypeError(`randomLike: a leaf is ${leaf.dtype}; wants float32 or float64.`);
    const options = { shape: leaf.shape, dtype: leaf.dtype };
    return distribution === "normal" ? normal(keys[i], options) : rademacher(keys[i], options);
  });
  return unflattenAny(structure, drawn, "randomLike") as T;
}
