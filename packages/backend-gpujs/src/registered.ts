/** Primitives of other packages: elementwise functions that they bring as source text, by `registerLowering(primitive, "gpujs", …)`. */

import { loweringOf, type Equation, type Primitive } from "@curv/tensor";
import type { Cell, Rule } from "./rule.js";
import { tableOf, type Definition, type SourceFunction } from "./source-functions.js";

/**
 * What `registerLowering(primitive, "gpujs", …)` takes: functions of floats whose operands are the elements of the primitive's operands, all
 * float32 and of one shape, and whose value is the element of its only result.
 *
 * A function is [name, parameters, body] in gpu.js's language: `let` of floats, `if` and `else`, `for` with a literal bound, `while` without,
 * `Math.floor`, `Math.abs`, `Math.sqrt`; float literals with a point. Names start with `c_` and a word of the package; the backend's
 * own may be called: `c_exp`, `c_log`, `c_log1p`, `c_expm1`, `c_pow`, `c_sin`, `c_cos`, `c_lgamma`, … . A GPU's own are not accurate enough.
 */
export interface GpujsFunctions<P = never> {
  /** The functions and what they call; asked for once. */
  functions(): readonly Definition[];
  /** The one that is the primitive with these parameters; null if there is none: the primitive is then refused. */
  nameOf(params: P): string | null;
}

const tables = new WeakMap<object, ReadonlyMap<string, SourceFunction>>();

function loweringFor(primitive: Primitive): GpujsFunctions | undefined {
  return loweringOf(primitive, "gpujs") as GpujsFunctions | undefined;
}

/** Whether another package brought functions for the primitive, with any parameters. */
export function isRegistered(primitive: Primitive): boolean {
  return loweringFor(primitive) !== undefined;
}

/** The registered function that an equation applies, or null. */
export function registeredName({ primitive, params, inputs }: Equation): string | null {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return null;
  return loweringFor(primitive)?.nameOf(params as never) ?? null;
}

/** The functions that came with a primitive. */
export function registeredFunctions(primitive: Primitive): ReadonlyMap<string, SourceFunction> {
  const lowering = loweringFor(primitive)!;
  let table = tables.get(lowering);
  if (table === undefined) tables.set(lowering, (table = tableOf(lowering.functions())));
  return table;
}

/** An element of the result from those of the operands. */
export const registeredRule: Rule = (cell: Cell, equation, place) => {
  const operands = equation.inputs.map((_, i) => cell.read(equation, i, place).parts[0]);
  return { dtype: "float32", parts: [cell.code.call(registeredName(equation)!, ...operands)] };
};
