/** From primitives to views, chains of operations, and kernels: one entry a primitive. */

import type { Aval, DType, Equation, Shape } from "@curv/tensor";
import {
  chunkFor,
  isIndexed,
  printFold,
  printReduce,
  reduceThreads,
  type Reduction,
  type Team,
} from "./codegen/reduce.js";
import * as movement from "./codegen/movement.js";
import { printProduct, productThreads, productTile } from "./codegen/product.js";
import { elementwiseNames, hasFormula } from "./codegen/scalar.js";
import { printScan, scanThreads, type Scan } from "./codegen/scan.js";
import * as sorting from "./codegen/sort.js";
import { printConvolution, printWindow, windowThreads } from "./codegen/window.js";
import { typeOf } from "./codegen/types.js";
import { collect, isLiteral, mostOperations, mostReads, Node, settled, type Value } from "./expression.js";
import type { KernelArgument } from "./launch.js";
import { addressOf, type MatrixOperand } from "./plan.js";
import { indexArguments, needsWide, type Planner } from "./planner.js";
import {
  broadcastTo,
  broadcastView,
  flipView,
  isContiguous,
  mergeDimensions,
  reshapeView,
  sizeOf,
  sliceView,
  stridesOf,
  transposeView,
  wholeView,
  type View,
} from "./view.js";

type Lower = (planner: Planner, equation: Equation) => void;

const paramsOf = <P>(equation: Equation): P => equation.params as P;

// ---- elementwise -------------------------------------------------------------------------------------------------------------------

/** A new operation on operands that are brought to its shape; long chains are cut. */
function chain(planner: Planner, name: string, operands: readonly Value[], out: Aval, uses: number, n = 0): Node {
  let values = operands.map((x) => aligned(planner, x, out.shape));
  const tooMuch = (): boolean =>
    values.reduce((sum, x) => sum + (x instanceof Node ? x.reads : isLiteral(x) ? 0 : 1), 0) > mostReads ||
    values.reduce((sum, x) => sum + (x instanceof Node ? x.cost : 0), 0) > mostOperations;
  while (tooMuch()) {
    const chains = values.filter((x) => x instanceof Node);
    const largest = chains.reduce((a, b) => (b.cost > a.cost ? b : a));
    const view = planner.stored(largest);
    values = values.map((x) => (x === largest ? view : settled(x)));
  }
  return new Node(name, typeOfValue(values[name === "select" ? 1 : 0]), out.dtype, out.shape, values, uses, n);
}

function typeOfValue(x: Value): Node["type"] {
  return x instanceof Node ? x.result : x.dtype;
}

/** An operand broadcast to the shape of the result. */
function aligned(planner: Planner, value: Value, shape: Shape): Value {
  const x = settled(value);
  if (isLiteral(x)) return { ...x, shape };
  if (x instanceof Node) {
    if (x.shape.length === shape.length && x.shape.every((n, i) => n === shape[i])) return x;
    return planner.moved(x, shape, (view) => broadcastTo(view, shape))!;
  }
  return broadcastTo(x, shape);
}

const elementwise: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { n = 0, ...others } = (equation.params ?? {}) as { n?: number };
  void others;
  const values = equation.inputs.map((x) => planner.value(x));
  planner.set(out, chain(planner, equation.primitive.name, values, out, planner.usesOf(out), n));
};

const threefry: Lower = (planner, equation) => {
  const [low, high] = equation.outputs;
  const values = equation.inputs.map((x) => aligned(planner, planner.value(x), low.shape));
  const words = new Node("threefry", "uint32", "words", low.shape, values, 0);
  planner.set(low, new Node("lowWord", "words", "uint32", low.shape, [words], planner.usesOf(low)));
  planner.set(high, new Node("highWord", "words", "uint32", low.shape, [words], planner.usesOf(high)));
};

const full: Lower = (planner, equation) => {
  const { value, dtype, shape } = paramsOf<{ value: number; dtype: DType; shape: Shape }>(equation);
  planner.set(equation.outputs[0], { literal: element(value, dtype), dtype, shape });
};

/** The number as an element of the dtype. */
function element(value: number, dtype: DType): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (dtype === "int32") return value | 0;
  return dtype === "uint32" ? value >>> 0 : value;
}

const identity: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const x = planner.value(equation.inputs[0]);
  // A chain belongs to one variable: others read what is stored.
  planner.set(out, x instanceof Node ? planner.stored(x) : x);
};

