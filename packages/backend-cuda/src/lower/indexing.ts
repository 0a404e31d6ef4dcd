/** Rows by index, windows at starts that are on the card, counting. */

import type { Equation, Shape } from "@curv/tensor";
import * as movement from "../codegen/movement.js";
import * as scattering from "../codegen/scatter.js";
import type { Planner } from "../planner.js";
import { sizeOf, stridesOf, type View } from "../view.js";
import { element } from "./elementwise.js";
import { fresh, launchOver, paramsOf, type Lower } from "./lowering.js";
import { sorted, takeInOrder } from "./sort.js";

export const iota: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  const threads = movement.movementThreads;
  launchOver(planner, equation, { source: movement.printIota(out.dtype), name: "curv_iota", n, threads, arrays: [y], numbers: [n] }); // prettier-ignore
  planner.set(out, y);
};

function rowStarts(
  planner: Planner,
  equation: Equation,
  indices: View,
  batch: number,
  lengths: Shape,
  row: number,
): View {
  const n = sizeOf(indices.shape.slice(0, -1));
  const starts = fresh(planner, { dtype: "int32", shape: [n] });
  const perGroup = n / sizeOf(indices.shape.slice(0, batch));
  launchOver(planner, equation, {
    source: movement.printRowStarts(lengths.length),
    name: "curv_row_starts",
    n,
    threads: movement.movementThreads,
    arrays: [indices, starts],
    numbers: [n, perGroup, sizeOf(lengths) * row, row, ...lengths],
  });
  return starts;
}

export const gather: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { batch, fill } = paramsOf<{ batch: number; fill: number }>(equation);
  const [x, indices] = equation.inputs.map((input) => planner.whole(input));
  const depth = indices.shape[indices.shape.length - 1];
  const row = sizeOf(x.shape.slice(batch + depth));
  const starts = rowStarts(planner, equation, indices, batch, x.shape.slice(batch, batch + depth), row);
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  launchOver(planner, equation, {
    source: movement.printGather(out.dtype),
    name: "curv_gather",
    n,
    threads: movement.movementThreads,
    arrays: [x, starts, y],
    numbers: [n, row],
    last: [{ type: out.dtype, value: element(fill, out.dtype) }],
  });
  planner.set(out, y);
};

export const scatter: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { batch, shape } = paramsOf<{ batch: number; shape: Shape }>(equation);
  const reduction = equation.primitive.name === "scatterMax" ? "max" : "add";
  const [updates, indices] = equation.inputs.map((input) => planner.whole(input));
  const row = sizeOf(updates.shape.slice(indices.shape.length - 1));
  const starts = rowStarts(planner, equation, indices, batch, shape, row);
  const rows = sizeOf(starts.shape);
  const order = sorted(planner, equation, starts, false);
  const inOrder = fresh(planner, { dtype: "int32", shape: [rows] });
  const positions = fresh(planner, { dtype: "int32", shape: [rows] });
  takeInOrder(planner, equation, starts, order, inOrder, positions);
  const y = fresh(planner, out);
  if (reduction === "add") planner.steps.push({ kind: "clear", array: y.array, label: "scatterAdd" });
  else planner.emitCopy({ literal: element(-1, out.dtype), dtype: out.dtype, shape: out.shape }, y);
  const threads = scattering.scatterThreads;
  const pieces = Math.ceil(rows / scattering.scatterPiece);
  const partial = fresh(planner, { dtype: out.dtype, shape: [pieces, row] });
  launchOver(planner, equation, {
    source: scattering.printScatter(out.dtype, reduction),
    name: "curv_scatter",
    n: rows * row,
    threads,
    arrays: [updates, inOrder, positions, y, partial],
    numbers: [rows * row, row, rows],
  });
  if (pieces > 1) {
    launchOver(planner, equation, {
      source: scattering.printScatterPieces(out.dtype, reduction),
      name: "curv_scatter_pieces",
      n: pieces * row,
      threads,
      arrays: [inOrder, partial, y],
      numbers: [pieces * row, row, rows],
    });
  }
  planner.set(out, y);
};

export const dynamicSlice: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const [x, starts] = equation.inputs.map((input) => planner.whole(input));
  const y = fresh(planner, out);
  dynamicWindow(planner, equation, x, starts, y, x, out.shape, false);
  planner.set(out, y);
};

export const dynamicUpdateSlice: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const y = fresh(planner, out);
  planner.emitCopy(planner.view(equation.inputs[0]), y);
  const update = planner.whole(equation.inputs[1]);
  const starts = planner.whole(equation.inputs[2]);
  if (sizeOf(update.shape) > 0) dynamicWindow(planner, equation, update, starts, y, y, update.shape, true);
  planner.set(out, y);
};

function dynamicWindow(
  planner: Planner,
  equation: Equation,
  from: View,
  starts: View,
  to: View,
  large: View,
  window: Shape,
  update: boolean,
): void {
  const n = sizeOf(window);
  const strides = stridesOf(large.shape);
  launchOver(planner, equation, {
    source: movement.printDynamicSlice(from.dtype, window.length, update),
    name: "curv_window",
    n,
    threads: movement.movementThreads,
    arrays: [from, starts, to],
    numbers: [n, ...window.flatMap((w, i) => [large.shape[i], w, strides[i]])],
  });
}
