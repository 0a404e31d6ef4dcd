/** Sliding windows: one strided slice of the input for each element of the window, added up or compared. */

import type { Aval } from "@curv/tensor";
import { sizeOf, type Engine } from "../engine.js";
import type { TfjsTensor } from "../tfjs.js";
import type { KernelTable } from "./kernel.js";
import { pad } from "./movement.js";

interface WindowParams {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [low: number, high: number])[];
  readonly dilation: readonly number[];
}

/** x with its padding, and for each element of the window, in row-major order, where all windows have it. */
function slices(
  engine: Engine,
  x: TfjsTensor,
  { window, stride, padding, dilation }: WindowParams,
  out: Aval,
  fill: number,
): (() => TfjsTensor)[] {
  const whole = pad(
    engine,
    x,
    { low: padding.map(([low]) => low), high: padding.map(([, high]) => high), interior: window.map(() => 0) },
    fill,
  );
  const at = new Array<number>(window.length).fill(0);
  return Array.from({ length: sizeOf(window) }, () => {
    const starts = at.map((k, i) => k * dilation[i]);
    for (let i = window.length - 1; i >= 0 && ++at[i] === window[i]; i--) at[i] = 0;
    return () =>
      starts.reduce(
        (y, start, i) => engine.slice(y, i, start, start + (out.shape[i] - 1) * stride[i] + 1, stride[i]),
        whole,
      );
  });
}

export const windowKernels: KernelTable = {
  windowSum: (engine, [x], params: WindowParams, [out]) => [
    slices(engine, x, params, out, 0)
      .map((slice) => slice())
      .reduce((total, part) => engine.add(total, part)),
  ],
  // The best so far gives way to what is larger, or the first NaN; a position of padding is −1 and loses to every other.
  windowArgMax: (engine, [x], params: WindowParams, [out]) => {
    const index = engine.reshape(engine.iota(sizeOf(x.shape)), x.shape);
    const values = slices(engine, x, params, out, -Infinity);
    const places = slices(engine, index, params, out, -1);
    let [best, place] = [values[0](), places[0]()];
    for (let k = 1; k < values.length; k++) {
      const [value, at] = [values[k](), places[k]()];
      const larger = engine.or(
        engine.less(best, value),
        engine.and(engine.isNaN(value), engine.not(engine.isNaN(best))),
      );
      const first = engine.and(engine.less(place, 0), engine.less(-1, at));
      const wins = engine.or(larger, first);
      best = engine.where(wins, value, best);
      place = engine.where(wins, at, place);
    }
    return [place];
  },
};