const cast: Lower = (planner, equation) => {
  if (equation.inputs[0].dtype === equation.outputs[0].dtype) identity(planner, equation);
  else elementwise(planner, equation);
};

// ---- views -------------------------------------------------------------------------------------------------------------------------

const viewed =
  (change: (x: View, equation: Equation) => View | null): Lower =>
  (planner, equation) => {
    const [out] = equation.outputs;
    const x = planner.value(equation.inputs[0]);
    const moved = planner.moved(x, out.shape, (view) => change(view, equation));
    if (moved !== null) {
      planner.set(out, moved instanceof Node ? withUses(moved, planner.usesOf(out)) : moved);
      return;
    }
    const whole = planner.contiguous(x);
    planner.set(out, change(whole, equation)!);
  };

/** The same chain as another variable's. */
function withUses(node: Node, uses: number): Node {
  return new Node(node.name, node.type, node.result, node.shape, node.operands, uses, node.n);
}

const pad: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { low, interior } = paramsOf<{ low: readonly number[]; interior: readonly number[] }>(equation);
  const target = wholeView(planner.newArray(out.dtype, sizeOf(out.shape)), out.dtype, out.shape);
  const fill = planner.value(equation.inputs[1]);
  planner.emitCopy(aligned(planner, fill instanceof Node ? planner.stored(fill) : fill, out.shape), target);
  planner.set(out, target);
  const x = planner.view(equation.inputs[0]);
  // Element j lands at low + j (interior + 1): those with 0 ≤ place < length survive.
  const start: number[] = [];
  const count: number[] = [];
  const place: number[] = [];
  for (let i = 0; i < x.shape.length; i++) {
    const step = interior[i] + 1;
    const first = Math.max(0, Math.ceil(-low[i] / step));
    const last = Math.min(x.shape[i] - 1, Math.floor((out.shape[i] - 1 - low[i]) / step));
    if (last < first) return;
    start.push(first);
    count.push(last - first + 1);
    place.push(low[i] + first * step);
  }
  const ones = x.shape.map(() => 1);
  planner.emitCopy(
    sliceView(x, start, count, ones),
    sliceView(
      target,
      place,
      count,
      interior.map((i) => i + 1),
    ),
  );
};

const concat: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { axis } = paramsOf<{ axis: number }>(equation);
  const target = wholeView(planner.newArray(out.dtype, sizeOf(out.shape)), out.dtype, out.shape);
  const ones = out.shape.map(() => 1);
  let at = 0;
  for (const input of equation.inputs) {
    if (sizeOf(input.shape) > 0) {
      const start = out.shape.map((_, i) => (i === axis ? at : 0));
      const value = planner.value(input);
      if (value instanceof Node && value.uses > 1) planner.stored(value);
      else if (value instanceof Node) planner.settleShared([value]);
      planner.emitCopy(value, sliceView(target, start, input.shape, ones));
    }
    at += input.shape[axis];
  }
  planner.set(out, target);
};

// ---- reductions --------------------------------------------------------------------------------------------------------------------

