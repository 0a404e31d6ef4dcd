/** Triangular systems. */

import { triangularSolvePrimitive } from "../primitives/linalg/triangular-solve.js";
import type { Tensor } from "../tensor.js";
import { bind1 } from "../transform/trace.js";
import { asSquare } from "./operands.js";
import { asSystem } from "./right-hand-side.js";

export interface TriangularSolveOptions {
  /** Which triangle of A is used; the other is never read. Default true. */
  readonly lower?: boolean;
  /** Solve with Aᵀ. Default false. */
  readonly transpose?: boolean;
  /** Take the diagonal as ones. Default false. */
  readonly unit?: boolean;
}

/**
 * x with A x = b (or Aᵀ x = b) for triangular A. A zero on the diagonal gives Inf or NaN.
 *
 * @param a - [..., n, n].
 * @param b - [..., n] if it has one axis less than A, else [..., n, k].
 */
export function triangularSolve(
  a: Tensor,
  b: Tensor,
  { lower = true, transpose = false, unit = false }: TriangularSolveOptions = {},
): Tensor {
  const system = asSystem(asSquare(a, "triangularSolve"), b, "triangularSolve");
  return system.finish(bind1(triangularSolvePrimitive, [system.a, system.b], { lower, transpose, unit }));
}
