/** Whether a second core is free: the roofline's loop here, beside the same loop here and in a worker at once. */

import { Worker } from "node:worker_threads";
import { seconds } from "./clock.js";
import type { Case, Contender } from "./comparison.js";
import { compileLoops, instantiate } from "./wasm-loops.js";

/** Some milliseconds: long beside what waking a thread takes. */
const turns = 400_000;
const module = compileLoops(0);
const { peak } = instantiate(module);
const loop = (): number => peak.float64(turns);

/** Two at once do twice the work: their time counts by half, so that two free cores make a ratio of 2. */
export function freeCores(): Case {
  const one = {
    name: "curv control, one loop",
    values: () => [1],
    time: (n: number): number => {
      const start = seconds();
      for (let i = 0; i < n; i++) loop();
      return seconds() - start;
    },
  };
  return {
    name: "control",
    ours: [one],
    peers: [{ name: "control, two loops at once", ownProcess: true, prepare: twoAtOnce }],
    tolerance: 0,
  };
}

async function twoAtOnce(): Promise<Contender> {
  const state = new Int32Array(new SharedArrayBuffer(8)); // generation, done
  const worker = new Worker(new URL("free-cores-worker.mjs", import.meta.url), {
    workerData: { state, turns, module },
  });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  worker.unref();
  const both = (): void => {
    const next = Atomics.add(state, 0, 1) + 1;
    Atomics.notify(state, 0);
    loop();
    while (Atomics.load(state, 1) !== next) Atomics.wait(state, 1, next - 1, 1);
  };
  return {
    name: "control, two loops at once",
    values: () => [1],
    time: (n: number): number => {
      const start = seconds();
      for (let i = 0; i < n; i++) both();
      return (seconds() - start) / 2;
    },
  };
}
