/**
 * From a graph to a program.
 *
 * Equations are taken in order. Movement becomes a view of what is there. An elementwise operation joins the first kernel over the same
 * domain that comes after everything that it reads, so that chains and siblings become one pass over memory. What only a reduction reads
 * is computed while it reduces. What has no loop form is left to the host.
 */

import { axesLast, collapse } from "../strided.js";
import type { DType, TypedArray } from "../../dtype.js";
import { own } from "../../memory.js";
import type { Primitive } from "../../primitives/primitive.js";
import type { ConvParams } from "../../primitives/conv.js";
import type { DotParams } from "../../primitives/dot.js";
import type { ReduceParams } from "../../primitives/reduce.js";
import { sizeAlong, sizeOf, stridesOf, type Shape } from "../../shape.js";
import type { Tensor } from "../../tensor.js";
import { Variable, type Atom, type Equation, type Graph } from "../../transform/graph.js";
import { flattenCalls } from "../../transform/simplify.js";
import type { CondParams } from "../../transform/cond.js";
import type { ScanParams } from "../../transform/scan.js";
import type { WhileParams } from "../../transform/while-loop.js";
import type { PadParams, SliceParams } from "../../primitives/movement.js";
import { isCheap } from "./elementwise.js";
import {
  Buffer,
  innerStride,
  isContiguous,
  newArray,
  rowMajor,
  singleStride,
  type MapStep,
  type MatrixView,
  type Operand,
  type Operation,
  type Step,
  type View,
} from "./program.js";
import type { ReductionName } from "./reduce.js";

/** Puts a constant into memory that stays; gives its address. */
export type PlaceConstant = (data: TypedArray) => number;

/** What is known of a variable while its block is lowered. */
type Value =
  | { readonly kind: "memory"; readonly view: View; readonly position: number }
  | { readonly kind: "computed"; readonly step: MapStep; readonly variable: Variable; readonly position: number }
  | { readonly kind: "constant"; readonly value: number; readonly shape: Shape; readonly dtype: DType }
  | { readonly kind: "deferred"; readonly equation: Equation };

const reductions: ReadonlySet<string> = /* @__PURE__ */ new Set(["sum", "prod", "max", "min"]);
/** More operations than this are not computed eight times over in the unrolled loop of a reduction along a slow axis. */
const unrolledOperations = 4;

/** Lowers a graph whose inputs are in memory; the outputs are views. */
export class Lowering {
  readonly steps: Step[] = [];
  private readonly values = new Map<Variable, Value>();
  private deferrable: ReadonlySet<Variable> = new Set();

  constructor(private readonly placeConstant: PlaceConstant) {}

  /** Adds the steps of the graph; gives its outputs. */
  lower(graph: Graph, inputs: readonly View[]): View[] {
    graph.inputs.forEach((variable, i) => this.values.set(variable, { kind: "memory", view: inputs[i], position: -1 }));
    this.deferrable = deferrableInto(graph);
    for (const equation of graph.equations) this.equation(equation);
    return graph.outputs.map((atom) => this.contiguous(this.view(atom)));
  }

