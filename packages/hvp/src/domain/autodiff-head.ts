/** Gradient and curvature of any head's loss, by differentiation: the slow and general way, and the oracle of the closed forms. */

import { eye, grad, linearize, vmap, type Tensor } from "@curv/tensor";
import type { HeadStatistics } from "./head-statistics.js";

/**
 * Statistics of a loss f at h, by forward over reverse differentiation. The gradient is linearised once; every product with the Hessian is
 * a run of its linear part. `diagonal` and `dense` cost D products.
 *
 * @param f - Scalar loss of the head's parameters.
 * @param h - Where, [D].
 */
export function autodiffHeadStatistics(f: (h: Tensor) => Tensor, h: Tensor): HeadStatistics {
  const size = h.size;
  let line: { readonly value: Tensor; readonly product: (v: Tensor) => Tensor } | undefined;
  const linear = (): NonNullable<typeof line> => {
    if (line === undefined) {
      const { value, pushforward } = linearize(grad(f), h);
      line = { value, product: (v) => pushforward(v) };
    }
    return line;
  };
  const hvps = (V: Tensor): Tensor => vmap((v: Tensor) => linear().product(v))(V);
  const identity = (): Tensor => eye(size, size, { dtype: h.dtype });
  return {
    size,
    gradient: () => linear().value,
    hvp: (v) => linear().product(v),
    hvps,
    diagonal: () => hvps(identity()).mul(identity()).sum(0),
    dense: () => hvps(identity()),
  };
}
