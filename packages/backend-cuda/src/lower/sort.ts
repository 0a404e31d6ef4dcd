/** Sorting along the last axis. */

import type { Equation } from "@curv/tensor";
import * as radix from "../codegen/radix.js";
import * as sorting from "../codegen/sort.js";
import { addressOf } from "../plan.js";
import { indexArguments, type Planner } from "../planner.js";
import { sizeOf, type View } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

/** Rows of fewer elements are merged: their log₂ n passes are short. */
const leastRadix = 2048;

/** Positions in their rows, in the order of a stable sort of the last axis. */
export function sorted(planner: Planner, equation: Equation, x: View, descending: boolean): View {
  const row = x.shape[x.shape.length - 1];
  return (row < leastRadix ? merged : byDigits)(planner, equation, x, descending);
}

function byDigits(planner: Planner, equation: Equation, x: View, descending: boolean): View {
  const n = sizeOf(x.shape);
  const row = x.shape[x.shape.length - 1];
  const bytes = radix.keyBytes(x.dtype);
  const tiles = Math.ceil(row / radix.radixTile);
  const rows = n / row;
  // Keys of 64 bits lie in arrays of float64, which no one reads as such.
  const newKeys = (): View => fresh(planner, { dtype: bytes === 8 ? "float64" : "uint32", shape: x.shape });
  const newOrder = (): View => fresh(planner, { dtype: "int32", shape: x.shape });
  let [keys, order] = [newKeys(), newOrder()];
  launchOver(planner, equation, {
    source: radix.printKeys(x.dtype, descending),
    name: "curv_keys",
    n,
    threads: radix.radixThreads,
    arrays: [x, keys, order],
    numbers: [n, row],
  });
  const launch = (
    source: string,
    name: string,
    blocks: number,
    arrays: readonly View[],
    numbers: readonly number[],
  ): void => {
    planner.launch({
      source,
      name,
      grid: { x: blocks },
      threads: radix.radixThreads,
      args: [...arrays.map(addressOf), ...indexArguments(true, numbers)],
      label: `${equation.primitive.name} [${x.shape.join()}]`,
    });
  };
  for (let pass = 0; pass < radix.radixPasses(x.dtype); pass++) {
    const counts = fresh(planner, { dtype: "int32", shape: [rows, tiles, 256] });
    const [nextKeys, nextOrder] = [newKeys(), newOrder()];
    const place = [row, tiles, 8 * pass];
    launch(radix.printRadixCount(bytes), "curv_radix_count", rows * tiles, [keys, counts], place);
    launch(radix.printRadixOffsets(), "curv_radix_offsets", rows, [counts], [tiles]);
    const arrays = [keys, order, counts, nextKeys, nextOrder];
    launch(radix.printRadixScatter(bytes), "curv_radix_scatter", rows * tiles, arrays, place);
    [keys, order] = [nextKeys, nextOrder];
  }
  return order;
}

function merged(planner: Planner, equation: Equation, x: View, descending: boolean): View {
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
