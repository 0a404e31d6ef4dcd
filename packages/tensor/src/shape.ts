/** Shapes, axes and strides: pure functions on arrays of numbers. */

import { DomainError, ShapeError } from "./errors.js";

/** Lengths of the axes; `[]` is a scalar. Row-major. */
export type Shape = readonly number[];

export const scalarShape: Shape = [];

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** `[2, 3]`, as shapes appear in messages. */
export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** Strides with which an operand of `shape` is read at the positions of `target`: 0 along broadcast axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = new Array<number>(target.length).fill(0);
  const own = stridesOf(shape);
  const lead = target.length - shape.length;
  for (let i = 0; i < shape.length; i++) if (shape[i] !== 1) strides[lead + i] = own[i];
  return strides;
}

/** NumPy broadcasting of two shapes; the error names the function and the first axis, from the right, that differs. */
export function broadcastShapes(a: Shape, b: Shape, caller: string): Shape {
  if (sameShape(a, b)) return a;
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const p = i <= a.length ? a[a.length - i] : 1;
    const q = i <= b.length ? b[b.length - i] : 1;
    if (p !== q && p !== 1 && q !== 1) {
      const where = i === 1 ? "last axis" : `axis -${i}`;
      throw new ShapeError(
        `${caller}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: ${where} is ${p} against ${q}.`,
      );
    }
    out[rank - i] = p === 1 ? q : p;
  }
  return out;
}

/** {@link broadcastShapes} of all axes but the last two, which are matrices; the error shows the whole shapes. */
export function broadcastMatrices(a: Shape, b: Shape, caller: string): Shape {
  const rank = Math.max(a.length, b.length) - 2;
  for (let i = 1; i <= rank; i++) {
    const p = a.length >= i + 2 ? a[a.length - 2 - i] : 1;
    const q = b.length >= i + 2 ? b[b.length - 2 - i] : 1;
    if (p !== q && p !== 1 && q !== 1) {
      throw new ShapeError(
        `${caller}: shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast: axis -${i + 2} is ${p} against ${q}.`,
      );
    }
  }
  return broadcastShapes(a.slice(0, Math.max(0, a.length - 2)), b.slice(0, Math.max(0, b.length - 2)), caller);
}

/** An axis in −rank…rank−1 as 0…rank−1. */
export function normalizeAxis(axis: number, rank: number, caller: string): number {
  if (!(Number.isInteger(axis) && axis >= -rank && axis < rank)) {
    checkRank(rank, caller);
    const wants = rank === 0 ? "a scalar has no axes" : `wants ${-rank}..${rank - 1}`;
    throw new ShapeError(`${caller}: axis ${axis} is out of range for rank ${rank} (${wants}).`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Refuses the rank of what is no tensor: callers of plain JavaScript pass arrays. */
function checkRank(rank: number | undefined, caller: string): void {
  if (rank === undefined) throw new DomainError(`${caller}: x is no Tensor; make one with tensor(…).`);
}

/** One axis or several, normalised; all of them when `undefined` or `null`. Order is kept, repeats are refused. */
export function normalizeAxes(
  axes: number | readonly number[] | undefined | null,
  rank: number,
  caller: string,
): number[] {
  if (axes === undefined || axes === null) {
    checkRank(rank, caller);
    return range(rank);
  }
  const list = typeof axes === "number" ? [axes] : axes;
  const normalized = list.map((axis) => normalizeAxis(axis, rank, caller));
  normalized.forEach((axis, i) => {
    if (normalized.indexOf(axis) !== i)
      throw new ShapeError(`${caller}: axes ${formatShape(list)} repeat axis ${axis}.`);
  });
  return normalized;
}

/** Refuses a shape with anything but safe integers ≥ 0. */
export function checkShape(shape: unknown, caller: string): asserts shape is Shape {
  if (!Array.isArray(shape)) throw new ShapeError(`${caller}: shape is ${typeof shape}; wants an array of lengths.`);
  for (const length of shape as unknown[]) {
    if (!Number.isSafeInteger(length) || (length as number) < 0) {
      throw new ShapeError(`${caller}: shape [${shape.join(", ")}] has length ${String(length)}; wants integers >= 0.`);
    }
  }
  const size = sizeOf(shape as number[]);
  if (size > 2 ** 32)
    throw new DomainError(`${caller}: shape ${formatShape(shape as number[])} has ${size} elements; at most 2^32.`);
}

/** The permutation that undoes `permutation`. */
export function invertPermutation(permutation: readonly number[]): number[] {
  const inverse = new Array<number>(permutation.length);
  permutation.forEach((axis, i) => (inverse[axis] = i));
  return inverse;
}

/** 0, 1, …, n−1. */
export function range(n: number): number[] {
  const numbers: number[] = [];
  for (let i = 0; i < n; i++) numbers.push(i);
  return numbers;
}

/** Number of elements along some of the axes. */
export function sizeAlong(shape: Shape, axes: readonly number[]): number {
  let size = 1;
  for (let i = 0; i < axes.length; i++) size *= shape[axes[i]];
  return size;
}
