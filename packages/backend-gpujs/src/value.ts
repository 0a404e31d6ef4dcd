/** One element inside a kernel. */

import type { DType } from "@curv/tensor";
import { literal, type Expression } from "./code.js";

/** Floats and bools (0 or 1) are one number, 32-bit integers two: their high and low 16 bits. */
export interface Value {
  readonly dtype: DType;
  readonly parts: readonly Expression[];
}

/** Numbers that an element of the dtype takes in a buffer; the parts lie in planes, all high halves first. */
export function partsOf(dtype: DType): 1 | 2 {
  return dtype === "int32" || dtype === "uint32" ? 2 : 1;
}

/** The value of a constant, or null if it cannot be written into the source. */
export function constant(element: number, dtype: DType): Value | null {
  if (partsOf(dtype) === 2) {
    const word = element >>> 0;
    return { dtype, parts: [`${word >>> 16}.0`, `${word & 0xffff}.0`] };
  }
  const text = literal(element);
  return text === null ? null : { dtype, parts: [text] };
}
