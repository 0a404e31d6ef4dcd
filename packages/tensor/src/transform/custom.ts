/** Functions with derivative rules of their own. The rules are ordinary traceable code, so derivatives of every order follow. */

import { zeros } from "../create.js";
import { TracingError, TreeError } from "../errors.js";
import { aval, definePrimitive, type Aval, type Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { flattenTree, leavesOf, matchingLeaves, unflattenAny, type CheckTree, type Structure } from "../tree/tree.js";
import { refusePromise } from "./jvp.js";
import { linearTranspose } from "./linearize.js";
import { evaluate, traceGraph, type Graph } from "./graph.js";
import { batchGraph, zerosOf } from "./graph-transforms.js";
import { runGraph } from "./run-graph.js";
import { bind } from "./trace.js";
import { nameOf } from "./tracer.js";
import { vmap } from "./vmap.js";

/** A rule on flat lists of tensors. */
type FlatRule = (primals: Tensor[], tangents: Tensor[]) => { outs: Tensor[]; tangents: Tensor[] };

interface CustomJvpParams {
  readonly graph: Graph;
  readonly rule: FlatRule;
  readonly name: string;
  /** Number of values of enclosing transformations that the function closes over; they come first. */
  readonly hidden: number;
}

/** Refuses a derivative in the values that a custom function closes over, its first inputs. @internal */
export function refuseHidden(tangents: readonly (Tensor | null)[], hidden: number, name: string): void {
  if (tangents.slice(0, hidden).some((dx) => dx !== null)) {
    throw new TracingError(`${name}: differentiating with respect to a closed-over value; pass it as an argument.`);
  }
}

export const customJvpPrimitive: Primitive<CustomJvpParams> = /* @__PURE__ */ definePrimitive<CustomJvpParams>({
  name: "customJvp",
  shape: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),
  interpret: (inputs, { graph }) => runGraph(graph, inputs),
  // Linear in what it is given here (a derivative's tangent): the tape takes it apart.
  linearize: (inputs, _linear, { graph }) => evaluate(graph, inputs),
  jvpWithOutputs: (primals, tangents, { rule, name, hidden }) => {
    refuseHidden(tangents, hidden, name);
    const own = primals.slice(hidden);
    return rule(
      own,
      own.map((x, i) => tangents[hidden + i] ?? zerosOf(x)),
    );
  },
  batch: (inputs, batched, { graph, rule, name, hidden }, size) => {
    const whole = batchGraph(graph, batched, size);
    const axes = batched.slice(hidden).map((b) => (b ? 0 : null));
    const wholeRule: FlatRule = (primals, tangents) => {
      const mapped = vmap(
        (p: Tensor[], t: Tensor[]) => {
          const { outs, tangents: douts } = rule(p, t);
          return [outs, douts] as [Tensor[], Tensor[]];
        },
        { inAxes: [axes, axes], axisSize: size },
      );
      const [outs, douts] = mapped(primals, tangents);
      // Results that do not depend on the batch were repeated by vmap; the graph has them once.
      const once = (y: Tensor, i: number): Tensor => (whole.batched[i] ? y : y.slice(0));
      return { outs: outs.map(once), tangents: douts.map(once) };
    };
    const outs = bind(customJvpPrimitive, inputs, { graph: whole.graph, rule: wholeRule, name, hidden });
    return { outs, batched: whole.batched };
  },
});

/** What every custom function does with its arguments: flatten, trace, bind, unflatten. */
function callCustom<P>(
  name: string,
  f: (...args: never[]) => unknown,
  args: readonly unknown[],
  primitive: Primitive<P>,
  params: (graph: Graph, hidden: number, structures: { in: Structure; out: Structure }) => P,
): unknown {
  const { leaves, structure } = flattenTree(args, name, "arguments");
  if (leaves.length > 0 && leaves.every((x) => x.tag === 0)) {
    const result = f(...(args as never[]));
    // Unless the function closes over a traced value, this is all.
    if (leavesOf(result, name, "the result").every((y) => y.tag === 0)) return result;
  }
  let out: Structure | null = null;
  const { graph, captured } = traceGraph(
    name,
    (inputs) => {
      const result = f(...(unflattenAny(structure, inputs, name) as never[]));
      refusePromise(result, name);
      const flat = flattenTree(result, name, "the result");
      out = flat.structure;
      return flat.leaves;
    },
    leaves,
  );
  // Hidden inputs first.
  const own = leaves.length;
  const ordered: Graph = { ...graph, inputs: [...graph.inputs.slice(own), ...graph.inputs.slice(0, own)] };
  const outs = bind(
    primitive,
    [...captured, ...leaves],
    params(ordered, captured.length, { in: structure, out: out! }),
  );
  return unflattenAny(out!, outs, name);
}

