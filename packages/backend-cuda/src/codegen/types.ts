/** Types of CUDA C for dtypes, and what a scalar program is: straight-line code from elements to elements. */

import type { DType } from "@curv/tensor";
import type { DeviceFunction } from "./portable.js";

export const cTypes: Readonly<Record<DType, string>> = {
  float32: "float",
  float64: "double",
  int32: "int",
  uint32: "unsigned int",
  bool: "unsigned char",
};

/** A value inside a kernel: an element, or the two words of a random block. */
export type ValueType = DType | "words";

export function typeName(type: ValueType): string {
  return type === "words" ? "unsigned long long" : cTypes[type];
}

/** One operation of a scalar program. Values are numbered: inputs, then literals, then operations. */
export interface Operation {
  readonly name: string;
  readonly operands: readonly number[];
  /** Of the first operand: which formula it is. */
  readonly type: ValueType;
  readonly result: ValueType;
  /** A static integer: the exponent of a power, the order of a polygamma function. */
  readonly n: number;
  /** A function of another package that computes it; null if there is a formula of that name. */
  readonly call?: DeviceFunction | null;
}

/** Elements in, elements out. */
export interface ScalarProgram {
  readonly inputs: readonly DType[];
  readonly literals: readonly DType[];
  readonly operations: readonly Operation[];
  /** Numbers of the values that come out. */
  readonly results: readonly number[];
}

/** The type of value number i. */
export function typeOf({ inputs, literals, operations }: ScalarProgram, i: number): ValueType {
  if (i < inputs.length) return inputs[i];
  const j = i - inputs.length;
  return j < literals.length ? literals[j] : operations[j - literals.length].result;
}
