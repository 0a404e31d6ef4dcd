/** Fish: steps through the environments one after another, so that their gradients come to agree. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { valueAndGrad, type Tensor } from "@curv/tensor";
import * as tree from "@curv/tensor/tree";
import type { DomainOptimizer } from "./adam.js";
import { checkParams } from "../loss-function.js";

/** Result of {@link fishStep}. */
export interface FishStep<P, S> {
  readonly params: P;
  /** The inner optimiser's state. */
  readonly state: S;
  /** Loss of each environment before its inner step. */
  readonly losses: readonly Tensor[];
}

/**
 * One step of Fish: a copy θ̃ of the parameters takes an inner step for each loss in turn, then θ ← θ + ε (θ̃ − θ).
 *
 * With plain gradient descent of rate α inside, and the order of the losses random, the mean of θ̃ − θ is
 * −α Σ_e g_e + (α²/2) ∇ Σ_{i<j} g_i·g_j + O(α³): to second order it ascends the inner products of the environments' gradients, without a
 * second derivative being computed.
 *
 * @param losses - L_e in the order of the inner steps.
 * @param options - `metaRate`: ε. Default 0.5, as in DomainBed.
 * Source: Shi et al. (2022), algorithm 1 and theorem 3.1; inner steps by Adam, with its state kept, as in DomainBed.
 */
export function fishStep<P, S>(
  params: P,
  losses: readonly ((params: P) => Tensor)[],
  optimizer: DomainOptimizer<P, S>,
  state: S,
  options: { readonly metaRate?: number } = {},
): FishStep<P, S> {
  checkParams(params, "fishStep");
  expectArguments("fishStep", { losses: [losses, "list"], optimizer: [optimizer, "object"] });
  for (const [i, loss] of losses.entries()) expectArguments("fishStep", { [`losses[${i}]`]: [loss, "function"] });
  expectArguments("fishStep", { "optimizer.update": [optimizer.update, "function"] });
  expectOptions("fishStep", options, { metaRate: "number" });
  const { metaRate = 0.5 } = options;
  const add = tree.add as unknown as (x: P, y: P) => P;
  const move = tree.map as unknown as (f: (x: Tensor, y: Tensor) => Tensor, x: P, y: P) => P;
  const differentiate = valueAndGrad as unknown as (f: (p: P) => Tensor) => (p: P) => { value: Tensor; grad: P };
  let inner = params;
  let now = state;
  const values = losses.map((loss) => {
    const { value, grad } = differentiate(loss)(inner);
    const stepped = optimizer.update(grad, now, inner);
    inner = add(inner, stepped.updates);
    now = stepped.state;
    return value;
  });
  return { params: move((x, y) => x.add(y.sub(x).mul(metaRate)), params, inner), state: now, losses: values };
}
