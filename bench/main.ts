/** Runs one comparison, prints its table and writes its results: `main.ts NAME [--quick] [--run=ID] [words of the cases' names]`. */

import { parseArgs } from "node:util";
import { setThreads } from "@curv/tensor";
import { benchmarks } from "./benchmarks.js";
import { run } from "./comparison.js";
import { leak } from "./leak.js";
import { describeMachine, machine, threads } from "./machine.js";
import { isolated, stopChildren } from "./peers/own-process.js";
import { stopPython } from "./peers/python.js";
import { writeResults } from "./results.js";
import { quick as quickRounds } from "./rounds.js";
import { formatTable } from "./table.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, run: { type: "string", default: new Date().toISOString() } },
});
const [name, only = ""] = positionals;
setThreads(threads);
const before = machine();
console.log(`\n${describeMachine(before)}`);
if (name === "leak") console.log(leak());
else {
  const { title, note, cases, rounds = {} } = await benchmarks[name.replace("-2-threads", "")]();
  const chosen = cases.filter((task) => task.name.includes(only)).map((task) => isolated(name, task));
  const options = values.quick ? { ...rounds, ...quickRounds } : rounds;
  try {
    const results = await run({ title, note, cases: chosen }, options);
    console.log(formatTable({ title, note }, results));
    writeResults({
      benchmark: name,
      title,
      note,
      date: new Date().toISOString(),
      run: values.run,
      machine: before,
      quick: values.quick,
      options,
      cases: results,
    });
  } finally {
    stopChildren();
    stopPython();
  }
}