const reduce: Lower = (planner, equation) => {
  const reduction = equation.primitive.name as Reduction;
  const { axes } = paramsOf<{ axes: readonly number[] }>(equation);
  const [out] = equation.outputs;
  const [{ shape }] = equation.inputs;
  let source = planner.value(equation.inputs[0]);
  if (source instanceof Node && source.uses > 1) source = planner.stored(source);
  planner.settleShared([source]);
  const { program, views, literals } = collect([source]);
  const keptAxes = shape.map((_, i) => i).filter((i) => !axes.includes(i));
  const part = (list: readonly number[]): ReturnType<typeof mergeDimensions> =>
    mergeDimensions(
      list.map((i) => shape[i]),
      views.map(({ strides }) => list.map((i) => strides[i])),
    );
  const [kept, reduced] = [part(keptAxes), part(axes)];
  const n = sizeOf(axes.map((i) => shape[i]));
  const results = sizeOf(out.shape);
  const team = teamFor(n, results, kept.strides, reduced.strides);
  const chunk = team === "warp" ? n : chunkFor(n);
  const chunks = Math.ceil(n / chunk);
  const wide = needsWide([n * results, results * chunks, ...views.map(({ array }) => planner.arrays[array].size)]);
  const dtype = typeOf(program, program.results[0]) as DType;
  const label = `${reduction} [${shape.join()}] over ${axes.join()}`;
  const target = (size: number): number[] =>
    isIndexed(reduction)
      ? [planner.newArray(dtype, size), planner.newArray("int32", size)]
      : [planner.newArray(dtype, size)];
  const partials = target(results * chunks);
  const perBlock = { thread: reduceThreads, warp: reduceThreads / 32, block: 1 }[team];
  planner.launch({
    source: printReduce({
      reduction,
      program,
      team,
      kept: kept.shape.length,
      reduced: reduced.shape.length,
      wide,
    }),
    name: "curv_reduce",
    grid: { x: Math.ceil(results / perBlock), y: chunks },
    threads: reduceThreads,
    args: [
      ...views.map(addressOf),
      ...literals.map(({ literal, dtype: type }): KernelArgument => ({ type, value: literal })),
      ...partials.map((array) => ({ array, offset: 0 })),
      ...indexArguments(wide, [
        results,
        n,
        chunk,
        ...kept.shape.slice(1),
        ...reduced.shape.slice(1),
        ...views.flatMap((_, i) => [...kept.strides[i], ...reduced.strides[i]]),
      ]),
    ],
    label,
  });
  let made = partials;
  if (chunks > 1) {
    made = target(results);
    planner.launch({
      source: printFold(reduction, dtype),
      name: "curv_fold",
      grid: { x: Math.ceil(results / (reduceThreads / 32)) },
      threads: reduceThreads,
      args: [
        ...[...partials, ...made].map((array) => ({ array, offset: 0 })),
        ...indexArguments(true, [results, chunks]),
      ],
      label,
    });
  }
  planner.set(out, wholeView(made[made.length - 1], out.dtype, out.shape));
};

/** Neighbouring threads should read neighbouring elements: a thread a result where results lie closer than what is reduced. */
function teamFor(n: number, results: number, kept: readonly number[][], reduced: readonly number[][]): Team {
  const nearest = (strides: readonly number[][]): number =>
    Math.min(Infinity, ...strides.flat().filter((s) => s !== 0).map(Math.abs)); // prettier-ignore
  if (n <= 32 || (results >= 32 && nearest(kept) < nearest(reduced))) return "thread";
  return n <= 1024 ? "warp" : "block";
}

// ---- contraction -------------------------------------------------------------------------------------------------------------------

interface DotParams {
  readonly contract: readonly [readonly number[], readonly number[]];
  readonly batch: readonly [readonly number[], readonly number[]];
}

const dot: Lower = (planner, equation) => {
  const { contract, batch } = paramsOf<DotParams>(equation);
  const [out] = equation.outputs;
  const operands = equation.inputs.map((x, side) => {
    const free = x.shape.map((_, i) => i).filter((i) => !contract[side].includes(i) && !batch[side].includes(i));
    const order = side === 0 ? [batch[0], free, contract[0]] : [batch[1], contract[1], free];
    return asMatrices(planner, planner.view(x), order);
  });
  const [a, b] = operands;
  const [count, m, k] = a.shape;
  const n = b.shape[2];
  const array = planner.newArray(out.dtype, sizeOf(out.shape));
  planner.set(out, wholeView(array, out.dtype, out.shape));
  const label = `dot ${count} × [${m}, ${k}] [${k}, ${n}]`;
  const { dtype } = out;
  if (planner.options.library && (dtype === "float32" || dtype === "float64")) {
    const [left, right] = [libraryOperand(planner, a), libraryOperand(planner, b)];
    planner.steps.push({ kind: "product", dtype, m, n, k, batch: count, a: left, b: right, out: array, label });
    return;
  }
  const source = printProduct(dtype);
  // The second and third number of a grid are limited.
  const most = 65535;
  const rows = Math.ceil(m / productTile);
  for (let firstBatch = 0; firstBatch < count; firstBatch += most) {
    for (let firstRow = 0; firstRow < rows; firstRow += most) {
      planner.launch({
        source,
        name: "curv_product",
        grid: {
          x: Math.ceil(n / productTile),
          y: Math.min(most, rows - firstRow),
          z: Math.min(most, count - firstBatch),
        },
        threads: productThreads,
        args: [
          addressOf(a),
          addressOf(b),
          { array, offset: 0 },
          ...indexArguments(true, [m, n, k, ...a.strides, ...b.strides, firstRow, firstBatch]),
        ],
        label,
      });
    }
  }
};

