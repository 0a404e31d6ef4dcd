/** From the component along a mean direction and what is across, to the vector. */

import { concat, where, type Tensor } from "@curv/tensor";

/**
 * The vector with the component 1 − t along μ and `across` on the other p − 1 axes, by a Householder reflection. With s the sign of μ₁ and
 * u = μ + se₁, −s(I − 2uuᵀ/uᵀu) takes e₁ to μ, and |u|² ≥ 2.
 */
export function turn(t: Tensor, across: Tensor, mean: Tensor): Tensor {
  const p = mean.shape[mean.rank - 1];
  const first = mean.slice("...", [0, 1]);
  const sign = where(first.less(0), -1, first.mul(0).add(1));
  const along = t.neg().add(1).expandDims(-1);
  const rest = mean.slice("...", [1, p]);
  const head = first.add(sign); // u = (head, rest)
  const projection = along
    .mul(head)
    .add(across.mul(rest).sum(-1, { keepDims: true }))
    .div(first.abs().add(1)); // 2uᵀy/uᵀu
  return concat(
    [sign.neg().mul(along.sub(projection.mul(head))), sign.neg().mul(across.sub(projection.mul(rest)))],
    -1,
  );
}