  private equation(equation: Equation): void {
    const { primitive, inputs, outputs } = equation;
    const [out] = outputs;
    if (outputs.length > 0 && outputs.every((y) => sizeOf(y.shape) === 0) && primitive.effect !== true) {
      for (const y of outputs) this.setMemory(y, newArray(y));
      return;
    }
    const view = (i: number): View => this.view(inputs[i]);
    switch (primitive.loop) {
      case "elementwise":
      case "select":
      case "cast":
      case "integerPower":
        this.elementwise(equation);
        return;
      case "identity": {
        const known = inputs[0] instanceof Variable ? this.values.get(inputs[0]) : undefined;
        if (known !== undefined && known.kind !== "deferred") this.values.set(out, known);
        else this.setMemory(out, view(0));
        return;
      }
      case "full": {
        const { value } = equation.params as { value: number };
        this.values.set(out, { kind: "constant", value: coerce(value, out.dtype), shape: out.shape, dtype: out.dtype });
        return;
      }
      case "reshape": {
        const constant = this.constantOf(inputs[0]);
        if (constant !== null)
          this.values.set(out, { kind: "constant", value: constant, shape: out.shape, dtype: out.dtype });
        else this.setMemory(out, reshapeView(view(0), out.shape) ?? reshapeView(this.contiguous(view(0)), out.shape)!);
        return;
      }
      case "broadcast": {
        const constant = this.constantOf(inputs[0]);
        if (constant !== null) {
          this.values.set(out, { kind: "constant", value: constant, shape: out.shape, dtype: out.dtype });
          return;
        }
        const x = view(0);
        const { axes } = equation.params as { axes: readonly number[] };
        const strides = new Array<number>(out.shape.length).fill(0);
        axes.forEach((axis, i) => (strides[axis] = x.shape[i] === 1 ? 0 : x.strides[i]));
        this.setMemory(out, { ...x, shape: out.shape, strides });
        return;
      }
      case "transpose": {
        const x = view(0);
        const { permutation } = equation.params as { permutation: readonly number[] };
        this.setMemory(out, { ...x, shape: out.shape, strides: permutation.map((axis) => x.strides[axis]) });
        return;
      }
      case "slice": {
        const x = view(0);
        const { start, step } = equation.params as SliceParams;
        const offset = start.reduce((sum, s, axis) => sum + s * x.strides[axis], x.offset);
        this.setMemory(out, { ...x, offset, shape: out.shape, strides: x.strides.map((s, axis) => s * step[axis]) });
        return;
      }
      case "flip": {
        const x = view(0);
        const { axes } = equation.params as { axes: readonly number[] };
        const offset = axes.reduce((sum, axis) => sum + (x.shape[axis] - 1) * x.strides[axis], x.offset);
        const strides = x.strides.map((s, axis) => (axes.includes(axis) ? -s : s));
        this.setMemory(out, { ...x, offset, strides });
        return;
      }
      case "concat": {
        const { axis } = equation.params as { axis: number };
        const whole = newArray(out);
        let at = 0;
        inputs.forEach((input, i) => {
          const to = { ...whole, offset: at * whole.strides[axis], shape: input.shape };
          this.copy(view(i), to);
          at += input.shape[axis];
        });
        this.setMemory(out, whole);
        return;
      }
      case "pad":
        if (this.pad(equation)) return;
        break;
      case "reduce":
        if (this.reduce(equation)) return;
        break;
      case "dot":
        this.dot(equation);
        return;
      case "conv":
        this.convolve(equation);
        return;
      case "scan":
        this.scan(equation);
        return;
      case "whileLoop":
        this.whileLoop(equation);
        return;
      case "cond":
        this.cond(equation);
        return;
      case undefined:
        break;
    }
    const inner = primitive.standsFor?.(equation.params, inputs.length);
    if (inner !== undefined) {
      const { steps, outputs: results } = this.block(inner.graph, inner.takes.map(view));
      this.steps.push(...steps);
      outputs.forEach((y, i) => this.setMemory(y, results[i]));
    } else this.host(equation);
  }

  // ---- Values ------------------------------------------------------------------------------------------------------------------

  private get position(): number {
    return this.steps.length - 1;
  }

  private setMemory(variable: Variable, view: View): void {
    this.values.set(variable, { kind: "memory", view, position: this.position });
  }

  private constantOf(atom: Atom): number | null {
    if (!(atom instanceof Variable)) return atom.size === 1 ? hostData(atom)[0] : null;
    const value = this.values.get(atom)!;
    return value.kind === "constant" ? value.value : null;
  }

