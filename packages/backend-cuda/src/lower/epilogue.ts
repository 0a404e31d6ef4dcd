/**
 * A product with the bias that is added to it, and the rectifier after that, as one call of cuBLASLt: relu(x w + b) is read and written once.
 * Where the library has no such call, or the operands lie as it does not take them, the operations are lowered one by one.
 */

import type { Atom, Equation, Variable } from "@curv/tensor";
import { itemBytes } from "../buffer.js";
import { isLiteral, Node, type Value } from "../expression.js";
import type { BiasedProduct, Layout, PreparedProduct } from "../lib/cublaslt.js";
import { addressOf, type MatrixOperand } from "../plan.js";
import type { Planner } from "../planner.js";
import { broadcastTo, mergeDimensions, sizeOf, wholeView, type View } from "../view.js";
import { asStored, matricesOf, multiply } from "./product.js";

/** Equations that may become one step, in their order. Nothing else reads what is between them. */
export interface Group {
  readonly equations: readonly Equation[];
  /** Lowers the first few of them; says how many. */
  readonly lower: (planner: Planner) => number;
}

/** A product whose result only a sum reads: the sum, and what cuts it off at 0 if that is all that reads it. */
export function biasedProduct(dot: Equation, readers: (variable: Variable) => readonly Equation[]): Group | null {
  const [product] = dot.outputs;
  if (product.dtype !== "float32" && product.dtype !== "float64") return null;
  const [add, ...others] = readers(product);
  if (add?.primitive.name !== "add" || others.length > 0) return null;
  const [left, right] = add.inputs;
  const [sum] = add.outputs;
  if (left === right || sum.shape.join() !== product.shape.join()) return null;
  const bias = left === product ? right : left;
  const cut = rectifierAfter(sum, readers);
  return {
    equations: [dot, add, ...(cut?.equations ?? [])],
    lower: (planner) => lowerBiased(planner, dot, sum, bias, cut),
  };
}

interface Rectifier {
  /** `maximum(z, 0)`, or `lessEqual(z, 0)` and `select(that, 0, z)`. */
  readonly equations: readonly Equation[];
  /** What must be the number 0. */
  readonly zeros: readonly Atom[];
}

function rectifierAfter(z: Variable, readers: (variable: Variable) => readonly Equation[]): Rectifier | null {
  const [first, second, ...others] = readers(z);
  if (first === undefined || others.length > 0) return null;
  const [out] = first.outputs;
  if (second === undefined) {
    if (first.primitive.name !== "maximum" || out.shape.join() !== z.shape.join()) return null;
    return { equations: [first], zeros: first.inputs.filter((x) => x !== z) };
  }
  const isMask = first.primitive.name === "lessEqual" && first.inputs[0] === z && readers(out).length === 1;
  const [mask, zero, rest] = second.inputs;
  if (!isMask || second.primitive.name !== "select" || mask !== out || rest !== z) return null;
  return { equations: [first, second], zeros: [first.inputs[1], zero] };
}

/** How many equations of the group are done: the product alone, with its bias, or all. */
function lowerBiased(planner: Planner, dot: Equation, sum: Variable, bias: Atom, cut: Rectifier | null): number {
  const matrices = matricesOf(planner, dot);
  const { batch, m, n, k, label } = matrices;
  const added = asBias(planner, planner.value(bias), sum, n);
  const [a, b] = [asStored(matrices.a), asStored(matrices.b)];
  const { biased } = planner.options;
  if (added === null || batch > 1 || a === null || b === null || biased === undefined) {
    multiply(planner, dot, matrices);
    return 1;
  }
  const dtype = sum.dtype as BiasedProduct["dtype"];
  const item = itemBytes(dtype);
  const layout = ({ address, transposed, leading }: MatrixOperand): Layout => ({ transposed, leading, alignment: alignmentOf(address.offset * item) }); // prettier-ignore
  const emit = (run: PreparedProduct, out: Variable, what: string): void => {
    const array = planner.newArray(dtype, sizeOf(out.shape));
    planner.set(out, wholeView(array, dtype, out.shape));
    const epilogue = { bias: addressOf(added), run };
    planner.steps.push({ kind: "product", dtype, m, n, k, batch, a, b, out: array, epilogue, label: `${label} + ${what}` }); // prettier-ignore
  };
  const product = { dtype, m, n, k, a: layout(a), b: layout(b), bias: { alignment: alignmentOf(added.offset * item) } };
  const rectifies = cut?.zeros.every((x) => isZero(planner.value(x))) ?? false;
  const whole = rectifies ? biased({ ...product, relu: true }) : null;
  if (cut !== null && whole !== null) {
    emit(whole, cut.equations[cut.equations.length - 1].outputs[0], "bias, relu");
    return 2 + cut.equations.length;
  }
  const run = biased({ ...product, relu: false });
  if (run === null) {
    multiply(planner, dot, matrices);
    return 1;
  }
  emit(run, sum, "bias");
  return 2;
}

function isZero(x: Value): boolean {
  return isLiteral(x) && x.literal === 0;
}

/** The operand as n numbers one beside the other that are the same for each row of the result; null if it is not that. */
function asBias(planner: Planner, value: Value, { shape, dtype }: Variable, n: number): View | null {
  if (isLiteral(value) || sizeOf(value.shape) !== n) return null;
  if ((value instanceof Node ? value.result : value.dtype) !== dtype) return null;
  const view = planner.stored(value);
  const { shape: lengths, strides } = mergeDimensions(shape, [broadcastTo(view, shape).strides]);
  const last = lengths.length - 1;
  const fits = lengths[last] === n && strides[0][last] === 1 && strides[0].slice(0, last).every((s) => s === 0);
  return fits ? view : null;
}

/** What every address so many bytes after an aligned one is a multiple of. */
function alignmentOf(offset: number): number {
  let alignment = 256;
  while (offset % alignment !== 0) alignment /= 2;
  return alignment;
}