/**
 * `f` with its own forward derivative.
 *
 * @param rule - From the arguments and their tangents (both as arrays, of f's structure) to value and tangent; must be linear in the tangents.
 *
 * @example
 * const logAddExp = customJvp(
 *   (x: Tensor, y: Tensor) => x.maximum(y).add(softplus(x.sub(y).abs().neg())),
 *   ([x, y], [dx, dy]) => ({ value: logAddExp(x, y), tangent: sigmoid(x.sub(y)).mul(dx).add(sigmoid(y.sub(x)).mul(dy)) }),
 * );
 */
export function customJvp<A extends readonly unknown[], R>(
  f: ((...args: A) => R) & CheckTree<R>,
  rule: (primals: A, tangents: A) => { readonly value: NoInfer<R>; readonly tangent: NoInfer<R> },
): (...args: A) => R {
  const name = nameOf("customJvp", f);
  return (...args) =>
    callCustom(name, f as never, args, customJvpPrimitive, (graph, hidden, structures) => ({
      graph,
      hidden,
      name,
      rule: (primals, tangents) => {
        const { value, tangent } = rule(
          unflattenAny(structures.in, primals, name) as A,
          unflattenAny(structures.in, tangents, name) as A,
        );
        return {
          outs: matchingLeaves(structures.out, value, name, "value", "the result of f"),
          tangents: matchingLeaves(structures.out, tangent, name, "tangent", "the result of f"),
        };
      },
    })) as R;
}

type FlatForward = (primals: Tensor[]) => { outs: Tensor[]; residuals: Tensor[]; structure: Structure };
type FlatBackward = (residuals: Tensor[], structure: Structure, cotangents: Tensor[]) => Tensor[];

interface CustomVjpParams {
  readonly graph: Graph;
  readonly forward: FlatForward;
  readonly backward: FlatBackward;
  readonly name: string;
  readonly hidden: number;
}

export const customVjpPrimitive: Primitive<CustomVjpParams> = /* @__PURE__ */ definePrimitive<CustomVjpParams>({
  name: "customVjp",
  shape: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),
  interpret: (inputs, { graph }) => runGraph(graph, inputs),
  // Linear in what it is given here (a derivative's tangent): the tape takes it apart.
  linearize: (inputs, _linear, { graph }) => evaluate(graph, inputs),
  jvpWithOutputs: (primals, tangents, { forward, backward, name, hidden }) => {
    refuseHidden(tangents, hidden, name);
    const own = primals.slice(hidden);
    const { outs, residuals, structure } = forward(own);
    const douts = bind(
      customTangentPrimitive,
      [...residuals, ...own.map((x, i) => tangents[hidden + i] ?? zerosOf(x))],
      {
        outs: outs.map(({ shape, dtype }) => aval(shape, dtype)),
        residuals: residuals.length,
        backward: (r, cotangents) => backward(r, structure, cotangents),
      },
    );
    return { outs, tangents: douts };
  },
  batch: (inputs, batched, { graph, forward, backward, name, hidden }, size) => {
    const whole = batchGraph(graph, batched, size);
    const axes = batched.slice(hidden).map((b) => (b ? 0 : null));
    let residualStructure: Structure | null = null;
    const wholeForward: FlatForward = (primals) => {
      const [outs, residuals] = vmap(
        (p: Tensor[]) => {
          const run = forward(p);
          residualStructure = run.structure;
          return [run.outs, run.residuals] as [Tensor[], Tensor[]];
        },
        { inAxes: [axes], axisSize: size },
      )(primals);
      return {
        outs: outs.map((y, i) => (whole.batched[i] ? y : y.slice(0))),
        residuals,
        structure: residualStructure!,
      };
    };
    const wholeBackward: FlatBackward = (residuals, structure, cotangents) => {
      const bars = vmap((r: Tensor[], c: Tensor[]) => backward(r, structure, c), {
        inAxes: [0, whole.batched.map((b) => (b ? 0 : null))],
        axisSize: size,
      })(residuals, cotangents);
      // A shared argument gets the sum over the batch.
      return bars.map((bar, i) => (axes[i] === null ? bar.sum(0) : bar));
    };
    const outs = bind(customVjpPrimitive, inputs, {
      graph: whole.graph,
      forward: wholeForward,
      backward: wholeBackward,
      name,
      hidden,
    });
    return { outs, batched: whole.batched };
  },
});

