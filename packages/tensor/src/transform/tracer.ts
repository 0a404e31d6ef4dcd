/** What flows through a function while it is transformed. */

import type { DType } from "../dtype.js";
import type { Shape } from "../shape.js";
import { DomainError } from "../errors.js";
import { describe } from "../ops/operands.js";
import { Tensor } from "../tensor.js";
import { debugging, noteOrigin, type Trace, type Traced } from "./trace.js";

/** A stand-in for a tensor. It has a shape and a dtype like any other, and its trace decides what operations on it mean. */
export abstract class Tracer extends Tensor implements Traced {
  readonly trace: Trace;

  constructor(trace: Trace, shape: Shape, dtype: DType, weak: boolean) {
    super(shape, dtype, weak, trace.tag, null, null, false);
    this.trace = trace;
    if (debugging.enabled) noteOrigin(this);
  }

  /** A tensor with the same elements where there is one (the primal), else null. */
  abstract known(): Tensor | null;
}

/** `grad(loss)`: how messages name a transformation of a function. */
export function nameOf(transformation: string, f: { readonly name: string }): string {
  if (typeof f !== "function") throw new DomainError(`${transformation}: f is ${describe(f)}; wants a function.`);
  return `${transformation}(${f.name === "" ? "anonymous" : f.name})`;
}
