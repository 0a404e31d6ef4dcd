/**
 * A graph run on the lanes of a batch of which some do not count: the branches of a batched cond, the frozen rows of a batched loop.
 *
 * Every lane is computed, and what the dead ones produce is selected away afterwards. In the backward pass that is not enough: a dead
 * lane's zero cotangent times an infinite residual is NaN. So cotangents are selected lane by lane, before those of shared operands are
 * summed. Checks in dead lanes are off.
 */

import { broadcastTo, reshape } from "../ops/movement.js";
import { logicalAnd } from "../ops/elementwise.js";
import { sum } from "../ops/reduce.js";
import { where } from "../ops/select.js";
import { checkPrimitive, type CheckParams } from "../primitives/check.js";
import { aval, definePrimitive, type Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { callPrimitive } from "./call.js";
import { cached, closedGraph, hasEffects, subgraphs, Variable, type Atom, type Graph } from "./graph.js";
import { batchGraph, jvpGraph, pick, splitGraph, spread, transposeGraph } from "./graph-transforms.js";
import { runGraph } from "./run-graph.js";
import { range } from "../shape.js";
import { bind } from "./trace.js";

export interface LanesParams {
  /** For one lane. */
  readonly graph: Graph;
  /** Which operands differ from lane to lane. */
  readonly batched: readonly boolean[];
  readonly size: number;
}

/** lanes(live: bool [size], …operands) → every output with a leading lane axis. */
export const lanesPrimitive: Primitive<LanesParams> = /* @__PURE__ */ definePrimitive<LanesParams>({
  name: "lanes",
  shape: (_inputs, { graph, size }) => graph.outputs.map((y) => aval([size, ...y.shape], y.dtype)),
  interpret: (inputs, params) => {
    const { graph, takes } = batchedLanes(params, inputs.length);
    return runGraph(
      graph,
      takes.map((i) => inputs[i]),
    );
  },
  standsFor: batchedLanes,
  jvpWithOutputs: ([live, ...primals], [, ...tangents], { graph, batched, size }) => {
    const active = tangents.map((dx) => dx !== null);
    const derivative = jvpGraph(graph, active);
    const results = bind(lanesPrimitive, [live, ...primals, ...(pick(tangents, active) as Tensor[])], {
      graph: derivative.graph,
      batched: [...batched, ...pick(batched, active)],
      size,
    });
    const n = graph.outputs.length;
    return { outs: results.slice(0, n), tangents: spread(results.slice(n), derivative.active) };
  },
  linearize: ([live, ...operands], [, ...linear], { graph, batched, size }, record) => {
    const split = splitGraph(graph, linear);
    const others = linear.map((l) => !l);
    const known = bind(lanesPrimitive, [live, ...pick(operands, others)], {
      graph: split.known,
      batched: pick(batched, others),
      size,
    });
    const residuals = known.slice(known.length - split.residuals);
    const outs = record(lanesPrimitive, [live, ...residuals, ...pick(operands, linear)], {
      graph: split.linear,
      batched: [...residuals.map(() => true), ...pick(batched, linear)],
      size,
    });
    let k = 0;
    let l = 0;
    return split.outLinear.map((isLinear) => (isLinear ? outs[l++] : known[k++]));
  },
  transpose: (cotangents, [live, ...operands], [, ...linear], { graph, batched, size }) => {
    const given = cotangents.map((bar) => bar !== null);
    const back = transposeGraph(graph, linear, given);
    const others = linear.map((l) => !l);
    const bars = bind(lanesPrimitive, [live, ...pick(operands, others), ...(pick(cotangents, given) as Tensor[])], {
      graph: back.graph,
      batched: [...pick(batched, others), ...pick(cotangents, given).map(() => true)],
      size,
    });
    const own = pick(batched, linear);
    const result = spread(bars, back.reached).map((bar, i) => {
      if (bar === null) return null;
      const clean = where(expandTo(live, bar.rank), bar, 0);
      return own[i] ? clean : sum(clean, 0);
    });
    return [null, ...spread(result, linear)];
  },
  batch: ([live, ...operands], [, ...outer], { graph, batched, size }, outerSize) => {
    // Two lane axes become one: an operand with either gets both, flattened.
    const total = outerSize * size;
    const flat = operands.map((x, i) => {
      if (!outer[i] && !batched[i]) return x;
      const core = x.shape.slice((outer[i] ? 1 : 0) + (batched[i] ? 1 : 0));
      const paired = reshape(x, [outer[i] ? outerSize : 1, batched[i] ? size : 1, ...core]);
      return reshape(broadcastTo(paired, [outerSize, size, ...core]), [total, ...core]);
    });
    const alive = reshape(broadcastTo(live, [outerSize, size]), [total]);
    const outs = bind(lanesPrimitive, [alive, ...flat], {
      graph,
      batched: batched.map((b, i) => b || outer[i]),
      size: total,
    });
    return outs.map((y) => reshape(y, [outerSize, size, ...y.shape.slice(1)]));
  },
  guard: (outer, [live, ...operands], params) => bind(lanesPrimitive, [logicalAnd(live, outer), ...operands], params),
});

/** A mask over lanes, with axes of length 1 up to `rank`. */
export function expandTo(live: Tensor, rank: number): Tensor {
  return reshape(live, [...live.shape, ...new Array<number>(rank - live.rank).fill(1)]);
}

/** The graph with a bool scalar as a new first input that switches all its checks on. For running only: custom derivatives are lost. */
function guardGraph(graph: Graph): Graph {
  return cached(graph, "guard", () =>
    closedGraph(
      "guard",
      ([live, ...inputs]) => {
        const values = new Map<Variable, Tensor>(graph.inputs.map((v, i) => [v, inputs[i]]));
        const read = (atom: Atom): Tensor => (atom instanceof Variable ? values.get(atom)! : atom);
        for (const { primitive, inputs: atoms, params, outputs } of graph.equations) {
          const results = bindGuarded(primitive, atoms.map(read), params, live);
          outputs.forEach((v, i) => values.set(v, results[i]));
        }
        return graph.outputs.map(read);
      },
      [aval([], "bool"), ...graph.inputs],
    ),
  );
}

function bindGuarded(
  primitive: Primitive,
  inputs: readonly Tensor[],
  params: unknown,
  live: Tensor,
): readonly Tensor[] {
  if (primitive === checkPrimitive) {
    const { ranks, guarded, test } = params as CheckParams;
    const operands = guarded ? inputs.slice(0, -1) : inputs;
    const laneShape = operands[0].shape.slice(0, operands[0].rank - ranks[0]);
    const guard = broadcastTo(live, laneShape);
    return bind(checkPrimitive, [...operands, guarded ? logicalAnd(inputs[inputs.length - 1], guard) : guard], {
      ranks,
      guarded: true,
      test,
    });
  }
  if (!subgraphs(params).some(hasEffects)) return bind(primitive, inputs, params);
  if (primitive.guard !== undefined) return primitive.guard(live, inputs, params, guardGraph);
  // A call in some form: what it computes, with guarded checks.
  const { graph } = params as { graph: Graph };
  return bind(callPrimitive, [live, ...inputs], { graph: guardGraph(graph), name: primitive.name });
}

/** The graph for all lanes at once; it takes the mask of live ones only if it has checks to switch off. */
function batchedLanes({ graph, batched, size }: LanesParams, operands: number): { graph: Graph; takes: number[] } {
  const force = graph.outputs.map(() => true);
  if (!hasEffects(graph))
    return { graph: batchGraph(graph, batched, size, force).graph, takes: range(operands).slice(1) };
  return { graph: batchGraph(guardGraph(graph), [true, ...batched], size, force).graph, takes: range(operands) };
}
