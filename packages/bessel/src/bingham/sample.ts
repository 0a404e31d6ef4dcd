/** Sampling by rejection from an angular central Gaussian distribution. */

import { matrixTranspose, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { requireSampling } from "../options.js";
import { heldFixed, sampleByRejection } from "../rejection.js";
import { dimensionOf, type Bingham } from "./density.js";
import { saddle } from "./saddle.js";

/** Options of {@link sample}. */
export interface SampleOptions {
  /** Shape of the samples in front of the batch of the distribution: n for [n, ..., p]. Default []: one sample. */
  readonly shape?: readonly number[];
}

const notDifferentiable = /* @__PURE__ */ heldFixed("concentrations");

/**
 * Samples: [...shape, ...batch, p], unit vectors. Same key, same samples. Differentiable in the axes; not in κ, which throws.
 *
 * Proposals are Gaussian vectors with the precisions 1 + 2λᵢ/b, normalised, λᵢ = max κ − κᵢ and Σ1/(b + 2λᵢ) = 1, the b of the best bound; at
 * least every second one or so is accepted.
 *
 * @throws DTypeError, DomainError for a key, parameters or a shape that are none.
 * Source: Kent, Ganeiber & Mardia, A new unified approach for the simulation of a wide class of directional distributions (2018).
 */
export function sample(key: random.Key, distribution: Bingham, options: SampleOptions = {}): Tensor {
  const shape = requireSampling("sample", key, options);
  const p = dimensionOf(distribution, "sample");
  const { axes } = distribution;
  const dtype = axes.dtype as "float32" | "float64";
  const batch = axes.sum(-1).add(distribution.concentrations).shape;
  const kappa = notDifferentiable(distribution.concentrations)
    .cast(dtype)
    .broadcastTo([...shape, ...batch]);
  const lambda = kappa.max(-1, { keepDims: true }).sub(kappa);
  const b = saddle(lambda).mul(2);
  const precision = lambda.mul(2).div(b.expandDims(-1)).add(1);
  // log of the bound: f/g ≤ e^{−(p−b)/2}(p/b)^{p/2}
  const bound = b.neg().add(p).mul(0.5).add(b.div(p).log().mul(p / 2)); // prettier-ignore
  const [x] = sampleByRejection(key, b.shape, [zeros(kappa.shape, { dtype })], (proposalKey) => {
    const y = random.normal(proposalKey, { shape: kappa.shape, dtype }).div(precision.sqrt());
    const next = y.div(y.square().sum(-1, { keepDims: true }).sqrt());
    const cost = next.square().mul(lambda).sum(-1);
    const logProbability = cost.mul(2).div(b).add(1).log().mul(p / 2).sub(cost).add(bound); // prettier-ignore
    return { proposal: [next], logProbability };
  });
  return x.expandDims(-2).matmul(matrixTranspose(axes)).squeeze(-2);
}
