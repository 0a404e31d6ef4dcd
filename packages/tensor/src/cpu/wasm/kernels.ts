/** From the steps of a program to functions: kernel(base, start, end) for a range of the first axis of its loops. */

import { itemSize, type DType } from "../../dtype.js";
import { sizeOf, type Shape } from "../../shape.js";
import type { Variable } from "../../transform/graph.js";
import { collapse, type Walk } from "../strided.js";
import { load } from "./access.js";
import {
  cast,
  elementwise,
  integerPower,
  isCheap,
  lanesFor,
  selectValue,
  vectorConstant,
  type ImportScalar,
  type VectorContext,
  type VectorValue,
} from "./elementwise.js";
import type { ElementwisePrimitive } from "../../primitives/elementwise.js";
import type { BinaryKernels } from "../kernels/binary.js";
import type { UnaryKernels } from "../kernels/unary.js";
import { baseLocal, endLocal, nest, pointTo, startLocal, type StridedStream } from "./loops.js";
import { emitMap, type Load } from "./map.js";
import { FunctionBody, i32, op } from "./module.js";
import {
  singleStride,
  type MatmulStep,
  type CopyStep,
  type MapStep,
  type Operand,
  type Operation,
  type ReduceStep,
  type RowsStep,
  type View,
} from "./program.js";
import { emitReduce } from "./reduce.js";
import { leadingAxes, rowStride } from "./rows.js";
import { chunkElements, chunkMultiplications } from "./thread-costs.js";

export interface Kernel {
  readonly body: FunctionBody;
  /** Of the first axis. */
  readonly length: number;
  /** How much of it one call takes where several threads share the range. */
  readonly chunk: number;
  /** The same for one thread: not all, because V8 replaces a function by its optimised code at the next call, never inside a loop. */
  readonly alone: number;
  /** Rough estimate of the time for all of it, to decide whether threads pay. */
  readonly nanoseconds: number;
  /** Whether several calls may run at the same time, each on a range of its own. */
  readonly divisible: boolean;
}

/** @param cost - Nanoseconds for an element. */
function kernel(
  body: FunctionBody,
  [length, ...inner]: readonly number[],
  cost: number,
  { elements = sizeOf(inner) }: { elements?: number } = {},
): Kernel {
  const chunk = Math.max(1, Math.floor(chunkElements / Math.max(1, elements)));
  return { body, length, chunk, alone: chunk, nanoseconds: length * elements * cost, divisible: true };
}

/** Nanoseconds for an element of all operations. */
function costOf(operations: readonly Operation[]): number {
  return operations.reduce((sum, { equation }) => sum + (isCheap(equation.primitive.name) ? 0.2 : 1.5), 0.3);
}

function streamOf({ buffer, offset, strides, dtype }: View): StridedStream {
  return { dtype, pointer: -1, placement: buffer, offset, strides };
}

/** Writes the operations of a kernel as expressions; every array is loaded once. */
class Values {
  readonly loads: (Load & { readonly shape: Shape })[] = [];
  private readonly byKey = new Map<string, VectorValue>();
  private readonly buffers = new Map<object, number>();
  private readonly computed = new Map<Variable, VectorValue>();

  constructor(private readonly context: VectorContext) {}

  compute(operations: readonly Operation[]): void {
    for (const operation of operations) {
      const [out] = operation.equation.outputs;
      this.computed.set(out, { expression: this.operation(operation), dtype: out.dtype });
    }
  }

  get(variable: Variable): VectorValue {
    return this.computed.get(variable)!;
  }

  operand(x: Operand): VectorValue {
    if (x.kind === "computed") return this.get(x.variable);
    if (x.kind === "constant") {
      return { expression: vectorConstant(x.value, x.dtype, this.context.lanes), dtype: x.dtype };
    }
    const { buffer, offset, strides, shape, dtype } = x.view;
    if (!this.buffers.has(buffer)) this.buffers.set(buffer, this.buffers.size);
    const key = `${this.buffers.get(buffer)}:${offset}:${strides.join()}`;
    let value = this.byKey.get(key);
    if (value === undefined) {
      const stream = streamOf(x.view);
      const step = strides[innerAxis(shape)] === 1 ? 1 : 0;
      const expression = load(stream, step, this.context.lanes);
      this.loads.push({ stream, value: expression, shape });
      this.byKey.set(key, (value = { expression, dtype }));
    }
    return value;
  }

  private operation({ equation: { primitive, params, outputs }, operands }: Operation): VectorValue["expression"] {
    const inputs = operands.map((x) => this.operand(x));
    switch (primitive.loop) {
      case "cast":
        return cast(inputs[0], outputs[0].dtype, this.context);
      case "select":
        return selectValue(inputs[0], inputs[1], inputs[2], this.context.lanes);
      case "integerPower":
        return integerPower(inputs[0], (params as { n: number }).n, this.context);
      default: {
        const { name, kernels } = primitive as ElementwisePrimitive<UnaryKernels | BinaryKernels>;
        return elementwise(name, kernels, inputs, outputs[0].dtype, this.context);
      }
    }
  }
}