  /** The value in memory. */
  private view(atom: Atom): View {
    if (!(atom instanceof Variable)) return this.captured(atom);
    const value = this.values.get(atom)!;
    switch (value.kind) {
      case "memory":
        return value.view;
      case "computed": {
        let view = value.step.stores.get(value.variable);
        if (view === undefined) value.step.stores.set(value.variable, (view = newArray(value.variable)));
        return view;
      }
      case "constant": {
        const one = newArray({ shape: [], dtype: value.dtype, weak: false });
        this.steps.push({ kind: "copy", from: value.value, to: one });
        return { ...one, shape: value.shape, strides: value.shape.map(() => 0) };
      }
      case "deferred":
        // Its reader could not take it in after all.
        this.place(value.equation);
        return this.view(atom);
    }
  }

  private captured(x: Tensor): View {
    const data = hostData(x);
    return rowMajor(new Buffer(data.length, x.dtype, this.placeConstant(data)), x.shape, x.dtype);
  }

  /** The same elements one after the other. */
  private contiguous(view: View): View {
    if (isContiguous(view)) return view;
    const whole = newArray({ ...view, weak: false });
    this.copy(view, whole);
    return whole;
  }

  private copy(from: View | number, to: View): void {
    if (sizeOf(to.shape) > 0) this.steps.push({ kind: "copy", from, to });
  }

  // ---- Elementwise -------------------------------------------------------------------------------------------------------------

  private elementwise(equation: Equation): void {
    const [out] = equation.outputs;
    if (this.deferrable.has(out)) this.values.set(out, { kind: "deferred", equation });
    else this.place(equation);
  }

  /** Gives the operation a kernel: the first over its domain that comes after all that it reads. */
  private place(equation: Equation): void {
    const [out] = equation.outputs;
    const { shape } = out;
    // Operands first: reading one may add steps.
    const operands = equation.inputs.map((atom) => this.resolve(atom, shape));
    let after = -1;
    let from = -1;
    for (const operand of operands) {
      if (operand.kind === "load") after = Math.max(after, this.lastWrite(operand.view.buffer));
      if (operand.kind === "computed") from = Math.max(from, this.positionOf(operand.variable));
    }
    let position = -1;
    for (let i = Math.max(after + 1, from, 0); i < this.steps.length && position < 0; i++) {
      const step = this.steps[i];
      if (step.kind === "map" && sameShape(step.shape, shape)) position = i;
    }
    if (position < 0) {
      this.steps.push({ kind: "map", shape, operations: [], stores: new Map() });
      position = this.steps.length - 1;
    }
    const step = this.steps[position] as MapStep;
    const settled = operands.map((operand): Operand => {
      if (operand.kind !== "computed" || this.positionOf(operand.variable) === position) return operand;
      return { kind: "load", view: this.view(operand.variable) };
    });
    step.operations.push({ equation, operands: settled });
    this.values.set(out, { kind: "computed", step, variable: out, position });
  }

  private positionOf(variable: Variable): number {
    const value = this.values.get(variable)!;
    return value.kind === "computed" ? value.position : -1;
  }

  /** Last step of this block that writes the buffer; −1 if it was there before. */
  private lastWrite(buffer: Buffer): number {
    return this.writers.get(buffer) ?? this.findWriter(buffer);
  }

  private readonly writers = new Map<Buffer, number>();

  private findWriter(buffer: Buffer): number {
    for (let i = this.steps.length - 1; i >= 0; i--) {
      if (writes(this.steps[i], buffer)) {
        // A concatenation writes several times, but all before anybody reads.
        this.writers.set(buffer, i);
        return i;
      }
    }
    return -1;
  }

  /** An operand of an operation over `shape`, computed there or loaded. */
  private resolve(atom: Atom, shape: Shape): Operand {
    const constant = this.constantOf(atom);
    if (constant !== null) return { kind: "constant", value: constant, dtype: atom.dtype };
    if (atom instanceof Variable) {
      let value = this.values.get(atom)!;
      if (value.kind === "deferred") {
        this.place(value.equation);
        value = this.values.get(atom)!;
      }
      if (value.kind === "computed" && sameShape(value.step.shape, shape))
        return { kind: "computed", variable: value.variable };
    }
    return { kind: "load", view: this.readable(this.view(atom), shape) };
  }

