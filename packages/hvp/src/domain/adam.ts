/**
 * Adam on trees, for the trainer of this folder only. It is not exported: `@curv/optim` will be the package of optimisers, and anything of the
 * same form can be given to the trainer instead.
 */

import { zeros, type Tensor } from "@curv/tensor";
import * as tree from "@curv/tensor/tree";

/** An optimiser as a pair of pure functions, in the form of optax. The state is a tree of tensors. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the state is only passed on; unknown would not accept any optimiser.
export interface DomainOptimizer<P, S = any> {
  /** The state before the first step. */
  readonly init: (params: P) => S;
  /** `updates` are to be added to the parameters. */
  readonly update: (grads: P, state: S, params: P) => { readonly updates: P; readonly state: S };
}

export interface AdamState<P> {
  /** Running mean of the gradients. */
  readonly mean: P;
  /** Running mean of their squares. */
  readonly square: P;
  /** Steps made, a float scalar. */
  readonly count: Tensor;
}

/**
 * Adam with bias correction, β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
 *
 * Source: Kingma & Ba (2015), algorithm 1.
 */
export function adam<P>(learningRate: number): DomainOptimizer<P, AdamState<P>> {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  const map = tree.map as unknown as (f: (...leaves: Tensor[]) => Tensor, ...trees: P[]) => P;
  return {
    init: (params) => ({
      mean: map((p) => p.mul(0), params),
      square: map((p) => p.mul(0), params),
      count: zeros([], { dtype: "float32" }),
    }),
    update: (grads, state) => {
      const count = state.count.add(1);
      const mean = map((m, g) => m.mul(beta1).add(g.mul(1 - beta1)), state.mean, grads);
      const square = map((s, g) => s.mul(beta2).add(g.square().mul(1 - beta2)), state.square, grads);
      // 1 − βᵗ, what the running means lack at the start.
      const lack = (beta: number): Tensor => count.mul(Math.log(beta)).exp().neg().add(1);
      const [meanLack, squareLack] = [lack(beta1), lack(beta2)];
      const step = (m: Tensor, s: Tensor): Tensor =>
        m
          .div(meanLack.cast(m.dtype))
          .div(s.div(squareLack.cast(s.dtype)).sqrt().add(epsilon))
          .mul(-learningRate);
      return { updates: map(step, mean, square), state: { mean, square, count } };
    },
  };
}
