/** Sorting along the last axis. */

import type { Equation } from "@curv/tensor";
import * as sorting from "../codegen/sort.js";
import type { Planner } from "../planner.js";
import { sizeOf, type View } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

/** Positions in their rows, in the order of a stable sort of the last axis. */
export function sorted(planner: Planner, equation: Equation, x: View, descending: boolean): View {
  const n = sizeOf(x.shape);
  const row = x.shape[x.shape.length - 1];
  const threads = sorting.sortThreads;
  let order = fresh(planner, { dtype: "int32", shape: x.shape });
  launchOver(planner, equation, { source: sorting.printPositions(), name: "curv_positions", n, threads, arrays: [order], numbers: [n, row] }); // prettier-ignore
  const source = sorting.printMerge(x.dtype, descending);
  for (let width = 1; width < row; width *= 2) {
    const next = fresh(planner, { dtype: "int32", shape: x.shape });
    launchOver(planner, equation, { source, name: "curv_merge", n, threads, arrays: [x, order, next], numbers: [n, row, width] }); // prettier-ignore
    order = next;
  }
  return order;
}

export function takeInOrder(
  planner: Planner,
  equation: Equation,
  x: View,
  order: View,
  values: View,
  indices: View,
): void {
  const n = sizeOf(values.shape);
  launchOver(planner, equation, {
    source: sorting.printInOrder(x.dtype),
    name: "curv_in_order",
    n,
    threads: sorting.sortThreads,
    arrays: [x, order, values, indices],
    numbers: [n, x.shape[x.shape.length - 1], values.shape[values.shape.length - 1]],
  });
}

export const sort: Lower = (planner, equation) => {
  const { descending } = paramsOf<{ descending: boolean }>(equation);
  const x = planner.whole(equation.inputs[0]);
  const [values, indices] = equation.outputs.map((out) => fresh(planner, out));
  takeInOrder(planner, equation, x, sorted(planner, equation, x, descending), values, indices);
  planner.set(equation.outputs[0], values);
  planner.set(equation.outputs[1], indices);
};