  /** The view broadcast to `shape`, with neighbours side by side or equal along the last axis. */
  private readable(view: View, shape: Shape): View {
    const inner = innerStride(view);
    const source = isVectorStride(inner) ? view : this.contiguous(view);
    return broadcastView(source, shape);
  }

  // ---- Reductions --------------------------------------------------------------------------------------------------------------

  private reduce({ primitive, params, inputs, outputs }: Equation): boolean {
    const [x] = inputs;
    const { axes } = params as ReduceParams;
    const dtype = x.dtype;
    if (!reductions.has(primitive.name) || (dtype !== "float32" && dtype !== "float64")) return false;
    if (sizeOf(x.shape) === 0 || axes.length === 0) return false;
    const adjacent = axes.every((axis, i) => axis === axes[0] + i);
    const first = adjacent ? axes[0] : x.shape.length - axes.length;
    const order = adjacent ? x.shape.map((_, axis) => axis) : axesLast(x.shape.length, axes);
    const shape = order.map((axis) => x.shape[axis]);
    const columns = sizeOf(shape.slice(first + axes.length));
    const inlined = adjacent ? this.inline(x, dtype, shape, first, axes.length, columns) : null;
    let operations: readonly Operation[] = [];
    let value: Operand;
    if (inlined !== null) ({ operations, value } = inlined);
    else {
      const source = this.view(x);
      const arranged = { ...source, shape, strides: order.map((axis) => source.strides[axis]) };
      const inPlace = loopAxes(arranged, first, axes.length) && isVectorStride(innerStride(arranged));
      value = { kind: "load", view: inPlace ? arranged : this.contiguous(arranged) };
    }
    const out = newArray(outputs[0]);
    const rows = sizeOf(shape.slice(first, first + axes.length));
    this.steps.push({
      kind: "reduce",
      name: primitive.name as ReductionName,
      dtype,
      outer: shape.slice(0, first),
      reduced: axes.length,
      rows,
      columns,
      operations,
      value,
      out,
    });
    this.setMemory(outputs[0], out);
    return true;
  }

  /** The operations that lead to a value that only the reduction reads, if its loops can compute them. */
  private inline(
    x: Atom,
    dtype: DType,
    shape: Shape,
    first: number,
    count: number,
    columns: number,
  ): { operations: Operation[]; value: Operand } | null {
    if (!(x instanceof Variable) || this.values.get(x)!.kind !== "deferred") return null;
    const operations: Operation[] = [];
    let possible = true;
    const visit = (atom: Atom): Operand => {
      const constant = this.constantOf(atom);
      if (constant !== null) return { kind: "constant", value: constant, dtype: atom.dtype };
      const known = atom instanceof Variable ? this.values.get(atom)! : null;
      if (known?.kind === "deferred") {
        const { equation } = known;
        // Lanes of another size would need another loop.
        if (
          [...equation.inputs, ...equation.outputs].some(
            (y) => (y.dtype === "float64") !== (dtype === "float64") && y.dtype !== "bool",
          )
        )
          possible = false;
        const operands = equation.inputs.map(visit);
        operations.push({ equation, operands });
        return { kind: "computed", variable: equation.outputs[0] };
      }
      const view = this.readable(this.view(atom), shape);
      if (!loopAxes(view, first, count)) possible = false;
      return { kind: "load", view };
    };
    const value = visit(x);
    const cheap =
      operations.length <= unrolledOperations && operations.every(({ equation }) => isCheap(equation.primitive.name));
    if (!possible || (columns > 1 && !cheap)) return null;
    return { operations, value };
  }

  // ---- Contractions ------------------------------------------------------------------------------------------------------------

