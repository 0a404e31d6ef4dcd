/** Plain SGD from a point, and SGD linearised there: what a theory of its stability can know. */

import { crossEntropyOutput } from "@curv/hvp";
import { softmaxCrossEntropy } from "@curv/loss";
import { grad, jit, jvp, vjp, zerosLike, type Tensor } from "@curv/tensor";
import type { Batch } from "./digits.js";
import { digitLoss, type Network } from "./networks.js";

/** Steps on batches, and the loss on all digits. */
export interface Descent {
  readonly start: Tensor;
  readonly step: (state: Tensor, batch: Batch, rate: number) => Tensor;
  /** Mean loss on all digits. */
  readonly loss: (state: Tensor) => Tensor;
}

/** θ ← θ − η ∇L_B(θ). */
export function sgd(network: Network, params: Tensor, all: Batch): Descent {
  const step = jit((p: Tensor, images: Tensor, labels: Tensor, rate: Tensor | number) =>
    p.sub(grad((q: Tensor) => digitLoss(network, q, images, labels))(p).mul(rate)),
  );
  const loss = jit((p: Tensor) => digitLoss(network, p, all.images, all.labels));
  return { start: params, step: (p, { images, labels }, rate) => step(p, images, labels, rate), loss };
}

/**
 * δ ← δ − η Jᵀ(∇ℓ + H J δ) over a batch, where δ is the way from θ, and the Jacobian J of the logits and the gradient and the Hessian of their
 * loss ℓ are those at θ. The loss is L + ∇L·δ + ½ δᵀG δ, with G = JᵀH J of all digits.
 *
 * Source: Wu & Su (2023), arXiv 2305.17490, the linearised SGD of §2, with the gradient that a network has that does not interpolate.
 */
export function linearisedSgd(network: Network, params: Tensor, all: Batch): Descent {
  /** Logits z, what δ adds to them, and the slope and the bend of their loss. */
  const at = (
    images: Tensor,
    labels: Tensor,
    d: Tensor,
  ): Readonly<Record<"z" | "moved" | "slope" | "bent", Tensor>> => {
    const { value: z, tangent: moved } = jvp((p: Tensor) => network.apply(p, images), [params], [d]);
    const slope = grad((logits: Tensor) => softmaxCrossEntropy(logits, labels))(z);
    return { z, moved, slope, bent: crossEntropyOutput.hessianProduct(z, moved).div(z.shape[0]) };
  };
  const step = jit((d: Tensor, images: Tensor, labels: Tensor, rate: Tensor | number) => {
    const { slope, bent } = at(images, labels, d);
    const { pullback } = vjp((p: Tensor) => network.apply(p, images), params);
    return d.sub(pullback(slope.add(bent))[0].mul(rate));
  });
  const loss = jit((d: Tensor) => {
    const { z, moved, slope, bent } = at(all.images, all.labels, d);
    return softmaxCrossEntropy(z, all.labels).add(slope.add(bent.div(2)).mul(moved).sum());
  });
  return { start: zerosLike(params), step: (d, { images, labels }, rate) => step(d, images, labels, rate), loss };
}
