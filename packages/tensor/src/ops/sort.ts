/** Sorting, ranking and the largest k. Stable; NaN after every number. */

import { DomainError } from "../errors.js";
import { sortPrimitive } from "../primitives/sort.js";
import { normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { bind } from "../transform/trace.js";
import { stopGradient } from "./elementwise.js";
import { moveAxis } from "./movement.js";

export interface SortOptions {
  /** Largest first (NaN before all). Default false. */
  readonly descending?: boolean;
}

function sorted(
  x: Tensor,
  axis: number,
  descending: boolean,
  count: number | null,
  caller: string,
): readonly [Tensor, Tensor] {
  const at = normalizeAxis(axis, x.rank, caller);
  const rows = moveAxis(x, at, x.rank - 1);
  const [values, indices] = bind(sortPrimitive, [rows], { descending, count: count ?? x.shape[at] });
  return [moveAxis(values, x.rank - 1, at), moveAxis(indices, x.rank - 1, at)];
}

/** Elements in ascending order along an axis: −∞ … ∞, NaN; equal ones keep their order. */
export function sort(x: Tensor, axis = -1, { descending = false }: SortOptions = {}): Tensor {
  return sorted(x, axis, descending, null, "sort")[0];
}

/** Indices (int32) that sort along an axis. */
export function argSort(x: Tensor, axis = -1, { descending = false }: SortOptions = {}): Tensor {
  return sorted(stopGradient(x), axis, descending, null, "argSort")[1];
}

/** The k largest along an axis, largest first, and their indices (int32); of equal ones the lower index comes first. */
export function topK(x: Tensor, k: number, axis = -1): { readonly values: Tensor; readonly indices: Tensor } {
  const n = x.shape[normalizeAxis(axis, x.rank, "topK")];
  if (!Number.isInteger(k) || k < 0) throw new DomainError(`topK: k is ${k}; wants an integer >= 0.`);
  if (k > n) throw new DomainError(`topK: k = ${k} exceeds axis length ${n}.`);
  const [values, indices] = sorted(x, axis, true, k, "topK");
  return { values, indices };
}