  private dot(equation: Equation): void {
    const [x, y] = equation.inputs;
    const [out] = equation.outputs;
    if (x.dtype !== "float32" && x.dtype !== "float64") {
      this.host(equation);
      return;
    }
    const { contract, batch } = equation.params as DotParams;
    const free = [x, y].map(({ shape }, side) =>
      shape.map((_, axis) => axis).filter((axis) => !contract[side].includes(axis) && !batch[side].includes(axis)),
    );
    const a = this.matrices(this.view(x), batch[0], free[0], contract[0]);
    const b = this.matrices(this.view(y), batch[1], contract[1], free[1]);
    const whole = newArray(out);
    this.steps.push({
      kind: "matmul",
      dtype: x.dtype,
      count: sizeAlong(x.shape, batch[0]),
      m: sizeAlong(x.shape, free[0]),
      n: sizeAlong(y.shape, free[1]),
      k: sizeAlong(x.shape, contract[0]),
      a,
      b,
      out: whole,
    });
    this.setMemory(out, whole);
  }

  /** The view as a batch of matrices, in place where each group of axes is walked with one stride. */
  private matrices(
    view: View,
    batch: readonly number[],
    rows: readonly number[],
    columns: readonly number[],
  ): MatrixView {
    const [step, row, column] = [batch, rows, columns].map((axes) => singleStride(view.shape, view.strides, axes));
    if (step !== null && row !== null && column !== null) return { view, step, row, column };
    const order = [...batch, ...rows, ...columns];
    const moved = this.contiguous({
      ...view,
      shape: order.map((axis) => view.shape[axis]),
      strides: order.map((axis) => view.strides[axis]),
    });
    const width = sizeAlong(view.shape, columns);
    return { view: moved, step: sizeAlong(view.shape, rows) * width, row: width, column: 1 };
  }

  // ---- Padding -----------------------------------------------------------------------------------------------------------------

  private pad({ params, inputs, outputs }: Equation): boolean {
    const [x, fill] = inputs;
    const [out] = outputs;
    const { low, interior } = params as PadParams;
    const value = this.constantOf(fill);
    if (value === null || sizeOf(x.shape) === 0) return false;
    this.setMemory(out, this.padded(this.view(x), value, low, interior, out.shape));
    return true;
  }

  /** The view with `fill` around its elements and between them. */
  private padded(source: View, fill: number, low: readonly number[], interior: readonly number[], shape: Shape): View {
    const whole = newArray({ shape, dtype: source.dtype, weak: false });
    this.copy(fill, whole);
    let from = source.offset;
    let to = 0;
    const count: number[] = [];
    for (let axis = 0; axis < shape.length; axis++) {
      // Element j lands at low + j (interior + 1): those with 0 ≤ place < length survive.
      const step = interior[axis] + 1;
      const first = Math.max(0, Math.ceil(-low[axis] / step));
      const last = Math.min(source.shape[axis] - 1, Math.floor((shape[axis] - 1 - low[axis]) / step));
      count.push(Math.max(0, last - first + 1));
      from += first * source.strides[axis];
      to += (low[axis] + first * step) * whole.strides[axis];
    }
    this.copy(
      { ...source, offset: from, shape: count },
      { ...whole, offset: to, shape: count, strides: whole.strides.map((s, axis) => s * (interior[axis] + 1)) },
    );
    return whole;
  }

  // ---- Convolutions ------------------------------------------------------------------------------------------------------------

