/** The loop of known length: carries flow from step to step, inputs are read and outputs stacked along the leading axis. */

import { cpu } from "../cpu/backend.js";
import { isResult } from "../cpu/wasm/resident.js";
import type { TypedArray } from "../dtype.js";
import { own } from "../memory.js";
import { moveAxis, reshape, slice, stack } from "../ops/movement.js";
import { add } from "../ops/elementwise.js";
import { fullPrimitive } from "../primitives/constant.js";
import { aval, definePrimitive, type Primitive } from "../primitives/primitive.js";
import { tidy } from "../scope.js";
import { range, sizeOf } from "../shape.js";
import { Tensor } from "../tensor.js";
import { callPrimitive } from "./call.js";
import { cached, closedGraph, evaluate, flags, mayThrow, reorder, Variable, type Atom, type Graph } from "./graph.js";
import {
  batchGraph,
  jvpGraph,
  pick,
  restrictOutputs,
  splitGraph,
  spread,
  transposeGraph,
  zerosOf,
} from "./graph-transforms.js";
import { freeDead, runGraph } from "./run-graph.js";
import { bind } from "./trace.js";
import { zeros } from "../create.js";

export interface ScanParams {
  /** (consts…, carries…, one element of each input…) → (carries…, one element of each output…). */
  readonly body: Graph;
  readonly consts: number;
  readonly carries: number;
  readonly length: number;
  readonly reverse: boolean;
}

