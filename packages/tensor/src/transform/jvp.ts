/** Forward mode: each value travels with its tangent. */

import { isFloat } from "../dtype.js";
import { DTypeError, ShapeError, TracingError } from "../errors.js";
import type { Primitive, Tangent } from "../primitives/primitive.js";
import { formatShape, sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { zerosLike } from "../create.js";
import { flattenAny, flattenTree, matchingLeaves, unflattenAny, type CheckTree } from "../tree/tree.js";
import { bind, Trace } from "./trace.js";
import { nameOf, Tracer } from "./tracer.js";

export class JvpTracer extends Tracer {
  readonly primal: Tensor;
  readonly tangent: Tensor;

  constructor(trace: JvpTrace, primal: Tensor, tangent: Tensor) {
    super(trace, primal.shape, primal.dtype, primal.weak);
    this.primal = primal;
    this.tangent = tangent;
  }
  known(): Tensor {
    return this.primal;
  }
}

export class JvpTrace extends Trace {
  process(primitive: Primitive, inputs: readonly Tensor[], params: unknown): readonly Tensor[] {
    const primals = new Array<Tensor>(inputs.length);
    const tangents = new Array<Tangent>(inputs.length);
    for (let i = 0; i < inputs.length; i++) {
      const x = inputs[i];
      if (x.tag === this.tag) {
        primals[i] = (x as JvpTracer).primal;
        tangents[i] = (x as JvpTracer).tangent;
      } else {
        primals[i] = x;
        tangents[i] = null;
      }
    }
    if (primitive.jvpWithOutputs !== undefined) {
      const { outs, tangents: douts } = primitive.jvpWithOutputs(primals, tangents, params);
      return outs.map((y, i) => this.pair(y, douts[i]));
    }
    const outs = bind(primitive, primals, params);
    // No rule: integers, bools and piecewise constants have zero tangents.
    if (primitive.jvp === undefined) return outs;
    const douts = primitive.jvp(primals, tangents, params, outs);
    return outs.map((y, i) => this.pair(y, douts[i]));
  }

  /** A value with its tangent; with a zero tangent it is a constant of this trace. */
  pair(primal: Tensor, tangent: Tangent): Tensor {
    return tangent === null ? primal : new JvpTracer(this, primal, tangent);
  }

  /** Primal and tangent of what the function returned. */
  unpair(x: Tensor): { primal: Tensor; tangent: Tangent } {
    if (x.tag !== this.tag) return { primal: x, tangent: null };
    const { primal, tangent } = x as JvpTracer;
    return { primal, tangent };
  }
}

/** Refuses what `await` would break: everything after it would run when the trace is dead. */
export function refusePromise(value: unknown, caller: string): void {
  if (value instanceof Promise) {
    throw new TracingError(
      `${caller}: the function returned a Promise. Await before calling ${caller}; traced functions must be synchronous.`,
    );
  }
}

/**
 * Value and directional derivative of `f` at `primals` along `tangents`: one pass, about twice the cost of f.
 *
 * @param primals - The arguments of f, trees of tensors. Integer leaves take part with tangent zero.
 * @param tangents - Trees of the same structure, shapes and dtypes.
 *
 * @example
 * jvp((x) => x.square().sum(), [x], [v]).tangent; // 2 xᵀv
 */
export function jvp<A extends readonly unknown[], R>(
  f: ((...args: A) => R) & CheckTree<R>,
  primals: A,
  tangents: A,
): { value: R; tangent: R } {
  const { leaves, structure } = flattenTree(primals, "jvp", "primals");
  const directions = matchingLeaves(structure, tangents, "jvp", "tangents", "primals");
  leaves.forEach((x, i) => {
    const dx = directions[i];
    if (!sameShape(x.shape, dx.shape)) {
      throw new ShapeError(`jvp: tangent ${i} has shape ${formatShape(dx.shape)}, primal has ${formatShape(x.shape)}.`);
    }
    if (isFloat(x.dtype) && dx.dtype !== x.dtype) {
      throw new DTypeError(`jvp: tangent ${i} is ${dx.dtype}, primal is ${x.dtype}; cast one of them.`);
    }
  });
  const trace = new JvpTrace(nameOf("jvp", f));
  let result: unknown;
  try {
    const args = leaves.map((x, i) => (isFloat(x.dtype) ? trace.pair(x, directions[i]) : x));
    result = f(...(unflattenAny(structure, args, "jvp") as A));
    refusePromise(result, "jvp");
  } finally {
    trace.alive = false;
  }
  const out = flattenTree(result, "jvp", "the result");
  const pairs = out.leaves.map((y) => trace.unpair(y));
  return {
    value: unflattenAny(
      out.structure,
      pairs.map((p) => p.primal),
      "jvp",
    ) as R,
    tangent: unflattenAny(
      out.structure,
      pairs.map((p) => p.tangent ?? zerosLike(p.primal)),
      "jvp",
    ) as R,
  };
}

/** The tree with every tracer of `trace` replaced by its primal; leaves that are no tensors stay. */
export function primalsOf(trace: JvpTrace, tree: unknown, caller: string): unknown {
  const { leaves, structure } = flattenAny(tree, caller, "aux");
  return unflattenAny(
    structure,
    leaves.map((x) => (x instanceof JvpTracer && x.tag === trace.tag ? x.primal : x)),
    caller,
  );
}