/** The operand as [batch, rows, columns], seen by three strides if its axes allow, else copied. */
function asMatrices(planner: Planner, x: View, groups: readonly (readonly number[])[]): View {
  const moved = transposeView(x, groups.flat());
  const shape = groups.map((axes) => sizeOf(axes.map((i) => x.shape[i])));
  const strides: number[] = [];
  for (const axes of groups) {
    const merged = mergeDimensions(
      axes.map((i) => x.shape[i]),
      [axes.map((i) => x.strides[i])],
    );
    if (merged.shape.length > 1) return reshapeView(planner.contiguous(moved), shape)!;
    strides.push(merged.strides[0][0] ?? 0);
  }
  return { ...x, shape, strides };
}

/** What the library takes: one of the last two axes has stride 1, the other a leading dimension. */
function libraryOperand(planner: Planner, x: View): MatrixOperand {
  const [, rows, columns] = x.shape;
  const [step, rowStride, columnStride] = x.strides;
  if ((columns === 1 || columnStride === 1) && (rows === 1 || rowStride >= columns)) {
    return { address: addressOf(x), transposed: false, leading: rows === 1 ? columns : rowStride, step };
  }
  if ((rows === 1 || rowStride === 1) && (columns === 1 || columnStride >= rows)) {
    return { address: addressOf(x), transposed: true, leading: columns === 1 ? rows : columnStride, step };
  }
  const whole = planner.contiguous(isContiguous(x) ? { ...x, strides: stridesOf(x.shape) } : x);
  return { address: addressOf(whole), transposed: false, leading: columns, step: rows * columns };
}

// ---- indexing ----------------------------------------------------------------------------------------------------------------------

/** Blocks for so many elements. */
function blocksFor(planner: Planner, n: number, threads: number): { x: number } {
  return { x: Math.max(1, Math.min(Math.ceil(n / threads), 16 * planner.options.multiprocessors)) };
}

interface Kernel {
  readonly source: string;
  readonly name: string;
  readonly n: number;
  readonly threads: number;
  readonly arrays: readonly View[];
  readonly numbers: readonly number[];
  readonly last?: readonly KernelArgument[];
}

/** A kernel whose threads stride over n elements, with 64-bit numbers. */
function launchOver(planner: Planner, equation: Equation, kernel: Kernel): void {
  const { source, name, n, threads, arrays, numbers, last = [] } = kernel;
  planner.launch({
    source,
    name,
    grid: blocksFor(planner, n, threads),
    threads,
    args: [...arrays.map(addressOf), ...indexArguments(true, numbers), ...last],
    label: `${equation.primitive.name} [${(equation.outputs[0] ?? equation.inputs[0]).shape.join()}]`,
  });
}

function fresh(planner: Planner, { dtype, shape }: Pick<Aval, "dtype" | "shape">): View {
  return wholeView(planner.newArray(dtype, sizeOf(shape)), dtype, shape);
}

