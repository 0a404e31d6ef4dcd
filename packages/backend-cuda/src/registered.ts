/** Primitives of other packages: elementwise functions that they bring as source text, by `registerLowering(primitive, "cuda", …)`. */

import { loweringOf, type Equation, type Primitive } from "@curv/tensor";
import { Node } from "./expression.js";
import { chain } from "./lower/elementwise.js";
import type { Lower } from "./lower/lowering.js";
import { tableOf, type Definition, type DeviceFunction, type FloatType, type SourceTable } from "./codegen/portable.js";

/**
 * What `registerLowering(primitive, "cuda", …)` takes: functions of floats whose operands are the elements of the primitive's operands, all
 * of one dtype, float32 or float64, and of one shape, and whose value is the element of its only result.
 *
 * A function is [name, parameters, body] in the language of gpu.js, so that a text in float32 serves `@curv/backend-gpujs` too: `let` of
 * floats, `if` and `else`, `for` that counts up, `while`, `Math.floor`, `Math.abs`, `Math.sqrt`; float literals with a point or an exponent.
 * Names start with `c_` and a word of the package. The elementary functions are there as `c_exp`, `c_log`, `c_log1p`, `c_expm1`, `c_pow`,
 * `c_sin`, `c_cos`, `c_lgamma`, …, and with them `c_fma`, which gpu.js does not have. On the card they are CUDA's own.
 */
export interface CudaFunctions<P = never> {
  /** The functions and what they call, for elements of a dtype; asked for once. */
  functions(dtype: FloatType): readonly Definition[];
  /** The one that is the primitive with these parameters; null if there is none for the dtype: the primitive is then refused. */
  nameOf(params: P, dtype: FloatType): string | null;
}

const tables = new WeakMap<object, Map<FloatType, SourceTable>>();

function functionsFor(primitive: Primitive): CudaFunctions | undefined {
  return loweringOf(primitive, "cuda") as CudaFunctions | undefined;
}

/** Whether another package brought functions for the primitive, with any parameters. */
export function isRegistered(primitive: Primitive): boolean {
  return functionsFor(primitive) !== undefined;
}

/** The lowering of an equation by a registered function; null if there is none for its parameters and dtype. */
export function registeredLowering({ primitive, params, inputs }: Equation): Lower | null {
  const brought = functionsFor(primitive);
  const dtype = inputs[0]?.dtype;
  if (brought === undefined || (dtype !== "float32" && dtype !== "float64")) return null;
  if (inputs.some((x) => x.dtype !== dtype)) return null;
  const name = brought.nameOf(params as never, dtype);
  if (name === null) return null;
  const call: DeviceFunction = { name, dtype, table: tableFor(brought, dtype) };
  return (planner, equation) => {
    const [out] = equation.outputs;
    const values = equation.inputs.map((x) => planner.value(x));
    const { type, operands, uses } = chain(planner, primitive.name, values, out, planner.usesOf(out));
    planner.set(out, new Node(primitive.name, type, out.dtype, out.shape, operands, uses, 0, call));
  };
}

function tableFor(brought: CudaFunctions, dtype: FloatType): SourceTable {
  let ofTypes = tables.get(brought);
  if (ofTypes === undefined) tables.set(brought, (ofTypes = new Map()));
  let table = ofTypes.get(dtype);
  if (table === undefined) ofTypes.set(dtype, (table = tableOf(brought.functions(dtype), dtype)));
  return table;
}
