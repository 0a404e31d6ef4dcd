/** The choice between two graphs. */

import { logicalNot } from "../ops/elementwise.js";
import { where } from "../ops/select.js";
import { readSync } from "../backend/read.js";
import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import type { Tensor } from "../tensor.js";
import { cached, closedGraph, evaluate, flags, type Graph } from "./graph.js";
import { batchGraph, jvpGraph, pick, splitGraph, spread, transposeGraph, zerosOf } from "./graph-transforms.js";
import { expandTo, lanesPrimitive } from "./lanes.js";
import { runGraph } from "./run-graph.js";
import { bind } from "./trace.js";

export interface CondParams {
  /** Of the same operands, with outputs of the same shapes and dtypes. */
  readonly branches: readonly [onFalse: Graph, onTrue: Graph];
}

const both = <T>(branches: CondParams["branches"], f: (graph: Graph, i: number) => T): [T, T] => [
  f(branches[0], 0),
  f(branches[1], 1),
];
const either = (a: readonly boolean[], b: readonly boolean[]): boolean[] => a.map((flag, i) => flag || b[i]);

/** cond(predicate: bool scalar, …operands). */
export const condPrimitive: Primitive<CondParams> = /* @__PURE__ */ definePrimitive<CondParams>({
  name: "cond",
  loop: "cond",
  shape: (_inputs, { branches }) => branches[1].outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),
  interpret: ([predicate, ...operands], { branches }) =>
    runGraph(branches[readSync(predicate, "cond")[0] === 0 ? 0 : 1], operands),

  jvpWithOutputs: ([predicate, ...primals], [, ...tangents], { branches }) => {
    const active = tangents.map((dx) => dx !== null);
    // An output is active if it is in either branch.
    const [no, yes] = both(branches, (graph) => jvpGraph(graph, active));
    const outActive = either(no.active, yes.active);
    const results = bind(condPrimitive, [predicate, ...primals, ...(pick(tangents, active) as Tensor[])], {
      branches: both(branches, (graph) => jvpGraph(graph, active, outActive).graph),
    });
    const n = branches[1].outputs.length;
    return { outs: results.slice(0, n), tangents: spread(results.slice(n), outActive) };
  },

  linearize: ([predicate, ...operands], [, ...linear], { branches }, record) => {
    const first = both(branches, (graph) => splitGraph(graph, linear).outLinear);
    const outLinear = either(...first);
    const splits = both(branches, (graph) => splitGraph(graph, linear, outLinear));
    const others = linear.map((l) => !l);
    // Residuals of both, zeros from the branch that is not taken.
    const counts = splits.map((s) => s.residuals);
    const likes = splits.map((s) => s.known.outputs.slice(s.known.outputs.length - s.residuals));
    const known = both(branches, (_, i) =>
      cached(
        splits[i].known,
        `union ${i} ${flags(outLinear)} ${likes[1 - i].map((v) => `${v.dtype}${v.shape.join("x")}`).join()}`,
        () =>
          closedGraph(
            "cond",
            (inputs) => {
              const outs = evaluate(splits[i].known, inputs);
              const own = outs.slice(outs.length - counts[i]);
              const blank = likes[1 - i].map(zerosOf);
              return [
                ...outs.slice(0, outs.length - counts[i]),
                ...(i === 0 ? [...own, ...blank] : [...blank, ...own]),
              ];
            },
            splits[i].known.inputs,
          ),
      ),
    );
    const knownOuts = bind(condPrimitive, [predicate, ...pick(operands, others)], { branches: known });
    const residuals = knownOuts.slice(knownOuts.length - counts[0] - counts[1]);
    // Each linear branch takes the residuals of both and ignores the other's.
    const linearBranches = both(branches, (_, i) =>
      cached(splits[i].linear, `union ${i} ${likes[1 - i].map((v) => `${v.dtype}${v.shape.join("x")}`).join()}`, () => {
        const own = splits[i].linear;
        const ignored = closedGraph("cond", (inputs) => inputs, likes[1 - i]).inputs;
        const mine = own.inputs.slice(0, counts[i]);
        return {
          ...own,
          inputs: [...(i === 0 ? [...mine, ...ignored] : [...ignored, ...mine]), ...own.inputs.slice(counts[i])],
        };
      }),
    );
    const outs = record(condPrimitive, [predicate, ...residuals, ...pick(operands, linear)], {
      branches: linearBranches,
    });
    let k = 0;
    let l = 0;
    return outLinear.map((isLinear) => (isLinear ? outs[l++] : knownOuts[k++]));
  },

  transpose: (cotangents, [predicate, ...operands], [, ...linear], { branches }) => {
    const given = cotangents.map((bar) => bar !== null);
    const backs = both(branches, (graph) => transposeGraph(graph, linear, given, { all: true }).graph);
    const others = pick(
      operands,
      linear.map((l) => !l),
    );
    const bars = bind(condPrimitive, [predicate, ...others, ...(pick(cotangents, given) as Tensor[])], {
      branches: backs,
    });
    return [null, ...spread(bars, linear)];
  },

  batch: ([predicate, ...operands], [predicateBatched, ...batched], { branches }, size) => {
    if (!predicateBatched) {
      const force = branches[1].outputs.map(() => true);
      return bind(condPrimitive, [predicate, ...operands], {
        branches: both(branches, (graph) => batchGraph(graph, batched, size, force).graph),
      });
    }
    const yes = bind(lanesPrimitive, [predicate, ...operands], { graph: branches[1], batched, size });
    const no = bind(lanesPrimitive, [logicalNot(predicate), ...operands], { graph: branches[0], batched, size });
    return yes.map((y, i) => where(expandTo(predicate, y.rank), y, no[i]));
  },

  guard: (live, [predicate, ...operands], { branches }, guardGraph) =>
    bind(condPrimitive, [predicate, live, ...operands], { branches: both(branches, guardGraph) }),
});
