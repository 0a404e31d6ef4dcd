/** What a backend is: who computes. It knows primitives and buffers, never a method or a transformation. */

import type { DType, TypedArray } from "../dtype.js";
import type { Aval, Primitive } from "../primitives/primitive.js";
import type { Shape } from "../shape.js";
import type { Graph } from "../transform/graph.js";

/** What a backend can do, and how its numbers behave. */
export interface Capabilities {
  readonly dtypes: readonly DType[];
  /** Whether `downloadSync` works. */
  readonly syncRead: boolean;
  /** Whether NaN and ±Infinity survive arithmetic and comparisons. */
  readonly nonFinite: boolean;
  /** Whether subnormal numbers survive arithmetic. */
  readonly subnormals: boolean;
  /** Most elements of one operation. */
  readonly largestLaunch: number;
}

/** An operand as a backend sees it; `buffer` is its own handle. */
export interface Operand extends Aval {
  readonly buffer: unknown;
}

/** Runs a compiled graph on the backend's handles. */
export type Executable = (inputs: readonly unknown[]) => readonly unknown[];

/**
 * Implemented by `@curv/backend-*`. Tensors with no elements never reach it; dispatch is synchronous, but a handle may be pending, and
 * its failure surfaces when it is read, naming the primitive.
 */
export interface Backend {
  /** Unique, as in `.to("cpu")`. */
  readonly name: string;
  /** Key of `registerLowering`: several instances may share a kind. */
  readonly kind: string;
  readonly capabilities: Capabilities;
  /** Whether it runs `primitive`. */
  supports(primitive: Primitive): boolean;
  upload(data: TypedArray, shape: Shape, dtype: DType): unknown;
  download(operand: Operand): Promise<TypedArray>;
  /** Absent where reading cannot be synchronous. The array may be the backend's own memory; callers copy. */
  downloadSync?(operand: Operand): TypedArray;
  /** One handle an output. A handle may share memory with an input; the backend counts. */
  run(primitive: Primitive, inputs: readonly Operand[], params: unknown, outs: readonly Aval[]): readonly unknown[];
  /** Turns a simplified graph into one executable; absent or null: the graph is interpreted, one `run` an equation. */
  compile?(graph: Graph): Executable | null;
  free(buffer: unknown): void;
  /** Human-readable state: adapter, library, precision, threads. */
  describe?(): string;
}

/** A kernel of one backend kind for one primitive. Its form is the backend's own: a function, a source text. */
export type Lowering = unknown;

const lowerings = /* @__PURE__ */ new Map<string, Map<Primitive, Lowering>>();

/**
 * Gives the backends of a kind their kernel for a primitive made by `definePrimitive`.
 *
 * @param lowering - What that backend expects; see its documentation.
 */
export function registerLowering(primitive: Primitive, kind: string, lowering: Lowering): void {
  let table = lowerings.get(kind);
  if (table === undefined) lowerings.set(kind, (table = new Map()));
  table.set(primitive, lowering);
}

/** The kernel that was registered, if any. */
export function loweringOf(primitive: Primitive, kind: string): Lowering | undefined {
  return lowerings.get(kind)?.get(primitive);
}
