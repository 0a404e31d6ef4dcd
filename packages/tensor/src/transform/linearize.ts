/**
 * Linearisation, and its transpose: reverse mode.
 *
 * `linearize` is jvp whose tangents record themselves. The primal side evaluates at the level below; the tangent side becomes a tape of
 * linear primitives, with the values that they captured. A pullback walks the tape backwards with the transpose rules, and can do so
 * any number of times.
 */

import { isFloat, type DType } from "../dtype.js";
import { DTypeError, ShapeError, TracingError } from "../errors.js";
import { fullPrimitive } from "../primitives/constant.js";
import type { Primitive, Tangent } from "../primitives/primitive.js";
import { formatShape, sameShape, type Shape } from "../shape.js";
import { zeros, zerosLike } from "../create.js";
import { add } from "../ops/elementwise.js";
import { isTensor, type Tensor } from "../tensor.js";
import {
  flattenAny,
  flattenTree,
  formatPath,
  matchingLeaves,
  notATree,
  unflattenAny,
  type CheckTree,
  type Structure,
} from "../tree/tree.js";
import { JvpTrace, refusePromise } from "./jvp.js";
import { bind, Trace } from "./trace.js";
import { nameOf, Tracer } from "./tracer.js";

/** A value of which only the place on the tape is known. */
export class LinearTracer extends Tracer {
  known(): null {
    return null;
  }
}

export interface TapeEntry {
  readonly primitive: Primitive;
  /** LinearTracers of this tape, and the captured values (residuals). */
  readonly inputs: readonly Tensor[];
  readonly params: unknown;
  readonly outs: readonly LinearTracer[];
}

export class LinearTrace extends Trace {
  override readonly expands = false;
  readonly entries: TapeEntry[] = [];

  process(primitive: Primitive, inputs: readonly Tensor[], params: unknown): readonly Tensor[] {
    if (primitive.linearize === undefined) return this.record(primitive, inputs, params);
    const linear = inputs.map((x) => this.owns(x));
    return primitive.linearize(inputs, linear, params, (p, xs, ps) => this.record(p, xs, ps));
  }

  record(primitive: Primitive, inputs: readonly Tensor[], params: unknown): LinearTracer[] {
    const outs = primitive.shape(inputs, params).map(({ shape, dtype }) => this.variable(shape, dtype));
    this.entries.push({ primitive, inputs, params, outs });
    return outs;
  }

  variable(shape: Shape, dtype: DType): LinearTracer {
    return new LinearTracer(this, shape, dtype, false);
  }

  /** The zero of a linear space, where a rule needs one on the tape. */
  zero(shape: Shape, dtype: DType): LinearTracer {
    return this.record(fullPrimitive, [], { shape, dtype, value: 0 })[0];
  }

  owns(x: Tensor): x is LinearTracer {
    return x.tag === this.tag;
  }
}

/** Cotangents of `inputs`, given those of `outputs`; null where nothing depends on an input. */
export function walkBack(
  tape: LinearTrace,
  outputs: readonly Tangent[],
  cotangents: readonly Tangent[],
  inputs: readonly LinearTracer[],
): Tangent[] {
  const bars = new Map<Tensor, Tensor>();
  const accumulate = (x: Tensor, bar: Tensor): void => {
    const sum = bars.get(x);
    bars.set(x, sum === undefined ? bar : add(sum, bar));
  };
  outputs.forEach((y, i) => {
    const bar = cotangents[i];
    if (y !== null && tape.owns(y) && bar !== null) accumulate(y, bar);
  });
  for (let e = tape.entries.length - 1; e >= 0; e--) {
    const { primitive, inputs: operands, params, outs } = tape.entries[e];
    let reached = false;
    for (const out of outs) if (bars.has(out)) reached = true;
    if (!reached) continue;
    const bar = outs.map((out) => bars.get(out) ?? null);
    for (const out of outs) bars.delete(out);
    if (operands.length === 0) continue;
    if (primitive.transpose === undefined) {
      throw new TracingError(`${tape.name}: ${primitive.name} is not linear, or has no transpose rule.`);
    }
    const linear = operands.map((x) => tape.owns(x));
    const contributions = primitive.transpose(bar, operands, linear, params);
    for (let i = 0; i < operands.length; i++) {
      const contribution = contributions[i] ?? null;
      if (linear[i] && contribution !== null) accumulate(operands[i], contribution);
    }
  }
  return inputs.map((x) => bars.get(x) ?? null);
}