interface CustomTangentParams {
  readonly outs: readonly Aval[];
  readonly residuals: number;
  readonly backward: (residuals: Tensor[], cotangents: Tensor[]) => Tensor[];
}

/** J v of a function of which only Jᵀ is given: linear in v, transposed by the given rule, and evaluated as the transpose of that, (Jᵀ)ᵀ v. */
const customTangentPrimitive: Primitive<CustomTangentParams> = /* @__PURE__ */ definePrimitive<CustomTangentParams>({
  name: "customTangent",
  shape: (_inputs, { outs }) => outs,
  compose: (inputs, { outs, residuals: n, backward }) => {
    const residuals = inputs.slice(0, n);
    const like = outs.map((y) => zeros(y.shape, { dtype: y.dtype }));
    const push = linearTranspose((...bars: Tensor[]) => backward(residuals, bars), ...like);
    return push(inputs.slice(n));
  },
  transpose: (cotangents, inputs, _linear, { outs, residuals: n, backward }) => {
    const bars = cotangents.map((bar, i) => bar ?? zerosOf(outs[i]));
    return [...new Array<null>(n).fill(null), ...backward(inputs.slice(0, n), bars)];
  },
});

/**
 * `f` with its own reverse derivative. Forward mode works, too: J v is the transpose of the given Jᵀ.
 *
 * @param forward - From the arguments to `[value, residuals]`.
 * @param backward - From the residuals and the cotangent of the value to an array with a cotangent for each argument; linear in the cotangent.
 */
export function customVjp<A extends readonly unknown[], R, S>(
  f: ((...args: A) => R) & CheckTree<R>,
  forward: (...args: A) => readonly [value: NoInfer<R>, residuals: S],
  backward: (residuals: NoInfer<S>, cotangent: NoInfer<R>) => { readonly [K in keyof A]: A[K] },
): (...args: A) => R {
  const name = nameOf("customVjp", f);
  return (...args) =>
    callCustom(name, f as never, args, customVjpPrimitive, (graph, hidden, structures) => ({
      graph,
      hidden,
      name,
      forward: (primals) => {
        const run: unknown = forward(...(unflattenAny(structures.in, primals, name) as A));
        if (!Array.isArray(run) || run.length !== 2)
          throw new TreeError(`${name}: fwd must return [value, residuals].`);
        const [value, residuals] = run as [R, S];
        const flat = flattenTree(residuals, name, "residuals");
        return {
          outs: matchingLeaves(structures.out, value, name, "value", "the result of f"),
          residuals: flat.leaves,
          structure: flat.structure,
        };
      },
      backward: (residuals, structure, cotangents) => {
        const bars = backward(
          unflattenAny(structure, residuals, name) as S,
          unflattenAny(structures.out, cotangents, name) as R,
        );
        const wanted = structures.in.kind === "array" ? structures.in.children.length : 0;
        if (!Array.isArray(bars) || bars.length !== wanted) {
          throw new TreeError(
            `${name}: bwd returned ${Array.isArray(bars) ? bars.length : 1} cotangents; f has ${wanted} arguments.`,
          );
        }
        return matchingLeaves(structures.in, bars, name, "cotangents", "arguments");
      },
    })) as R;
}

/** A traced function with the values it closes over as leading inputs, concrete and not. @internal */
export function closureConvert(
  name: string,
  f: (inputs: Tensor[]) => readonly Tensor[],
  avals: readonly Aval[],
  { whole = true }: { readonly whole?: boolean } = {},
): { graph: Graph; hidden: readonly Tensor[] } {
  const { graph, captured } = traceGraph(name, f, avals, { whole });
  const own = avals.length;
  return { graph: { ...graph, inputs: [...graph.inputs.slice(own), ...graph.inputs.slice(0, own)] }, hidden: captured };
}
