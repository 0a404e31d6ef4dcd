/** The Nyström preconditioner. */

import { DomainError, matmul, type Tensor } from "@curv/tensor";
import type * as random from "@curv/tensor/random";
import { expectArguments, expectOptions } from "../arguments.js";
import { nystromOf } from "../eigen/nystrom.js";
import { fromVectors, type AnyOperator, type LinearOperator } from "../linear-operator.js";
import { vectors } from "../vector-space.js";

/**
 * A preconditioner for A + damping·I with positive semi-definite A, from a Nyström approximation U diag(λ) Uᵀ of A:
 * (λ_r + damping) U (diag(λ) + damping)⁻¹ Uᵀ + (I − U Uᵀ). With a rank of twice the effective dimension, CG needs a few dozen steps whatever
 * the condition.
 *
 * @throws DomainError for a rank that does not fit, or for a damping that is not positive.
 * Source: Frangella, Tropp & Udell, Randomized Nyström preconditioning (2023), eq. 1.3.
 */
export function nystromPreconditioner(
  a: AnyOperator,
  options: { readonly rank: number; readonly damping: number; readonly key: random.Key },
): LinearOperator {
  expectArguments("nystromPreconditioner", { a: [a, "operator"] });
  expectOptions("nystromPreconditioner", options, { rank: "number", damping: "number" });
  const { rank, damping, key } = options;
  expectArguments("nystromPreconditioner", { "options.key": [key, "key"] });
  if (!(damping > 0 && damping < Infinity)) {
    throw new DomainError(`nystromPreconditioner: damping is ${damping}; wants a positive number.`);
  }
  const { values, vectors: u } = nystromOf(a, { rank, key }, "nystromPreconditioner");
  const transposed = u.transpose();
  const scale = values
    .slice(rank - 1)
    .add(damping)
    .div(values.add(damping))
    .sub(1);
  const apply = (v: Tensor): Tensor => {
    const along = matmul(transposed, v);
    return v.add(matmul(u, along.mul(v.rank === 1 ? scale : scale.expandDims(1))));
  };
  const space = vectors(a.shape[1], a.dtype);
  return fromVectors({
    domain: space,
    range: space,
    symmetric: true,
    positiveSemidefinite: true,
    matvec: apply,
    rmatvec: apply,
    matmat: apply,
    rmatmat: apply,
  });
}
