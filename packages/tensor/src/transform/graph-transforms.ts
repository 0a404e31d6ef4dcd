/**
 * jvp, linearisation, transposition and batching of graphs. Each runs the graph under the transformation while a new graph is traced, so
 * none repeats a rule; results are cached on the graph.
 */

import { zeros } from "../create.js";
import { broadcastTo } from "../ops/movement.js";
import type { Aval, Tangent } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { cached, closedGraph, evaluate, flags, type Graph } from "./graph.js";
import { JvpTrace } from "./jvp.js";
import { LinearTrace, walkBack, type LinearTracer } from "./linearize.js";
import { removeDead, simplify } from "./simplify.js";
import { bind } from "./trace.js";
import { BatchTrace, BatchTracer } from "./vmap.js";

export function pick<T>(list: readonly T[], marks: readonly boolean[]): T[] {
  return list.filter((_, i) => marks[i]);
}

export function zerosOf(like: Aval): Tensor {
  return zeros(like.shape, { dtype: like.dtype });
}

/** Takes from the front of a list as marks say; null elsewhere. */
export function spread<T>(list: readonly T[], marks: readonly boolean[]): (T | null)[] {
  let next = 0;
  return marks.map((mark) => (mark ? list[next++] : null));
}

/** Forward derivative: inputs [primals…, tangents of the active…], outputs [values…, tangents of `active`…]. */
export interface JvpGraph {
  readonly graph: Graph;
  readonly active: readonly boolean[];
}

/** @param force - Outputs that get a tangent even if it is zero. */
export function jvpGraph(graph: Graph, active: readonly boolean[], force: readonly boolean[] = []): JvpGraph {
  return cached(graph, `jvp ${flags(active)} ${flags(force)}`, () => {
    let outActive: boolean[] = [];
    const n = graph.inputs.length;
    const derivative = closedGraph(
      "jvp",
      (inputs) => {
        const trace = new JvpTrace("jvp");
        const tangents = spread(inputs.slice(n), active);
        const outs = evaluate(
          graph,
          tangents.map((dx, i) => trace.pair(inputs[i], dx)),
        );
        const pairs = outs.map((y) => trace.unpair(y));
        trace.alive = false;
        outActive = pairs.map(({ tangent }, i) => tangent !== null || force[i] === true);
        const douts = pairs.map(({ primal, tangent }) => tangent ?? zerosOf(primal));
        return [...pairs.map(({ primal }) => primal), ...pick(douts, outActive)];
      },
      [...graph.inputs, ...pick(graph.inputs, active)],
    );
    return { graph: simplify(derivative), active: outActive };
  });
}

/**
 * A graph that is linear in some inputs, split: `known` maps the others to [known outputs…, residuals…]; `linear` maps
 * [residuals…, linear inputs…] to the outputs marked in `outLinear`.
 */
export interface SplitGraph {
  readonly known: Graph;
  readonly linear: Graph;
  readonly outLinear: readonly boolean[];
  readonly residuals: number;
}

/** @param force - Outputs to be treated as linear even if nothing linear reaches them: they are materialised zeros. */
export function splitGraph(graph: Graph, linear: readonly boolean[], force: readonly boolean[] = []): SplitGraph {
  return cached(graph, `split ${flags(linear)} ${flags(force)}`, () => {
    const knownAvals = pick(
      graph.inputs,
      linear.map((l) => !l),
    );
    const linearAvals = pick(graph.inputs, linear);
    let tape!: LinearTrace;
    let variables: LinearTracer[] = [];
    let outLinear: boolean[] = [];
    let residuals: Tensor[] = [];
    let linearOuts: Tensor[] = [];
    const known = closedGraph(
      "linearize",
      (inputs) => {
        // Made in here, so that its tag is larger than those of the values it captures.
        tape = new LinearTrace("linearize");
        variables = linearAvals.map((x) => tape.variable(x.shape, x.dtype));
        let k = 0;
        let l = 0;
        const outs = evaluate(
          graph,
          linear.map((isLinear) => (isLinear ? variables[l++] : inputs[k++])),
        );
        outLinear = outs.map((y, i) => tape.owns(y) || force[i] === true);
        linearOuts = pick(outs, outLinear).map((y) => (tape.owns(y) ? y : tape.zero(y.shape, y.dtype)));
        residuals = capturedBy(tape, linearOuts);
        return [
          ...pick(
            outs,
            outLinear.map((f) => !f),
          ),
          ...residuals,
        ];
      },
      knownAvals,
    );
    tape.alive = false;
    const linearPart = closedGraph(
      "linear",
      (inputs) => {
        const values = new Map<Tensor, Tensor>();
        residuals.forEach((r, i) => values.set(r, inputs[i]));
        variables.forEach((v, i) => values.set(v, inputs[residuals.length + i]));
        const read = (x: Tensor): Tensor => values.get(x) ?? x;
        const live = liveEntries(tape, linearOuts);
        for (const { primitive, inputs: operands, params, outs } of live) {
          const results = bind(primitive, operands.map(read), params);
          outs.forEach((out, i) => values.set(out, results[i]));
        }
        return linearOuts.map(read);
      },
      [...residuals, ...linearAvals],
    );
    return { known: simplify(known), linear: simplify(linearPart), outLinear, residuals: residuals.length };
  });
}

