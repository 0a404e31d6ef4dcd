/** Comparing numbers: units in the last place, error budgets, norms. */

import { epsilon, isFloat, largest, smallestNormal, type DType, type FloatDType } from "../dtype.js";
import type { Tensor } from "../tensor.js";

/** Distance between neighbouring numbers of `dtype` at x. */
export function ulp(x: number, dtype: FloatDType): number {
  const magnitude = Math.max(Math.abs(x), smallestNormal(dtype));
  return epsilon(dtype) * 2 ** Math.floor(Math.log2(magnitude));
}

/** x as a number of `dtype`. */
export function rounded(x: number, dtype: DType): number {
  return dtype === "float32" ? Math.fround(x) : x;
}

/**
 * The error of a number as a share of what it may be: at most 1 if it is right. NaN must meet NaN, an infinity itself; but a value that rounds
 * to infinity may come out as the largest number, and the reverse.
 */
export function shareOfBudget(got: number, expected: number, dtype: DType, allowed: number): number {
  const wanted = rounded(expected, dtype);
  if (Object.is(got, wanted)) return 0;
  const error = Math.abs(got - expected);
  if (error <= allowed) return error === 0 ? 0 : error / allowed;
  if (isFloat(dtype) && !Number.isFinite(wanted) && allowed > 0 && Math.abs(got) >= largest(dtype) * (1 - 1e-6)) {
    if (Math.sign(got) === Math.sign(wanted)) return 1;
  }
  return Number.isFinite(error) ? error / allowed : Infinity;
}

/** The first element that is further from its expected value than `budget` allows, in words; null if there is none. */
export function difference(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  dtype: DType,
  budget: (i: number) => number,
): string | null {
  if (got.length !== expected.length) return `${got.length} elements, wanted ${expected.length}`;
  for (let i = 0; i < got.length; i++) {
    const allowed = budget(i);
    if (shareOfBudget(got[i], expected[i], dtype, allowed) > 1) {
      return `element ${i} is ${got[i]}, wanted ${expected[i]} ± ${allowed}`;
    }
  }
  return null;
}

/** The elements of several tensors, one after the other. */
export async function elements(tensors: readonly Tensor[]): Promise<Float64Array> {
  const parts = await Promise.all(tensors.map((x) => x.data()));
  const all = new Float64Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Euclidean norm. */
export function norm(x: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}

/** Inner product. */
export function inner(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * y[i];
  return sum;
}

/** ‖x − y‖. */
export function distance(x: Float64Array, y: Float64Array): number {
  return norm(x.map((v, i) => v - y[i]));
}
