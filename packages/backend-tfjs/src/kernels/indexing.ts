/** Reading and writing rows at computed indices. */

import { BackendError, type Shape } from "@curv/tensor";
import { sizeOf, type Engine, type EngineDType } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";

interface Places {
  /** Flat row of each index, [count]; 0 for one that is outside. */
  readonly rows: TfjsTensor;
  /** Whether each is inside, bool [count]. */
  readonly inside: TfjsTensor;
}

/** Rows of an operand [batch…, n₁…n_k, …] at indices [batch…, i…, k]. */
function places(engine: Engine, indices: TfjsTensor, batch: number, lengths: Shape): Places {
  const depth = lengths.length;
  const groups = sizeOf(indices.shape.slice(0, batch));
  const count = sizeOf(indices.shape.slice(0, -1));
  const flat = engine.reshape(indices, [count, depth]);
  let rows = engine.fill([count], 0, "int32");
  let inside = engine.fill([count], 1, "bool");
  for (let d = 0; d < depth; d++) {
    const index = engine.reshape(engine.slice(flat, 1, d, d + 1), [count]);
    const fits = engine.and(engine.less(-1, index), engine.less(index, lengths[d]));
    inside = engine.and(inside, fits);
    rows = engine.add(engine.mul(rows, lengths[d]), engine.where(fits, index, 0));
  }
  if (groups > 1) {
    const first = engine.mul(engine.iota(groups), sizeOf(lengths));
    const offsets = engine.broadcastTo(engine.reshape(first, [groups, 1]), [groups, count / groups]);
    rows = engine.add(rows, engine.reshape(offsets, [count]));
  }
  return { rows, inside };
}

interface GatherParams {
  readonly batch: number;
  readonly fill: number;
}

interface ScatterParams {
  readonly batch: number;
  readonly shape: Shape;
}

/** Elements that the comparison of every update with every target may have. */
const largestComparison = 2 ** 26;

export const indexingKernels: KernelTable = {
  gather: (engine, [x, indices], { batch, fill }: GatherParams, [out]) => {
    const depth = indices.shape[indices.shape.length - 1];
    const lengths = x.shape.slice(batch, batch + depth);
    const row = sizeOf(x.shape.slice(batch + depth));
    const { rows, inside } = places(engine, indices, batch, lengths);
    const y = engine.rows(engine.reshape(x, [-1, row]), rows);
    const dtype = x.dtype as EngineDType;
    const value = dtype === "float32" ? fill : dtype === "bool" ? +(fill !== 0) : Math.trunc(fill) || 0;
    const mask = engine.reshape(inside, [rows.shape[0], 1]);
    return [engine.reshape(engine.where(mask, y, engine.number(value, dtype)), out.shape)];
  },

  // What is outside is added to a row behind the last, which is cut off.
  scatterAdd: (engine, [updates, indices], { batch, shape }: ScatterParams, [out]) => {
    const row = sizeOf(updates.shape.slice(indices.shape.length - 1));
    const n = sizeOf(out.shape.slice(0, batch)) * sizeOf(shape);
    const { rows, inside } = places(engine, indices, batch, shape);
    const target = engine.where(inside, rows, n);
    const sums = engine.addRows(engine.reshape(updates, [rows.shape[0], row]), target, n + 1);
    return [engine.reshape(engine.slice(sums, 0, 0, n), out.shape)];
  },

  // The engines have no maximum at indices: every target looks at every update.
  scatterMax: (engine, [updates, indices], { batch, shape }: ScatterParams, [out]) => {
    const row = sizeOf(updates.shape.slice(indices.shape.length - 1));
    const n = sizeOf(out.shape.slice(0, batch)) * sizeOf(shape);
    const { rows, inside } = places(engine, indices, batch, shape);
    const count = rows.shape[0];
    if (n * count * row > largestComparison) {
      throw new BackendError(
        `scatterMax: ${count} updates of ${n} rows of ${row} are more than 2^26 comparisons; ${engine.byHand}.`,
      );
    }
    const here = engine.and(
      engine.equal(engine.reshape(rows, [1, count, 1]), engine.reshape(engine.iota(n), [n, 1, 1])),
      engine.reshape(inside, [1, count, 1]),
    );
    const candidates = engine.where(here, engine.reshape(updates, [1, count, row]), -1);
    return [engine.reshape(engine.reduce("Max", engine.lines(candidates, [1])), out.shape)];
  },
};