/** Runs the tape forward on values of its inputs. */
export function replay(
  tape: LinearTrace,
  inputs: readonly LinearTracer[],
  values: readonly Tensor[],
  outputs: readonly Tangent[],
): Tangent[] {
  const environment = new Map<Tensor, Tensor>(inputs.map((x, i) => [x, values[i]]));
  const read = (x: Tensor): Tensor => environment.get(x) ?? x;
  for (const { primitive, inputs: operands, params, outs } of tape.entries) {
    const results = bind(primitive, operands.map(read), params);
    outs.forEach((out, i) => environment.set(out, results[i]));
  }
  return outputs.map((y) => (y === null ? null : read(y)));
}

/** A function run once with recording tangents. */
export interface Linearized {
  readonly tape: LinearTrace;
  /** The recording tangents of the float leaves, in order; null at integer leaves. */
  readonly inputs: readonly (LinearTracer | null)[];
  readonly structure: Structure;
  readonly result: unknown;
  readonly trace: JvpTrace;
}

/** Runs `f` on tracers of the leaves of `args`. */
export function linearizeCall(
  name: string,
  f: (tree: unknown) => unknown,
  args: unknown,
  caller: string,
  root: string,
): Linearized {
  const { leaves, structure } = flattenTree(args, caller, root);
  const tape = new LinearTrace(name);
  const trace = new JvpTrace(name);
  const inputs = leaves.map((x) => (isFloat(x.dtype) ? tape.variable(x.shape, x.dtype) : null));
  try {
    const traced = leaves.map((x, i) => trace.pair(x, inputs[i]));
    const result = f(unflattenAny(structure, traced, caller));
    refusePromise(result, caller);
    return { tape, inputs, structure, result, trace };
  } finally {
    tape.alive = false;
    trace.alive = false;
  }
}

/** Cotangents of all leaves of the arguments; zeros where nothing depends on one. */
export function pull(
  { tape, inputs }: Linearized,
  leaves: readonly Tensor[],
  outputs: readonly Tangent[],
  cotangents: readonly Tangent[],
): Tensor[] {
  const live = inputs.filter((x) => x !== null);
  const bars = walkBack(tape, outputs, cotangents, live);
  let next = 0;
  return inputs.map((x, i) => (x === null ? zerosLike(leaves[i]) : (bars[next++] ?? zerosLike(leaves[i]))));
}

/**
 * Value of `f` and its pullback: cotangents of the result to cotangents of the arguments, ȳ ↦ Jᵀȳ. It can be called any number of times.
 *
 * @returns `pullback` takes a tree like the result and returns an array with a tree for each argument.
 */
export function vjp<A extends readonly unknown[], R>(
  f: ((...args: A) => R) & CheckTree<R>,
  ...primals: A
): { value: R; pullback: (cotangent: R) => A } {
  const run = linearizeCall(nameOf("vjp", f), (args) => f(...(args as A)), primals, "vjp", "primals");
  const { leaves } = flattenTree(primals, "vjp", "primals");
  const out = flattenTree(run.result, "vjp", "the result");
  const pairs = out.leaves.map((y) => run.trace.unpair(y));
  return {
    value: unflattenAny(
      out.structure,
      pairs.map((p) => p.primal),
      "vjp",
    ) as R,
    pullback: (cotangent) => {
      const bars = matchingLeaves(out.structure, cotangent, "pullback", "cotangent", "value");
      bars.forEach((bar, i) => checkLike(bar, pairs[i].primal, "pullback", `cotangent ${i}`));
      return unflattenAny(
        run.structure,
        pull(
          run,
          leaves,
          pairs.map((p) => p.tangent),
          bars,
        ),
        "pullback",
      ) as A;
    },
  };
}

