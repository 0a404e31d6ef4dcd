/** Solving A x = b and f(x) = 0 by any method, differentiated by the implicit function theorem instead of through the iterations. */

import { TreeError } from "../errors.js";
import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import { sub } from "../ops/elementwise.js";
import { range, sameShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { flattenTree, matchingLeaves, unflattenAny } from "../tree/tree.js";
import { closureConvert, customJvp } from "./custom.js";
import { evaluate, type Graph } from "./graph.js";
import { batchAll, batchGraph, jvpGraph, pick, spread, transposeGraph, zerosOf } from "./graph-transforms.js";
import { jvp } from "./jvp.js";
import { linearTranspose, linearize } from "./linearize.js";
import { runGraph } from "./run-graph.js";
import { bind } from "./trace.js";

/** A graph whose first inputs are its constants. */
interface Closed {
  readonly graph: Graph;
  readonly consts: number;
}

interface LinearSolveParams {
  readonly matvec: Graph;
  readonly matvecConsts: number;
  readonly solve: Graph;
  readonly solveConsts: number;
  /** Null: cannot be transposed. */
  readonly transposeSolve: Graph | null;
  readonly transposeConsts: number;
}

/** linearSolve(matvec's constants…, solve's…, transposeSolve's…, b…) → x…. */
const linearSolvePrimitive: Primitive<LinearSolveParams> = /* @__PURE__ */ definePrimitive<LinearSolveParams>({
  name: "customLinearSolve",
  shape: (inputs, params) =>
    inputs.slice(constCount(params)).map(({ shape, dtype }) => ({ shape, dtype, weak: false })),
  interpret: (inputs, params) => {
    const { graph, takes } = solution(params, inputs.length);
    return runGraph(
      graph,
      takes.map((i) => inputs[i]),
    );
  },
  standsFor: solution,
  // A ẋ = ḃ − Ȧ x
  jvpWithOutputs: (primals, tangents, params) => {
    const { matvec, matvecConsts: m } = params;
    const consts = primals.slice(0, constCount(params));
    const x = bind(linearSolvePrimitive, primals, params);
    const db = tangents.slice(consts.length);
    const active = tangents.slice(0, m).map((dx) => dx !== null);
    let moved: (Tensor | null)[] = db.map(() => null);
    if (active.includes(true)) {
      const derivative = jvpGraph(matvec, [...active, ...x.map(() => false)]);
      const outs = evaluate(derivative.graph, [
        ...consts.slice(0, m),
        ...x,
        ...(pick(tangents.slice(0, m), active) as Tensor[]),
      ]);
      moved = spread(outs.slice(x.length), derivative.active);
    }
    const rhs = x.map((_, i) => {
      const b = db[i] ?? null;
      const dAx = moved[i];
      return dAx === null ? b : b === null ? dAx.neg() : sub(b, dAx);
    });
    if (rhs.every((r) => r === null)) return { outs: x, tangents: x.map(() => null) };
    const full = rhs.map((r, i) => r ?? x[i].mul(0));
    return { outs: x, tangents: bind(linearSolvePrimitive, [...consts, ...full], params) };
  },
  // b̄ = A⁻ᵀ x̄
  transpose: (cotangents, inputs, _linear, params) => {
    const { matvec, matvecConsts: m, solve, solveConsts: s, transposeSolve, transposeConsts: t } = params;
    if (transposeSolve === null) {
      throw new TreeError("customLinearSolve: reverse mode needs transposeSolve; give it, or say {symmetric: true}.");
    }
    const n = inputs.length - m - s - t;
    const back = transposeGraph(
      matvec,
      [...new Array<boolean>(m).fill(false), ...new Array<boolean>(n).fill(true)],
      new Array<boolean>(n).fill(true),
      { all: true },
    );
    const bars = cotangents.map((bar, i) => bar ?? zerosOf(matvec.outputs[i]));
    const x = bind(
      linearSolvePrimitive,
      [...inputs.slice(0, m), ...inputs.slice(m + s, m + s + t), ...inputs.slice(m, m + s), ...bars],
      {
        matvec: back.graph,
        matvecConsts: m,
        solve: transposeSolve,
        solveConsts: t,
        transposeSolve: solve,
        transposeConsts: s,
      },
    );
    return [...new Array<null>(m + s + t).fill(null), ...x];
  },
  batch: (inputs, batched, params, size) => {
    const { matvec, matvecConsts: m, solve, solveConsts: s, transposeSolve, transposeConsts: t } = params;
    const c = constCount(params);
    const n = inputs.length - c;
    const all = new Array<boolean>(n).fill(true);
    const whole = (graph: Graph, from: number, count: number): Graph =>
      batchGraph(graph, [...batched.slice(from, from + count), ...all], size, all).graph;
    const b = batchAll(inputs.slice(c), batched.slice(c), size);
    return bind(linearSolvePrimitive, [...inputs.slice(0, c), ...b], {
      ...params,
      matvec: whole(matvec, 0, m),
      solve: whole(solve, m, s),
      transposeSolve: transposeSolve === null ? null : whole(transposeSolve, m + s, t),
    });
  },
  guard: (live, inputs, params, guardGraph) => {
    const { matvecConsts: m } = params;
    return bind(linearSolvePrimitive, [...inputs.slice(0, m), live, ...inputs.slice(m)], {
      ...params,
      solve: guardGraph(params.solve),
      solveConsts: params.solveConsts + 1,
    });
  },
});

function constCount({ matvecConsts, solveConsts, transposeConsts }: LinearSolveParams): number {
  return matvecConsts + solveConsts + transposeConsts;
}

/** A linear system, by what it does. The functions may close over traced values: the parameters that A depends on. */
export interface LinearSystem<T> {
  /** x ↦ A x, linear. */
  readonly matvec: (x: T) => T;
  /** b ↦ A⁻¹ b, by any method. It is not differentiated. */
  readonly solve: (b: T) => T;
  /** b ↦ A⁻ᵀ b; needed for reverse mode unless `symmetric`. */
  readonly transposeSolve?: (b: T) => T;
  /** A = Aᵀ: `solve` serves for both. Default false. */
  readonly symmetric?: boolean;
}

/**
 * x with A x = b, whose derivatives in b and in whatever `matvec` closes over come from the implicit function theorem: one more solve each,
 * to any order, by jvp and by grad.
 *
 * @param b - A tensor or a tree of tensors; x has its structure and shapes.
 */
export function customLinearSolve<T>(system: LinearSystem<T>, b: T): T {
  const name = "customLinearSolve";
  const { leaves, structure } = flattenTree(b, name, "b");
  const close = (f: (x: T) => T, what: string): Closed & { hidden: readonly Tensor[] } => {
    const { graph, hidden } = closureConvert(
      name,
      (inputs) =>
        matchingLeaves(structure, f(unflattenAny(structure, inputs, name) as T), name, `the result of ${what}`, "b"),
      leaves,
    );
    graph.outputs.forEach((y, i) => {
      if (!sameShape(y.shape, leaves[i].shape) || y.dtype !== leaves[i].dtype) {
        throw new TreeError(
          `${name}: ${what} returned ${y.dtype} [${y.shape.join(", ")}] for leaf ${i} of b, ${leaves[i].dtype} [${leaves[i].shape.join(", ")}]; wants the same.`,
        );
      }
    });
    return { graph, consts: hidden.length, hidden };
  };
  const matvec = close(system.matvec, "matvec");
  const solve = close(system.solve, "solve");
  const back =
    system.symmetric === true
      ? solve
      : system.transposeSolve === undefined
        ? null
        : close(system.transposeSolve, "transposeSolve");
  const outs = bind(linearSolvePrimitive, [...matvec.hidden, ...solve.hidden, ...(back?.hidden ?? []), ...leaves], {
    matvec: matvec.graph,
    matvecConsts: matvec.consts,
    solve: solve.graph,
    solveConsts: solve.consts,
    transposeSolve: back?.graph ?? null,
    transposeConsts: back?.consts ?? 0,
  });
  return unflattenAny(structure, outs, name) as T;
}

/** How to find a root and to solve the linear systems of its derivative. */
export interface RootOptions<T> {
  /** From the start to the root, by any method. It is not differentiated. */
  readonly solve: (f: (x: T) => T, start: T) => T;
  /** Solves J ẋ = ẏ for the linear function J: ẋ ↦ ∂f/∂x ẋ at the root. */
  readonly tangentSolve: (linear: (dx: T) => T, dy: T) => T;
  /** The same for Jᵀ; needed for reverse mode unless J is symmetric. Default `tangentSolve`. */
  readonly transposeSolve?: (linear: (dx: T) => T, dy: T) => T;
}

/**
 * x with f(x) = 0, whose derivatives in what `f` closes over come from the implicit function theorem, ẋ = −(∂f/∂x)⁻¹ ḟ, to any order.
 */
export function customRoot<T>(f: (x: T) => T, start: T, options: RootOptions<T>): T {
  const name = "customRoot";
  const { leaves, structure } = flattenTree(start, name, "start");
  const tree = (flat: readonly Tensor[]): T => unflattenAny(structure, flat, name) as T;
  const flat = (value: T, what: string): Tensor[] => matchingLeaves(structure, value, name, what, "start");
  const { graph, hidden } = closureConvert(name, (inputs) => flat(f(tree(inputs)), "the result of f"), leaves);
  // f as a function of what it closes over and of x.
  const residual = (consts: Tensor[], x: Tensor[]): Tensor[] => evaluate(graph, [...consts, ...x]);
  const root: (consts: Tensor[], from: Tensor[]) => Tensor[] = customJvp(
    (consts: Tensor[], from: Tensor[]): Tensor[] =>
      flat(
        options.solve((x) => tree(residual(consts, flat(x, "x"))), tree(from)),
        "the result of solve",
      ),
    ([consts, from], [dconsts]) => {
      const x = root(consts, from);
      const moved = jvp((c: Tensor[]) => residual(c, x), [consts] as const, [dconsts] as const).tangent;
      const { linear } = linearize((v: Tensor[]) => residual(consts, v), x);
      const apply = (dx: T): T => tree(linear(flat(dx, "dx")));
      const tangent = customLinearSolve(
        {
          matvec: (dx: Tensor[]) => linear(dx),
          solve: (dy: Tensor[]) => flat(options.tangentSolve(apply, tree(dy)), "the result of tangentSolve"),
          transposeSolve: (dy: Tensor[]) => {
            const transposed = (dx: T): T => tree(linearTransposeOf(linear, x)(flat(dx, "dx")));
            return flat(
              (options.transposeSolve ?? options.tangentSolve)(transposed, tree(dy)),
              "the result of transposeSolve",
            );
          },
        },
        moved.map((m) => m.neg()),
      );
      return { value: x, tangent };
    },
  );
  return tree(root([...hidden], leaves));
}

function linearTransposeOf(linear: (dx: Tensor[]) => Tensor[], like: Tensor[]): (dy: Tensor[]) => Tensor[] {
  const transposed = linearTranspose(linear, like);
  return (dy) => transposed(dy)[0];
}

/** What solves it: the graph of the solver, on its constants and the right-hand sides. */
function solution(params: LinearSolveParams, operands: number): { graph: Graph; takes: number[] } {
  const { matvecConsts: m, solveConsts: s } = params;
  return {
    graph: params.solve,
    takes: [...range(operands).slice(m, m + s), ...range(operands).slice(constCount(params))],
  };
}