  /** One image after the other: what each kernel element meets is copied side by side, and a matrix product does the rest. */
  private convolve(equation: Equation): void {
    const [x, w] = equation.inputs;
    const [out] = equation.outputs;
    const { stride, padding, inputDilation, kernelDilation, groups, batchGroups } = equation.params as ConvParams;
    if (x.dtype !== "float32" && x.dtype !== "float64") {
      this.host(equation);
      return;
    }
    const taps = w.shape.slice(2);
    const places = out.shape.slice(2);
    const [images] = out.shape;
    const parts = groups * batchGroups;
    const channels = w.shape[1];
    const kernels = this.contiguous(this.view(w));
    // Parts of the batch become parts of the channels.
    let source = this.view(x);
    if (batchGroups > 1) {
      const [batch, each, ...space] = source.strides;
      const shape = [images, batchGroups, channels, ...x.shape.slice(2)];
      const split = { ...source, shape, strides: [batch, batch * images, each, ...space] };
      source = reshapeView(this.contiguous(split), [images, parts * channels, ...x.shape.slice(2)])!;
    }
    const low = padding.map(([before]) => before);
    if ([...padding.flat()].some((n) => n !== 0) || inputDilation.some((d) => d !== 1)) {
      const room = source.shape.slice(2).map((n, i) => {
        return Math.max(0, (n === 0 ? 0 : inputDilation[i] * (n - 1) + 1) + padding[i][0] + padding[i][1]);
      });
      const between = inputDilation.map((d) => d - 1);
      source = this.padded(source, 0, [0, 0, ...low], [0, 0, ...between], [images, parts * channels, ...room]);
    }
    source = this.contiguous(source);
    const array = (shape: Shape): View => newArray({ shape, dtype: x.dtype, weak: false });
    const image = array(source.shape.slice(1));
    const result = array(out.shape.slice(1));
    const [plane, ...along] = image.strides;
    const met: View = {
      ...image,
      shape: [parts, channels, ...taps, ...places],
      strides: [
        channels * plane,
        plane,
        ...along.map((s, i) => s * kernelDilation[i]),
        ...along.map((s, i) => s * stride[i]),
      ],
    };
    const depth = channels * sizeOf(taps);
    const positions = sizeOf(places);
    const body: Step[] = [];
    let columns: MatrixView;
    if (isContiguous(met)) {
      columns = { view: met, step: depth * positions, row: positions, column: 1 };
    } else {
      // Along the longer rows, so that most is copied by vectors.
      const placesFirst = (taps[taps.length - 1] ?? 1) > (places[places.length - 1] ?? 1);
      const tapAxes = met.shape.map((_, axis) => axis).slice(1, 2 + taps.length);
      const placeAxes = met.shape.map((_, axis) => axis).slice(2 + taps.length);
      const order = [0, ...(placesFirst ? [...placeAxes, ...tapAxes] : [...tapAxes, ...placeAxes])];
      const arranged = {
        ...met,
        shape: order.map((axis) => met.shape[axis]),
        strides: order.map((axis) => met.strides[axis]),
      };
      const view = array(arranged.shape);
      if (sizeOf(view.shape) > 0) body.push({ kind: "copy", from: arranged, to: view });
      columns = placesFirst
        ? { view, step: depth * positions, row: 1, column: depth }
        : { view, step: depth * positions, row: positions, column: 1 };
    }
    const outputs = w.shape[0] / parts;
    body.push({
      kind: "matmul",
      dtype: x.dtype,
      count: parts,
      m: outputs,
      n: positions,
      k: depth,
      a: { view: kernels, step: outputs * depth, row: depth, column: 1 },
      b: columns,
      out: result,
    });
    const whole = newArray(out);
    this.steps.push({
      kind: "scan",
      count: images,
      reverse: false,
      rows: [{ from: source, to: image }],
      body,
      carries: [],
      stacked: [{ from: result, to: whole }],
    });
    this.setMemory(out, whole);
  }

  // ---- Control flow ------------------------------------------------------------------------------------------------------------

  /** A graph as a block of its own. */
  private block(graph: Graph, inputs: readonly View[]): { steps: Step[]; outputs: View[] } {
    const inner = new Lowering(this.placeConstant);
    const outputs = inner.lower(flattenCalls(graph), inputs);
    return { steps: inner.steps, outputs };
  }

