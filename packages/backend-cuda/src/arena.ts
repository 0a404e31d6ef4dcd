/**
 * One block of memory for the arrays that live only inside a plan: arrays whose lives do not meet lie at the same place. That takes one
 * allocation a call instead of one an array, and where every array lies is known before the first call.
 */

import { itemBytes } from "./buffer.js";
import type { PlannedArray, Plan } from "./plan.js";

export interface Arena {
  readonly bytes: number;
  /** Where an array lies, in bytes from the start. Arrays that are not here have memory of their own. */
  readonly offsets: ReadonlyMap<number, number>;
  /** Arrays that are alive when the most bytes are, the largest first. */
  readonly peak: readonly number[];
}

/** What a vector load wants, and what the driver gives to any allocation. */
const alignment = 256;

interface Life {
  readonly array: number;
  readonly bytes: number;
  readonly from: number;
  readonly to: number;
  offset: number;
}

/**
 * The largest array first, each in the smallest gap that those which live at the same time leave (best fit by size: Pisarchyk & Lee,
 * "Efficient memory management for deep neural net inference", 2020).
 *
 * @param steps - With the arrays that each is the first, and the last, to touch.
 * @param inside - Arrays that no one holds outside of the plan.
 */
export function planArena(
  arrays: readonly PlannedArray[],
  steps: Plan["steps"],
  inside: (array: number) => boolean,
): Arena {
  const lives = livesOf(arrays, steps, inside);
  const placed: Life[] = [];
  for (const life of lives) {
    life.offset = placeFor(
      life,
      placed.filter(({ from, to }) => from <= life.to && to >= life.from),
    );
    placed.push(life);
  }
  return {
    bytes: lives.reduce((bytes, life) => Math.max(bytes, life.offset + life.bytes), 0),
    offsets: new Map(lives.map(({ array, offset }) => [array, offset])),
    peak: peakOf(lives),
  };
}

/** The largest first; of the same size, in the order in which they are made. */
function livesOf(arrays: readonly PlannedArray[], steps: Plan["steps"], inside: (array: number) => boolean): Life[] {
  const from = new Map<number, number>();
  const lives: Life[] = [];
  steps.forEach(({ makes, dead }, i) => {
    for (const array of makes) from.set(array, i);
    for (const array of dead) {
      const { dtype, size } = arrays[array];
      if (size === 0 || !from.has(array) || !inside(array)) continue;
      const bytes = Math.ceil((size * itemBytes(dtype)) / alignment) * alignment;
      lives.push({ array, bytes, from: from.get(array)!, to: i, offset: 0 });
    }
  });
  return lives.sort((a, b) => b.bytes - a.bytes || a.from - b.from || a.array - b.array);
}

/** The start of the smallest gap between the others that is large enough; behind all of them if there is none. */
function placeFor({ bytes }: Life, others: Life[]): number {
  others.sort((a, b) => a.offset - b.offset);
  let end = 0;
  let best = -1;
  let smallest = Infinity;
  for (const other of others) {
    const gap = other.offset - end;
    if (gap >= bytes && gap < smallest) [best, smallest] = [end, gap];
    end = Math.max(end, other.offset + other.bytes);
  }
  return best < 0 ? end : best;
}

function peakOf(lives: readonly Life[]): number[] {
  let most = 0;
  let peak: number[] = [];
  for (const { from } of lives) {
    const alive = lives.filter((life) => life.from <= from && life.to >= from);
    const bytes = alive.reduce((sum, life) => sum + life.bytes, 0);
    if (bytes > most) [most, peak] = [bytes, alive.map(({ array }) => array)];
  }
  return peak;
}
