/**
 * The record of a primitive: everything Curv knows about one operation stands in one place.
 *
 * A primitive says what it computes (shape rule and portable lowering) and how it transforms (jvp, transpose, batching). Reverse mode
 * is linearise + transpose, so there is no second list of gradients. `null` stands for a zero tangent or cotangent throughout.
 */

import type { DType, TypedArray } from "../dtype.js";
import type { Shape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import type { Graph } from "../transform/graph.js";

/** What is known of a value before it is computed. */
export interface Aval {
  readonly shape: Shape;
  readonly dtype: DType;
  /** A JS number in disguise: takes the dtype of what it meets. */
  readonly weak: boolean;
}

/** An operand of a portable lowering: row-major, contiguous. */
export interface HostArray {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly buffer: TypedArray;
}

/** Outputs of a batching rule, each with the batch axis first; `batched` marks those that have one (default: all). */
export interface BatchResult {
  readonly outs: readonly Tensor[];
  readonly batched: readonly boolean[];
}

export type Tangent = Tensor | null;

/** Forms of loops and of movement that compilers know; elementwise ones carry `kernels`. */
export type LoopForm =
  | "elementwise" | "select" | "cast" | "integerPower" | "identity"
  | "full" | "reshape" | "broadcast" | "transpose" | "slice" | "flip" | "pad" | "concat"
  | "reduce" | "dot" | "conv" | "scan" | "whileLoop" | "cond"; // prettier-ignore

export interface PrimitiveRecord<P> {
  readonly name: string;

  /** Shapes and dtypes of the outputs; inputs are already checked by the public function. */
  shape(inputs: readonly Aval[], params: P): readonly Aval[];

  /**
   * Tangents of the outputs, linear in `tangents`. Absent: every output is piecewise constant or an integer.
   * @param outs - The outputs at `primals`, so that e.g. exp need not be computed again.
   */
  jvp?(
    primals: readonly Tensor[],
    tangents: readonly Tangent[],
    params: P,
    outs: readonly Tensor[],
  ): readonly Tangent[];

  /** For primitives that carry graphs: outputs and tangents at once, instead of {@link jvp}. */
  jvpWithOutputs?(
    primals: readonly Tensor[],
    tangents: readonly Tangent[],
    params: P,
  ): { readonly outs: readonly Tensor[]; readonly tangents: readonly Tangent[] };

  /**
   * Cotangents of the inputs marked in `linear`, given those of the outputs (not all null). Of a linear input only shape and dtype are known.
   */
  transpose?(
    cotangents: readonly Tangent[],
    inputs: readonly Tensor[],
    linear: readonly boolean[],
    params: P,
  ): readonly Tangent[];

  /** Outputs for inputs that have, where `batched`, a leading axis of length `size`. Absent: the primitive cannot be batched. */
  batch?(
    inputs: readonly Tensor[],
    batched: readonly boolean[],
    params: P,
    size: number,
  ): readonly Tensor[] | BatchResult;

  /** The portable CPU kernel. Results are fresh arrays, or an input's own where nothing changes. */
  lower?(inputs: readonly HostArray[], params: P, outs: readonly Aval[]): readonly TypedArray[];

  /** For primitives that carry graphs or checks: how the host runs it on values, whatever the backend. */
  interpret?(inputs: readonly Tensor[], params: P): readonly Tensor[];

  /** For primitives that carry graphs: the one that it comes to on values, and which operands that takes. A compiler puts it in its place. */
  standsFor?(params: P, operands: number): { readonly graph: Graph; readonly takes: readonly number[] };

  /** Traceable definition by other primitives, for one that exists only to be transposed differently: expanded by every trace but the tape. */
  compose?(inputs: readonly Tensor[], params: P): readonly Tensor[];

  /**
   * For primitives that carry graphs: splits an application with some inputs linear into what can be computed now and a linear
   * application that `record` puts on the tape.
   */
  linearize?(
    inputs: readonly Tensor[],
    linear: readonly boolean[],
    params: P,
    record: (primitive: Primitive, inputs: readonly Tensor[], params: unknown) => readonly Tensor[],
  ): readonly Tensor[];

  /** For control flow: applies it with `live` (a bool scalar) switching the checks in its graphs, each made guarded by `guardGraph`. */
  guard?(live: Tensor, inputs: readonly Tensor[], params: P, guardGraph: (graph: Graph) => Graph): readonly Tensor[];

  /** What a compiler may make of it instead of calling {@link lower}. Only the primitives of `@curv/tensor` have one. */
  readonly loop?: LoopForm;

  /** Has an effect (an error may be thrown), so it is never removed or merged. */
  readonly effect?: boolean;
}

/** A {@link PrimitiveRecord} that has been through {@link definePrimitive}. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- params are private to each record; the table is heterogeneous.
export type Primitive<P = any> = PrimitiveRecord<P> & { readonly id: number };

let count = 0;

/**
 * Makes a primitive. Packages use it for their own fused kernels; give other backends theirs with `registerLowering`.
 *
 * @example
 * const cube = definePrimitive<null>({
 *   name: "cube",
 *   shape: ([x]) => [x],
 *   jvp: ([x], [dx]) => [dx!.mul(x.square()).mul(3)],
 *   batch: (inputs) => bind(cube, inputs, null),
 *   lower: ([x]) => [x.buffer.map((v) => v * v * v)],
 * });
 */
export function definePrimitive<P>(record: PrimitiveRecord<P>): Primitive<P> {
  return Object.assign(record, { id: count++ });
}

export function aval(shape: Shape, dtype: DType, weak = false): Aval {
  return { shape, dtype, weak };
}
