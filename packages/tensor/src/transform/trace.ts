/**
 * How an operation finds who handles it.
 *
 * A transformation makes one trace with a fresh tag, larger than any before it, and wraps its inputs in tracers that carry the tag. An
 * operation goes to the largest tag among its inputs and treats inputs with smaller tags as constants; with no tracer among them it
 * runs. An inner transformation's tag is always larger than those of the values it closes over, so nested uses cannot be confused.
 *
 * A graph that is being traced also takes operations on values of enclosing levels that must not be done unless the graph runs.
 */

import { TracingError } from "../errors.js";
import type { Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { execute } from "../backend/execute.js";

let lastTag = 0;

export abstract class Trace {
  readonly tag: number = ++lastTag;
  /** False once the transformed function has returned: its tracers have no meaning any more. */
  alive = true;

  /** Whether a primitive with `compose` is expanded here; only the tape keeps it whole. */
  readonly expands: boolean = true;

  /** @param name - The transformation as messages name it: `grad(loss)`. */
  constructor(readonly name: string) {}

  /** Handles an operation on at least one tracer of this trace. */
  abstract process(primitive: Primitive, inputs: readonly Tensor[], params: unknown): readonly Tensor[];
}

/** Implemented by the tracer classes; a concrete tensor has tag 0 and no trace. */
export interface Traced {
  readonly trace: Trace;
}

/** The innermost graph that is being traced. */
export interface GraphRecorder extends Trace {
  /** Whether an operation on values of enclosing levels, the largest of tag `tag`, is recorded instead of done there. */
  claims(primitive: Primitive, inputs: readonly Tensor[], params: unknown, tag: number): boolean;
}
export const ambientGraph: { current: GraphRecorder | null } = { current: null };

/** Applies `primitive`: the one door through which every operation goes. */
export function bind<P>(primitive: Primitive<P>, inputs: readonly Tensor[], params: P): readonly Tensor[] {
  let top: Tensor | null = null;
  let tag = 0;
  for (let i = 0; i < inputs.length; i++) {
    if (inputs[i].tag > tag) {
      top = inputs[i];
      tag = top.tag;
    }
  }
  if (top !== null && !(top as unknown as Traced).trace.alive) throw deadTracer(primitive.name, top);
  const graph = ambientGraph.current;
  if (graph !== null && tag < graph.tag && graph.claims(primitive, inputs, params, tag)) {
    return graph.process(primitive, inputs, params);
  }
  if (top === null) {
    return primitive.compose === undefined ? execute(primitive, inputs, params) : primitive.compose(inputs, params);
  }
  const { trace } = top as unknown as Traced;
  return primitive.compose !== undefined && trace.expands
    ? primitive.compose(inputs, params)
    : trace.process(primitive, inputs, params);
}

/** {@link bind} for a primitive with one output. */
export function bind1<P>(primitive: Primitive<P>, inputs: readonly Tensor[], params: P): Tensor {
  return bind(primitive, inputs, params)[0];
}

/** @internal */
export function deadTracer(operation: string, tracer: Tensor): TracingError {
  const { name } = (tracer as unknown as Traced).trace;
  const origin = origins.get(tracer);
  return new TracingError(
    `${operation}: this value belongs to ${name}, which has returned. Return it from the function instead of storing it outside.` +
      (origin === undefined ? "" : ` It was made ${origin}`),
  );
}

const origins = /* @__PURE__ */ new WeakMap<Tensor, string>();

/** Settings for finding mistakes. */
export const debugging = { enabled: false };

/** With `debug`, remembers where a tracer was made (a stack trace costs microseconds, so not by default). */
export function noteOrigin(tracer: Tensor): void {
  const stack = new Error().stack?.split("\n").slice(3, 9).join("\n") ?? "at an unknown place";
  origins.set(tracer, stack.trim());
}
