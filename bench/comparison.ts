/** What a benchmark is: cases, and for each of them who does the same thing. */

import { peakLoop, roofOver, triadLoop, type Roof, type Work } from "./roofline.js";
import { type Measured, measure, type RoundsOptions, type Timed } from "./rounds.js";

export type { Work } from "./roofline.js";

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
  /** Others that are timed by turns with them but compute something else, so that nothing is compared: a gradient beside a Hessian product. */
  readonly yardsticks?: readonly Peer[];
  /** Largest |peer − ours| relative to the largest |ours|. */
  readonly tolerance: number;
  /** What ours is meant to take, in seconds. */
  readonly target?: number;
  /** What must be done, where that can be said; the roofline is then measured by turns, too. */
  readonly work?: Work;
  /** Cases of one series differ in `work.size` only: a line in the plot of cost against size. */
  readonly series?: string;
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
  /** How long it is measured, where the usual is too long or too short. */
  readonly rounds?: RoundsOptions;
}

export type Role = "ours" | "peer" | "yardstick";

/** One line of a table. */
export interface Row {
  readonly name: string;
  readonly role: Role;
  readonly measured: Measured | null;
  /** Time of each of ours over the time of this one: below 1 ours is faster. */
  readonly ratios: readonly number[];
  /** Why nothing was measured, or whether a target was met. */
  readonly remark: string;
}

/** What was measured of a case. */
export interface CaseResult {
  readonly name: string;
  readonly series?: string;
  readonly work?: Work;
  /** What the roofline allows; there if `work` is. */
  readonly roof?: Roof;
  readonly rows: readonly Row[];
}

/** Checks and times every case. */
export async function run({ cases }: Benchmark, options: RoundsOptions = {}): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const task of cases) results.push(await runCase(task, options));
  return results;
}

interface Ready {
  readonly contender: Contender;
  readonly role: Role;
}

async function runCase(task: Case, options: RoundsOptions): Promise<CaseResult> {
  const reference = await task.ours[0].values();
  for (const other of task.ours.slice(1)) checkAgainst(reference, await other.values(), task.tolerance, other.name);
  const ready: Ready[] = task.ours.map((contender) => ({ contender, role: "ours" }));
  const absent: Row[] = [];
  for (const [role, peers] of [["peer", task.peers] as const, ["yardstick", task.yardsticks ?? []] as const]) {
    for (const peer of peers) {
      try {
        const contender = await peer.prepare();
        if (role === "peer") checkAgainst(reference, await contender.values(), task.tolerance, peer.name);
        ready.push({ contender, role });
      } catch (error) {
        absent.push({ name: peer.name, role, measured: null, ratios: [], remark: reasonOf(error) });
      }
    }
  }
  const { work } = task;
  const roofLoops = work === undefined ? null : { peak: peakLoop(work.precision), triad: triadLoop(work.bytes) };
  const times = await measure(
    [...ready.map(({ contender }) => contender), ...(roofLoops === null ? [] : [roofLoops.peak, roofLoops.triad])],
    options,
  );
  const own = times.slice(0, task.ours.length);
  const rows = ready.map(({ contender, role }, i): Row => {
    const { median } = times[i];
    return {
      name: contender.name,
      role,
      measured: times[i],
      ratios: role === "ours" ? [] : own.map((ours) => ours.median / median),
      remark: role === "ours" && task.target !== undefined ? targetRemark(median, task.target) : "",
    };
  });
  const [peakTime, triadTime] = times.slice(ready.length);
  return {
    name: task.name,
    ...(task.series !== undefined && { series: task.series }),
    ...(work !== undefined && {
      work,
      roof: roofOver(work, roofLoops!.peak.flops / peakTime.median, roofLoops!.triad.bytes / triadTime.median),
    }),
    rows: [...rows, ...absent],
  };
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
