/** The roofline: what 128-bit vectors in WebAssembly can do at most on this machine, measured by turns with whatever is compared with it. */

import { seconds } from "./clock.js";
import type { Precision } from "./inputs.js";
import type { Timed } from "./rounds.js";
import { bytesPerTurn, compileLoops, flopsPerTurn, instantiate, type Loops } from "./wasm-loops.js";

/** What a task must do, whoever does it. */
export interface Work {
  /** Floating-point operations, an addition and a multiplication counted as two. */
  readonly flops: number;
  /** Bytes that must move: every input read once, every result written once. */
  readonly bytes: number;
  /** What the cost grows with: the n of an n × n matrix, a number of elements, a batch. */
  readonly size: number;
  readonly precision: Precision;
}

/** The two ceilings for a task, and the time that they leave it. */
export interface Roof {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Seconds below which one thread of WebAssembly cannot do it: the longer of arithmetic and memory. */
  readonly floor: number;
}

/**
 * What the three arrays of the triad take together. A task's bandwidth is that of the largest of these that its bytes fill: data that fits
 * a cache may stay there from call to call, and a floor must not be too high.
 */
const footprints: readonly number[] = [24 * 2 ** 10, 384 * 2 ** 10, 6 * 2 ** 20, 96 * 2 ** 20];

let compiled: Loops | undefined;

function loops(): Loops {
  return (compiled ??= instantiate(compileLoops(footprints[footprints.length - 1])));
}

/** Where a result goes that nobody reads. */
const kept = { value: 0 };

function timed(call: () => void): Timed {
  return {
    time: (n) => {
      const start = seconds();
      for (let i = 0; i < n; i++) call();
      return seconds() - start;
    },
  };
}

const turnsOfPeak = 2000;

/** Multiplications and additions in registers: a call does `flops` of them. */
export function peakLoop(precision: Precision): Timed & { readonly flops: number } {
  const loop = loops().peak[precision];
  return { ...timed(() => (kept.value = loop(turnsOfPeak))), flops: turnsOfPeak * flopsPerTurn(precision) };
}

/** The triad over the footprint of a task: a call moves `bytes`. */
export function triadLoop(taskBytes: number): Timed & { readonly bytes: number } {
  const footprint = footprints.findLast((bytes) => bytes <= taskBytes) ?? footprints[0];
  const turns = Math.floor(footprint / 3 / bytesPerTurn);
  // Long enough for the call itself not to count.
  const times = Math.max(1, Math.round(1_500_000 / footprint));
  const { triad } = loops();
  return { ...timed(() => triad(turns, times)), bytes: 3 * turns * bytesPerTurn * times };
}

/** The roof over a task, from what the loops reached. */
export function roofOver({ flops, bytes }: Work, flopsPerSecond: number, bytesPerSecond: number): Roof {
  return { flopsPerSecond, bytesPerSecond, floor: Math.max(flops / flopsPerSecond, bytes / bytesPerSecond) };
}
