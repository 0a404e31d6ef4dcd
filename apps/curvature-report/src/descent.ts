/** Plain SGD from a point, and SGD linearised there: what a theory of its stability can know. */

import { crossEntropyOutput } from "@curv/hvp";
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
 * δ ← δ − η (∇L_B + G_B δ), where δ is the way from θ, and the gradient and the Gauss–Newton matrix of each batch are those at θ. The loss is
 * L + ∇L·δ + ½ δᵀG δ.
 *
 * Source: Wu & Su (2023), arXiv 2305.17490, the linearised SGD of §2, with the gradient that a network has that does not interpolate.
 */
export function linearisedSgd(network: Network, params: Tensor, all: Batch): Descent {
  const step = jit((d: Tensor, images: Tensor, labels: Tensor, rate: Tensor | number) => {
    const outputs = (p: Tensor): Tensor => network.apply(p, images);
    const { value, tangent } = jvp(outputs, [params], [d]);
    const bent = crossEntropyOutput.hessianProduct(value, tangent).div(value.shape[0]);
    const [curved] = vjp(outputs, params).pullback(bent);
    const slope = grad((p: Tensor) => digitLoss(network, p, images, labels))(params);
    return d.sub(slope.add(curved).mul(rate));
  });
  const loss = jit((d: Tensor) => {
    const { value, tangent } = jvp((p: Tensor) => network.apply(p, all.images), [params], [d]);
    const bent = crossEntropyOutput.hessianProduct(value, tangent).div(value.shape[0]);
    const slope = grad((p: Tensor) => digitLoss(network, p, all.images, all.labels))(params);
    return digitLoss(network, params, all.images, all.labels)
      .add(slope.mul(d).sum())
      .add(bent.mul(tangent).sum().div(2));
  });
  return { start: zerosLike(params), step: (d, { images, labels }, rate) => step(d, images, labels, rate), loss };
}
