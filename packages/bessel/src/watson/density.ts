/** Log density, entropy and Kullback–Leibler divergence. */

import { ShapeError, type Tensor } from "@curv/tensor";
import { hyp1f1Ratio, logHyp1f1 } from "../hypergeometric/hypergeometric.js";
import { logGamma } from "../scalar/stirling.js";
import { requireDimension, requireFloats, requireParameters } from "../operands.js";
import { dimensionOf } from "../von-mises-fisher/density.js";

/** A Watson distribution on axes, or a batch of them: a tree of tensors. */
export interface Watson {
  /** μ, unit vectors: [..., p]. μ and −μ are the same. */
  readonly axis: Tensor;
  /** κ: [...]. Positive concentrates about ±μ, negative about the great circle across; 0 is uniform. */
  readonly concentration: Tensor;
}

/** p, at least 2. */
export function dimensionOfAxis(distribution: Watson, caller: string): number {
  requireParameters(caller, distribution, ["axis", "concentration"]);
  return dimensionOf({ ...distribution, mean: distribution.axis }, caller);
}

/** log of the area of the unit sphere in ℝᵖ. */
function logArea(p: number): number {
  return Math.LN2 + 0.5 * p * Math.log(Math.PI) - logGamma(0.5 * p);
}

/**
 * The logarithm of the factor that makes exp(κ(μᵀx)²) a density on the unit sphere of ℝᵖ: −log ₁F₁(½; p/2; κ) − log(area). Of the shape of κ,
 * differentiable in it to any order; the derivative is −E(μᵀx)², see {@link meanSquare}. For p to 10⁵ without overflow.
 */
export function logNormalizer(p: number, concentration: Tensor): Tensor {
  requireDimension("logNormalizer", p);
  requireFloats("logNormalizer", { concentration });
  return logHyp1f1(0.5, 0.5 * p, concentration)
    .add(logArea(p))
    .neg();
}

/** E(μᵀx)² in (0, 1): 1/p at κ = 0. Of the shape of κ. */
export function meanSquare(p: number, concentration: Tensor): Tensor {
  requireDimension("meanSquare", p);
  requireFloats("meanSquare", { concentration });
  return hyp1f1Ratio(0.5, 0.5 * p, concentration);
}

/**
 * Log density at the unit vectors x: κ(μᵀx)² − log ₁F₁(½; p/2; κ) − log(area of the sphere). Differentiable in all.
 *
 * @param x - [..., p], broadcast against the batch of the distribution.
 * @returns [...].
 * @throws ShapeError if the last axes differ.
 * Source: Mardia & Jupp, Directional statistics (2000), 9.4.2.
 */
export function logProb(x: Tensor, distribution: Watson): Tensor {
  const p = dimensionOfAxis(distribution, "logProb");
  requireFloats("logProb", { x });
  if (x.shape[x.rank - 1] !== p) {
    throw new ShapeError(`logProb: x has shape [${x.shape.join(", ")}]; wants [..., ${p}], as axis.`);
  }
  const { axis, concentration } = distribution;
  return x.mul(axis).sum(-1).square().mul(concentration).add(logNormalizer(p, concentration));
}

/** Differential entropy −E log f(x), of the shape of κ. */
export function entropy(distribution: Watson): Tensor {
  const p = dimensionOfAxis(distribution, "entropy");
  const { concentration } = distribution;
  return meanSquare(p, concentration).mul(concentration).add(logNormalizer(p, concentration)).neg();
}

/**
 * Kullback–Leibler divergence KL(f‖g) = E_f log(f/g) of two Watson distributions on one sphere: [...], the broadcast batch. With c = μ_fᵀμ_g and
 * r = E_f(μ_fᵀx)², E_f(μ_gᵀx)² = rc² + (1 − r)(1 − c²)/(p − 1).
 *
 * @throws ShapeError if they live in different dimensions.
 */
export function kl(f: Watson, g: Watson): Tensor {
  const p = dimensionOfAxis(f, "kl");
  if (dimensionOfAxis(g, "kl") !== p) {
    throw new ShapeError(`kl: axes of dimensions ${p} and ${g.axis.shape[g.axis.rank - 1]}; wants one dimension.`);
  }
  const square = f.axis.mul(g.axis).sum(-1).square();
  const r = meanSquare(p, f.concentration);
  const across = r.neg().add(1).mul(square.neg().add(1)).div(p - 1); // prettier-ignore
  const own = r.mul(f.concentration).add(logNormalizer(p, f.concentration));
  const other = r.mul(square).add(across).mul(g.concentration).add(logNormalizer(p, g.concentration));
  return own.sub(other);
}
