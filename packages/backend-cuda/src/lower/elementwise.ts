/** Elementwise primitives: chains of operations that some kernel will compute where it needs them. */

import type { Aval, DType, Shape } from "@curv/tensor";
import { isLiteral, mostOperations, mostReads, Node, settled, type Value } from "../expression.js";
import type { Planner } from "../planner.js";
import { broadcastTo } from "../view.js";
import { paramsOf, type Lower } from "./lowering.js";

/** A new operation on operands that are brought to its shape; long chains are cut. */
export function chain(
  planner: Planner,
  name: string,
  operands: readonly Value[],
  out: Pick<Aval, "dtype" | "shape">,
  uses: number,
  n = 0,
): Node {
  let values = operands.map((x) => aligned(planner, x, out.shape));
  const tooMuch = (): boolean =>
    values.reduce((sum, x) => sum + (x instanceof Node ? x.reads : isLiteral(x) ? 0 : 1), 0) > mostReads ||
    values.reduce((sum, x) => sum + (x instanceof Node ? x.cost : 0), 0) > mostOperations;
  while (tooMuch()) {
    const chains = values.filter((x) => x instanceof Node);
    const largest = chains.reduce((a, b) => (b.cost > a.cost ? b : a));
    const view = planner.stored(largest);
    values = values.map((x) => (x === largest ? view : settled(x)));
  }
  return new Node(name, typeOfValue(values[name === "select" ? 1 : 0]), out.dtype, out.shape, values, uses, n);
}

function typeOfValue(x: Value): Node["type"] {
  return x instanceof Node ? x.result : x.dtype;
}

/** An operand broadcast to the shape of the result. */
export function aligned(planner: Planner, value: Value, shape: Shape): Value {
  const x = settled(value);
  if (isLiteral(x)) return { ...x, shape };
  if (x instanceof Node) {
    if (x.shape.length === shape.length && x.shape.every((n, i) => n === shape[i])) return x;
    return planner.moved(x, shape, (view) => broadcastTo(view, shape))!;
  }
  return broadcastTo(x, shape);
}

export const elementwise: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const { n = 0, ...others } = (equation.params ?? {}) as { n?: number };
  void others;
  const values = equation.inputs.map((x) => planner.value(x));
  planner.set(out, chain(planner, equation.primitive.name, values, out, planner.usesOf(out), n));
};

export const threefry: Lower = (planner, equation) => {
  const [low, high] = equation.outputs;
  const values = equation.inputs.map((x) => aligned(planner, planner.value(x), low.shape));
  const words = new Node("threefry", "uint32", "words", low.shape, values, 0);
  planner.set(low, new Node("lowWord", "words", "uint32", low.shape, [words], planner.usesOf(low)));
  planner.set(high, new Node("highWord", "words", "uint32", low.shape, [words], planner.usesOf(high)));
};

export const full: Lower = (planner, equation) => {
  const { value, dtype, shape } = paramsOf<{ value: number; dtype: DType; shape: Shape }>(equation);
  planner.set(equation.outputs[0], { literal: element(value, dtype), dtype, shape });
};

/** The number as an element of the dtype. */
export function element(value: number, dtype: DType): number {
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (dtype === "int32") return value | 0;
  return dtype === "uint32" ? value >>> 0 : value;
}

export const identity: Lower = (planner, equation) => {
  const [out] = equation.outputs;
  const x = planner.value(equation.inputs[0]);
  // A chain belongs to one variable: others read what is stored.
  planner.set(out, x instanceof Node ? planner.stored(x) : x);
};

export const cast: Lower = (planner, equation) => {
  if (equation.inputs[0].dtype === equation.outputs[0].dtype) identity(planner, equation);
  else elementwise(planner, equation);
};