/** scan(consts…, initial carries…, inputs stacked over the steps…) → (final carries…, outputs stacked over the steps…). */
export const scanPrimitive: Primitive<ScanParams> = /* @__PURE__ */ definePrimitive<ScanParams>({
  name: "scan",
  loop: "scan",
  shape: (_inputs, { body, carries, length }) =>
    body.outputs.map((y, i) => (i < carries ? aval(y.shape, y.dtype, y.weak) : aval([length, ...y.shape], y.dtype))),
  interpret: runScan,

  jvpWithOutputs: (primals, tangents, params) => {
    const { body, consts, carries } = params;
    const active = tangents.map((dx) => dx !== null);
    // A carry is active if it starts so or becomes so in some step: the least fixed point.
    let activeCarry = active.slice(consts, consts + carries);
    for (;;) {
      const { active: out } = jvpGraph(body, withCarries(active, activeCarry, params));
      const next = activeCarry.map((a, i) => a || out[i]);
      if (flags(next) === flags(activeCarry)) break;
      activeCarry = next;
    }
    const inActive = withCarries(active, activeCarry, params);
    const derivative = jvpGraph(body, inActive, activeCarry);
    const n = body.inputs.length;
    const place = new Map<number, number>();
    pick(range(n), inActive).forEach((i, k) => place.set(i, n + k));
    const m = body.outputs.length;
    const outPlace = new Map<number, number>();
    pick(range(m), derivative.active).forEach((i, k) => outPlace.set(i, m + k));
    const grouped = (from: number, to: number, places: Map<number, number>): number[] => [
      ...range(to - from).map((i) => from + i),
      ...range(to - from).flatMap((i) => places.get(from + i) ?? []),
    ];
    const newBody = reorder(
      derivative.graph,
      [
        ...grouped(0, consts, place),
        ...grouped(consts, consts + carries, place),
        ...grouped(consts + carries, n, place),
      ],
      [...grouped(0, carries, outPlace), ...grouped(carries, m, outPlace)],
    );
    const dx = tangents.map((t, i) => (inActive[i] ? (t ?? zerosOf(primals[i])) : null));
    const part = (from: number, to: number): Tensor[] => [
      ...primals.slice(from, to),
      ...dx.slice(from, to).filter((t) => t !== null),
    ];
    const activeCarries = activeCarry.filter(Boolean).length;
    const results = bind(
      scanPrimitive,
      [...part(0, consts), ...part(consts, consts + carries), ...part(consts + carries, n)],
      {
        ...params,
        body: newBody,
        consts: consts + active.slice(0, consts).filter(Boolean).length,
        carries: carries + activeCarries,
      },
    );
    const ys = results.slice(carries + activeCarries);
    return {
      outs: [...results.slice(0, carries), ...ys.slice(0, m - carries)],
      tangents: [
        ...spread(results.slice(carries, carries + activeCarries), activeCarry),
        ...spread(ys.slice(m - carries), derivative.active.slice(carries)),
      ],
    };
  },

  linearize: (inputs, linear, params, record) => {
    const { body, consts, carries } = params;
    let linearCarry = linear.slice(consts, consts + carries);
    for (;;) {
      const { outLinear } = splitGraph(body, withCarries(linear, linearCarry, params));
      const next = linearCarry.map((l, i) => l || outLinear[i]);
      if (flags(next) === flags(linearCarry)) break;
      linearCarry = next;
    }
    const inLinear = withCarries(linear, linearCarry, params);
    const split = splitGraph(body, inLinear, linearCarry);
    const isKnown = inLinear.map((l) => !l);
    const knownConsts = pick(inputs.slice(0, consts), isKnown.slice(0, consts));
    const knownOutputs = split.known.outputs.length - split.residuals;
    // Residuals that depend on the constants alone are computed once, the others stacked over the steps.
    const { invariant, marks } = hoistInvariants(split.known, knownConsts.length, split.residuals);
    const fixed = bind(callPrimitive, knownConsts, { graph: invariant, name: "scan" });
    const knownBody = restrictOutputs(split.known, [
      ...new Array<boolean>(knownOutputs).fill(true),
      ...marks.map((m) => !m),
    ]);
    const known = bind(scanPrimitive, pick(inputs, isKnown), {
      ...params,
      body: knownBody,
      consts: knownConsts.length,
      carries: linearCarry.filter((l) => !l).length,
    });
    const stacked = known.slice(knownOutputs);
    // The linear body takes [residuals…, linear consts, carries, inputs…]; as a scan: constants first, stacked residuals with the inputs.
    const r = split.residuals;
    const linearConsts = inLinear.slice(0, consts).filter(Boolean).length;
    const linearCarries = linearCarry.filter(Boolean).length;
    const total = split.linear.inputs.length;
    const order = [
      ...pick(range(r), marks),
      ...range(linearConsts + linearCarries).map((i) => r + i),
      ...pick(
        range(r),
        marks.map((m) => !m),
      ),
      ...range(total - r - linearConsts - linearCarries).map((i) => r + linearConsts + linearCarries + i),
    ];
    const linearBody = reorder(split.linear, order, range(split.linear.outputs.length));
    const carryStart = pick(range(carries), linearCarry).map((i) => {
      const x = inputs[consts + i];
      // A carry that starts with a materialised zero tangent is the zero of the tape.
      return linear[consts + i] ? x : record(fullPrimitive, [], { shape: x.shape, dtype: x.dtype, value: 0 })[0];
    });
    const outs = record(
      scanPrimitive,
      [
        ...fixed,
        ...pick(inputs.slice(0, consts), inLinear.slice(0, consts)),
        ...carryStart,
        ...stacked,
        ...pick(inputs.slice(consts + carries), inLinear.slice(consts + carries)),
      ],
      { ...params, body: linearBody, consts: fixed.length + linearConsts, carries: linearCarries },
    );
    let k = 0;
    let l = 0;
    return split.outLinear.map((isLinear) => (isLinear ? outs[l++] : known[k++]));
  },

  transpose: (cotangents, inputs, linear, params) => {
    const { body, consts, carries, reverse, length } = params;
    const others = linear.map((l) => !l);
    const back = transposeGraph(
      body,
      linear,
      body.outputs.map(() => true),
      { all: true },
    );
    const fixedConsts = pick(inputs.slice(0, consts), others.slice(0, consts));
    const linearConsts = pick(inputs.slice(0, consts), linear.slice(0, consts));
    const otherXs = pick(inputs.slice(consts + carries), others.slice(consts + carries));
    const nf = fixedConsts.length;
    const nl = linearConsts.length;
    const nx = otherXs.length;
    const ny = body.outputs.length - carries;
    const likes = pick(body.inputs, others);
    // Carries of the backward loop: cotangents of the carries, and running sums of those of the linear constants.
    const newBody = cached(back.graph, `scan transpose ${nf} ${nl} ${carries}`, () =>
      closedGraph(
        "scan transpose",
        (xs) => {
          const fixed = xs.slice(0, nf);
          const bars = xs.slice(nf, nf + carries);
          const sums = xs.slice(nf + carries, nf + carries + nl);
          const rest = xs.slice(nf + carries + nl);
          const out = evaluate(back.graph, [...fixed, ...rest.slice(0, nx), ...bars, ...rest.slice(nx)]);
          const fromConsts = out.slice(0, nl).map((bar, i) => add(sums[i], bar));
          return [...out.slice(nl, nl + carries), ...fromConsts, ...out.slice(nl + carries)];
        },
        [
          ...likes.slice(0, nf),
          ...body.outputs.slice(0, carries).map((y) => aval(y.shape, y.dtype)),
          ...pick(body.inputs.slice(0, consts), linear.slice(0, consts)),
          ...likes.slice(nf),
          ...body.outputs.slice(carries),
        ],
      ),
    );
    const bars = cotangents.map((bar, i) => {
      const y = body.outputs[i];
      return bar ?? zeros(i < carries ? y.shape : [length, ...y.shape], { dtype: y.dtype });
    });
    const results = bind(
      scanPrimitive,
      [
        ...fixedConsts,
        ...bars.slice(0, carries),
        ...linearConsts.map(zerosOf),
        ...otherXs,
        ...bars.slice(carries, carries + ny),
      ],
      { body: newBody, consts: nf, carries: carries + nl, length, reverse: !reverse },
    );
    const carryBars = results.slice(0, carries);
    const constBars = results.slice(carries, carries + nl);
    const xBars = results.slice(carries + nl);
    return [
      ...spread(constBars, linear.slice(0, consts)),
      ...spread(carryBars, linear.slice(consts, consts + carries)),
      ...spread(xBars, linear.slice(consts + carries)),
    ];
  },

  batch: (inputs, batched, params, size) => {
    const { body, consts, carries } = params;
    let batchedCarry = batched.slice(consts, consts + carries);
    for (;;) {
      const out = batchGraph(body, withCarries(batched, batchedCarry, params), size);
      const next = batchedCarry.map((b, i) => b || out.batched[i]);
      if (flags(next) === flags(batchedCarry)) break;
      batchedCarry = next;
    }
    const inBatched = withCarries(batched, batchedCarry, params);
    const whole = batchGraph(body, inBatched, size, batchedCarry);
    const operands = inputs.map((x, i) => {
      if (i >= consts && i < consts + carries) {
        return inBatched[i] && !batched[i] ? x.reshape([1, ...x.shape]).broadcastTo([size, ...x.shape]) : x;
      }
      // The steps stay in front.
      return i >= consts + carries && batched[i] ? moveAxis(x, 1, 0) : x;
    });
    const outs = bind(scanPrimitive, operands, { ...params, body: whole.graph });
    return {
      outs: outs.map((y, i) => (i >= carries && whole.batched[i] ? moveAxis(y, 1, 0) : y)),
      batched: whole.batched.map((b, i) => (i < carries ? batchedCarry[i] : b)),
    };
  },

  guard: (live, inputs, params, guardGraph) =>
    bind(scanPrimitive, [live, ...inputs], { ...params, body: guardGraph(params.body), consts: params.consts + 1 }),
});