function checkLike(x: Tensor, wanted: Tensor, caller: string, what: string): void {
  if (!sameShape(x.shape, wanted.shape)) {
    throw new ShapeError(`${caller}: ${what} has shape ${formatShape(x.shape)}; wants ${formatShape(wanted.shape)}.`);
  }
  if (isFloat(wanted.dtype) && x.dtype !== wanted.dtype) {
    throw new DTypeError(`${caller}: ${what} is ${x.dtype}; wants ${wanted.dtype}.`);
  }
}

/**
 * Value of `f` and its derivative as a linear function: ẋ ↦ Jẋ, without running f again.
 */
export function linearize<A extends readonly unknown[], R>(
  f: ((...args: A) => R) & CheckTree<R>,
  ...primals: A
): { value: R; linear: (...tangents: A) => R } {
  const run = linearizeCall(nameOf("linearize", f), (args) => f(...(args as A)), primals, "linearize", "primals");
  const { leaves } = flattenTree(primals, "linearize", "primals");
  const out = flattenTree(run.result, "linearize", "the result");
  const pairs = out.leaves.map((y) => run.trace.unpair(y));
  return {
    value: unflattenAny(
      out.structure,
      pairs.map((p) => p.primal),
      "linearize",
    ) as R,
    linear: (...tangents) => {
      const values = matchingLeaves(run.structure, tangents, "linear", "tangents", "primals");
      values.forEach((value, i) => checkLike(value, leaves[i], "linear", `tangent ${i}`));
      const live = run.inputs.flatMap((x, i) => (x === null ? [] : [[x, values[i]] as const]));
      const results = replay(
        run.tape,
        live.map(([x]) => x),
        live.map(([, v]) => v),
        pairs.map((p) => p.tangent),
      );
      return unflattenAny(
        out.structure,
        results.map((y, i) => y ?? zerosLike(pairs[i].primal)),
        "linear",
      ) as R;
    },
  };
}

/**
 * The transpose of a linear function: with f(x) = Ax, the function y ↦ Aᵀy.
 *
 * @param like - Arguments of f, of which only shapes and dtypes matter.
 * @throws TracingError if f is not linear.
 */
export function linearTranspose<A extends readonly unknown[], R>(
  f: ((...args: A) => R) & CheckTree<R>,
  ...like: A
): (cotangent: R) => A {
  const { leaves, structure } = flattenTree(like, "linearTranspose", "like");
  return (cotangent) => {
    const tape = new LinearTrace(nameOf("linearTranspose", f));
    const inputs = leaves.map((x) => tape.variable(x.shape, x.dtype));
    try {
      const returned = f(...(unflattenAny(structure, inputs, "linearTranspose") as A));
      refusePromise(returned, "linearTranspose");
      const out = flattenTree(returned, "linearTranspose", "the result");
      const bars = matchingLeaves(out.structure, cotangent, "linearTranspose", "cotangent", "the result");
      bars.forEach((bar, i) => checkLike(bar, out.leaves[i], "linearTranspose", `cotangent ${i}`));
      const result = walkBack(tape, out.leaves, bars, inputs);
      return unflattenAny(
        structure,
        result.map((x, i) => x ?? zeros(leaves[i].shape, { dtype: leaves[i].dtype })),
        "linearTranspose",
      ) as A;
    } finally {
      tape.alive = false;
    }
  };
}

/** Refuses leaves that have no derivative, naming their path. */
export function checkDifferentiable(tree: unknown, caller: string, argument: number, nameArgument: () => string): void {
  if (isTensor(tree) && isFloat(tree.dtype)) return;
  const name = nameArgument();
  const { leaves, paths } = flattenAny(tree, caller, name);
  leaves.forEach((leaf, i) => {
    const path = paths[i];
    if (!isTensor(leaf)) throw notATree(leaf, path, caller, name);
    if (!isFloat(leaf.dtype)) {
      throw new DTypeError(
        `${caller}: argument ${argument} leaf ${formatPath(path, name)} is ${leaf.dtype}; only float leaves can be differentiated. Pass it as a further argument.`,
      );
    }
  });
}