/** The last axis longer than 1. */
function innerAxis(shape: Shape): number {
  let axis = shape.length - 1;
  while (axis > 0 && shape[axis] === 1) axis--;
  return axis;
}

function dtypesOf(operations: readonly Operation[]): DType[] {
  return operations.flatMap(({ equation: { inputs, outputs } }) => [...inputs, ...outputs].map(({ dtype }) => dtype));
}

/** The loops over a domain whose first axis is `rows`, where that is given. */
function walkOf(shape: Shape, strides: readonly (readonly number[])[], rows: number | null): Walk {
  if (rows === null) return collapse(shape, strides);
  const axes = leadingAxes(shape, rows)!;
  const inner = collapse(
    shape.slice(axes),
    strides.map((s) => s.slice(axes)),
  );
  return {
    shape: [rows, ...inner.shape],
    strides: inner.strides.map((s, i) => [rowStride({ shape, strides: strides[i] }, axes)!, ...s]),
  };
}

/** @param rows - Length of the first axis of its loops; null: whatever is fastest. */
export function mapKernel(
  { shape, operations, stores }: MapStep,
  importScalar: ImportScalar,
  rows: number | null,
): Kernel {
  const lanes = lanesFor(dtypesOf(operations));
  const values = new Values({ lanes, importScalar });
  values.compute(operations);
  const written = [...stores].map(([variable, view]) => ({
    stream: streamOf(view),
    value: values.get(variable).expression,
  }));
  const streams = [...values.loads, ...written].map(({ stream }) => stream);
  const walk = walkOf(
    shape,
    streams.map(({ strides }) => strides),
    rows,
  );
  streams.forEach((stream, i) => (stream.strides = walk.strides[i]));
  const body = emitMap({ shape: walk.shape, lanes, loads: values.loads, stores: written });
  return kernel(body, walk.shape, costOf(operations));
}

/** @param byRows - Length of the first axis of its loops; null: whatever is fastest. */
export function reduceKernel(step: ReduceStep, importScalar: ImportScalar, byRows: number | null): Kernel {
  const { outer, reduced, rows, columns, out, dtype } = step;
  const lanes = dtype === "float64" ? 2 : 4;
  const values = new Values({ lanes, importScalar });
  values.compute(step.operations);
  const { expression: value } = values.operand(step.value);
  const kept = outer.length;
  const stridesOfOuter = [
    ...values.loads.map(({ stream }) => stream.strides.slice(0, kept)),
    outer.map((_, axis) => columns * sizeOf(outer.slice(axis + 1))),
  ];
  const walk = walkOf(outer, stridesOfOuter, byRows);
  values.loads.forEach(({ stream, shape }, i) => {
    // The reduced axes, and those behind them, become one axis each.
    const axes = shape.map((_, axis) => axis);
    const row = singleStride(shape, stream.strides, axes.slice(kept, kept + reduced))!;
    const column = singleStride(shape, stream.strides, axes.slice(kept + reduced))!;
    stream.strides = [...walk.strides[i], row, column];
  });
  const outStream = { ...streamOf(out), strides: walk.strides[walk.strides.length - 1] };
  const body = emitReduce({
    name: step.name,
    dtype,
    outer: walk.shape,
    rows,
    columns,
    lanes,
    loads: values.loads,
    value,
    out: outStream,
  });
  return kernel(body, walk.shape, costOf(step.operations), {
    elements: sizeOf(walk.shape.slice(1)) * rows * columns,
  });
}

/** Below so many bytes a loop is faster than the call of memory.copy. */
const bulkCopyBytes = 128;

/**
 * `block` rows through all kernels, then the next; each of them goes by rows.
 *
 * @param functions - Their indices in the module.
 */
export function rowsKernel(
  { rows, block }: RowsStep,
  kernels: readonly Kernel[],
  functions: readonly number[],
): Kernel {
  const body = new FunctionBody([i32, i32, i32]);
  const end = body.local();
  body.countUp(
    startLocal,
    () => body.get(endLocal),
    block,
    () => {
      body.get(startLocal).int(block).emit(op.i32Add).tee(end).get(endLocal).emit(op.i32GtS);
      body.when(() => body.get(endLocal).set(end));
      for (const index of functions) body.get(baseLocal).get(startLocal).get(end).call(index);
    },
  );
  const chunk = block * Math.max(1, Math.floor(Math.min(...kernels.map((kernel) => kernel.chunk)) / block));
  return {
    body,
    length: rows,
    chunk,
    alone: chunk,
    nanoseconds: kernels.reduce((sum, { nanoseconds }) => sum + nanoseconds, 0),
    divisible: kernels.every(({ divisible }) => divisible),
  };
}