/** Marks of all inputs, with those of the carries replaced. */
function withCarries(marks: readonly boolean[], carry: readonly boolean[], { consts, carries }: ScanParams): boolean[] {
  return [...marks.slice(0, consts), ...carry, ...marks.slice(consts + carries)];
}

/** Which of the last `residuals` outputs depend on the first `consts` inputs alone, and the graph that computes those from them. */
function hoistInvariants(
  known: Graph,
  consts: number,
  residuals: number,
): { invariant: Graph; marks: readonly boolean[] } {
  return cached(known, `hoist ${consts} ${residuals}`, () => {
    const fixed = new Set<Variable>(known.inputs.slice(0, consts));
    const isFixed = (atom: Atom): boolean => !(atom instanceof Variable) || fixed.has(atom);
    for (const equation of known.equations) {
      if (!mayThrow(equation) && equation.inputs.every(isFixed)) for (const v of equation.outputs) fixed.add(v);
    }
    const outputs = known.outputs.slice(known.outputs.length - residuals);
    const marks = outputs.map(isFixed);
    const equations = known.equations.filter((equation) => !mayThrow(equation) && equation.outputs.every(isFixed));
    const invariant = { inputs: known.inputs.slice(0, consts), equations, outputs: pick(outputs, marks) };
    return {
      invariant: restrictOutputs(
        invariant,
        invariant.outputs.map(() => true),
      ),
      marks,
    };
  });
}

