/** What a compiled graph is made of: steps over arrays in one block of memory. */

import { itemSize, type DType } from "../../dtype.js";
import type { Aval, Primitive } from "../../primitives/primitive.js";
import { sizeOf, stridesOf, type Shape } from "../../shape.js";
import type { Equation, Variable } from "../../transform/graph.js";
import type { Placement } from "./loops.js";
import type { ReductionName } from "./reduce.js";

/** A part of the program's block, or of the memory for as long as the program lives. */
export class Buffer implements Placement {
  /** Bytes from the base of the block; set when the memory is planned. */
  offset = -1;
  private own: number | null = null;
  readonly bytes: number;

  constructor(
    elements: number,
    dtype: DType,
    /** Address of a constant, which stays where it is. */
    readonly address: number | null = null,
  ) {
    // A vector beyond the last element may be read and written.
    this.bytes = elements * itemSize(dtype) + 16;
    if (address !== null) this.offset = address;
  }

  get fixed(): boolean {
    return this.address !== null;
  }
  get entry(): number | null {
    return this.own;
  }
  /** Takes the array out of the block, to where that entry of the table of addresses says. */
  moveOutside(entry: number): void {
    this.own = entry;
    this.offset = 0;
  }
}

/** Elements of a buffer in some arrangement. */
export interface View {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly strides: readonly number[];
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A whole new buffer, row-major. */
export function newArray({ shape, dtype }: Aval, address: number | null = null): View {
  return rowMajor(new Buffer(sizeOf(shape), dtype, address), shape, dtype);
}

export function rowMajor(buffer: Buffer, shape: Shape, dtype: DType): View {
  return { buffer, offset: 0, strides: stridesOf(shape), shape, dtype };
}

/** Whether the elements stand one after the other. */
export function isContiguous({ shape, strides }: View): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] === 1) continue;
    if (strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/** Elements from one index of the last axis longer than 1 to the next; 0 for a scalar. */
export function innerStride({ shape, strides }: View): number {
  for (let axis = shape.length - 1; axis >= 0; axis--) if (shape[axis] !== 1) return strides[axis];
  return 0;
}

/** The stride with which a group of axes is walked as one, or null if there is none. */
export function singleStride(shape: Shape, strides: readonly number[], axes: readonly number[]): number | null {
  let inner = 0;
  let outer: number | null = null;
  for (let i = axes.length - 1; i >= 0; i--) {
    const axis = axes[i];
    if (shape[axis] === 1) continue;
    if (outer === null) inner = strides[axis];
    else if (strides[axis] !== outer) return null;
    outer = strides[axis] * shape[axis];
  }
  return inner;
}

/** An operand of an elementwise operation inside a kernel. */
export type Operand =
  | { readonly kind: "load"; readonly view: View }
  | { readonly kind: "constant"; readonly value: number; readonly dtype: DType }
  | { readonly kind: "computed"; readonly variable: Variable };

/** One elementwise operation of a kernel. */
export interface Operation {
  readonly equation: Equation;
  readonly operands: readonly Operand[];
}

/** Elementwise operations over one domain, in one pass; values that others need are stored. */
export interface MapStep {
  readonly kind: "map";
  readonly shape: Shape;
  readonly operations: Operation[];
  readonly stores: Map<Variable, View>;
}

/** A reduction of the result of some operations, which are computed as it reads. */
export interface ReduceStep {
  readonly kind: "reduce";
  readonly name: ReductionName;
  readonly dtype: "float32" | "float64";
  readonly outer: Shape;
  /** How many axes of the operands, behind the outer ones, are reduced. */
  readonly reduced: number;
  readonly rows: number;
  readonly columns: number;
  readonly operations: readonly Operation[];
  readonly value: Operand;
  readonly out: View;
}

/** Elements of one arrangement written into another, or a constant. */
export interface CopyStep {
  readonly kind: "copy";
  readonly from: View | number;
  readonly to: View;
}

export interface MatrixView {
  readonly view: View;
  /** Elements between matrices, rows, columns. */
  readonly step: number;
  readonly row: number;
  readonly column: number;
}

export interface MatmulStep {
  readonly kind: "matmul";
  readonly dtype: "float32" | "float64";
  readonly count: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: MatrixView;
  readonly b: MatrixView;
  readonly out: View;
}

/** A primitive that the host runs on the arrays where they are. */
export interface HostStep {
  readonly kind: "host";
  readonly primitive: Primitive;
  readonly params: unknown;
  /** Row-major. */
  readonly inputs: readonly View[];
  readonly outs: readonly View[];
}

/** `count` rounds of `body`; before each, element i of every `rows` is copied in, after it, every `stacked` out. */
export interface ScanStep {
  readonly kind: "scan";
  readonly count: number;
  readonly reverse: boolean;
  readonly rows: readonly { readonly from: View; readonly to: View }[];
  readonly body: readonly Step[];
  readonly carries: readonly { readonly from: View; readonly to: View }[];
  readonly stacked: readonly { readonly from: View; readonly to: View }[];
}

/** `body` and the copying of its results for as long as `condition` leaves a nonzero byte in `go`. */
export interface WhileStep {
  readonly kind: "while";
  readonly condition: readonly Step[];
  readonly go: View;
  readonly body: readonly Step[];
  readonly carries: readonly { readonly from: View; readonly to: View }[];
  readonly maxSteps: number | null;
}

export interface CondStep {
  readonly kind: "cond";
  readonly predicate: View;
  readonly branches: readonly [onFalse: readonly Step[], onTrue: readonly Step[]];
}

/** Steps over the same rows, `block` rows through all of them at a time. */
export interface RowsStep {
  readonly kind: "rows";
  readonly rows: number;
  readonly block: number;
  readonly steps: readonly (MapStep | ReduceStep)[];
}

export type Step = MapStep | ReduceStep | CopyStep | MatmulStep | HostStep | ScanStep | WhileStep | CondStep | RowsStep;
