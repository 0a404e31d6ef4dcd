/** How sharp a loss is, while a network learns. */

import { eigsh, linearOperator } from "@curv/linsolve";
import { grad, jit, jvp, type Tensor } from "@curv/tensor";
import type * as random from "@curv/tensor/random";
import { type Digits } from "app-frame/digits";
import { asBatch } from "./digits.js";
import { digitLoss, type Network } from "./networks.js";

/**
 * λ_max of the Hessian on these digits, at any parameters, to a few per cent, which is enough to see it move. The product with the Hessian is
 * compiled once for all parameters.
 */
export function sharpnessOn(
  network: Network,
  digits: Digits,
  key: random.Key,
): (params: Tensor, signal?: AbortSignal) => Promise<number> {
  const { images, labels } = asBatch(digits);
  const gradient = grad((p: Tensor) => digitLoss(network, p, images, labels));
  const product = jit((p: Tensor, v: Tensor) => jvp(gradient, [p], [v]).tangent);
  return async (params, signal) => {
    const hessian = linearOperator({
      matvec: (v: Tensor) => product(params, v),
      domain: params,
      symmetric: true,
      eager: true,
    });
    const { values } = await eigsh(hessian, {
      k: 1,
      tol: 0.03,
      basisSize: Math.min(8, network.size),
      verifyMultiplicity: false,
      check: false,
      key,
      ...(signal === undefined ? {} : { signal }),
    });
    return values.item();
  };
}
