/** Indexing with static numbers and ranges, Python's rules. */

import { DomainError, ShapeError } from "../errors.js";
import { formatShape, normalizeAxis } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { describe } from "./operands.js";
import { flip, reshape, slice as sliceRange } from "./movement.js";

/**
 * What is taken of one axis: a number takes one element and drops the axis; `[start, stop?, step?]` a range, where `null` is the natural
 * end, negative numbers count from the end and a negative step goes backwards; `null` all; `"..."` stands for the axes not named.
 */
export type SliceSpec = number | readonly [start: number | null, stop?: number | null, step?: number] | null | "...";

/**
 * NumPy indexing without arrays: `slice(x, 0, [1, 3])` is x[0, 1:3].
 *
 * @throws DomainError for an integer outside the axis; ranges are clamped, as in Python.
 */
export function slice(x: Tensor, ...specs: readonly SliceSpec[]): Tensor {
  const dots = specs.indexOf("...");
  if (dots >= 0 && specs.lastIndexOf("...") !== dots) throw new ShapeError(`slice: more than one "...".`);
  const named = dots >= 0 ? specs.length - 1 : specs.length;
  if (named > x.rank) throw new ShapeError(`slice: ${named} indices for a tensor of shape ${formatShape(x.shape)}.`);
  const all = new Array<SliceSpec>(x.rank - named).fill(null);
  const full = dots >= 0 ? [...specs.slice(0, dots), ...all, ...specs.slice(dots + 1)] : [...specs, ...all];

  const start: number[] = [];
  const stop: number[] = [];
  const step: number[] = [];
  const reversed: number[] = [];
  full.forEach((spec, axis) => {
    const n = x.shape[axis];
    if (typeof spec === "number") {
      if (!Number.isInteger(spec)) throw new DomainError(`slice: index ${spec} on axis ${axis} is not an integer.`);
      const i = spec < 0 ? spec + n : spec;
      if (i < 0 || i >= n) {
        throw new DomainError(`index ${spec} is out of range for axis ${axis} of length ${n} (wants ${-n}..${n - 1}).`);
      }
      start.push(i);
      stop.push(i + 1);
      step.push(1);
      return;
    }
    const [from, to = null, by = 1] = (spec ?? [null]) as readonly [number | null, (number | null)?, number?];
    if (spec !== null && !Array.isArray(spec)) {
      throw new DomainError(
        `slice: index ${describe(spec)} on axis ${axis}; wants a number, [start, stop, step], null or "...".`,
      );
    }
    if (by === 0) throw new DomainError(`slice: step must not be 0 (axis ${axis}).`);
    for (const v of [from ?? 0, to ?? 0, by]) {
      if (!Number.isInteger(v)) throw new DomainError(`slice: ${v} on axis ${axis} is not an integer.`);
    }
    const clamp = (v: number, lo: number, hi: number): number => Math.min(Math.max(v < 0 ? v + n : v, lo), hi);
    if (by > 0) {
      const a = from === null ? 0 : clamp(from, 0, n);
      start.push(a);
      stop.push(Math.max(a, to === null ? n : clamp(to, 0, n)));
      step.push(by);
    } else {
      // Backwards from a (inclusive) down to b (exclusive): the same elements ascending, then flipped.
      const a = from === null ? n - 1 : clamp(from, -1, n - 1);
      const b = to === null ? -1 : clamp(to, -1, n - 1);
      const count = Math.max(0, Math.ceil((a - b) / -by));
      const last = a + (count - 1) * by;
      start.push(count === 0 ? 0 : last);
      stop.push(count === 0 ? 0 : a + 1);
      step.push(-by);
      reversed.push(axis);
    }
  });
  const taken = sliceRange(x, start, stop, step);
  const ordered = reversed.length === 0 ? taken : flip(taken, reversed);
  if (!full.some((spec) => typeof spec === "number")) return ordered;
  return reshape(
    ordered,
    ordered.shape.filter((_, axis) => typeof full[axis] !== "number"),
  );
}

/** Element `index` along `axis`, which is dropped. */
export function at(x: Tensor, index: number, axis = 0): Tensor {
  const i = normalizeAxis(axis, x.rank, "at");
  return slice(x, ...new Array<SliceSpec>(i).fill(null), index);
}
