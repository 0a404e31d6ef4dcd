/** Control flow that can be differentiated, batched and compiled: scan, whileLoop, forLoop, cond. */

import { concreteValue, readSync } from "../backend/read.js";
import { DTypeError, DomainError, ShapeError, TreeError } from "../errors.js";
import { arange } from "../create.js";
import { castTo } from "../ops/operands.js";
import { formatShape, sameShape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import {
  flattenAny,
  flattenTree,
  formatPath,
  formatStructure,
  sameStructure,
  unflattenAny,
  type Path,
  type Structure,
} from "../tree/tree.js";
import { condPrimitive } from "./cond.js";
import { closureConvert } from "./custom.js";
import type { Graph } from "./graph.js";
import { refusePromise } from "./jvp.js";
import { scanPrimitive } from "./scan.js";
import { simplify } from "./simplify.js";
import { bind } from "./trace.js";
import { weakScalar } from "./jit.js";
import { whilePrimitive } from "./while-loop.js";

/** A tree in which numbers have become traced scalars. */
export type Lifted<T> = T extends number
  ? Tensor
  : T extends Tensor | null | undefined
    ? T
    : T extends object
      ? { [K in keyof T]: Lifted<T[K]> }
      : T;

interface Carry {
  readonly leaves: Tensor[];
  readonly structure: Structure;
  readonly paths: readonly Path[];
}

/** Leaves of a carry, numbers as weak scalars. */
function readCarry(tree: unknown, caller: string): Carry {
  const { leaves, structure, paths } = flattenAny(tree, caller, "init");
  return {
    structure,
    paths,
    leaves: leaves.map((leaf, i) => {
      if (isTensor(leaf)) return leaf;
      if (typeof leaf === "number") return weakScalar(leaf);
      throw new TreeError(
        `${caller}: ${formatPath(paths[i], "init")} is a ${typeof leaf}; leaves must be Tensors or numbers.`,
      );
    }),
  };
}

/** Refuses a body whose carry does not come back as it went in. Returns null, or the carry with weak numbers made what the body returned. */
function settle(
  caller: string,
  carry: Carry,
  outs: readonly { shape: readonly number[]; dtype: Tensor["dtype"]; weak: boolean }[],
): Tensor[] | null {
  let changed = false;
  const next = carry.leaves.map((x, i) => {
    const y = outs[i];
    if (sameShape(x.shape, y.shape) && x.dtype === y.dtype && x.weak === y.weak) return x;
    if (x.weak && !y.weak && sameShape(x.shape, y.shape)) {
      changed = true;
      return castTo(x, y.dtype);
    }
    if (!x.weak && y.weak && sameShape(x.shape, y.shape) && x.dtype === y.dtype) return x;
    throw new TreeError(
      `${caller}: carry changed: ${formatPath(carry.paths[i], "c")} was ${x.dtype} ${formatShape(x.shape)}, the body returned ${y.dtype} ${formatShape(y.shape)}.`,
    );
  });
  return changed ? next : null;
}

function checkStructure(caller: string, wanted: Structure, got: Structure): void {
  if (!sameStructure(wanted, got)) {
    throw new TreeError(
      `${caller}: carry changed: it was ${formatStructure(wanted)}, the body returned ${formatStructure(got)}.`,
    );
  }
}

export interface ScanOptions {
  /** Number of steps; needed when there are no inputs. */
  readonly length?: number;
  /** From the last element to the first; outputs stay at their elements' places. Default false. */
  readonly reverse?: boolean;
}

/**
 * A loop over the leading axis of `xs`: `body(carry, x)` returns the next carry and an output; the final carry and the stacked outputs
 * are returned. The body is traced once, and reverse mode costs one loop back.
 *
 * @param init - Tree of tensors and numbers. The body must return it with the same structure, shapes and dtypes.
 * @param xs - Tree of tensors with one leading length, or null with `length`.
 *
 * @example
 * const [sum, partial] = scan((s: Tensor, x: Tensor) => [s.add(x), s.add(x)], zeros([]), xs);
 */
export function scan<C, X, Y>(
  body: (carry: Lifted<C>, x: X) => readonly [carry: Lifted<C>, y: Y],
  init: C,
  xs: X,
  { length, reverse = false }: ScanOptions = {},
): [carry: Lifted<C>, ys: Y] {
  const inputs = flattenTree(xs, "scan", "xs");
  let steps = length;
  for (const x of inputs.leaves) {
    if (x.rank === 0) throw new ShapeError("scan: xs has a scalar leaf; wants a leading axis to loop over.");
    if (steps !== undefined && x.shape[0] !== steps) {
      throw new ShapeError(`scan: leading lengths differ: ${steps} and ${x.shape[0]}.`);
    }
    steps = x.shape[0];
  }
  if (steps === undefined) throw new DomainError("scan: xs has no leaves; give {length}.");
  let carry = readCarry(init, "scan");
  const rows = inputs.leaves.map((x) => ({ shape: x.shape.slice(1), dtype: x.dtype, weak: false }));
  for (;;) {
    let out: Structure | null = null;
    const n = carry.leaves.length;
    const { graph, hidden } = closureConvert(
      `scan(${body.name === "" ? "anonymous" : body.name})`,
      (tracers) => {
        const c = unflattenAny(carry.structure, tracers.slice(0, n), "scan");
        const x = unflattenAny(inputs.structure, tracers.slice(n), "scan");
        const result = body(c as Lifted<C>, x as X);
        refusePromise(result, "scan");
        if (!Array.isArray(result) || result.length !== 2)
          throw new TreeError("scan: the body must return [carry, y].");
        const next = readCarry(result[0], "scan");
        checkStructure("scan", carry.structure, next.structure);
        const y = flattenTree(result[1], "scan", "y");
        out = y.structure;
        return [...matchDTypes(next.leaves, carry.leaves), ...y.leaves];
      },
      [...carry.leaves, ...rows],
      // With at least one step, what does not depend on the step is done once, outside.
      { whole: steps === 0 },
    );
    const settled = settle("scan", carry, graph.outputs.slice(0, n));
    if (settled !== null) {
      carry = { ...carry, leaves: settled };
      continue;
    }
    const outs = bind(scanPrimitive, [...hidden, ...carry.leaves, ...inputs.leaves], {
      body: simplify(graph),
      consts: hidden.length,
      carries: n,
      length: steps,
      reverse,
    });
    return [
      unflattenAny(carry.structure, outs.slice(0, n), "scan") as Lifted<C>,
      unflattenAny(out!, outs.slice(n), "scan") as Y,
    ];
  }
}

/** A weak result for a strong carry takes its dtype: `c.i.mul(0).add(n)` and the like. */
function matchDTypes(next: readonly Tensor[], carry: readonly Tensor[]): Tensor[] {
  return next.map((y, i) =>
    y.weak && !carry[i].weak && sameShape(y.shape, carry[i].shape) ? castTo(y, carry[i].dtype) : y,
  );
}

export interface WhileOptions {
  /** Stop after so many steps. Reverse mode needs it: the loop becomes one of exactly so many masked steps. */
  readonly maxSteps?: number;
}

/**
 * Runs `body` on the carry while `condition` is true of it. Differentiable by jvp, and by grad with `maxSteps`; under vmap it runs until all
 * are done, and finished ones keep their values.
 *
 * @param init - Tree of tensors and numbers, which body must return with the same structure, shapes and dtypes.
 */
export function whileLoop<C>(
  condition: (carry: Lifted<C>) => Tensor,
  body: (carry: Lifted<C>) => Lifted<C>,
  init: C,
  { maxSteps }: WhileOptions = {},
): Lifted<C> {
  if (maxSteps !== undefined && (!Number.isInteger(maxSteps) || maxSteps < 0)) {
    throw new DomainError(`whileLoop: maxSteps is ${maxSteps}; wants an integer >= 0.`);
  }
  let carry = readCarry(init, "whileLoop");
  for (;;) {
    const tree = (tracers: Tensor[]): Lifted<C> => unflattenAny(carry.structure, tracers, "whileLoop") as Lifted<C>;
    const step = closureConvert(
      "whileLoop",
      (tracers) => {
        const result = body(tree(tracers));
        refusePromise(result, "whileLoop");
        const next = readCarry(result, "whileLoop");
        checkStructure("whileLoop", carry.structure, next.structure);
        return matchDTypes(next.leaves, carry.leaves);
      },
      carry.leaves,
    );
    const settled = settle("whileLoop", carry, step.graph.outputs);
    if (settled !== null) {
      carry = { ...carry, leaves: settled };
      continue;
    }
    const test = closureConvert(
      "whileLoop",
      (tracers) => [checkPredicate(condition(tree(tracers)), "whileLoop")],
      carry.leaves,
    );
    const outs = bind(whilePrimitive, [...test.hidden, ...step.hidden, ...carry.leaves], {
      condition: simplify(test.graph),
      body: simplify(step.graph),
      conditionConsts: test.hidden.length,
      bodyConsts: step.hidden.length,
      maxSteps: maxSteps ?? null,
    });
    return unflattenAny(carry.structure, outs, "whileLoop") as Lifted<C>;
  }
}

function checkPredicate(value: unknown, caller: string): Tensor {
  if (!isTensor(value)) throw new TreeError(`${caller}: the condition is ${typeof value}; wants a bool scalar Tensor.`);
  if (value.dtype !== "bool") throw new DTypeError(`${caller}: the condition is ${value.dtype}; wants bool.`);
  if (value.rank !== 0)
    throw new ShapeError(`${caller}: the condition has shape ${formatShape(value.shape)}; wants a scalar.`);
  return value;
}

/**
 * `carry = body(i, carry)` for i = start … stop − 1 (int32 scalars). With number bounds it is a {@link scan} and differentiates in reverse;
 * with tensor bounds a {@link whileLoop}.
 */
export function forLoop<C>(
  start: number | Tensor,
  stop: number | Tensor,
  body: (i: Tensor, carry: Lifted<C>) => Lifted<C>,
  init: C,
): Lifted<C> {
  for (const bound of [start, stop]) {
    if (typeof bound === "number" && !Number.isInteger(bound)) {
      const show = (b: number | Tensor): string => (typeof b === "number" ? String(b) : "a Tensor");
      throw new DomainError(`forLoop: start ${show(start)}, stop ${show(stop)}; wants integers.`);
    }
  }
  if (typeof start === "number" && typeof stop === "number") {
    const steps = arange(start, Math.max(start, stop), { dtype: "int32" });
    return scan((carry: Lifted<C>, i: Tensor) => [body(i, carry), null] as const, init, steps)[0];
  }
  const first =
    typeof start === "number" ? arange(start, start + 1, { dtype: "int32" }).reshape([]) : castTo(start, "int32");
  const end = typeof stop === "number" ? arange(stop, stop + 1, { dtype: "int32" }).reshape([]) : castTo(stop, "int32");
  const final = whileLoop(
    ({ i }: { i: Tensor; carry: Lifted<C> }) => i.less(end),
    ({ i, carry }: { i: Tensor; carry: Lifted<C> }) => ({ i: i.add(1), carry: body(i, carry) }) as never,
    { i: first, carry: init } as never,
  ) as { carry: Lifted<C> };
  return final.carry;
}

/**
 * `onTrue(...operands)` or `onFalse(...operands)`. A known predicate just runs its branch. Under vmap of the predicate both run, and what
 * the branch not taken produces, NaN included, reaches neither values nor gradients.
 *
 * @param predicate - Bool scalar. Both branches return trees of one structure, shapes and dtypes.
 */
export function cond<A extends readonly unknown[], R>(
  predicate: Tensor | boolean,
  onTrue: (...operands: A) => R,
  onFalse: (...operands: A) => R,
  ...operands: A
): R {
  const p = typeof predicate === "boolean" ? predicate : knownPredicate(checkPredicate(predicate, "cond"));
  if (p !== null) return p ? onTrue(...operands) : onFalse(...operands);
  const { leaves, structure } = flattenTree(operands, "cond", "operands");
  const outs: { structure: Structure; leaves: Tensor[] }[] = [];
  const close = (f: (...operands: A) => R): { graph: Graph; hidden: readonly Tensor[] } =>
    closureConvert(
      "cond",
      (tracers) => {
        const result = f(...(unflattenAny(structure, tracers, "cond") as A));
        refusePromise(result, "cond");
        const out = flattenTree(result, "cond", "the result");
        outs.push(out);
        return out.leaves;
      },
      leaves,
    );
  const yes = close(onTrue);
  const no = close(onFalse);
  const [a, b] = outs;
  const differ =
    !sameStructure(a.structure, b.structure) ||
    a.leaves.some((y, i) => !sameShape(y.shape, b.leaves[i].shape) || y.dtype !== b.leaves[i].dtype);
  if (differ) {
    throw new TreeError(
      `cond: branches differ: true gives ${formatStructure(a.structure, a.leaves)}, false gives ${formatStructure(b.structure, b.leaves)}.`,
    );
  }
  // Each branch takes what both close over.
  const n = yes.hidden.length;
  const m = no.hidden.length;
  const onTrueGraph: Graph = {
    ...yes.graph,
    inputs: [...yes.graph.inputs.slice(0, n), ...no.graph.inputs.slice(0, m), ...yes.graph.inputs.slice(n)],
  };
  const onFalseGraph: Graph = {
    ...no.graph,
    inputs: [...yes.graph.inputs.slice(0, n), ...no.graph.inputs.slice(0, m), ...no.graph.inputs.slice(m)],
  };
  const results = bind(condPrimitive, [predicate as Tensor, ...yes.hidden, ...no.hidden, ...leaves], {
    branches: [simplify(onFalseGraph), simplify(onTrueGraph)],
  });
  return unflattenAny(a.structure, results, "cond") as R;
}

/** The predicate's value where it is known without waiting: outside traces, and under jvp and grad. */
function knownPredicate(p: Tensor): boolean | null {
  const value = concreteValue(p);
  if (value === null) return null;
  return readSync(value, "cond")[0] !== 0;
}
