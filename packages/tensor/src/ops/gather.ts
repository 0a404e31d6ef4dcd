/** Taking and writing elements at computed indices. */

import { arange, fromTypedArray, zeros, type DTypeOption } from "../create.js";
import { checkDType, defaultDType, isFloat, isInteger } from "../dtype.js";
import { DTypeError, DomainError, ShapeError } from "../errors.js";
import { check } from "../primitives/check.js";
import { gatherPrimitive, scatterAddPrimitive, scatterMaxPrimitive } from "../primitives/gather.js";
import { broadcastShapes, formatShape, normalizeAxis, sizeOf } from "../shape.js";
import { type Tensor, type TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { clip, less, logicalAnd, mod, stopGradient } from "./elementwise.js";
import { broadcastTo, concat, expandDims, moveAxis, reshape } from "./movement.js";
import { asTensor, castTo, promote, unify } from "./operands.js";
import { where } from "./select.js";

/** What an index outside the axis does: fail, go to the nearest end, wrap around, or read a fill (NaN for floats, else 0). */
export type IndexMode = "error" | "clip" | "wrap" | "fill";

const modes: readonly IndexMode[] = ["error", "clip", "wrap", "fill"];

export interface TakeOptions {
  /** Default "error". */
  readonly mode?: IndexMode;
}

function asIndices(indices: TensorLike | readonly number[], caller: string): Tensor {
  if (typeof indices === "number") {
    if (!Number.isInteger(indices)) throw new DTypeError(`${caller}: index ${indices} is not an integer.`);
    return fromTypedArray(Int32Array.of(indices), []);
  }
  const t = Array.isArray(indices)
    ? asIndexTensor(indices as readonly number[], caller)
    : asTensor(indices as TensorLike, caller, "indices");
  if (!isInteger(t.dtype)) throw new DTypeError(`${caller}: indices are ${t.dtype}; wants int32 or uint32.`);
  return castTo(t, "int32");
}

function asIndexTensor(indices: readonly number[], caller: string): Tensor {
  if (!indices.every(Number.isInteger))
    throw new DTypeError(`${caller}: indices are not integers; wants int32 or uint32.`);
  return fromTypedArray(Int32Array.from(indices), [indices.length]);
}

/** Indices made to lie in 0…n−1, after the mode; those outside under "fill" stay outside. */
function resolve(indices: Tensor, n: number, axis: number, mode: IndexMode, caller: string): Tensor {
  const wrapped = where(less(indices, 0), indices.add(n), indices);
  if (!modes.includes(mode)) {
    throw new DomainError(`${caller}: mode is ${JSON.stringify(mode)}; wants "error", "clip", "wrap" or "fill".`);
  }
  switch (mode) {
    case "clip":
      return clip(wrapped, 0, Math.max(0, n - 1));
    case "wrap":
      return mod(indices, n);
    case "fill":
      return wrapped;
    case "error": {
      const shape = indices.shape;
      check([indices], [indices.rank], (values) => {
        const at = values.findIndex((v) => v < -n || v >= n);
        if (at < 0) return null;
        const position = unravel(at, shape);
        return new DomainError(
          `${caller}: index ${values[at]} at position ${formatShape(position)} is out of range for axis ${axis} of length ${n}. Use mode "clip", "wrap" or "fill".`,
        );
      });
      return wrapped;
    }
  }
}

function unravel(flat: number, shape: readonly number[]): number[] {
  const position = new Array<number>(shape.length);
  for (let i = shape.length - 1; i >= 0; i--) {
    position[i] = flat % shape[i];
    flat = Math.floor(flat / shape[i]);
  }
  return position;
}

function fillValue(x: Tensor): number {
  return isFloat(x.dtype) ? NaN : 0;
}

/**
 * Elements (slices) of x at `indices` along `axis`: the result has the indices' axes in place of that axis. Without axis: of the flat x.
 *
 * @throws DomainError for an index outside, unless `mode` says what it means.
 */
export function take(
  x: Tensor,
  indices: TensorLike | readonly number[],
  axis?: number,
  { mode = "error" }: TakeOptions = {},
): Tensor {
  const source = axis === undefined ? reshape(x, [-1]) : x;
  const at = normalizeAxis(axis ?? 0, source.rank, "take");
  const index = resolve(asIndices(indices, "take"), source.shape[at], at, mode, "take");
  const front = moveAxis(source, at, 0);
  const taken = bind1(gatherPrimitive, [front, expandDims(index, index.rank)], { batch: 0, fill: fillValue(x) });
  // [indices…, other axes…]: put the axes before `at` in front again.
  const order = [
    ...Array.from({ length: at }, (_, i) => index.rank + i),
    ...Array.from({ length: index.rank }, (_, i) => i),
    ...Array.from({ length: taken.rank - index.rank - at }, (_, i) => index.rank + at + i),
  ];
  return taken.transpose(order);
}

/** x[…, indices[…, j], …] along `axis`, every other axis paired (and broadcast): NumPy's take_along_axis. */
export function takeAlong(x: Tensor, indices: Tensor, axis: number, { mode = "error" }: TakeOptions = {}): Tensor {
  const at = normalizeAxis(axis, x.rank, "takeAlong");
  const index = asIndices(indices, "takeAlong");
  if (index.rank !== x.rank) {
    throw new ShapeError(
      `takeAlong: indices have shape ${formatShape(index.shape)}; wants as many axes as x of ${formatShape(x.shape)}.`,
    );
  }
  const without = (shape: readonly number[]): number[] => shape.filter((_, i) => i !== at);
  if (x.shape.some((n, i) => i !== at && n !== index.shape[i] && n !== 1 && index.shape[i] !== 1)) {
    throw new ShapeError(
      `takeAlong: indices have shape ${formatShape(index.shape)}; they must broadcast with x of ${formatShape(x.shape)} on all axes but ${at}.`,
    );
  }
  const batch = broadcastShapes(without(x.shape), without(index.shape), "takeAlong");
  const last = (t: Tensor): Tensor => {
    const moved = moveAxis(t, at, t.rank - 1);
    return broadcastTo(moved, [...batch, moved.shape[moved.rank - 1]]);
  };
  const source = last(x);
  const resolved = resolve(last(index), x.shape[at], at, mode, "takeAlong");
  const taken = bind1(gatherPrimitive, [source, expandDims(resolved, resolved.rank)], {
    batch: batch.length,
    fill: fillValue(x),
  });
  return moveAxis(taken, taken.rank - 1, at);
}

/** Elements at coordinates `indices[…, k]` of the first k axes: [indices' other axes…, x's other axes…]. NumPy's x[i, j, …]. */
export function gatherND(x: Tensor, indices: Tensor, { mode = "error" }: TakeOptions = {}): Tensor {
  const resolved = resolveCoordinates(x.shape, indices, mode, "gatherND");
  return bind1(gatherPrimitive, [x, resolved], { batch: 0, fill: fillValue(x) });
}

function resolveCoordinates(shape: readonly number[], indices: Tensor, mode: IndexMode, caller: string): Tensor {
  const index = asIndices(indices, caller);
  const depth = index.rank === 0 ? 0 : index.shape[index.rank - 1];
  if (depth < 1 || depth > shape.length) {
    throw new ShapeError(
      `${caller}: indices have shape ${formatShape(index.shape)}; the last axis must be 1..${shape.length} coordinates.`,
    );
  }
  const axes = Array.from({ length: depth }, (_, axis) =>
    expandDims(resolve(index.slice("...", axis), shape[axis], axis, mode, caller), index.rank - 1),
  );
  return concat(axes, index.rank - 1);
}

/**
 * x with each row of `updates` added at its coordinates (see {@link gatherND}); equal coordinates add up in ascending order of updates.
 */
export function scatterAdd(
  x: Tensor,
  indices: Tensor,
  updates: TensorLike,
  { mode = "error" }: TakeOptions = {},
): Tensor {
  const index = resolveCoordinates(x.shape, indices, mode, "scatterAdd");
  const [a, u] = scatterOperands(x, index, updates, "scatterAdd");
  const depth = index.shape[index.rank - 1];
  return a.add(bind1(scatterAddPrimitive, [u, index], { batch: 0, shape: x.shape.slice(0, depth) }));
}

/** x with each row of `updates` written at its coordinates; of equal coordinates the last update wins and has the derivative. */
export function scatterSet(
  x: Tensor,
  indices: Tensor,
  updates: TensorLike,
  { mode = "error" }: TakeOptions = {},
): Tensor {
  const index = resolveCoordinates(x.shape, indices, mode, "scatterSet");
  const [a, u] = scatterOperands(x, index, updates, "scatterSet");
  const depth = index.shape[index.rank - 1];
  const shape = x.shape.slice(0, depth);
  const rows = sizeOf(index.shape.slice(0, -1));
  const order = reshape(arange(rows, { dtype: "int32" }), index.shape.slice(0, -1));
  // Which update wins each place (−1: none), and which updates won theirs.
  const winner = bind1(scatterMaxPrimitive, [order, index], { batch: 0, shape });
  const won = bind1(gatherPrimitive, [winner, index], { batch: 0, fill: -1 }).equal(order);
  const trailing = x.rank - depth;
  const widen = (mask: Tensor): Tensor => reshape(mask, [...mask.shape, ...new Array<number>(trailing).fill(1)]);
  const written = bind1(scatterAddPrimitive, [where(widen(won), u, zeros([], { dtype: u.dtype })), index], {
    batch: 0,
    shape,
  });
  return where(widen(winner.less(0)), a, written);
}

function checkUpdates(updates: TensorLike, caller: string): TensorLike {
  return typeof updates === "number" || typeof updates === "boolean" ? updates : asTensor(updates, caller, "updates");
}

function scatterOperands(x: Tensor, index: Tensor, updates: TensorLike, caller: string): [Tensor, Tensor] {
  const wanted = [...index.shape.slice(0, -1), ...x.shape.slice(index.shape[index.rank - 1])];
  const [a, b] = promote(x, checkUpdates(updates, caller), caller);
  const lead = wanted.length - b.rank;
  if (lead < 0 || b.shape.some((n, i) => n !== 1 && n !== wanted[lead + i])) {
    throw new ShapeError(
      `${caller}: updates have shape ${formatShape(b.shape)}; wants ${formatShape(wanted)} or what broadcasts to it.`,
    );
  }
  return [a, broadcastTo(b, wanted)];
}

/** A new last axis of length `depth` that is 1 at the index and 0 elsewhere; all 0 for an index outside. */
export function oneHot(indices: Tensor, depth: number, { dtype = defaultDType() }: DTypeOption = {}): Tensor {
  const index = asIndices(indices, "oneHot");
  checkDType(dtype, "oneHot");
  if (!Number.isInteger(depth) || depth < 0) {
    throw new DomainError(`oneHot: depth is ${depth}; wants an integer >= 0.`);
  }
  return castTo(expandDims(index, index.rank).equal(arange(depth, { dtype: "int32" })), dtype);
}

/** Row index into sorted `edges` before which each value belongs: the number of edges < value (side left) or ≤ value (right). */
export function searchSorted(edges: Tensor, values: TensorLike, side: "left" | "right" = "left"): Tensor {
  const [e, v] = unify(edges, asTensor(values, "searchSorted", "values"), "searchSorted");
  if (e.rank !== 1) throw new ShapeError(`searchSorted: edges have shape ${formatShape(e.shape)}; wants one axis.`);
  if (side !== "left" && side !== "right") {
    throw new DomainError(`searchSorted: side is ${JSON.stringify(side)}; wants "left" or "right".`);
  }
  const n = e.shape[0];
  const value = stopGradient(v);
  const before = (edge: Tensor, x: Tensor): Tensor => (side === "left" ? less(edge, x) : edge.lessEqual(x));
  // Few edges are compared with all values at once.
  if (n <= 8) return castTo(before(e, expandDims(value, v.rank)), "int32").sum(-1);
  // The answer bit by bit, from the highest: as many edges more, if the last of them is still before the value.
  let place = zeros(v.shape, { dtype: "int32" });
  for (let step = 2 ** Math.floor(Math.log2(n)); step >= 1; step /= 2) {
    const next = place.add(step);
    const edge = take(e, next.sub(1), 0, { mode: "clip" });
    place = where(logicalAnd(next.lessEqual(n), before(edge, value)), next, place);
  }
  return place;
}
