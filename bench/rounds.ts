/** Timing by turns: contenders take rounds one after the other, so that a slow minute of the machine is slow for all of them. */

import { threads } from "./machine.js";

/** Something that can be called many times in a row. */
export interface Timed {
  /** Seconds that `n` calls took. */
  time(n: number): number | Promise<number>;
}

export interface RoundsOptions {
  /** Each contender's turns, of which the median counts. */
  readonly rounds?: number;
  /**
   * Length of a turn, in seconds: long beside the clock's resolution, short beside the slices of a busy machine's scheduler. Threads get a
   * longer one: it takes milliseconds until those that slept are on cores of their own again, and that is not what is compared.
   */
  readonly turn?: number;
  /** How long each contender runs first, in seconds: until the engine has compiled it. */
  readonly warmUp?: number;
  /** Seconds after which slow work has had enough turns, if it had seven. */
  readonly patience?: number;
}

export interface Measured {
  /** Median seconds a call. */
  readonly median: number;
  /** A quarter of the rounds was faster, a quarter slower. */
  readonly quartiles: readonly [number, number];
  /** Seconds a call of the fastest round: on a busy machine the better estimate of what an idle one would take. */
  readonly best: number;
  /** Calls in a turn. */
  readonly calls: number;
  /** Seconds a call in every round, in their order: the k-th rounds of all contenders of a case are neighbours in time. */
  readonly rounds: readonly number[];
}

/** Rounds of a run that only looks whether everything works. */
export const quick: Required<RoundsOptions> = { rounds: 3, turn: 0.002, warmUp: 0.03, patience: 2 };

const fewestRounds = 7;

/** Median time of a call of each contender. */
export async function measure(
  contenders: readonly Timed[],
  { rounds = 15, turn = threads > 1 ? 0.1 : 0.005, warmUp = 0.15, patience = 20 }: RoundsOptions = {},
): Promise<Measured[]> {
  const calls: number[] = [];
  for (const contender of contenders) calls.push(await callsPerTurn(contender, turn, warmUp));
  const times = contenders.map((): number[] => []);
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    // Slow work gets fewer rounds, but always enough for a median.
    if (round >= fewestRounds && performance.now() - start > 1000 * patience) break;
    for (let k = 0; k < contenders.length; k++) {
      // Nobody always follows the same neighbour's garbage.
      const i = (k + round) % contenders.length;
      times[i].push((await contenders[i].time(calls[i])) / calls[i]);
    }
  }
  return times.map((seconds, i) => summary(seconds, calls[i]));
}

/** Warms up, and finds how many calls fill a turn. */
async function callsPerTurn(contender: Timed, turn: number, warmUp: number): Promise<number> {
  let n = 1;
  let spent = 0;
  for (;;) {
    const seconds = await contender.time(n);
    spent += seconds;
    if (spent >= warmUp && seconds >= turn) return Math.max(1, Math.round((n * turn) / seconds));
    if (seconds < turn) n *= 2;
    else if (spent >= warmUp) return n;
  }
}

function summary(rounds: readonly number[], calls: number): Measured {
  const sorted = rounds.toSorted((a, b) => a - b);
  const quantile = (q: number): number => sorted[Math.round(q * (sorted.length - 1))];
  return { median: quantile(0.5), quartiles: [quantile(0.25), quantile(0.75)], best: sorted[0], calls, rounds };
}
