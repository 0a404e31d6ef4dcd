/** The saddle point of the integral that normalises a Bingham distribution. */

import { stopGradient, type Tensor } from "@curv/tensor";

/**
 * t > 0 with Σ ½/(t + λᵢ) = 1 for λ ≥ 0, [..., p], whose least element is 0: [...]. Not differentiated: nothing depends on it to first order.
 *
 * Newton's method on 1/Σ, which is concave, so that from the left, t = ½, all steps go up to the root: 12 of them give more digits than are needed.
 */
export function saddle(lambda: Tensor): Tensor {
  const rates = stopGradient(lambda);
  let t = rates.sum(-1).mul(0).add(0.5);
  for (let i = 0; i < 12; i++) {
    const inverse = rates.add(t.expandDims(-1)).reciprocal();
    const f = inverse.sum(-1).mul(0.5);
    const slope = inverse.square().sum(-1).mul(0.5); // −f′
    t = t.add(f.sub(1).mul(f).div(slope)); // −(1/f − 1)/(1/f)′
  }
  return t;
}
