/** What the numbers were measured on. */

import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { clock, type Clock } from "./clock.js";

/** Threads of everybody: one, or as many as CURV_BENCH_THREADS says. */
export const threads: number = Number(process.env.CURV_BENCH_THREADS ?? 1);

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** GiB. */
  readonly memory: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  readonly curv: string;
  readonly threads: number;
  readonly clock: Clock;
  /** Processes that wanted a core in the last minute, this one included: how busy it was. */
  readonly load: number;
}

/** The machine, now. */
export function machine(): Machine {
  const { version } = JSON.parse(readFileSync(new URL("../packages/tensor/package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown processor",
    cores: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
    v8: process.versions.v8,
    curv: version,
    threads,
    clock,
    load: Math.round(loadavg()[0] * 100) / 100,
  };
}

/** One line on it. */
export function describeMachine({
  processor,
  cores,
  memory,
  platform,
  node,
  v8,
  load,
  clock: time,
  threads: n,
}: Machine): string {
  return `${processor}, ${cores} cores, ${memory} GiB, load ${load}; Node ${node} (V8 ${v8}), ${platform}; ${n} ${n === 1 ? "thread" : "threads"}, ${time} time`;
}
