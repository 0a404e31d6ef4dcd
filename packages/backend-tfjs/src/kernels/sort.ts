/** Sorting along the last axis by the engine's TopK, which puts equal elements in the order of their indices, as a stable sort does. */

import { sizeOf, type Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";

interface SortParams {
  readonly descending: boolean;
  readonly count: number;
}

/** Indices that order each line of [rows, n] from the largest key down. */
function order(engine: Engine, keys: TfjsTensor): TfjsTensor {
  return engine.runAll("TopK", { x: keys }, { k: keys.shape[1], sorted: true })[1];
}

/** Elements of each line of x at indices [rows, n]. */
function takeAlong(engine: Engine, x: TfjsTensor, indices: TfjsTensor): TfjsTensor {
  const [rows, n] = x.shape;
  const first = engine.mul(engine.reshape(engine.iota(rows), [rows, 1]), n);
  const flat = engine.reshape(engine.add(indices, first), [-1]);
  return engine.reshape(engine.rows(engine.reshape(x, [rows * n, 1]), flat), indices.shape);
}

/** NaN goes to its end in a second pass: a comparison with it is always false, and the first pass would be out of order. */
function floatOrder(engine: Engine, x: TfjsTensor, descending: boolean): TfjsTensor {
  const nan = engine.isNaN(x);
  const numbers = engine.where(nan, 0, x);
  const first = order(engine, descending ? numbers : engine.unary("Neg", numbers));
  const flags = takeAlong(engine, engine.cast(nan, "float32"), first);
  const second = order(engine, descending ? flags : engine.unary("Neg", flags));
  return takeAlong(engine, first, second);
}

export const sortKernels: KernelTable = {
  sort: (engine, [x], { descending, count }: SortParams, [values, indices]) => {
    const n = x.shape[x.shape.length - 1];
    const lines = engine.reshape(x, [sizeOf(x.shape.slice(0, -1)), n]);
    // −1 − v turns the order of integers round without overflow.
    const whole =
      x.dtype === "float32"
        ? floatOrder(engine, lines, descending)
        : order(engine, descending ? lines : engine.sub(-1, lines));
    const kept = engine.slice(whole, 1, 0, count);
    return [engine.reshape(takeAlong(engine, lines, kept), values.shape), engine.reshape(kept, indices.shape)];
  },
};
