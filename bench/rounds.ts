/** Timing by turns: contenders take rounds one after the other, so that a slow minute of the machine is slow for all of them. */

/** Something that can be called many times in a row. */
export interface Timed {
  /** Seconds that `n` calls took. */
  time(n: number): number | Promise<number>;
}

export interface RoundsOptions {
  /** Each contender's turns, of which the median counts. */
  readonly rounds?: number;
  /** Length of a turn, in seconds: long beside the clock's resolution, short beside the slices of a busy machine's scheduler. */
  readonly turn?: number;
  /** How long each contender runs first, in seconds: until the engine has compiled it. */
  readonly warmUp?: number;
}

export interface Measured {
  /** Median seconds a call. */
  readonly median: number;
  /** Seconds a call of the fastest round: on a busy machine the better estimate of what an idle one would take. */
  readonly best: number;
}

const fewestRounds = 7;
/** In milliseconds. */
const longEnough = 20_000;

/** Median time of a call of each contender. */
export async function measure(
  contenders: readonly Timed[],
  { rounds = 25, turn = 0.005, warmUp = 0.3 }: RoundsOptions = {},
): Promise<Measured[]> {
  const calls: number[] = [];
  for (const contender of contenders) calls.push(await callsPerTurn(contender, turn, warmUp));
  const times = contenders.map((): number[] => []);
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    // Slow work gets fewer rounds, but always enough for a median.
    if (round >= fewestRounds && performance.now() - start > longEnough) break;
    for (let k = 0; k < contenders.length; k++) {
      // Nobody always follows the same neighbour's garbage.
      const i = (k + round) % contenders.length;
      times[i].push((await contenders[i].time(calls[i])) / calls[i]);
    }
  }
  return times.map(summary);
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

function summary(times: readonly number[]): Measured {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[sorted.length >> 1], best: sorted[0] };
}