/** Entries of the tape that its outputs need. */
function liveEntries(tape: LinearTrace, outputs: readonly Tensor[]): LinearTrace["entries"] {
  const needed = new Set<Tensor>(outputs);
  return tape.entries
    .slice()
    .reverse()
    .filter(({ inputs, outs }) => {
      if (!outs.some((out) => needed.has(out))) return false;
      for (const x of inputs) needed.add(x);
      return true;
    })
    .reverse();
}

/** The traced values that live entries captured, each once; concrete constants need no passing. */
function capturedBy(tape: LinearTrace, outputs: readonly Tensor[]): Tensor[] {
  const captured = new Set<Tensor>();
  for (const { inputs } of liveEntries(tape, outputs)) {
    for (const x of inputs) if (!tape.owns(x) && x.tag !== 0) captured.add(x);
  }
  return [...captured];
}

/**
 * Reverse derivative of a graph that is linear in the marked inputs: inputs [the others…, cotangents of the outputs marked in `given`…],
 * outputs the cotangents of the linear inputs marked in `reached` (or of all, zeros included, with `all`).
 */
export interface TransposedGraph {
  readonly graph: Graph;
  /** Of each linear input in order, whether anything flows back to it. */
  readonly reached: readonly boolean[];
}

export function transposeGraph(
  graph: Graph,
  linear: readonly boolean[],
  given: readonly boolean[],
  { all = false }: { all?: boolean } = {},
): TransposedGraph {
  return cached(graph, `transpose ${flags(linear)} ${flags(given)} ${String(all)}`, () => {
    let reached: boolean[] = [];
    const others = pick(
      graph.inputs,
      linear.map((l) => !l),
    );
    const linearAvals = pick(graph.inputs, linear);
    const transposed = closedGraph(
      "transpose",
      (inputs) => {
        const tape = new LinearTrace("transpose");
        const variables: LinearTracer[] = linearAvals.map((x) => tape.variable(x.shape, x.dtype));
        let o = 0;
        let l = 0;
        const outs = evaluate(
          graph,
          linear.map((isLinear) => (isLinear ? variables[l++] : inputs[o++])),
        );
        tape.alive = false;
        const bars: Tangent[] = spread(inputs.slice(others.length), given);
        const result = walkBack(tape, outs, bars, variables);
        reached = result.map((bar) => bar !== null || all);
        return pick(
          result.map((bar, i) => bar ?? zerosOf(linearAvals[i])),
          reached,
        );
      },
      [...others, ...pick(graph.outputs, given)],
    );
    return { graph: simplify(transposed), reached };
  });
}

/** The graph for `size` examples at once: marked inputs and outputs have a leading batch axis. */
export interface BatchedGraph {
  readonly graph: Graph;
  readonly batched: readonly boolean[];
}

/** @param force - Outputs that get a batch axis even if they do not depend on the batch. */
export function batchGraph(
  graph: Graph,
  batched: readonly boolean[],
  size: number,
  force: readonly boolean[] = [],
): BatchedGraph {
  return cached(graph, `batch ${flags(batched)} ${size} ${flags(force)}`, () => {
    let outBatched: boolean[] = [];
    const whole = closedGraph(
      "vmap",
      (inputs) => {
        const trace = new BatchTrace("vmap", size);
        const outs = evaluate(
          graph,
          inputs.map((x, i) => (batched[i] ? new BatchTracer(trace, x) : x)),
        );
        trace.alive = false;
        outBatched = outs.map((y, i) => y.tag === trace.tag || force[i] === true);
        return outs.map((y, i) => (outBatched[i] ? trace.whole(y) : y));
      },
      graph.inputs.map((v, i) => (batched[i] ? { shape: [size, ...v.shape], dtype: v.dtype, weak: v.weak } : v)),
    );
    return { graph: simplify(whole), batched: outBatched };
  });
}

/** The graph with only the marked outputs, and the equations that they need. */
export function restrictOutputs(graph: Graph, marks: readonly boolean[]): Graph {
  return cached(graph, `restrict ${flags(marks)}`, () => removeDead({ ...graph, outputs: pick(graph.outputs, marks) }));
}

/** Inputs with a leading axis where `batched` lacks it. */
export function batchAll(inputs: readonly Tensor[], batched: readonly boolean[], size: number): Tensor[] {
  return inputs.map((x, i) => (batched[i] ? x : broadcastTo(x, [size, ...x.shape])));
}
