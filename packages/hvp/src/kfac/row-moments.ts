/** Second moments of rows [..., examples, rows, k]. */

import type { Tensor } from "@curv/tensor";

/** Σ x xᵀ over examples and rows: [..., k, k]. */
export function gram(x: Tensor): Tensor {
  const flat = asMatrix(x);
  return flat.T.matmul(flat);
}

/** Rows in a basis [..., k, k], whose columns are orthonormal. */
export function inBasis(x: Tensor, basis: Tensor): Tensor {
  return asMatrix(x).matmul(basis).reshape(x.shape);
}

/** Squares of the gradients G = Σ g xᵀ over an example's rows, summed over the examples: [..., o, a]. */
export function squaredGradients(g: Tensor, x: Tensor): Tensor {
  // With one row, the square of a product is the product of squares, and no example's G is formed.
  if (x.shape[x.rank - 2] === 1) return asMatrix(g.square()).T.matmul(asMatrix(x.square()));
  return g.T.matmul(x).square().sum(-3);
}

function asMatrix(x: Tensor): Tensor {
  return x.reshape([...x.shape.slice(0, -3), -1, x.shape[x.rank - 1]]);
}
