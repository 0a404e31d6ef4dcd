/** `tidy`, `retain`: how long eager results live. On the CPU they bound the peak; on devices they matter. */

import { TracingError } from "./errors.js";
import { offSlab } from "./memory.js";
import type { TypedArray } from "./dtype.js";
import type { Tensor } from "./tensor.js";
import { leavesOf, type TreeOf } from "./tree/tree.js";

const scopes: { current: Tensor[] | null } = { current: null };

/** Notes a new value in the innermost `tidy`. @internal */
export function register(x: Tensor): void {
  if (scopes.current !== null) scopes.current.push(x);
}

/** Runs `f` outside of every `tidy`: what it makes is kept for longer than the call, constants of a graph say. @internal */
export function unscoped<R>(f: () => R): R {
  const outer = scopes.current;
  scopes.current = null;
  try {
    return f();
  } finally {
    scopes.current = outer;
  }
}

/**
 * Runs `f` and disposes every tensor made in it, except those in the tree that it returns.
 *
 * @throws TracingError if `f` returns a Promise: what it awaits would outlive the scope.
 */
export function tidy<R>(f: () => R): R {
  const outer = scopes.current;
  const made: Tensor[] = [];
  scopes.current = made;
  let result: R;
  try {
    result = f();
    if (result instanceof Promise) {
      throw new TracingError(
        "tidy: the function returned a Promise; what it awaits would outlive the scope. Await first, tidy the rest.",
      );
    }
  } catch (error) {
    for (const x of made) x.dispose();
    throw error;
  } finally {
    scopes.current = outer;
  }
  const kept = new Set<unknown>();
  for (const x of leavesOf(result, "tidy")) {
    kept.add(x.buffer);
    unslab(x);
    kept.add(x.buffer);
  }
  for (const x of made) {
    // Two tensors may share elements (a reshape): what a kept one holds is not freed.
    if (!kept.has(x.buffer)) x.dispose();
    else outer?.push(x);
  }
  return result;
}

/** Copies the tree's small results out of the slabs they share with short-lived ones; call it on what is kept for long. */
export function retain<T>(tree: T & TreeOf<T>): T {
  for (const x of leavesOf(tree, "retain")) unslab(x);
  return tree;
}

/** @internal */
export function unslab(x: Tensor): void {
  if (ArrayBuffer.isView(x.buffer)) x.buffer = offSlab(x.buffer as TypedArray);
}