export function copyKernel({ from, to }: CopyStep): Kernel {
  const body = new FunctionBody([i32, i32, i32]);
  const target = streamOf(to);
  const source = typeof from === "number" ? null : streamOf(from);
  const streams = source === null ? [target] : [target, source];
  const walk = collapse(
    to.shape,
    streams.map(({ strides }) => strides),
  );
  streams.forEach((stream, i) => (stream.strides = walk.strides[i]));
  const size = itemSize(to.dtype);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  if (source !== null && source.strides[last] === 1 && target.strides[last] === 1 && n * size >= bulkCopyBytes) {
    const outer = last === 0 ? [1] : walk.shape.slice(0, last);
    for (const stream of streams) stream.strides = last === 0 ? [0] : stream.strides.slice(0, last);
    nest(body, streams, outer, () =>
      body
        .get(target.pointer)
        .get(source.pointer)
        .int(n * size)
        .copyMemory(),
    );
    return kernel(body, outer, copyCost, { elements: (sizeOf(outer) / outer[0]) * n });
  }
  const lanes = to.dtype === "float64" ? 2 : 4;
  if (
    source !== null &&
    to.dtype !== "bool" &&
    (source.strides[last] === 0 || source.strides[last] === 1) &&
    target.strides[last] === 1 &&
    n >= lanes
  ) {
    // As an elementwise kernel that does nothing; with two axes, so that it writes no further than it should.
    const shape = last === 0 ? [1, n] : walk.shape;
    if (last === 0) for (const stream of streams) stream.strides = [0, ...stream.strides];
    const value = load(source, source.strides[shape.length - 1] === 0 ? 0 : 1, lanes);
    const loads = [{ stream: source, value }];
    return kernel(emitMap({ shape, lanes, loads, stores: [{ stream: target, value }] }), shape, copyCost);
  }
  const [read, write] = scalarAccess[size];
  nest(body, streams, walk.shape, () => {
    body.get(target.pointer);
    if (source !== null) body.get(source.pointer).access(read).access(write);
    else constantBits(body, from as number, to.dtype).access(write);
  });
  return kernel(body, walk.shape, 2 * copyCost);
}

const copyCost = 0.4;

/** Rows of a product that one call takes at least: fewer would pack the right operand too often. */
const productRows = 128;

/** A batch of products, cut into blocks of rows; what follows one another is done at once. */
export function matmulKernel({ dtype, count, m, n, k, a, b, out }: MatmulStep, matmul: number): Kernel {
  const body = new FunctionBody([i32, i32, i32]);
  const size = itemSize(dtype);
  const blocks = Math.max(1, Math.ceil(m / productRows));
  const [batch, first, last, rows] = [body.local(), body.local(), body.local(), body.local()];
  const place = (view: View, local: number): number => {
    pointTo(body, local, streamOf(view));
    return local;
  };
  const [pa, pb, pc] = [a.view, b.view, out].map((view) => place(view, body.local()));
  /** Puts pointer + index·bytes on the stack. */
  const at = (pointer: number, index: number, bytes: number): FunctionBody =>
    body.get(pointer).get(index).int(bytes).emit(op.i32Mul, op.i32Add);
  const more = (): FunctionBody => body.get(startLocal).get(endLocal).emit(op.i32LtS);
  more().when(() =>
    body.loop(() => {
      body.get(startLocal).int(blocks).emit(op.i32DivS).set(batch);
      body.get(startLocal).get(batch).int(blocks).emit(op.i32Mul, op.i32Sub).set(first);
      // Blocks of this product that are wanted: to the end of the range or of the product.
      body.get(first).get(endLocal).emit(op.i32Add).get(startLocal).emit(op.i32Sub).tee(last);
      body.int(blocks).emit(op.i32GtS);
      body.when(() => body.int(blocks).set(last));
      body.get(startLocal).get(last).emit(op.i32Add).get(first).emit(op.i32Sub).set(startLocal);
      body.get(last).int(productRows).emit(op.i32Mul).tee(rows).int(m).emit(op.i32GtS);
      body.when(() => body.int(m).set(rows));
      body.get(first).int(productRows).emit(op.i32Mul).set(first);
      body.get(rows).get(first).emit(op.i32Sub).int(n).int(k);
      at(pa, batch, a.step * size).get(first).int(a.row * size).emit(op.i32Mul, op.i32Add);
      body.int(a.row * size).int(a.column * size);
      at(pb, batch, b.step * size).int(b.row * size).int(b.column * size);
      at(pc, batch, m * n * size).get(first).int(n * size).emit(op.i32Mul, op.i32Add);
      body.int(n * size).work().call(matmul);
      more();
    }),
  ); // prettier-ignore
  return {
    body,
    length: count * blocks,
    chunk: Math.max(1, Math.floor(chunkMultiplications / Math.max(1, Math.min(m, productRows) * n * k))),
    // The loops that take time are functions of their own.
    alone: count * blocks,
    nanoseconds: (count * m * n * k) / 12,
    divisible: true,
  };
}

/** Integer loads and stores by size: the bits, whatever they mean. */
const scalarAccess: Readonly<Record<number, readonly [load: number, store: number]>> = {
  1: [0x2d, 0x3a],
  4: [0x28, 0x36],
  8: [0x29, 0x37],
};

function constantBits(body: FunctionBody, value: number, dtype: DType): FunctionBody {
  if (dtype === "float64") return body.float(value, 64).emit(0xbd);
  return dtype === "float32" ? body.float(value, 32).emit(0xbc) : body.int(value);
}
