/** What a benchmark is: cases, and for each of them who does the same thing. */

import { type Measured, measure, type RoundsOptions, type Timed } from "./rounds.js";

/** Curv or a peer, ready to do one case. */
export interface Contender extends Timed {
  readonly name: string;
  /** What it computes, once: compared with ours before anything is timed. */
  values(): readonly number[] | Promise<readonly number[]>;
}

/** One task. */
export interface Case {
  readonly name: string;
  /** The first is the one that peers are checked against. Each gets a column of ratios. */
  readonly ours: readonly Contender[];
  /** Makers of the peers: what throws is "not measured", with the reason. */
  readonly peers: readonly Peer[];
  /** Largest |peer − ours| relative to the largest |ours|. */
  readonly tolerance: number;
  /** What ours is meant to take, in seconds. */
  readonly target?: number;
}

export interface Peer {
  readonly name: string;
  /** Whether it runs outside of this process already. */
  readonly ownProcess?: boolean;
  prepare(): Contender | Promise<Contender>;
}

export interface Benchmark {
  readonly title: string;
  /** What is in the time and what is not. */
  readonly note: string;
  readonly cases: readonly Case[];
}

/** One line of a table. */
export interface Row {
  readonly case: string;
  readonly name: string;
  readonly measured: Measured | null;
  /** Time of each of ours over the time of this one: below 1 ours is faster. */
  readonly ratios: readonly number[];
  /** Why nothing was measured, or whether a target was met. */
  readonly remark: string;
}

/** Checks and times every case. */
export async function run({ cases }: Benchmark, options: RoundsOptions = {}): Promise<Row[]> {
  const rows: Row[] = [];
  for (const task of cases) rows.push(...(await runCase(task, options)));
  return rows;
}

async function runCase(task: Case, options: RoundsOptions): Promise<Row[]> {
  const reference = await task.ours[0].values();
  for (const other of task.ours.slice(1)) checkAgainst(reference, await other.values(), task.tolerance, other.name);
  const ready: Contender[] = [...task.ours];
  const absent = new Map<string, string>();
  for (const peer of task.peers) {
    try {
      const contender = await peer.prepare();
      checkAgainst(reference, await contender.values(), task.tolerance, peer.name);
      ready.push(contender);
    } catch (error) {
      absent.set(peer.name, reasonOf(error));
    }
  }
  const times = await measure(ready, options);
  const own = times.slice(0, task.ours.length);
  const measured = ready.map((contender, i): Row => {
    const isOurs = i < task.ours.length;
    return {
      case: task.name,
      name: contender.name,
      measured: times[i],
      ratios: isOurs ? [] : own.map(({ median }) => median / times[i].median),
      remark: isOurs && task.target !== undefined ? targetRemark(times[i].median, task.target) : "",
    };
  });
  const missing = [...absent].map(([name, remark]): Row => ({
    case: task.name,
    name,
    measured: null,
    ratios: [],
    remark,
  }));
  return [...measured, ...missing];
}

class WrongResult extends Error {}

function checkAgainst(wanted: readonly number[], got: readonly number[], tolerance: number, name: string): void {
  if (got.length !== wanted.length)
    throw new WrongResult(`wrong result, not timed (${got.length} numbers, not ${wanted.length})`);
  let scale = 0;
  let worst = 0;
  for (let i = 0; i < wanted.length; i++) {
    scale = Math.max(scale, Math.abs(wanted[i]));
    worst = Math.max(worst, Math.abs(wanted[i] - got[i])); // NaN stays
  }
  if (!(worst <= tolerance * scale))
    throw new WrongResult(`wrong result, not timed (${name} is off by ${(worst / scale).toExponential(1)} relative)`);
}

function reasonOf(error: unknown): string {
  if (error instanceof WrongResult) return error.message;
  const text = error instanceof Error ? error.message : String(error);
  return `not measured: ${text.split("\n")[0].slice(0, 90)}`;
}

function targetRemark(seconds: number, target: number): string {
  return `target ≤ ${microseconds(target)}: ${seconds <= target ? "met" : "missed"}`;
}

/** `12.3 µs`. */
export function microseconds(seconds: number): string {
  const us = seconds * 1e6;
  return `${us < 10 ? us.toFixed(2) : us < 100 ? us.toFixed(1) : us.toFixed(0)} µs`;
}
