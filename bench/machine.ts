/** What the numbers were measured on. */

import { availableParallelism, cpus } from "node:os";

/** Threads that peers may use: one, as Curv, or as many as CURV_BENCH_THREADS says. */
export const threads: number = Number(process.env.CURV_BENCH_THREADS ?? 1);

/** One line on the machine. */
export function describeMachine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  return `${model}, ${availableParallelism()} cores; Node ${process.versions.node} (V8 ${process.versions.v8}), ${process.platform} ${process.arch}; Curv: 1 thread, peers: ${threads}`;
}
