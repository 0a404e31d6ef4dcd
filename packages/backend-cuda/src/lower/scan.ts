/** Running sums and recurrences along an axis. */

import type { DType } from "@curv/tensor";
import { printChunkEnds, printChunkFactors, printChunkRecurrence, recurrenceChunk } from "../codegen/recurrence.js";
import { printRunningExtreme } from "../codegen/running-extreme.js";
import { printChunkScan, printScan, scanChunk, scanThreads, type Scan } from "../codegen/scan.js";
import type { FloatType } from "../lib/cusolver.js";
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
  const name = equation.primitive.name as Scan;
  // Lines whose elements lie apart are read side by side by one thread each, if there are many.
  const cut = n >= leastChunked && (step === 1 || lines < fewLines);
  const line: Line = { lines, n, step, reverse };
  if (cut && name === "cumsum") {
    runningSums(planner, operands[0], y, line);
    planner.set(out, y);
    return;
  }
  if (cut && name === "linearRecurrence" && (out.dtype === "float32" || out.dtype === "float64")) {
    recurrence(planner, [operands[0], operands[1]], y, line, out.dtype);
    planner.set(out, y);
    return;
  }
  if (cut && name === "cumArgMax") {
    runningExtremes(planner, operands[0], y, line);
    planner.set(out, y);
    return;
  }
  launchOver(planner, equation, {
    source: printScan(name, operands[0].dtype),
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
/** So many threads keep a card busy, one a line. */
const fewLines = 2048;

interface Line {
  readonly lines: number;
  /** Elements of a line, and how far apart they lie. */
  readonly n: number;
  readonly step: number;
  readonly reverse: boolean;
}

/** By chunks: what each comes to, running sums of that, and from there on the sums inside. */
function runningSums(planner: Planner, x: View, y: View, { lines, n, step, reverse }: Line): void {
  const chunk = scanChunk(n);
  const chunks = Math.ceil(n / chunk);
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
  const shape = [lines * chunks, chunks, n, chunk, step, reverse ? 1 : 0];
  if (chunks === 1) {
    launch("whole", [x, y], shape);
    return;
  }
  const [totals, before] = [0, 1].map(() => fresh(planner, { dtype: x.dtype, shape: [lines, chunks] }));
  launch("totals", [x, totals], shape);
  launch("whole", [totals, before], [lines, 1, chunks, chunks, 1, 0]);
  launch("continued", [x, before, y], shape);
}

/** By chunks: where the maximum of each is, the running ones of those, and from there on those inside. */
function runningExtremes(planner: Planner, x: View, y: View, { lines, n, step, reverse }: Line): void {
  const chunk = scanChunk(n);
  const chunks = Math.ceil(n / chunk);
  const launch = (
    kind: Parameters<typeof printRunningExtreme>[1],
    arrays: readonly View[],
    [total, perLine, elements, each]: readonly number[],
  ): void => {
    planner.launch({
      source: printRunningExtreme(x.dtype, kind),
      name: "curv_running_extreme",
      grid: { x: Math.ceil(total / (scanThreads / 32)) },
      threads: scanThreads,
      args: [
        ...arrays.map(addressOf),
        ...indexArguments(true, [total, perLine, elements, each, n, step, reverse ? 1 : 0]),
      ],
      label: `cumArgMax [${x.shape.join()}]`,
    });
  };
  if (chunks === 1) {
    launch("whole", [x, y], [lines, 1, n, n]);
    return;
  }
  const [totals, ends] = [0, 1].map(() => fresh(planner, { dtype: "int32", shape: [lines, chunks] }));
  launch("totals", [x, totals], [lines * chunks, chunks, n, chunk]);
  launch("ends", [x, totals, ends], [lines, 1, chunks, chunks]);
  launch("continued", [x, ends, y], [lines * chunks, chunks, n, chunk]);
}

/** By chunks: what each comes to from 0 and by which factor it takes what came before, the ends of all, and from there on what is inside. */
function recurrence(planner: Planner, operands: readonly [View, View], y: View, line: Line, dtype: FloatType): void {
  const { lines, n, step, reverse } = line;
  const chunk = recurrenceChunk(n);
  const chunks = Math.ceil(n / chunk);
  const total = lines * chunks;
  const part = (type: DType): View => fresh(planner, { dtype: type, shape: [lines, chunks] });
  const [own, factors, powers, ends] = [part(dtype), part("float64"), part("int32"), part(dtype)];
  const launch = (
    source: string,
    name: string,
    warps: number,
    arrays: readonly View[],
    numbers: readonly number[],
  ): void =>
    planner.launch({
      source,
      name,
      grid: { x: Math.ceil(warps / (scanThreads / 32)) },
      threads: scanThreads,
      args: [...arrays.map(addressOf), ...indexArguments(true, numbers)],
      label: `linearRecurrence [${y.shape.join()}]`,
    });
  const shape = [total, chunks, n, chunk, step, reverse ? 1 : 0];
  launch(printChunkFactors(dtype), "curv_chunk_factors", total, [...operands, own, factors, powers], shape);
  launch(
    printChunkEnds(dtype),
    "curv_chunk_ends",
    Math.ceil(lines / 32),
    [own, factors, powers, ends],
    [lines, chunks],
  );
  launch(printChunkRecurrence(dtype), "curv_chunk_recurrence", total, [...operands, ends, y], shape);
}
