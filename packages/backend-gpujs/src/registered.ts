/** Primitives of other packages: elementwise functions that they bring as source text, by `registerLowering(primitive, "gpujs", …)`. */

import { loweringOf, type Equation, type Primitive } from "@curv/tensor";
import { GpujsError } from "./errors.js";
import type { Cell, Rule } from "./rule.js";
import { tableOf, type Definition, type SourceFunction } from "./source-functions.js";

/**
 * What `registerLowering(primitive, "gpujs", …)` takes: functions of floats whose operands are the elements of the primitive's operands, all
 * float32 and of one shape, and whose value is the element of its only result.
 *
 * A function is [name, parameters, body] in gpu.js's language: `let` of floats, `if` and `else`, `for` with a literal bound, `while` without,
 * `Math.floor`, `Math.abs`, `Math.sqrt`; float literals with a point. Names start with `c_` and a word of the package; the backend's
 * own may be called, and not be defined again: `c_exp`, `c_log`, `c_log1p`, `c_expm1`, `c_pow`, `c_sin`, `c_cos`, `c_lgamma`, … . A GPU's own are not accurate enough.
 */
export interface GpujsFunctions<P = never> {
  /** The functions and what they call; asked for once. */
  functions(): readonly Definition[];
  /** The one that is the primitive with these parameters; null if there is none: the primitive is then refused. */
  nameOf(params: P): string | null;
}

const tables = new WeakMap<object, ReadonlyMap<string, SourceFunction>>();

function loweringFor(primitive: Primitive): GpujsFunctions | undefined {
  const lowering: unknown = loweringOf(primitive, "gpujs");
  if (lowering === undefined) return undefined;
  const { functions, nameOf } = (lowering ?? {}) as Partial<GpujsFunctions>;
  if (typeof functions !== "function" || typeof nameOf !== "function")
    throw mistake(primitive, 'registerLowering(…, "gpujs", …) got no object with the methods functions and nameOf');
  return lowering as GpujsFunctions;
}

function mistake({ name }: Primitive, what: string): GpujsError {
  return new GpujsError(`${name}: gpujs: ${what}; see GpujsFunctions.`, "compile");
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
  if (table === undefined) {
    const definitions: unknown = lowering.functions();
    if (!Array.isArray(definitions) || !definitions.every(isDefinition))
      throw mistake(primitive, "its functions are no list of [name, parameters, body], with names that start with c_");
    tables.set(lowering, (table = tableOf(definitions)));
  }
  return table;
}

function isDefinition(value: unknown): value is Definition {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [name, parameters, body] = value as readonly unknown[];
  const isText = (x: unknown): x is string => typeof x === "string";
  return isText(name) && /^c_\w+$/.test(name) && Array.isArray(parameters) && parameters.every(isText) && isText(body);
}

/** An element of the result from those of the operands. */
export const registeredRule: Rule = (cell: Cell, equation, place) => {
  const name = registeredName(equation)!;
  const { primitive, inputs } = equation;
  const f = registeredFunctions(primitive).get(name);
  if (f?.parameters.length !== inputs.length)
    throw mistake(primitive, `it brings no function ${name} of ${inputs.length} parameters`);
  const operands = equation.inputs.map((_, i) => cell.read(equation, i, place).parts[0]);
  return { dtype: "float32", parts: [cell.code.call(name, ...operands)] };
};
