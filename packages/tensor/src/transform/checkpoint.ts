/** Rematerialisation: the backward pass recomputes what it needs instead of keeping it. */

import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import { flattenTree, unflattenAny, type Structure } from "../tree/tree.js";
import type { Tensor } from "../tensor.js";
import { callPrimitive } from "./call.js";
import { traceGraph, type Graph } from "./graph.js";
import { batchGraph, jvpGraph, pick, restrictOutputs, splitGraph, spread, transposeGraph } from "./graph-transforms.js";
import { simplify } from "./simplify.js";
import { refusePromise } from "./jvp.js";
import { runGraph } from "./run-graph.js";
import { range } from "../shape.js";
import { bind } from "./trace.js";
import { nameOf } from "./tracer.js";

/** Like a call, but it keeps only its inputs, and jit does not look inside: its equations are not shared with those outside. */
export const checkpointPrimitive: Primitive<{ graph: Graph }> = /* @__PURE__ */ definePrimitive<{ graph: Graph }>({
  name: "checkpoint",
  shape: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),
  interpret: (inputs, { graph }) => runGraph(graph, inputs),
  standsFor: ({ graph }, operands) => ({ graph, takes: range(operands) }),
  jvpWithOutputs: (primals, tangents, { graph }) => {
    const active = tangents.map((dx) => dx !== null);
    const derivative = jvpGraph(graph, active);
    const results = bind(checkpointPrimitive, [...primals, ...(pick(tangents, active) as Tensor[])], {
      graph: derivative.graph,
    });
    const n = graph.outputs.length;
    return { outs: results.slice(0, n), tangents: spread(results.slice(n), derivative.active) };
  },
  linearize: (inputs, linear, { graph }, record) => {
    const split = splitGraph(graph, linear);
    const n = split.known.outputs.length - split.residuals;
    const known = bind(
      callPrimitive,
      pick(
        inputs,
        linear.map((l) => !l),
      ),
      {
        graph: restrictOutputs(
          split.known,
          split.known.outputs.map((_, i) => i < n),
        ),
        name: "checkpoint",
      },
    );
    // All inputs are kept, and nothing else.
    const outs = record(checkpointPrimitive, inputs, { graph: restrictOutputs(graph, split.outLinear) });
    let k = 0;
    let l = 0;
    return split.outLinear.map((isLinear) => (isLinear ? outs[l++] : known[k++]));
  },
  transpose: (cotangents, inputs, linear, { graph }) => {
    const given = cotangents.map((bar) => bar !== null);
    const back = transposeGraph(graph, linear, given);
    const others = pick(
      inputs,
      linear.map((l) => !l),
    );
    const bars = bind(checkpointPrimitive, [...others, ...(pick(cotangents, given) as Tensor[])], {
      graph: back.graph,
    });
    return spread(spread(bars, back.reached), linear);
  },
  batch: (inputs, batched, { graph }, size) => {
    const whole = batchGraph(graph, batched, size);
    return { outs: bind(checkpointPrimitive, inputs, { graph: whole.graph }), batched: whole.batched };
  },
});

/**
 * `f`, whose intermediate values are recomputed in the backward pass: memory for time. Values and gradients are the same bits.
 */
export function checkpoint<A extends readonly unknown[], R>(f: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    const { leaves, structure } = flattenTree(args, "checkpoint", "arguments");
    let outStructure: Structure | null = null;
    const { graph, captured } = traceGraph(
      nameOf("checkpoint", f),
      (inputs) => {
        const result = f(...(unflattenAny(structure, inputs, "checkpoint") as A));
        refusePromise(result, "checkpoint");
        const out = flattenTree(result, "checkpoint", "the result");
        outStructure = out.structure;
        return out.leaves;
      },
      leaves,
      { whole: true },
    );
    const outs = bind(checkpointPrimitive, [...leaves, ...captured], { graph: simplify(graph) });
    return unflattenAny(outStructure!, outs, "checkpoint") as R;
  };
}
