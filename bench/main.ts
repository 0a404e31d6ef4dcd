/** Runs one comparison and prints its table. */

import type { Benchmark } from "./comparison.js";
import { run } from "./comparison.js";
import { eager } from "./eager.js";
import { fft } from "./fft.js";
import { leak } from "./leak.js";
import { linalg } from "./linalg.js";
import { describeMachine } from "./machine.js";
import { matmul } from "./matmul.js";
import { stopPython } from "./peers/python.js";
import { formatTable } from "./table.js";
import { tinyMlp } from "./tiny-mlp.js";

const comparisons: Readonly<Record<string, () => Benchmark>> = { eager, "tiny-mlp": tinyMlp, matmul, linalg, fft };

const name = process.argv[2];
console.log(`\n${describeMachine()}`);
if (name === "leak") console.log(leak());
else {
  const benchmark = comparisons[name]();
  console.log(formatTable(benchmark, await run(benchmark)));
  stopPython();
}
// Worker threads of peers would keep the process alive.
process.exit(0);
