/** Primitives that move elements: new strides for the same array where that says it, copies where it does not. */

import type { Equation } from "@curv/tensor";
import { Node } from "../expression.js";
import {
  broadcastView,
  flipView,
  reshapeView,
  sizeOf,
  sliceView,
  transposeView,
  wholeView,
  type View,
} from "../view.js";
import { aligned } from "./elementwise.js";
import { paramsOf, type Lower } from "./lowering.js";

const viewed =
  (change: (x: View, equation: Equation) => View | null): Lower =>
  (planner, equation) => {
    const [out] = equation.outputs;
    const x = planner.value(equation.inputs[0]);
    const moved = planner.moved(x, out.shape, (view) => change(view, equation));
    if (moved !== null) {
      planner.set(out, moved instanceof Node ? withUses(moved, planner.usesOf(out)) : moved);
      return;
    }
    const whole = planner.contiguous(x);
    planner.set(out, change(whole, equation)!);
  };

/** The same chain as another variable's. */
function withUses(node: Node, uses: number): Node {
  return new Node(node.name, node.type, node.result, node.shape, node.operands, uses, node.n);
}

export const pad: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { low, interior } = paramsOf<{ low: readonly number[]; interior: readonly number[] }>(equation);
  const target = wholeView(planner.newArray(out.dtype, sizeOf(out.shape)), out.dtype, out.shape);
  const fill = planner.value(equation.inputs[1]);
  planner.emitCopy(aligned(planner, fill instanceof Node ? planner.stored(fill) : fill, out.shape), target);
  planner.set(out, target);
  const x = planner.view(equation.inputs[0]);
  // Element j lands at low + j (interior + 1): those with 0 ≤ place < length survive.
  const start: number[] = [];
  const count: number[] = [];
  const place: number[] = [];
  for (let i = 0; i < x.shape.length; i++) {
    const step = interior[i] + 1;
    const first = Math.max(0, Math.ceil(-low[i] / step));
    const last = Math.min(x.shape[i] - 1, Math.floor((out.shape[i] - 1 - low[i]) / step));
    if (last < first) return;
    start.push(first);
    count.push(last - first + 1);
    place.push(low[i] + first * step);
  }
  const ones = x.shape.map(() => 1);
  planner.emitCopy(
    sliceView(x, start, count, ones),
    sliceView(
      target,
      place,
      count,
      interior.map((i) => i + 1),
    ),
  );
};

export const concat: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { axis } = paramsOf<{ axis: number }>(equation);
  const target = wholeView(planner.newArray(out.dtype, sizeOf(out.shape)), out.dtype, out.shape);
  const ones = out.shape.map(() => 1);
  let at = 0;
  for (const input of equation.inputs) {
    if (sizeOf(input.shape) > 0) {
      const start = out.shape.map((_, i) => (i === axis ? at : 0));
      const value = planner.value(input);
      if (value instanceof Node && value.uses > 1) planner.stored(value);
      else if (value instanceof Node) planner.settleShared([value]);
      planner.emitCopy(value, sliceView(target, start, input.shape, ones));
    }
    at += input.shape[axis];
  }
  planner.set(out, target);
};

export const reshape: Lower = /* @__PURE__ */ viewed((x, { outputs: [out] }) => reshapeView(x, out.shape));

export const broadcast: Lower = /* @__PURE__ */ viewed((x, equation) =>
  broadcastView(x, equation.outputs[0].shape, paramsOf<{ axes: readonly number[] }>(equation).axes),
);

export const transpose: Lower = /* @__PURE__ */ viewed((x, equation) =>
  transposeView(x, paramsOf<{ permutation: readonly number[] }>(equation).permutation),
);

export const slice: Lower = /* @__PURE__ */ viewed((x, equation) => {
  const { start, step } = paramsOf<{ start: readonly number[]; step: readonly number[] }>(equation);
  return sliceView(x, start, equation.outputs[0].shape, step);
});

export const flip: Lower = /* @__PURE__ */ viewed((x, equation) =>
  flipView(x, paramsOf<{ axes: readonly number[] }>(equation).axes),
);
