/** Adam, as a pair of pure functions. */

import { zeros, type Tensor } from "@curv/tensor";

export interface AdamState {
  /** Running mean of the gradients. */
  readonly mean: Tensor;
  /** Running mean of their squares. */
  readonly square: Tensor;
  /** Steps made, a scalar. */
  readonly count: Tensor;
}

export interface Adam {
  readonly init: (params: Tensor) => AdamState;
  /** `updates` are to be added to the parameters. A rate that is an argument of `jit` may change from step to step. */
  readonly update: (
    grad: Tensor,
    state: AdamState,
    rate: number | Tensor,
  ) => { readonly updates: Tensor; readonly state: AdamState };
}

export interface AdamOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly eps?: number;
}

/**
 * Adam with bias correction.
 *
 * Source: Kingma & Ba (2015), algorithm 1.
 */
export function adam({ beta1 = 0.9, beta2 = 0.999, eps = 1e-8 }: AdamOptions = {}): Adam {
  return {
    init: (params) => ({ mean: params.mul(0), square: params.mul(0), count: zeros([], { dtype: params.dtype }) }),
    update: (grad, state, rate) => {
      const mean = state.mean.mul(beta1).add(grad.mul(1 - beta1));
      const square = state.square.mul(beta2).add(grad.square().mul(1 - beta2));
      const count = state.count.add(1);
      // 1 − βᵗ, what the running means lack at the start.
      const meanBias = count.mul(Math.log(beta1)).exp().neg().add(1);
      const squareBias = count.mul(Math.log(beta2)).exp().neg().add(1);
      const updates = mean.div(meanBias).div(square.div(squareBias).sqrt().add(eps)).mul(rate).neg();
      return { updates, state: { mean, square, count } };
    },
  };
}
