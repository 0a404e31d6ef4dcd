/** Sorting along the last axis. */

import type { Equation } from "@curv/tensor";
import * as radix from "../codegen/radix.js";
import * as select from "../codegen/select.js";
import * as sorting from "../codegen/sort.js";
import { addressOf } from "../plan.js";
import { indexArguments, type Planner } from "../planner.js";
import { sizeOf, type View } from "../view.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";

/** Rows of fewer elements are merged: their log₂ n passes are short. */
const leastRadix = 2048;
/** Where a larger part of a row is wanted, it is sorted whole. */
const leastOfSelected = 4;

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
  const launch = launcher(planner, equation, x);
  let [keys, order] = [newKeys(), newOrder()];
  launchOver(planner, equation, {
    source: radix.printKeys(x.dtype, descending),
    name: "curv_keys",
    n,
    threads: radix.radixThreads,
    arrays: [x, keys, order],
    numbers: [n, row],
  });
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

type Launch = (
  source: string,
  name: string,
  blocks: number,
  arrays: readonly View[],
  numbers: readonly number[],
) => void;

/** Launches of so many blocks. */
function launcher(planner: Planner, equation: Equation, x: View): Launch {
  return (source, name, blocks, arrays, numbers) => {
    planner.launch({
      source,
      name,
      grid: { x: blocks },
      threads: radix.radixThreads,
      args: [...arrays.map(addressOf), ...indexArguments(true, numbers)],
      label: `${equation.primitive.name} [${x.shape.join()}]`,
    });
  };
}

interface Selection {
  /** The first few of each row, not yet in order, and where they stand in it; equal ones in their order. */
  readonly values: View;
  readonly positions: View;
}

/** Digit by digit the key of the last element that is wanted of each row, and then all up to it. */
function selected(planner: Planner, equation: Equation, x: View, descending: boolean, count: number): Selection {
  const row = x.shape[x.shape.length - 1];
  const rows = sizeOf(x.shape) / row;
  const bytes = radix.keyBytes(x.dtype);
  const chunk = select.selectChunk(row);
  const blocks = Math.ceil(row / chunk / select.selectWarps);
  const launch = launcher(planner, equation, x);
  const integers = (...shape: number[]): View => fresh(planner, { dtype: "int32", shape });
  const last = fresh(planner, { dtype: bytes === 8 ? "float64" : "uint32", shape: [rows] });
  const wanted = integers(rows);
  planner.steps.push({ kind: "clear", array: last.array, label: `${equation.primitive.name} [${x.shape.join()}]` });
  const passes = radix.radixPasses(x.dtype);
  const [countSource, digitSource] = [select.printSelectCount(x.dtype, descending), select.printSelectDigit(bytes)];
  for (let pass = passes - 1; pass >= 0; pass--) {
    const counts = integers(rows, blocks, 256);
    launch(countSource, "curv_select_count", rows * blocks, [x, last, counts], [row, chunk, blocks, 8 * pass]);
    const known = pass === passes - 1 ? count : 0;
    launch(digitSource, "curv_select_digit", rows, [counts, last, wanted], [blocks, 8 * pass, known]);
  }
  const [before, equal] = [0, 1].map(() => integers(rows, blocks * select.selectWarps));
  const tally = select.printSelectTally(x.dtype, descending);
  launch(tally, "curv_select_tally", rows * blocks, [x, last, before, equal], [row, chunk, blocks]);
  const shape = [...x.shape.slice(0, -1), count];
  const [values, positions] = [fresh(planner, { dtype: x.dtype, shape }), integers(...shape)];
  const arrays = [x, last, wanted, before, equal, values, positions];
  const gather = select.printSelectGather(x.dtype, descending);
  launch(gather, "curv_select_gather", rows * blocks, arrays, [row, chunk, blocks, count]);
  return { values, positions };
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

/** The elements of x and where they stand: at `positions`, or just where they stand in x. */
export function takeInOrder(
  planner: Planner,
  equation: Equation,
  x: View,
  order: View,
  values: View,
  indices: View,
  positions: View | null = null,
): void {
  const n = sizeOf(values.shape);
  launchOver(planner, equation, {
    source: sorting.printInOrder(x.dtype, positions !== null),
    name: "curv_in_order",
    n,
    threads: sorting.sortThreads,
    arrays: [x, order, ...(positions === null ? [] : [positions]), values, indices],
    numbers: [n, x.shape[x.shape.length - 1], values.shape[values.shape.length - 1]],
  });
}

export const sort: Lower = (planner, equation) => {
  const { descending, count } = paramsOf<{ descending: boolean; count: number }>(equation);
  const x = planner.whole(equation.inputs[0]);
  const row = x.shape[x.shape.length - 1];
  const [values, indices] = equation.outputs.map((out) => fresh(planner, out));
  if (row >= leastRadix && count <= row / leastOfSelected) {
    const few = selected(planner, equation, x, descending, count);
    const order = sorted(planner, equation, few.values, descending);
    takeInOrder(planner, equation, few.values, order, values, indices, few.positions);
  } else {
    takeInOrder(planner, equation, x, sorted(planner, equation, x, descending), values, indices);
  }
  planner.set(equation.outputs[0], values);
  planner.set(equation.outputs[1], indices);
};
