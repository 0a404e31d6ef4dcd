/** Gradient and curvature of any head's loss, by differentiation: the slow and general way, and the oracle of the closed forms. */

import { expectArguments } from "@curv/linsolve";
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
  expectArguments("autodiffHeadStatistics", { f: [f, "function"], h: [h, "tensor"] });
  const size = h.size;
  let linearized: { readonly value: Tensor; readonly linear: (v: Tensor) => Tensor } | undefined;
  const line = (): NonNullable<typeof linearized> => (linearized ??= linearize(grad(f), h));
  const hvps = (V: Tensor): Tensor => {
    const { linear } = line();
    return vmap((v: Tensor) => linear(v))(V);
  };
  const identity = (): Tensor => eye(size, size, { dtype: h.dtype });
  return {
    size,
    gradient: () => line().value,
    hvp: (v) => line().linear(v),
    hvps,
    diagonal: () => hvps(identity()).mul(identity()).sum(0),
    dense: () => hvps(identity()),
  };
}
