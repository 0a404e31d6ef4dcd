/** The same elements in another arrangement. */

import type { Shape } from "@curv/tensor";
import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";

interface SliceParams {
  readonly start: readonly number[];
  readonly stop: readonly number[];
  readonly step: readonly number[];
}

export interface PadParams {
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly interior: readonly number[];
}

/** Spread, then cropped where the padding is negative, then padded: axis by axis, the results with no elements never get here. */
export function pad(
  engine: Engine,
  x: TfjsTensor,
  { low, high, interior }: PadParams,
  fill: TfjsTensor | number = 0,
): TfjsTensor {
  let y = x;
  for (let axis = 0; axis < x.shape.length; axis++) {
    y = engine.spread(y, axis, interior[axis] + 1, fill);
    const n = y.shape[axis];
    const start = Math.min(n, Math.max(0, -low[axis]));
    const stop = Math.max(start, n + Math.min(0, high[axis]));
    const length = n + low[axis] + high[axis];
    if (start === stop) {
      // Nothing of x is left.
      const shape = y.shape.map((m, i) => (i === axis ? length : m));
      y = engine.broadcastTo(typeof fill === "number" ? engine.number(fill, x.dtype as never) : fill, shape);
      continue;
    }
    y = engine.pad(engine.slice(y, axis, start, stop), axis, Math.max(0, low[axis]), Math.max(0, high[axis]), fill);
  }
  return y;
}

/** Starts of a window, clamped so that it fits. */
function clampedStart(engine: Engine, starts: TfjsTensor, axis: number, room: number): TfjsTensor {
  const start = engine.reshape(engine.slice(starts, 0, axis, axis + 1), []);
  const clamp = (x: TfjsTensor, bound: number, kernel: string): TfjsTensor => engine.binary(kernel, x, bound);
  return clamp(clamp(start, room, "Minimum"), 0, "Maximum");
}

export const movementKernels: KernelTable = {
  reshape: (engine, [x], { shape }: { shape: Shape }) => [engine.reshape(x, shape)],
  transpose: (engine, [x], { permutation }: { permutation: readonly number[] }) => [engine.transpose(x, permutation)],
  broadcast: (engine, [x], { shape, axes }: { shape: Shape; axes: readonly number[] }) => {
    const own = shape.map((_, axis) => (axes.includes(axis) ? x.shape[axes.indexOf(axis)] : 1));
    return [engine.broadcastTo(engine.reshape(x, own), shape)];
  },
  slice: (engine, [x], { start, stop, step }: SliceParams) => [
    start.reduce((y, from, axis) => engine.slice(y, axis, from, stop[axis], step[axis]), x),
  ],
  pad: (engine, [x, fill], params: PadParams) => [pad(engine, x, params, fill)],
  concat: (engine, parts, { axis }: { axis: number }) => [engine.concat(parts, axis)],
  flip: (engine, [x], { axes }: { axes: readonly number[] }) => [axes.reduce((y, axis) => engine.flip(y, axis), x)],
  // The starts stay in the engine: rows are gathered at start + 0, 1, …
  dynamicSlice: (engine, [x, starts], { sizes }: { sizes: Shape }) => [
    sizes.reduce((y, size, axis) => {
      const room = x.shape[axis] - size;
      if (room === 0) return y;
      return engine.take(y, engine.add(engine.iota(size), clampedStart(engine, starts, axis, room)), axis);
    }, x),
  ],
  dynamicUpdateSlice: (engine, [x, u, starts]) => {
    let inside: TfjsTensor | null = null;
    let spread = u;
    for (let axis = 0; axis < x.shape.length; axis++) {
      const [n, size] = [x.shape[axis], u.shape[axis]];
      if (n === size) continue;
      const place = engine.sub(engine.iota(n), clampedStart(engine, starts, axis, n - size));
      const clamped = engine.binary("Maximum", engine.binary("Minimum", place, size - 1), 0);
      spread = engine.take(spread, clamped, axis);
      const here = engine.reshape(engine.equal(place, clamped), x.shape.map((m, i) => (i === axis ? m : 1))); // prettier-ignore
      inside = inside === null ? here : engine.and(inside, here);
    }
    return [inside === null ? u : engine.where(inside, spread, x)];
  },
};