  private scan({ params, inputs, outputs }: Equation): void {
    const { body, consts, carries, length, reverse } = params as ScanParams;
    const views = inputs.map((x) => this.view(x));
    const state = this.startCarries(views.slice(consts, consts + carries));
    const stackedInputs = views.slice(consts + carries).map((x) => this.contiguous(x));
    const rows = stackedInputs.map((from) => ({
      from,
      to: newArray({ shape: from.shape.slice(1), dtype: from.dtype, weak: false }),
    }));
    const { steps, outputs: results } = this.block(body, [
      ...views.slice(0, consts),
      ...state,
      ...rows.map(({ to }) => to),
    ]);
    const stacked = results.slice(carries).map((from, i) => ({ from, to: newArray(outputs[carries + i]) }));
    this.steps.push({
      kind: "scan",
      count: length,
      reverse,
      rows,
      body: steps,
      carries: nextCarries(steps, results.slice(0, carries), state),
      stacked,
    });
    outputs.forEach((y, i) => this.setMemory(y, i < carries ? state[i] : stacked[i - carries].to));
  }

  private whileLoop({ params, inputs, outputs }: Equation): void {
    const { condition, body, conditionConsts: nc, bodyConsts: nb, maxSteps } = params as WhileParams;
    const views = inputs.map((x) => this.view(x));
    const state = this.startCarries(views.slice(nc + nb));
    const test = this.block(condition, [...views.slice(0, nc), ...state]);
    const { steps, outputs: results } = this.block(body, [...views.slice(nc, nc + nb), ...state]);
    this.steps.push({
      kind: "while",
      condition: test.steps,
      go: test.outputs[0],
      body: steps,
      carries: nextCarries(steps, results, state),
      maxSteps,
    });
    outputs.forEach((y, i) => this.setMemory(y, state[i]));
  }

  private cond({ params, inputs, outputs }: Equation): void {
    const { branches } = params as CondParams;
    const [predicate, ...operands] = inputs.map((x) => this.view(x));
    const outs = outputs.map((y) => newArray(y));
    const lowered = branches.map((graph) => {
      const { steps, outputs: results } = this.block(graph, operands);
      results.forEach((from, i) => {
        if (sizeOf(from.shape) > 0) steps.push({ kind: "copy", from, to: outs[i] });
      });
      return steps;
    });
    this.steps.push({ kind: "cond", predicate: this.contiguous(predicate), branches: [lowered[0], lowered[1]] });
    outputs.forEach((y, i) => this.setMemory(y, outs[i]));
  }

  /** Arrays for the carries, holding the initial ones. */
  private startCarries(initial: readonly View[]): View[] {
    return initial.map((from) => {
      const to = newArray({ ...from, weak: false });
      this.copy(from, to);
      return to;
    });
  }

  // ---- The host ----------------------------------------------------------------------------------------------------------------

  private host({ primitive, params, inputs, outputs }: Equation): void {
    const views = inputs.map((x) => this.contiguous(this.view(x)));
    const outs = outputs.map((y) => newArray(y));
    this.steps.push({ kind: "host", primitive: primitive as Primitive, params, inputs: views, outs });
    outputs.forEach((y, i) => this.setMemory(y, outs[i]));
  }
}

/** Variables that one reduction reads, alone or through elementwise operations that only it needs. */
function deferrableInto(graph: Graph): ReadonlySet<Variable> {
  const readers = new Map<Variable, Equation[]>();
  for (const equation of graph.equations) {
    for (const atom of equation.inputs) {
      if (!(atom instanceof Variable)) continue;
      const list = readers.get(atom);
      if (list === undefined) readers.set(atom, [equation]);
      else list.push(equation);
    }
  }
  const returned = new Set(graph.outputs);
  const deferred = new Set<Variable>();
  for (let i = graph.equations.length - 1; i >= 0; i--) {
    const { primitive, outputs } = graph.equations[i];
    const [out] = outputs;
    if (!isElementwise(primitive) || returned.has(out)) continue;
    const list = readers.get(out);
    if (list?.length !== 1) continue;
    const [reader] = list;
    const intoReduction = reader.primitive.loop === "reduce" && reductions.has(reader.primitive.name);
    // Only over the same domain: else it would be computed again for every repetition.
    const intoDeferred = deferred.has(reader.outputs[0]) && sameShape(reader.outputs[0].shape, out.shape);
    if (intoReduction || intoDeferred) deferred.add(out);
  }
  return deferred;
}

