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
 * The first element that is further from its expected value than `budget` allows, in words; null if there is none. NaN must meet NaN, an
 * infinity itself; with a budget of 0 so must −0.
 */
export function difference(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  dtype: DType,
  budget: (i: number) => number,
): string | null {
  if (got.length !== expected.length) return `${got.length} elements, wanted ${expected.length}`;
  for (let i = 0; i < got.length; i++) {
    const wanted = rounded(expected[i], dtype);
    if (Object.is(got[i], wanted)) continue;
    const allowed = budget(i);
    const error = Math.abs(got[i] - expected[i]);
    if (error <= allowed) continue;
    // A value that rounds to infinity may come out as the largest number, and the reverse.
    if (isFloat(dtype) && !Number.isFinite(wanted) && allowed > 0 && Math.abs(got[i]) >= largest(dtype) * (1 - 1e-6)) {
      if (Math.sign(got[i]) === Math.sign(wanted)) continue;
    }
    return `element ${i} is ${got[i]}, wanted ${expected[i]} ± ${allowed}`;
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
