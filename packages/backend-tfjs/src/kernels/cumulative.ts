/** Running sums, recurrences and extremes along an axis, by doubling: log n steps, each on the whole line. */

import type { Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";

interface CumulativeParams {
  readonly axis: number;
  readonly reverse: boolean;
}

/** Runs `f` on lines [rows, n] in scan order, and puts its result back. */
function along(
  engine: Engine,
  inputs: readonly TfjsTensor[],
  { axis, reverse }: CumulativeParams,
  f: (lines: readonly TfjsTensor[]) => TfjsTensor,
): TfjsTensor {
  const { shape } = inputs[0];
  const order = [...shape.map((_, a) => a).filter((a) => a !== axis), axis];
  const lines = inputs.map((x) => {
    const line = engine.lines(x, [axis]);
    return reverse ? engine.flip(line, 1) : line;
  });
  const y = f(lines);
  const back = engine.reshape(reverse ? engine.flip(y, 1) : y, order.map((a) => shape[a])); // prettier-ignore
  return engine.transpose(
    back,
    shape.map((_, a) => order.indexOf(a)),
  );
}

/** Each line moved by `by` places, with `fill` in front. */
function shifted(engine: Engine, x: TfjsTensor, by: number, fill: number): TfjsTensor {
  return engine.pad(engine.slice(x, 1, 0, x.shape[1] - by), 1, by, 0, fill);
}

export const cumulativeKernels: KernelTable = {
  cumsum: (engine, [x], params: CumulativeParams) => [
    along(engine, [x], params, ([line]) =>
      engine.run("Cumsum", { x: line }, { axis: 1, exclusive: false, reverse: false }),
    ),
  ],

  // (a, b) after (a′, b′) is (a a′, a b′ + b): Hillis & Steele (1986).
  linearRecurrence: (engine, [x, y], params: CumulativeParams) => [
    along(engine, [x, y], params, ([a, b]) => {
      let [factor, value] = [a, b];
      for (let by = 1; by < a.shape[1]; by *= 2) {
        value = engine.add(engine.mul(factor, shifted(engine, value, by, 0)), value);
        if (2 * by < a.shape[1]) factor = engine.mul(factor, shifted(engine, factor, by, 1));
      }
      return value;
    }),
  ],

  // The earlier wins unless the later is larger, or the first NaN.
  cumArgMax: (engine, [x], params: CumulativeParams) => [
    along(engine, [x], params, ([line]) => {
      const n = line.shape[1];
      const float = line.dtype === "float32";
      // Indices are those along the axis, in whatever direction it is scanned.
      const index = params.reverse ? engine.sub(n - 1, engine.iota(n)) : engine.iota(n);
      let place = engine.broadcastTo(index, line.shape);
      let best = line;
      for (let by = 1; by < n; by *= 2) {
        const before = shifted(engine, best, by, 0); // What stands in front does not exist.
        const from = shifted(engine, place, by, -1);
        const exists = engine.less(-1, from);
        const later = engine.less(before, best);
        const wins = float ? engine.or(later, engine.and(engine.isNaN(best), engine.not(engine.isNaN(before)))) : later;
        const keep = engine.or(wins, engine.not(exists));
        best = engine.where(keep, best, before);
        place = engine.where(keep, place, from);
      }
      return place;
    }),
  ],
};
