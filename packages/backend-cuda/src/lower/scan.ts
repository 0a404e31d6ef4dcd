/** Running sums and recurrences along an axis. */

import { printScan, scanThreads, type Scan } from "../codegen/scan.js";
import { sizeOf } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

export const scan: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { axis, reverse } = paramsOf<{ axis: number; reverse: boolean }>(equation);
  const operands = equation.inputs.map((x) => planner.whole(x));
  const y = fresh(planner, out);
  const { shape } = out;
  const n = shape[axis];
  const lines = sizeOf(shape) / n;
  launchOver(planner, equation, {
    source: printScan(equation.primitive.name as Scan, operands[0].dtype),
    name: "curv_scan",
    n: lines,
    threads: scanThreads,
    arrays: [...operands, y],
    numbers: [lines, n, sizeOf(shape.slice(axis + 1)), reverse ? 1 : 0],
  });
  planner.set(out, y);
};
