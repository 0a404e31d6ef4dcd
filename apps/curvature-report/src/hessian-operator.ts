/** The Hessian of a loss as a linear operator on vectors. */

import { grad, linearize, type FloatDType, type Tensor } from "@curv/tensor";

/** A square matrix A, known by its products. */
export interface LinearOperator {
  /** n, for A of shape [n, n]. */
  readonly size: number;
  readonly dtype: FloatDType;
  /** A v, for v of shape [n]. */
  readonly matvec: (v: Tensor) => Tensor;
}

/**
 * v ↦ ∇²f(x) v at a fixed x, forward over reverse.
 *
 * The gradient is linearised once; a product then replays the linear part only, at about the cost of one gradient, where `hvp` would
 * repeat everything that does not depend on v. Use `hvp` for a single product.
 *
 * @param f - Scalar function of a vector. Parameters in a tree: see `ravel` of `@curv/tensor/tree`.
 * @param x - Of shape [n].
 */
export function hessianOperator(f: (x: Tensor) => Tensor, x: Tensor): LinearOperator {
  const { linear } = linearize(grad(f), x);
  return { size: x.size, dtype: x.dtype as FloatDType, matvec: linear };
}
