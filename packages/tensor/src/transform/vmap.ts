/** Vectorising a function over an axis of its arguments: every primitive does the whole batch at once. */

import { DomainError, ShapeError, TracingError, TreeError } from "../errors.js";
import { broadcastTo, moveAxis } from "../ops/movement.js";
import type { BatchResult, Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { flattenAny, flattenTree, formatPath, unflattenAny, type Path, type Structure } from "../tree/tree.js";
import { isTensor } from "../tensor.js";
import { refusePromise } from "./jvp.js";
import { Trace } from "./trace.js";
import { nameOf, Tracer } from "./tracer.js";

/** One example of a batch; `value` holds all, the batch axis first. */
export class BatchTracer extends Tracer {
  readonly value: Tensor;

  constructor(trace: BatchTrace, value: Tensor) {
    super(trace, value.shape.slice(1), value.dtype, value.weak);
    this.value = value;
  }
  known(): null {
    return null;
  }
}

export class BatchTrace extends Trace {
  constructor(
    name: string,
    readonly size: number,
  ) {
    super(name);
  }

  process(primitive: Primitive, inputs: readonly Tensor[], params: unknown): readonly Tensor[] {
    if (primitive.batch === undefined) throw new TracingError(`${this.name}: ${primitive.name} has no batching rule.`);
    const batched = inputs.map((x) => x.tag === this.tag);
    const values = inputs.map((x, i) => (batched[i] ? (x as BatchTracer).value : x));
    const result = primitive.batch(values, batched, params, this.size);
    if ("outs" in result) {
      const { outs, batched: marks } = result as BatchResult;
      return outs.map((y, i) => (marks[i] ? new BatchTracer(this, y) : y));
    }
    return result.map((y) => new BatchTracer(this, y));
  }

  /** All examples of a result; one that does not depend on the batch is repeated. */
  whole(x: Tensor): Tensor {
    return x.tag === this.tag ? (x as BatchTracer).value : broadcastTo(x, [this.size, ...x.shape]);
  }
}

/** An axis, null for "not mapped", or a tree of them that matches the argument down to some depth. */
export type AxisSpec = number | null | readonly AxisSpec[] | { readonly [key: string]: AxisSpec };

export interface VmapOptions {
  /** Mapped axis of the arguments: one for all, or an array with one specification an argument. Default 0. */
  readonly inAxes?: number | readonly AxisSpec[];
  /** Where the mapped axis goes in the results. Default 0. */
  readonly outAxes?: AxisSpec;
  /** Length of the mapped axis, for when no argument is mapped. */
  readonly axisSize?: number;
}

/** An axis for each leaf, from a specification that may stop early. */
function axesOfLeaves(spec: AxisSpec, structure: Structure, caller: string): (number | null)[] {
  if (structure.kind === "none") return [];
  if (spec === null || typeof spec === "number") {
    const count = (s: Structure): number =>
      s.kind === "leaf" ? 1 : s.kind === "none" ? 0 : s.children.reduce((n, c) => n + count(c), 0);
    return new Array<number | null>(count(structure)).fill(spec);
  }
  if (structure.kind === "array" && Array.isArray(spec) && spec.length === structure.children.length) {
    return structure.children.flatMap((child, i) => axesOfLeaves((spec as readonly AxisSpec[])[i], child, caller));
  }
  if (structure.kind === "object" && !Array.isArray(spec)) {
    return structure.keys.flatMap((key, i) => {
      const own = (spec as Record<string, AxisSpec>)[key];
      if (own === undefined) throw new TreeError(`vmap: ${caller} has no entry for "${key}".`);
      return axesOfLeaves(own, structure.children[i], caller);
    });
  }
  throw new TreeError(`vmap: ${caller} does not match the structure of what it describes.`);
}

/**
 * `f`, written for one example, for a whole batch: the mapped axis of the arguments is taken apart, that of the results put together.
 * Equal to a loop over the axis, at the speed of one call.
 *
 * @example
 * const perSample = vmap(grad(loss), { inAxes: [null, 0, 0] }); // gradients for each (x, y) at the same parameters
 */
export function vmap<A extends readonly unknown[], R>(
  f: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  const { inAxes = 0, outAxes = 0 } = options;
  return (...args) => {
    const specs: readonly AxisSpec[] = typeof inAxes === "number" ? args.map(() => inAxes) : inAxes;
    if (specs.length !== args.length) {
      throw new DomainError(`vmap: inAxes has ${specs.length} entries for ${args.length} arguments.`);
    }
    const flat = args.map((arg) => flattenAny(arg, "vmap", "argument"));
    const axes = flat.map(({ structure }, i) => axesOfLeaves(specs[i], structure, `inAxes[${i}]`));
    const size = mappedSize(flat, axes, options.axisSize);
    const trace = new BatchTrace(nameOf("vmap", f), size);
    let result: R;
    try {
      const traced = flat.map(({ leaves, structure }, i) =>
        unflattenAny(
          structure,
          leaves.map((x, k) => {
            const axis = axes[i][k];
            if (axis === null || !isTensor(x)) return x;
            return new BatchTracer(trace, moveAxis(x, axis, 0));
          }),
          "vmap",
        ),
      ) as unknown as A;
      result = f(...traced);
      refusePromise(result, "vmap");
    } finally {
      trace.alive = false;
    }
    const out = flattenTree(result, "vmap", "the result");
    const places = axesOfLeaves(outAxes, out.structure, "outAxes");
    const wholes = out.leaves.map((y, i) => {
      const place = places[i];
      if (place === null) {
        if (y.tag === trace.tag)
          throw new DomainError("vmap: outAxes is null for a result that depends on the mapped axis.");
        return y;
      }
      return moveAxis(trace.whole(y), 0, checkOutAxis(place, y.rank + 1));
    });
    return unflattenAny(out.structure, wholes, "vmap") as R;
  };
}

function checkOutAxis(axis: number, rank: number): number {
  if (Number.isInteger(axis) && axis >= -rank && axis < rank) return axis;
  throw new DomainError(`vmap: outAxes ${axis} is out of range for a result of rank ${rank}.`);
}

function mappedSize(
  flat: readonly { leaves: readonly unknown[]; paths: readonly Path[] }[],
  axes: readonly (readonly (number | null)[])[],
  given: number | undefined,
): number {
  let size = given ?? null;
  let source = "axisSize";
  flat.forEach(({ leaves, paths }, i) =>
    leaves.forEach((x, k) => {
      const axis = axes[i][k];
      const name = formatPath(paths[k], `argument ${i}`);
      if (axis === null) return;
      if (!isTensor(x)) {
        if (typeof x === "number" || typeof x === "string" || typeof x === "boolean" || typeof x === "function") return;
        throw new TreeError(`vmap: ${name} is no Tensor; leaves must be Tensors.`);
      }
      if (!Number.isInteger(axis) || axis < -x.rank || axis >= x.rank) {
        throw new DomainError(`vmap: inAxes ${axis} is out of range for ${name} of rank ${x.rank}.`);
      }
      const n = x.shape[axis < 0 ? axis + x.rank : axis];
      if (size !== null && n !== size) {
        throw new ShapeError(`vmap: sizes differ on the mapped axis: ${source} has ${size}, ${name} has ${n}.`);
      }
      if (size === null) {
        size = n;
        source = name;
      }
    }),
  );
  if (size === null) throw new DomainError("vmap: no argument is mapped; give axisSize.");
  return size;
}
