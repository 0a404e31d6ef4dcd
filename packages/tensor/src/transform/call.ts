/** The call of a graph: what jit leaves in other transformations. */

import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import { bind } from "./trace.js";
import type { Graph } from "./graph.js";
import { batchGraph, jvpGraph, pick, splitGraph, spread, transposeGraph } from "./graph-transforms.js";
import { runGraph } from "./run-graph.js";

export interface CallParams {
  readonly graph: Graph;
  readonly name: string;
}

export const callPrimitive: Primitive<CallParams> = /* @__PURE__ */ definePrimitive<CallParams>({
  name: "call",
  shape: (_inputs, { graph }) => graph.outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),
  interpret: (inputs, { graph }) => runGraph(graph, inputs, { compile: true }),
  jvpWithOutputs: (primals, tangents, { graph, name }) => {
    const active = tangents.map((dx) => dx !== null);
    const derivative = jvpGraph(graph, active);
    const results = bind(callPrimitive, [...primals, ...pick(tangents, active)] as typeof primals, {
      graph: derivative.graph,
      name,
    });
    const n = graph.outputs.length;
    return { outs: results.slice(0, n), tangents: spread(results.slice(n), derivative.active) };
  },
  linearize: (inputs, linear, { graph, name }, record) => {
    const split = splitGraph(graph, linear);
    const known = bind(
      callPrimitive,
      pick(
        inputs,
        linear.map((l) => !l),
      ),
      { graph: split.known, name },
    );
    const residuals = known.slice(known.length - split.residuals);
    const outs = record(callPrimitive, [...residuals, ...pick(inputs, linear)], { graph: split.linear, name });
    let k = 0;
    let l = 0;
    return split.outLinear.map((isLinear) => (isLinear ? outs[l++] : known[k++]));
  },
  transpose: (cotangents, inputs, linear, { graph, name }) => {
    const given = cotangents.map((bar) => bar !== null);
    const back = transposeGraph(graph, linear, given);
    const others = pick(
      inputs,
      linear.map((l) => !l),
    );
    const bars = bind(callPrimitive, [...others, ...pick(cotangents, given)] as typeof inputs, {
      graph: back.graph,
      name,
    });
    return spread(spread(bars, back.reached), linear);
  },
  batch: (inputs, batched, { graph, name }, size) => {
    const whole = batchGraph(graph, batched, size);
    return { outs: bind(callPrimitive, inputs, { graph: whole.graph, name }), batched: whole.batched };
  },
});
