/** Element types, their typed arrays, and NumPy-like promotion with JAX's rule for mixed floats. */

import { DTypeError } from "./errors.js";

/** Element type of a tensor. `bool` is stored as one byte, 0 or 1. */
export type DType = "float32" | "float64" | "int32" | "uint32" | "bool";

/** A dtype that has derivatives. */
export type FloatDType = "float32" | "float64";

/** Host storage of a tensor's elements. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

export const dtypes: readonly DType[] = ["float32", "float64", "int32", "uint32", "bool"];

/** Bytes of one element. */
export function itemSize(dtype: DType): number {
  return dtype === "float64" ? 8 : dtype === "bool" ? 1 : 4;
}

export function isFloat(dtype: DType): dtype is FloatDType {
  return dtype === "float32" || dtype === "float64";
}

export function isInteger(dtype: DType): boolean {
  return dtype === "int32" || dtype === "uint32";
}

/** Distance from 1 to the next larger number: 2⁻²³ or 2⁻⁵². Tolerances of algorithms are functions of it. */
export function epsilon(dtype: FloatDType): number {
  return dtype === "float32" ? 2 ** -23 : 2 ** -52;
}

/** Smallest positive normal number of a float dtype. */
export function smallestNormal(dtype: FloatDType): number {
  return dtype === "float32" ? 2 ** -126 : 2 ** -1022;
}

/** Largest finite number of a float dtype. */
export function largest(dtype: FloatDType): number {
  return dtype === "float32" ? 3.4028234663852886e38 : Number.MAX_VALUE;
}

/** Refuses a name that is no dtype. */
export function checkDType(dtype: unknown, caller: string): asserts dtype is DType {
  if (!dtypes.includes(dtype as DType)) {
    throw new DTypeError(
      `${caller}: dtype ${JSON.stringify(dtype)} is unknown; use float32, float64, int32, uint32 or bool.`,
    );
  }
}

/** The dtype whose storage `array` is; Uint8Array and Uint8ClampedArray are taken as int32 data by creation functions, not here. */
export function dtypeOfArray(array: ArrayBufferView): DType | null {
  if (array instanceof Float32Array) return "float32";
  if (array instanceof Float64Array) return "float64";
  if (array instanceof Int32Array) return "int32";
  if (array instanceof Uint32Array) return "uint32";
  return null;
}

const rank: Readonly<Record<DType, number>> = { bool: 0, int32: 1, uint32: 1, float32: 2, float64: 3 };

/**
 * Common dtype of two operands: float64 > float32 > {int32, uint32} > bool; float32 with an integer stays float32; int32 with
 * uint32 gives int32, which wraps above 2³¹.
 */
export function promoteDTypes(a: DType, b: DType): DType {
  if (a === b) return a;
  if (rank[a] === rank[b]) return "int32";
  return rank[a] > rank[b] ? a : b;
}

let floatDefault: FloatDType = "float32";

/** Dtype of nested arrays of numbers and of creation functions that are not told one. */
export function defaultDType(): FloatDType {
  return floatDefault;
}

/** Sets {@link defaultDType} for the whole program; algorithms never read it. */
export function setDefaultDType(dtype: FloatDType): void {
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`setDefaultDType: got ${JSON.stringify(dtype)}; wants float32 or float64.`);
  }
  floatDefault = dtype;
}

/** Float dtype in which a function of real numbers is computed for an input of `dtype`. */
export function floatDTypeOf(dtype: DType): FloatDType {
  return dtype === "float64" ? "float64" : dtype === "float32" ? "float32" : floatDefault;
}

/** A number as an element of `dtype`: rounds, saturates, truncates as `cast` does (NaN → 0 for integers, NaN is true). */
export function coerceElement(value: number, dtype: DType): number {
  switch (dtype) {
    case "float32":
      return Math.fround(value);
    case "float64":
      return value;
    case "int32":
      return value >= 2147483647 ? 2147483647 : value <= -2147483648 ? -2147483648 : value | 0;
    case "uint32":
      return value >= 4294967295 ? 4294967295 : value <= 0 ? 0 : value >>> 0;
    case "bool":
      return value === 0 ? 0 : 1;
  }
}

/** An array of one element. */
export function own1(dtype: DType, value: number): TypedArray {
  const element = coerceElement(value, dtype);
  switch (dtype) {
    case "float32":
      return Float32Array.of(element);
    case "float64":
      return Float64Array.of(element);
    case "int32":
      return Int32Array.of(element);
    case "uint32":
      return Uint32Array.of(element);
    case "bool":
      return Uint8Array.of(element);
  }
}
