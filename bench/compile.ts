/** The first call of a jitted Hessian-vector product, in a fresh process: tracing, compiling, and an engine that has seen none of it. */

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Benchmark, Contender } from "./comparison.js";
import { valuesOf } from "./inputs.js";
import { curvProblem, large, type Sizes, tiny } from "./mlp.js";
import { pythonPeer } from "./peers/python.js";

export function compile(
  cases: Readonly<Record<string, Sizes>> = { "2-32-32-1": tiny, "784-256-256-10": large },
): Benchmark {
  return {
    title: "What the first call of the MLP's jitted Hessian-vector product takes more than later ones",
    note: "Curv: each time in a new process. JAX: lower() and compile() with empty caches, in a process that is warm.",
    rounds: { rounds: 7, turn: 0, warmUp: 0 },
    cases: Object.entries(cases).map(([name, sizes]) => {
      const { p, v, x, y } = curvProblem("float32", sizes);
      const inputs = [...p, x, y, ...v].map((t) => valuesOf(t.dataSync() as Float32Array, t.shape));
      return {
        name,
        ours: [inNewProcess(sizes)],
        peers: [],
        yardsticks: [pythonPeer("JAX", { library: "jax", task: "compileHvp", precision: "float32", inputs })],
        tolerance: 0,
        target: 0.06,
      };
    }),
  };
}

function inNewProcess(sizes: Sizes): Contender {
  const script = fileURLToPath(new URL("first-call.ts", import.meta.url));
  const flags = ["--conditions=@curv/source", `--import=${new URL("strip-types.mjs", import.meta.url).href}`];
  return {
    name: "curv",
    values: () => [],
    time: (n) => {
      let seconds = 0;
      for (let i = 0; i < n; i++) {
        const answer = execFileSync(process.execPath, [...flags, script, JSON.stringify(sizes)], { encoding: "utf8" });
        seconds += Number(answer);
      }
      return seconds;
    },
  };
}
