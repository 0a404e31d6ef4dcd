/** The loop of unknown length. */

import { readSync } from "../backend/read.js";
import { TracingError } from "../errors.js";
import { any } from "../ops/reduce.js";
import { where } from "../ops/select.js";
import { broadcastTo } from "../ops/movement.js";
import { definePrimitive, type Primitive } from "../primitives/primitive.js";
import { range } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { condPrimitive } from "./cond.js";
import { cached, closedGraph, evaluate, flags, graphId, reorder, Variable, type Graph } from "./graph.js";
import { batchGraph, jvpGraph, pick, spread, zerosOf } from "./graph-transforms.js";
import { expandTo, lanesPrimitive } from "./lanes.js";
import { freeDead, runGraph } from "./run-graph.js";
import { scanPrimitive } from "./scan.js";
import { bind } from "./trace.js";

export interface WhileParams {
  /** (its constants…, carries…) → bool scalar. */
  readonly condition: Graph;
  /** (its constants…, carries…) → carries…. */
  readonly body: Graph;
  readonly conditionConsts: number;
  readonly bodyConsts: number;
  /** Stop after so many steps; what reverse mode needs. */
  readonly maxSteps: number | null;
}

/** while(condition's constants…, body's constants…, initial carries…) → final carries…. */
export const whilePrimitive: Primitive<WhileParams> = /* @__PURE__ */ definePrimitive<WhileParams>({
  name: "whileLoop",
  loop: "whileLoop",
  shape: (_inputs, { body }) => body.outputs.map(({ shape, dtype, weak }) => ({ shape, dtype, weak })),

  interpret: (inputs, { condition, body, conditionConsts: nc, bodyConsts: nb, maxSteps }) => {
    let carry = inputs.slice(nc + nb);
    for (let step = 0; maxSteps === null || step < maxSteps; step++) {
      const [go] = runGraph(condition, [...inputs.slice(0, nc), ...carry]);
      const goes = readSync(go, "whileLoop")[0] !== 0;
      freeDead([go], [...inputs, ...carry]);
      if (!goes) break;
      const next = [...runGraph(body, [...inputs.slice(nc, nc + nb), ...carry])];
      freeDead(carry, [...inputs, ...next]);
      carry = next;
    }
    return carry;
  },

  jvpWithOutputs: (primals, tangents, params) => {
    const { condition, body, conditionConsts: nc, bodyConsts: nb } = params;
    const carries = body.outputs.length;
    const activeConsts = tangents.slice(nc, nc + nb).map((dx) => dx !== null);
    let active = tangents.slice(nc + nb).map((dx) => dx !== null);
    for (;;) {
      const { active: out } = jvpGraph(body, [...activeConsts, ...active]);
      const next = active.map((a, i) => a || out[i]);
      if (flags(next) === flags(active)) break;
      active = next;
    }
    const derivative = jvpGraph(body, [...activeConsts, ...active], active);
    const na = activeConsts.filter(Boolean).length;
    const nt = active.filter(Boolean).length;
    // [consts, carries, ċonsts, ċarries] → [consts, ċonsts, carries, ċarries]
    const n = nb + carries;
    const newBody = reorder(
      derivative.graph,
      [
        ...range(nb),
        ...range(na).map((i) => n + i),
        ...range(carries).map((i) => nb + i),
        ...range(nt).map((i) => n + na + i),
      ],
      range(carries + nt),
    );
    // The condition looks at the primals only.
    const newCondition = cached(condition, `ignore ${flags(active)}`, () => ({
      ...condition,
      inputs: [...condition.inputs, ...pick(body.outputs, active).map((v) => new Variable(v.shape, v.dtype, false))],
    }));
    const dConsts = tangents.slice(nc, nc + nb).filter((dx) => dx !== null);
    const dCarry = pick(
      tangents.slice(nc + nb).map((dx, i) => dx ?? zerosOf(primals[nc + nb + i])),
      active,
    );
    const results = bind(
      whilePrimitive,
      [...primals.slice(0, nc + nb), ...dConsts, ...primals.slice(nc + nb), ...dCarry],
      { ...params, condition: newCondition, body: newBody, bodyConsts: nb + na },
    );
    return { outs: results.slice(0, carries), tangents: spread(results.slice(carries), active) };
  },

  linearize: (inputs, linear, params, record) => {
    const { conditionConsts, bodyConsts, maxSteps } = params;
    if (maxSteps === null) {
      throw new TracingError("whileLoop: reverse mode needs a bound; pass {maxSteps}, or use scan or forLoop.");
    }
    return scanPrimitive.linearize!(
      inputs,
      linear,
      {
        body: boundedStep(params),
        consts: conditionConsts + bodyConsts,
        carries: inputs.length - conditionConsts - bodyConsts,
        length: maxSteps,
        reverse: false,
      },
      record,
    );
  },

  batch: (inputs, batched, params, size) => {
    const { condition, body, conditionConsts: nc, bodyConsts: nb } = params;
    let carry = batched.slice(nc + nb);
    const conditionMarks = batched.slice(0, nc);
    const bodyMarks = batched.slice(nc, nc + nb);
    for (;;) {
      const out = batchGraph(body, [...bodyMarks, ...carry], size).batched;
      const goes = batchGraph(condition, [...conditionMarks, ...carry], size).batched[0];
      // Lanes that stop at different steps make every carry differ from lane to lane.
      const next = carry.map((b, i) => b || out[i] || goes);
      if (flags(next) === flags(carry)) break;
      carry = next;
    }
    const start = inputs
      .slice(nc + nb)
      .map((x, i) => (carry[i] && !batched[nc + nb + i] ? broadcastTo(x, [size, ...x.shape]) : x));
    const go = batchGraph(condition, [...conditionMarks, ...carry], size);
    const whole = batchGraph(body, [...bodyMarks, ...carry], size, carry).graph;
    if (!go.batched[0]) {
      const outs = bind(whilePrimitive, [...inputs.slice(0, nc + nb), ...start], {
        ...params,
        condition: go.graph,
        body: whole,
      });
      return { outs, batched: carry };
    }
    const newCondition = cached(go.graph, "any", () =>
      closedGraph("whileLoop", (xs) => [any(evaluate(go.graph, xs)[0])], go.graph.inputs),
    );
    // Finished lanes are frozen. The body needs the condition's constants to know them.
    const key = `freeze ${flags([...conditionMarks, ...bodyMarks, ...carry])} ${size}`;
    const newBody = cached(body, `${key} ${graphId(newCondition)}`, () =>
      closedGraph(
        "whileLoop",
        (xs) => {
          const state = xs.slice(nc + nb);
          const [live] = evaluate(go.graph, [...xs.slice(0, nc), ...state]);
          const next = bind(lanesPrimitive, [live, ...xs.slice(nc, nc + nb), ...state], {
            graph: body,
            batched: [...bodyMarks, ...carry],
            size,
          });
          return next.map((y, i) => where(expandTo(live, y.rank), y, state[i]));
        },
        [...go.graph.inputs.slice(0, nc), ...whole.inputs],
      ),
    );
    const outs = bind(whilePrimitive, [...inputs.slice(0, nc), ...inputs.slice(0, nc + nb), ...start], {
      condition: newCondition,
      body: newBody,
      conditionConsts: nc,
      bodyConsts: nc + nb,
      maxSteps: params.maxSteps,
    });
    return { outs, batched: carry };
  },

  guard: (live, inputs, params, guardGraph) => {
    const nc = params.conditionConsts;
    return bind(whilePrimitive, [live, ...inputs.slice(0, nc), live, ...inputs.slice(nc)], {
      ...params,
      condition: guardGraph(params.condition),
      body: guardGraph(params.body),
      conditionConsts: nc + 1,
      bodyConsts: params.bodyConsts + 1,
    });
  },
});

/** One masked step: the body while the condition holds, else the carries as they are. */
function boundedStep({ condition, body, conditionConsts: nc, bodyConsts: nb }: WhileParams): Graph {
  return cached(body, `bounded ${nc} ${graphId(condition)}`, () => {
    const idle = closedGraph("whileLoop", (xs) => xs.slice(nb), body.inputs);
    return closedGraph(
      "whileLoop",
      (xs) => {
        const carry: Tensor[] = xs.slice(nc + nb);
        const go = predicate(condition, [...xs.slice(0, nc), ...carry]);
        return bind(condPrimitive, [go, ...xs.slice(nc, nc + nb), ...carry], { branches: [idle, body] });
      },
      [...condition.inputs.slice(0, nc), ...body.inputs],
    );
  });
}

function predicate(graph: Graph, inputs: readonly Tensor[]): Tensor {
  return evaluate(graph, inputs)[0];
}