function isElementwise({ loop }: Primitive): boolean {
  return loop === "elementwise" || loop === "select" || loop === "cast" || loop === "integerPower";
}

/** Equal elements, or neighbours. */
function isVectorStride(stride: number): boolean {
  return stride === 0 || stride === 1;
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

/** Elements of a captured constant; empty ones have no handle. */
function hostData(x: Tensor): TypedArray {
  return x.size === 0 ? own(x.dtype, 0) : x.owner!.downloadSync!(x);
}

/** The value as the dtype holds it. */
function coerce(value: number, dtype: DType): number {
  if (dtype === "float32") return Math.fround(value);
  if (dtype === "bool") return value === 0 ? 0 : 1;
  return dtype === "int32" ? value | 0 : dtype === "uint32" ? value >>> 0 : value;
}

/** What the next round of a loop starts from: results that stand in another carry are moved aside first. */
function nextCarries(steps: Step[], results: readonly View[], state: readonly View[]): { from: View; to: View }[] {
  const moves: { from: View; to: View }[] = [];
  results.forEach((from, i) => {
    const own = state[i];
    if (sizeOf(own.shape) === 0) return;
    if (!state.some(({ buffer }) => buffer === from.buffer)) moves.push({ from, to: own });
    else if (from.buffer !== own.buffer || from.offset !== 0) {
      const aside = newArray({ ...from, weak: false });
      steps.push({ kind: "copy", from, to: aside });
      moves.push({ from: aside, to: own });
    }
  });
  return moves;
}

function writes(step: Step, buffer: Buffer): boolean {
  const is = (view: View): boolean => view.buffer === buffer;
  switch (step.kind) {
    case "map":
      return [...step.stores.values()].some(is);
    case "reduce":
    case "matmul":
      return is(step.out);
    case "copy":
      return is(step.to);
    case "host":
      return step.outs.some(is);
    case "scan":
      return (
        step.carries.some(({ to }) => is(to)) ||
        step.stacked.some(({ to }) => is(to)) ||
        step.body.some((s) => writes(s, buffer))
      );
    case "while":
      return step.carries.some(({ to }) => is(to)) || step.body.some((s) => writes(s, buffer));
    case "rows":
      return step.steps.some((s) => writes(s, buffer));
    case "cond":
      return step.branches.some((branch) => branch.some((s) => writes(s, buffer)));
  }
}

function broadcastView(view: View, shape: Shape): View {
  const missing = shape.length - view.shape.length;
  const strides = shape.map((_, axis) =>
    axis < missing || view.shape[axis - missing] === 1 ? 0 : view.strides[axis - missing],
  );
  return { ...view, shape, strides };
}

/** The view under another shape, or null if the elements do not allow it without moving. */
function reshapeView(view: View, shape: Shape): View | null {
  if (isContiguous(view)) return { ...view, shape, strides: stridesOf(shape) };
  // Axes that are walked as one may be cut anew.
  const walk = collapse(view.shape, [view.strides]);
  const strides: number[] = new Array<number>(shape.length).fill(0);
  let axis = shape.length - 1;
  for (let i = walk.shape.length - 1; i >= 0; i--) {
    let step = walk.strides[0][i];
    let left = walk.shape[i];
    while (left > 1) {
      if (axis < 0 || left % shape[axis] !== 0) return null;
      strides[axis] = step;
      step *= shape[axis];
      left /= shape[axis];
      axis--;
    }
  }
  return { ...view, shape, strides };
}

/** Whether the reduced axes, and the axes behind them, are each walked with one stride. */
function loopAxes({ shape, strides }: View, first: number, count: number): boolean {
  const axes = shape.map((_, axis) => axis);
  return (
    singleStride(shape, strides, axes.slice(first, first + count)) !== null &&
    singleStride(shape, strides, axes.slice(first + count)) !== null
  );
}
