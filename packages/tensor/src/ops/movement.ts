/** Rearranging elements: shapes, axes, joining and splitting. */

import { DomainError, ShapeError } from "../errors.js";
import {
  broadcastPrimitive,
  concatPrimitive,
  flipPrimitive,
  padPrimitive,
  reshapePrimitive,
  slicePrimitive,
  transposePrimitive,
} from "../primitives/movement.js";
import {
  broadcastShapes,
  checkShape,
  formatShape,
  normalizeAxes,
  normalizeAxis,
  range,
  sameShape,
  sizeOf,
  type Shape,
} from "../shape.js";
import type { Tensor, TensorLike } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { asTensor, scalar, unifyAll } from "./operands.js";

/** The elements in another shape, row-major order kept. One length may be −1: it is computed. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  let target = shape;
  const unknown = shape.indexOf(-1);
  if (unknown >= 0) {
    const rest = shape.reduce((product, n, i) => (i === unknown ? product : product * n), 1);
    if (shape.lastIndexOf(-1) !== unknown) throw new ShapeError(`reshape: ${formatShape(shape)} has more than one -1.`);
    if (rest > 0 && x.size % rest === 0) target = shape.map((n, i) => (i === unknown ? x.size / rest : n));
    else
      throw new ShapeError(
        `reshape: cannot make ${formatShape(shape)} from ${formatShape(x.shape)} (${x.size} elements).`,
      );
  }
  checkShape(target, "reshape");
  if (sizeOf(target) !== x.size) {
    throw new ShapeError(
      `reshape: cannot make ${formatShape(shape)} (${sizeOf(target)} elements) from ${formatShape(x.shape)} (${x.size}).`,
    );
  }
  return bind1(reshapePrimitive, [x], { shape: target });
}

/** Axes permuted: axis i of the result is `axes[i]` of x. Default: reversed. */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const permutation = axes === undefined ? range(x.rank).reverse() : normalizeAxes(axes, x.rank, "transpose");
  if (permutation.length !== x.rank) {
    throw new ShapeError(`transpose: axes ${formatShape(axes!)} name ${permutation.length} axes; x has ${x.rank}.`);
  }
  if (permutation.every((axis, i) => axis === i)) return x;
  return bind1(transposePrimitive, [x], { permutation });
}

/** The last two axes exchanged. */
export function matrixTranspose(x: Tensor, caller = "matrixTranspose"): Tensor {
  if (x.rank < 2) throw new ShapeError(`${caller}: x has shape ${formatShape(x.shape)}; wants at least two axes.`);
  const axes = range(x.rank);
  [axes[x.rank - 2], axes[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return transpose(x, axes);
}

/** One axis moved to another place, the others in order. */
export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  const source = normalizeAxis(from, x.rank, "moveAxis");
  const target = normalizeAxis(to, x.rank, "moveAxis");
  if (source === target) return x;
  const axes = range(x.rank).filter((axis) => axis !== source);
  axes.splice(target, 0, source);
  return transpose(x, axes);
}

/** Two axes exchanged. */
export function swapAxes(x: Tensor, a: number, b: number): Tensor {
  const axes = range(x.rank);
  const i = normalizeAxis(a, x.rank, "swapAxes");
  const j = normalizeAxis(b, x.rank, "swapAxes");
  [axes[i], axes[j]] = [axes[j], axes[i]];
  return transpose(x, axes);
}

/** x repeated along axes of length 1, and along new leading axes, to `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  checkShape(shape, "broadcastTo");
  const lead = shape.length - x.rank;
  if (lead < 0 || x.shape.some((n, i) => n !== 1 && n !== shape[lead + i])) {
    throw new ShapeError(`broadcastTo: ${formatShape(x.shape)} does not broadcast to ${formatShape(shape)}.`);
  }
  return bind1(broadcastPrimitive, [x], { shape, axes: range(x.rank).map((i) => lead + i) });
}

/** Every tensor broadcast to their common shape. */
export function broadcastAll(...xs: readonly Tensor[]): Tensor[] {
  const shape = xs.map((x) => x.shape).reduce((a, b) => broadcastShapes(a, b, "broadcastAll"));
  return xs.map((x) => broadcastTo(x, shape));
}

/** x repeated along `axes` of `shape`; its own axes are the others. @internal */
export function broadcastInAxes(x: Tensor, shape: Shape, axes: readonly number[]): Tensor {
  return bind1(broadcastPrimitive, [x], { shape, axes: range(shape.length).filter((axis) => !axes.includes(axis)) });
}

/** Axes of length 1 at `axes` (ascending places in the result). @internal */
export function expandAxes(x: Tensor, axes: readonly number[]): Tensor {
  const shape = [...x.shape];
  for (const axis of axes) shape.splice(axis, 0, 1);
  return reshape(x, shape);
}

/** A new axis of length 1 at `axis` of the result. */
export function expandDims(x: Tensor, axis: number): Tensor {
  return expandAxes(x, [normalizeAxis(axis, x.rank + 1, "expandDims")]);
}

/** Without the axes of length 1, or without those named. */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const drop =
    axes === undefined ? range(x.rank).filter((axis) => x.shape[axis] === 1) : normalizeAxes(axes, x.rank, "squeeze");
  for (const axis of drop) {
    if (x.shape[axis] !== 1)
      throw new ShapeError(`squeeze: axis ${axis} of ${formatShape(x.shape)} has length ${x.shape[axis]}; wants 1.`);
  }
  return reshape(
    x,
    x.shape.filter((_, axis) => !drop.includes(axis)),
  );
}

