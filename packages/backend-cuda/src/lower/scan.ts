/** Running sums and recurrences along an axis. */

import { printChunkScan, printScan, scanChunk, scanThreads, type Scan } from "../codegen/scan.js";
import { addressOf } from "../plan.js";
import { indexArguments, type Planner } from "../planner.js";
import { sizeOf, type View } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

export const scan: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { axis, reverse } = paramsOf<{ axis: number; reverse: boolean }>(equation);
  const operands = equation.inputs.map((x) => planner.whole(x));
  const y = fresh(planner, out);
  const { shape } = out;
  const n = shape[axis];
  const lines = sizeOf(shape) / n;
  const step = sizeOf(shape.slice(axis + 1));
  if (equation.primitive.name === "cumsum" && step === 1 && n >= leastChunked) {
    runningSums(planner, operands[0], y, n, reverse);
    planner.set(out, y);
    return;
  }
  launchOver(planner, equation, {
    source: printScan(equation.primitive.name as Scan, operands[0].dtype),
    name: "curv_scan",
    n: lines,
    threads: scanThreads,
    arrays: [...operands, y],
    numbers: [lines, n, step, reverse ? 1 : 0],
  });
  planner.set(out, y);
};

/** Shorter lines are not cut. */
const leastChunked = 1024;

/** By chunks: what each comes to, running sums of that, and from there on the sums inside. */
function runningSums(planner: Planner, x: View, y: View, n: number, reverse: boolean): void {
  const chunk = scanChunk(n);
  const chunks = Math.ceil(n / chunk);
  const lines = sizeOf(x.shape) / n;
  const launch = (
    kind: Parameters<typeof printChunkScan>[1],
    arrays: readonly View[],
    numbers: readonly number[],
  ): void => {
    planner.launch({
      source: printChunkScan(x.dtype, kind),
      name: "curv_chunk_scan",
      grid: { x: Math.ceil(numbers[0] / (scanThreads / 32)) },
      threads: scanThreads,
      args: [...arrays.map(addressOf), ...indexArguments(true, numbers)],
      label: `cumsum [${x.shape.join()}]`,
    });
  };
  const shape = [lines * chunks, chunks, n, chunk, reverse ? 1 : 0];
  if (chunks === 1) {
    launch("whole", [x, y], shape);
    return;
  }
  const [totals, before] = [0, 1].map(() => fresh(planner, { dtype: x.dtype, shape: [lines, chunks] }));
  launch("totals", [x, totals], shape);
  launch("whole", [totals, before], [lines, 1, chunks, chunks, 0]);
  launch("continued", [x, before, y], shape);
}
