/** Equations in place of one: what the rewriting of `lower.ts` is made of. */

import { Variable, type Atom, type DType, type Equation, type Primitive, type Shape } from "@curv/tensor";

/** A primitive that only graphs of this backend have. */
export function internal(name: string): Primitive {
  return {
    name,
    id: -1,
    shape: () => {
      throw new Error(`backend-gpujs: ${name} is never bound.`);
    },
  };
}

/** Adds an equation with one new result. */
export function emit(
  out: Equation[],
  primitive: Primitive,
  inputs: readonly Atom[],
  params: unknown,
  shape: Shape,
  dtype: DType,
): Variable {
  const result = new Variable(shape, dtype, false);
  out.push({ primitive, inputs, params, outputs: [result] });
  return result;
}