/** The elements from start to stop (exclusive) in steps ≥ 1, one number an axis. For Python's rules see {@link slice} of `ops/index`. @internal */
export function slice(x: Tensor, start: readonly number[], stop: readonly number[], step?: readonly number[]): Tensor {
  const steps = step ?? start.map(() => 1);
  if (start.every((s, i) => s === 0 && stop[i] === x.shape[i] && steps[i] === 1)) return x;
  return bind1(slicePrimitive, [x], { start, stop, step: steps });
}

/** Elements put before, after and (third number) between those of each axis; negative counts crop. */
export type Padding = readonly (readonly [before: number, after: number, between?: number])[];

/**
 * x with a border: for each axis how many elements to add before, after and between.
 *
 * @param value - What to fill with. Default 0.
 */
export function pad(x: Tensor, padding: Padding, value: TensorLike = 0): Tensor {
  if (padding.length !== x.rank)
    throw new ShapeError(`pad: padding names ${padding.length} axes; x has shape ${formatShape(x.shape)}.`);
  for (const [i, [low, high, between = 0]] of padding.entries()) {
    if (![low, high, between].every(Number.isInteger) || between < 0) {
      throw new DomainError(
        `pad: padding of axis ${i} is [${low}, ${high}, ${between}]; wants integers, the third >= 0.`,
      );
    }
  }
  for (const [i, [low, high, between = 0]] of padding.entries()) {
    const n = x.shape[i];
    const length = n + Math.max(0, n - 1) * between + low + high;
    if (length < 0) {
      throw new ShapeError(
        `pad: padding of axis ${i} is [${low}, ${high}, ${between}], which leaves ${length} of ${n} elements.`,
      );
    }
  }
  if (padding.every(([low, high, between = 0]) => low === 0 && high === 0 && between === 0)) return x;
  const fill = typeof value === "object" ? value : scalar(value, x.dtype);
  if (fill.rank !== 0) throw new ShapeError(`pad: value has shape ${formatShape(fill.shape)}; wants a scalar.`);
  const params = {
    low: padding.map(([low]) => low),
    high: padding.map(([, high]) => high),
    interior: padding.map(([, , between = 0]) => between),
  };
  if (x.size === 0) return broadcastTo(fill, padPrimitive.shape([x, fill], params)[0].shape);
  return bind1(padPrimitive, [x, fill], params);
}

/** Tensors joined along an axis that they have. */
export function concat(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ShapeError("concat: got no tensors.");
  const tensors = unifyAll(
    xs.map((x, i) => asTensor(x, "concat", `tensor ${i}`)),
    "concat",
  );
  const [first] = tensors;
  const at = normalizeAxis(axis, first.rank, "concat");
  for (const [i, x] of tensors.entries()) {
    if (x.rank !== first.rank || x.shape.some((n, k) => k !== at && n !== first.shape[k])) {
      throw new ShapeError(
        `concat: tensor ${i} has shape ${formatShape(x.shape)}, tensor 0 has ${formatShape(first.shape)}; they may differ on axis ${at} only.`,
      );
    }
  }
  const parts = tensors.filter((x) => x.shape[at] > 0);
  return parts.length <= 1 ? (parts[0] ?? first) : bind1(concatPrimitive, parts, { axis: at });
}

/** Tensors of one shape joined along a new axis. */
export function stack(xs: readonly Tensor[], axis = 0): Tensor {
  if (xs.length === 0) throw new ShapeError("stack: got no tensors.");
  for (const [i, x] of xs.entries()) {
    if (!sameShape(x.shape, xs[0].shape)) {
      throw new ShapeError(
        `stack: tensor ${i} has shape ${formatShape(x.shape)}, tensor 0 has ${formatShape(xs[0].shape)}; they must be equal.`,
      );
    }
  }
  const at = normalizeAxis(axis, xs[0].rank + 1, "stack");
  return concat(
    xs.map((x) => expandDims(x, at)),
    at,
  );
}