const iota: Lower = (planner, equation) => {
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

const gather: Lower = (planner, equation) => {
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

const scatter: Lower = (planner, equation) => {
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
  launchOver(planner, equation, {
    source: movement.printScatter(out.dtype, reduction),
    name: "curv_scatter",
    n: rows * row,
    threads: movement.movementThreads,
    arrays: [updates, inOrder, positions, y],
    numbers: [rows * row, row, rows],
  });
  planner.set(out, y);
};

/** Positions in their rows, in the order of a stable sort of the last axis. */
function sorted(planner: Planner, equation: Equation, x: View, descending: boolean): View {
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

function takeInOrder(planner: Planner, equation: Equation, x: View, order: View, values: View, indices: View): void {
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

const sort: Lower = (planner, equation) => {
  const { descending } = paramsOf<{ descending: boolean }>(equation);
  const x = planner.whole(equation.inputs[0]);
  const [values, indices] = equation.outputs.map((out) => fresh(planner, out));
  takeInOrder(planner, equation, x, sorted(planner, equation, x, descending), values, indices);
  planner.set(equation.outputs[0], values);
  planner.set(equation.outputs[1], indices);
};

const dynamicSlice: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const [x, starts] = equation.inputs.map((input) => planner.whole(input));
  const y = fresh(planner, out);
  dynamicWindow(planner, equation, x, starts, y, x, out.shape, false);
  planner.set(out, y);
};

const dynamicUpdateSlice: Lower = (planner, equation) => {
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

// ---- along an axis, over windows ---------------------------------------------------------------------------------------------------

const scan: Lower = (planner, equation) => {
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

interface WindowParams {
  readonly window: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
}

const windowed: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { window, stride, padding, dilation } = paramsOf<WindowParams>(equation);
  const x = planner.whole(equation.inputs[0]);
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  const name = equation.primitive.name as "windowSum" | "windowArgMax";
  const axes = out.shape.flatMap((m, i) => [m, x.shape[i], window[i], stride[i], padding[i][0], dilation[i]]);
  launchOver(planner, equation, {
    source: printWindow(name, x.dtype, out.shape.length),
    name: "curv_window",
    n,
    threads: windowThreads,
    arrays: [x, y],
    numbers: [n, ...axes],
  });
  planner.set(out, y);
};

interface ConvParams {
  readonly stride: readonly number[];
  readonly padding: readonly (readonly [number, number])[];
  readonly inputDilation: readonly number[];
  readonly kernelDilation: readonly number[];
  readonly groups: number;
  readonly batchGroups: number;
}

const convolution: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const params = paramsOf<ConvParams>(equation);
  const [x, w] = equation.inputs.map((input) => planner.whole(input));
  const y = fresh(planner, out);
  const n = sizeOf(out.shape);
  const parts = params.groups * params.batchGroups;
  const [images, outputs] = out.shape;
  const depth = w.shape[1];
  const axes = out.shape.slice(2).flatMap((m, i) => [
    m,
    x.shape[i + 2],
    w.shape[i + 2],
    params.stride[i],
    params.padding[i][0],
    params.kernelDilation[i],
    params.inputDilation[i],
  ]); // prettier-ignore
  launchOver(planner, equation, {
    source: printConvolution(out.dtype, out.shape.length - 2),
    name: "curv_convolution",
    n,
    threads: windowThreads,
    arrays: [x, w, y],
    numbers: [
      n,
      x.shape[1],
      outputs,
      depth,
      outputs / parts,
      params.batchGroups > 1 ? 0 : depth,
      params.batchGroups > 1 ? images : 0,
      ...axes,
    ],
  });
  planner.set(out, y);
};

// ---- the table ---------------------------------------------------------------------------------------------------------------------

const table: Readonly<Record<string, Lower>> = {
  select: elementwise,
  cast,
  bitcast: cast,
  integerPower: elementwise,
  polygamma: elementwise,
  threefry,
  full,
  iota,
  stopGradient: identity,
  reshape: /* @__PURE__ */ viewed((x, { outputs: [out] }) => reshapeView(x, out.shape)),
  broadcast: /* @__PURE__ */ viewed((x, equation) =>
    broadcastView(x, equation.outputs[0].shape, paramsOf<{ axes: readonly number[] }>(equation).axes),
  ),
  transpose: /* @__PURE__ */ viewed((x, equation) =>
    transposeView(x, paramsOf<{ permutation: readonly number[] }>(equation).permutation),
  ),
  slice: /* @__PURE__ */ viewed((x, equation) => {
    const { start, step } = paramsOf<{ start: readonly number[]; step: readonly number[] }>(equation);
    return sliceView(x, start, equation.outputs[0].shape, step);
  }),
  flip: /* @__PURE__ */ viewed((x, equation) => flipView(x, paramsOf<{ axes: readonly number[] }>(equation).axes)),
  pad,
  concat,
  sum: reduce,
  prod: reduce,
  max: reduce,
  min: reduce,
  argMax: reduce,
  argMin: reduce,
  dot,
  gather,
  scatterAdd: scatter,
  scatterMax: scatter,
  sort,
  dynamicSlice,
  dynamicUpdateSlice,
  cumsum: scan,
  linearRecurrence: scan,
  cumArgMax: scan,
  windowSum: windowed,
  windowArgMax: windowed,
  conv: convolution,
};

/** Dtypes that have no kernel, where a primitive does not have them all. */
const missing: Readonly<Record<string, readonly DType[]>> = {
  polygamma: ["int32", "uint32", "bool"],
};

/** How a primitive is lowered on operands of a dtype; null if it has no kernel. */
export function loweringFor(name: string, dtype: DType | undefined): Lower | null {
  if (elementwiseNames.has(name)) return dtype !== undefined && hasFormula(name, dtype) ? elementwise : null;
  if (dtype !== undefined && missing[name]?.includes(dtype)) return null;
  return (table[name] as Lower | undefined) ?? null;
}

/** Whether the card has a kernel for the primitive, for some dtype. */
export function hasKernel(name: string): boolean {
  return elementwiseNames.has(name) || name in table;
}

/** Names of the primitives that have kernels. */
export function kernelNames(): string[] {
  return [...elementwiseNames, ...Object.keys(table)];
}
