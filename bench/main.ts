/** Runs one comparison and prints its table. */

import { benchmarks } from "./benchmarks.js";
import { run } from "./comparison.js";
import { leak } from "./leak.js";
import { describeMachine } from "./machine.js";
import { isolated, stopChildren } from "./peers/own-process.js";
import { stopPython } from "./peers/python.js";
import { formatTable } from "./table.js";

const [name, only = ""] = process.argv.slice(2);
console.log(`\n${describeMachine()}`);
if (name === "leak") console.log(leak());
else {
  const benchmark = benchmarks[name]();
  const cases = benchmark.cases.filter((task) => task.name.includes(only)).map((task) => isolated(name, task));
  console.log(formatTable(benchmark, await run({ ...benchmark, cases })));
  stopChildren();
  stopPython();
}
