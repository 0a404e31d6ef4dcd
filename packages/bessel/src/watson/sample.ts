/** Sampling by rejection from an angular central Gaussian distribution. */

import { maximum, where, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { requireSampling } from "../options.js";
import { heldFixed, sampleByRejection } from "../rejection.js";
import { turn } from "../von-mises-fisher/turn.js";
import { dimensionOfAxis, type Watson } from "./density.js";

/** Options of {@link sample}. */
export interface SampleOptions {
  /** Shape of the samples in front of the batch of the distribution: n for [n, ..., p]. Default []: one sample. */
  readonly shape?: readonly number[];
}

const notDifferentiable = /* @__PURE__ */ heldFixed("concentration");

/**
 * Samples: [...shape, ...batch, p], unit vectors.
 *
 * The square of the component along μ by rejection; the rest is uniform across. Works for every κ and p: about half of the proposals or more
 * are accepted. Same key, same samples. Differentiable in μ; not in κ, which throws.
 *
 * @throws DTypeError, DomainError for a key, parameters or a shape that are none.
 * Source: Kent, Ganeiber & Mardia, A new unified approach for the simulation of a wide class of directional distributions (2018).
 */
export function sample(key: random.Key, distribution: Watson, options: SampleOptions = {}): Tensor {
  const shape = requireSampling("sample", key, options);
  const p = dimensionOfAxis(distribution, "sample");
  const { axis } = distribution;
  const dtype = axis.dtype as "float32" | "float64";
  const batch = axis.sum(-1).add(distribution.concentration).shape;
  const kappa = notDifferentiable(distribution.concentration)
    .cast(dtype)
    .broadcastTo([...shape, ...batch]);
  const [alongKey, acrossKey, signKey] = random.split(key, 3);
  const { along, across } = squares(alongKey, kappa, p);
  // t = 1 − |μᵀx| = across/(1 + |μᵀx|), with all its digits near the axis
  const t = across.div(along.sqrt().add(1));
  const rest = random.sphere(acrossKey, p - 1, { shape: kappa.shape, dtype }).mul(across.sqrt().expandDims(-1));
  const sign = random.rademacher(signKey, { shape: kappa.shape, dtype });
  return turn(t, rest, axis).mul(sign.expandDims(-1));
}

/**
 * (μᵀx)² and 1 − (μᵀx)². As a Bingham density exp(−λ₁(μᵀx)² − λ₂(1 − (μᵀx)²)), one λ 0; the proposal is a Gaussian vector with the precisions
 * 1 + 2λᵢ/b, normalised, and 1/(b + 2λ₁) + (p − 1)/(b + 2λ₂) = 1 gives the b of the best bound.
 */
function squares(key: random.Key, kappa: Tensor, p: number): { along: Tensor; across: Tensor } {
  const { shape } = kappa;
  const dtype = kappa.dtype as "float32" | "float64";
  const u = maximum(kappa.neg(), 0).mul(2);
  const v = maximum(kappa, 0).mul(2);
  // b² + (u + v − p)b − (v + (p − 1)u) = 0
  const half = u.add(v).neg().add(p).mul(0.5); // prettier-ignore
  const product = v.add(u.mul(p - 1));
  const root = half.square().add(product).sqrt();
  const b = where(half.less(0), product.div(root.sub(half)), root.add(half));
  const bound = b.neg().add(p).mul(0.5).sub(b.reciprocal().mul(p).log().mul(p / 2)); // prettier-ignore
  const start = zeros(shape, { dtype });
  const [along, across] = sampleByRejection(key, shape, [start, start], (proposalKey) => {
    const [firstKey, restKey] = random.split(proposalKey);
    const first = random.normal(firstKey, { shape, dtype }).square().div(u.div(b).add(1));
    const rest = random.chiSquare(restKey, p - 1, { shape, dtype }).div(v.div(b).add(1));
    const total = first.add(rest);
    const [s, c] = [first.div(total), rest.div(total)];
    const cost = s.mul(u).add(c.mul(v)); // 2·xᵀAx
    const logProbability = cost.div(b).add(1).log().mul(p / 2).sub(cost.mul(0.5)).add(bound); // prettier-ignore
    return { proposal: [s, c], logProbability };
  });
  return { along, across };
}
