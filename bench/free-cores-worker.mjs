/** The second loop of free-cores.ts; in JavaScript, because a worker does not inherit what reads TypeScript. */

import { parentPort, workerData } from "node:worker_threads";

const { state, turns, module } = workerData;
const { peak64 } = new WebAssembly.Instance(module).exports;
peak64(turns);
parentPort.postMessage("ready");
for (let done = 0; ;) {
  Atomics.wait(state, 0, done);
  if (Atomics.load(state, 0) === done) continue;
  peak64(turns);
  done++;
  Atomics.store(state, 1, done);
  Atomics.notify(state, 1);
}