function runScan(inputs: readonly Tensor[], { body, consts, carries, length, reverse }: ScanParams): readonly Tensor[] {
  const fixed = inputs.slice(0, consts);
  let carry = inputs.slice(consts, consts + carries);
  const xs = inputs.slice(consts + carries);
  /** Handles of rows on a device, which are joined at the end. */
  const stacked = new Set<unknown>();
  const ys = body.outputs.slice(carries).map((y) => new Stack(y, length, stacked));
  for (let step = 0; step < length; step++) {
    const i = reverse ? length - 1 - step : step;
    const rows = xs.map((x) => row(x, i));
    const outs = runGraph(body, [...fixed, ...carry, ...rows]);
    freeDead([...carry, ...rows], [...inputs, ...outs], stacked);
    carry = outs.slice(0, carries);
    ys.forEach((y, k) => y.set(i, outs[carries + k]));
  }
  const outs = [...carry, ...ys.map((y) => y.take())];
  if (stacked.size > 0) for (const y of ys) freeDead(y.rows.filter(Boolean), [...inputs, ...outs]);
  return outs;
}

/** Row i along the leading axis; on the CPU a view where it can be. */
function row(x: Tensor, i: number): Tensor {
  const shape = x.shape.slice(1);
  if (x.owner === cpu) {
    const n = sizeOf(shape);
    const all = x.buffer as TypedArray;
    // A row may outlive a result that is disposed.
    const own = isResult(all) ? all.slice(i * n, (i + 1) * n) : all.subarray(i * n, (i + 1) * n);
    return new Tensor(shape, x.dtype, x.weak, 0, cpu, own, x.committed);
  }
  const start = x.shape.map((_, axis) => (axis === 0 ? i : 0));
  const stop = x.shape.map((m, axis) => (axis === 0 ? i + 1 : m));
  return tidy(() => reshape(slice(x, start, stop), shape));
}

/** Rows put together as they come: written in place on the CPU, joined at the end elsewhere. */
class Stack {
  readonly rows: Tensor[];
  private whole: TypedArray | null = null;
  private committed = false;

  constructor(
    private readonly like: Atom,
    private readonly length: number,
    private readonly stacked: Set<unknown>,
  ) {
    this.rows = new Array<Tensor>(length);
  }

  set(i: number, y: Tensor): void {
    if (y.owner !== cpu) {
      this.rows[i] = y;
      this.stacked.add(y.buffer);
      return;
    }
    const n = sizeOf(y.shape);
    this.whole ??= own(y.dtype, n * this.length);
    this.whole.set(y.buffer as TypedArray, i * n);
    this.committed ||= y.committed;
  }

  take(): Tensor {
    const { shape, dtype } = this.like;
    if (this.length === 0) return zeros([0, ...shape], { dtype });
    if (this.whole === null) return tidy(() => stack(this.rows, 0));
    return new Tensor([this.length, ...shape], dtype, false, 0, cpu, this.whole, this.committed);
  }
}
