/** What a primitive is inside a kernel: how one element of a result follows from elements of the operands. */

import type { Aval, Equation, Shape } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import type { Code, Expression } from "./code.js";
import { applyElementwise } from "./elementwise.js";
import type { Place } from "./place.js";
import { split } from "./place.js";
import type { Value } from "./value.js";

/** The kernel that is being written. */
export interface Cell {
  readonly code: Code;
  /** The element of operand number i of the equation at a place of it. */
  read(equation: Equation, operand: number, place: Place): Value;
  /** The name of the array that operand number i is, if it is not computed here. */
  array(equation: Equation, operand: number): string | null;
  /** A number that may be no literal (an infinity, NaN). */
  number(value: number): Expression;
}

/** Element of output number `output` at a place of it. */
export type Rule = (cell: Cell, equation: Equation, place: Place, output: number) => Value;

/** Variables that hold a value while it is added to. */
export class Accumulator {
  private readonly names: readonly string[];

  constructor(
    private readonly code: Code,
    initial: Value,
  ) {
    this.dtype = initial.dtype;
    this.names = initial.parts.map((part) => code.variable(part));
  }

  private readonly dtype: Value["dtype"];

  get value(): Value {
    return { dtype: this.dtype, parts: this.names };
  }

  set({ parts }: Value): void {
    this.names.forEach((name, i) => this.code.assign(name, parts[i]));
  }

  /** accumulator = f(accumulator, x). */
  combine(f: string, x: Value): void {
    this.set(applyElementwise(this.code, f, [this.value, x]));
  }
}

/** Zero of a dtype. */
export function zero(dtype: Value["dtype"]): Value {
  return { dtype, parts: dtype === "int32" || dtype === "uint32" ? ["0.0", "0.0"] : ["0.0"] };
}

/** One of a dtype. */
export function one(dtype: Value["dtype"]): Value {
  return { dtype, parts: dtype === "int32" || dtype === "uint32" ? ["0.0", "1.0"] : ["1.0"] };
}

export function paramsOf<P>(equation: Equation): P {
  return equation.params as P;
}

export function shapeOf(equation: Equation, operand: number): Shape {
  return (equation.inputs[operand] as Aval).shape;
}

/** `body(coordinates)` for every position in `shape`, row-major, as one loop. */
export function loopOver(code: Code, shape: Shape, body: (axes: readonly Expression[]) => void): void {
  code.loop(sizeOf(shape), (i) => body(split(code, i, shape)));
}

/** An int32 from a number that is one, of either sign, below 2²⁴. */
export function integer(code: Code, x: Expression): Value {
  const wrapped = code.variable(x);
  const high = code.variable(`Math.floor(${wrapped} / 65536.0)`);
  const low = code.let(`${wrapped} - ${high} * 65536.0`);
  code.line(`if (${high} < 0.0) { ${high} = ${high} + 65536.0; }`);
  return { dtype: "int32", parts: [high, low] };
}

/** An int32 as a number; exact below 2²⁴. */
export function indexOf(code: Code, { parts: [high, low] }: Value): Expression {
  const signed = code.choose(`${high} >= 32768.0`, code.let(`${high} - 65536.0`), high);
  return code.let(`${signed} * 65536.0 + ${low}`);
}

/** x limited to [least, most], for numbers that are not NaN. */
export function clamp(code: Code, x: Expression, least: number, most: number): Expression {
  const y = code.variable(x);
  code.line(`if (${y} < ${least}.0) { ${y} = ${least}.0; }`);
  code.line(`if (${y} > ${most}.0) { ${y} = ${most}.0; }`);
  return y;
}