/** Cut along an axis: into `parts` equal pieces, or into pieces of the given lengths. */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.rank, "split");
  const n = x.shape[at];
  if (typeof parts === "number" && (!Number.isInteger(parts) || parts < 1 || n % parts !== 0)) {
    throw new ShapeError(`split: axis ${at} of length ${n} cannot be cut into ${parts} equal parts.`);
  }
  const lengths = typeof parts === "number" ? new Array<number>(parts).fill(n / parts) : parts;
  if (!lengths.every((length) => Number.isInteger(length) && length >= 0)) {
    throw new DomainError(`split: lengths are ${formatShape(lengths)}; wants integers >= 0.`);
  }
  if (lengths.reduce((a, b) => a + b, 0) !== n) {
    throw new ShapeError(
      `split: lengths ${formatShape(lengths)} sum to ${lengths.reduce((a, b) => a + b, 0)}; axis ${at} has ${n}.`,
    );
  }
  let from = 0;
  return lengths.map((length) => {
    const start = x.shape.map((_, i) => (i === at ? from : 0));
    from += length;
    return slice(
      x,
      start,
      x.shape.map((m, i) => (i === at ? from : m)),
    );
  });
}

/** The tensors along an axis, without it. */
export function unstack(x: Tensor, axis = 0): Tensor[] {
  const at = normalizeAxis(axis, x.rank, "unstack");
  return x.shape[at] === 0 ? [] : split(x, x.shape[at], at).map((part) => squeeze(part, at));
}

/** Order reversed along the axes (default: all). */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  const list = normalizeAxes(axes, x.rank, "flip");
  return list.every((axis) => x.shape[axis] <= 1) ? x : bind1(flipPrimitive, [x], { axes: list });
}

/** Elements moved on by `shift` places along an axis, those pushed out coming in at the other end. Without axes: of the flat tensor. */
export function roll(x: Tensor, shift: number | readonly number[], axes?: number | readonly number[]): Tensor {
  if (axes === undefined) {
    if (typeof shift !== "number") throw new DomainError("roll: several shifts need as many axes.");
    return reshape(roll(reshape(x, [-1]), shift, 0), x.shape);
  }
  const list = normalizeAxes(axes, x.rank, "roll");
  const shifts = typeof shift === "number" ? list.map(() => shift) : shift;
  if (shifts.length !== list.length) throw new DomainError(`roll: ${shifts.length} shifts for ${list.length} axes.`);
  for (const by of shifts) if (!Number.isInteger(by)) throw new DomainError(`roll: shift is ${by}; wants an integer.`);
  return list.reduce((y, axis, i) => {
    const n = x.shape[axis];
    const by = n === 0 ? 0 : ((shifts[i] % n) + n) % n;
    if (by === 0) return y;
    const [head, tail] = split(y, [n - by, by], axis);
    return concat([tail, head], axis);
  }, x);
}

/** x repeated whole, `counts[i]` times along axis i; more counts than axes add leading axes. */
export function tile(x: Tensor, counts: number | readonly number[]): Tensor {
  const list = typeof counts === "number" ? [counts] : counts;
  if (!list.every((c) => Number.isInteger(c) && c >= 0))
    throw new DomainError(`tile: counts are ${formatShape(list)}; wants integers >= 0.`);
  const rank = Math.max(list.length, x.rank);
  const shape = [...new Array<number>(rank - x.rank).fill(1), ...x.shape];
  const times = [...new Array<number>(rank - list.length).fill(1), ...list];
  const paired = broadcastTo(
    reshape(
      x,
      shape.flatMap((n) => [1, n]),
    ),
    shape.flatMap((n, i) => [times[i], n]),
  );
  return reshape(
    paired,
    shape.map((n, i) => n * times[i]),
  );
}

/** Each element (or slice along `axis`) repeated `count` times in place. Without axis: of the flat tensor. */
export function repeat(x: Tensor, count: number, axis?: number): Tensor {
  if (!Number.isInteger(count) || count < 0) throw new DomainError(`repeat: count is ${count}; wants an integer >= 0.`);
  const source = axis === undefined ? reshape(x, [-1]) : x;
  const at = normalizeAxis(axis ?? 0, source.rank, "repeat");
  const shape = [...source.shape];
  shape.splice(at + 1, 0, count);
  const repeated = broadcastTo(expandDims(source, at + 1), shape);
  return reshape(
    repeated,
    source.shape.map((n, i) => (i === at ? n * count : n)),
  );
}
