/** Log density, entropy and Kullback–Leibler divergence. */

import { logicalAnd, ShapeError, where, type Tensor } from "@curv/tensor";
import { requireDimension, requireFloats, requireParameters } from "../operands.js";
import { besselRatioI, logIve } from "../modified-bessel.js";
import { logGammaTaylor } from "../scalar/log-gamma-taylor.js";

/** A von Mises–Fisher distribution, or a batch of them: a tree of tensors. */
export interface VonMisesFisher {
  /** μ, unit vectors: [..., p]. */
  readonly mean: Tensor;
  /** κ ≥ 0: [...], broadcast against the batch of `mean`. 0 is the uniform distribution; densities and samples of κ < 0 are NaN. */
  readonly concentration: Tensor;
}

const logTwoPi = 1.8378770664093453;

/** p, at least 2. */
export function dimensionOf(distribution: VonMisesFisher, caller: string): number {
  requireParameters(caller, distribution, ["mean", "concentration"]);
  const { mean } = distribution;
  const p = mean.shape[mean.rank - 1];
  if (mean.rank === 0 || p < 2) {
    throw new ShapeError(`${caller}: mean has shape [${mean.shape.join(", ")}]; wants [..., p] with p >= 2.`);
  }
  return p;
}

/**
 * log c_p(κ) + κ = (p/2 − 1)log κ − (p/2)log 2π − log(I_{p/2−1}(κ)e^(−κ)): the log density at the mean direction, in which nothing of size κ
 * is left. By the first terms of its series where κ² is small beside p.
 */
export function logPeak(p: number, concentration: Tensor): Tensor {
  const v = p / 2 - 1;
  const small = logicalAnd(concentration.greaterEqual(0), concentration.less(1e-9 * Math.sqrt(p)));
  const safe = where(small, 1, concentration);
  const regular = safe
    .log()
    .mul(v)
    .sub(logIve(v, safe))
    .sub((p / 2) * logTwoPi);
  const uniform = logGammaTaylor(0, p / 2)[0] - Math.LN2 - (p / 2) * Math.log(Math.PI);
  const kappa = where(small, concentration, 0);
  return where(small, kappa.add(uniform).sub(kappa.square().div(2 * p)), regular);
}

/**
 * log c_p(κ), the logarithm of the factor that makes c_p(κ)exp(κμᵀx) a density on the unit sphere of ℝᵖ. For p to 10⁵ and beyond, without
 * overflow. Of the shape of κ, and differentiable in it to any order; the derivative is −A_p(κ), see {@link meanLength}.
 */
export function logNormalizer(p: number, concentration: Tensor): Tensor {
  requireDimension("logNormalizer", p);
  requireFloats("logNormalizer", { concentration });
  return logPeak(p, concentration).sub(concentration);
}

/** A_p(κ) = |E x| = I_{p/2}(κ)/I_{p/2−1}(κ), in [0, 1). Of the shape of κ. */
export function meanLength(p: number, concentration: Tensor): Tensor {
  requireDimension("meanLength", p);
  requireFloats("meanLength", { concentration });
  return besselRatioI(p / 2 - 1, concentration);
}

/**
 * Log density at the unit vectors x: log c_p(κ) + κμᵀx. Differentiable in all.
 *
 * Computed as log c_p(κ) + κ − κ|x − μ|²/2, which is the same for unit vectors and keeps its digits where κ is large; derivatives in x and
 * μ differ from those of κμᵀx along x and μ themselves, that is, not on the sphere.
 *
 * @param x - [..., p], broadcast against the batch of the distribution.
 * @returns [...].
 * @throws ShapeError if the last axes differ.
 * @throws DTypeError for a parameter, or data, that is no tensor.
 */
export function logProb(x: Tensor, distribution: VonMisesFisher): Tensor {
  const p = dimensionOf(distribution, "logProb");
  requireFloats("logProb", { x });
  if (x.shape[x.rank - 1] !== p) {
    throw new ShapeError(`logProb: x has shape [${x.shape.join(", ")}]; wants [..., ${p}], as mean.`);
  }
  const { mean, concentration } = distribution;
  const distance = x.sub(mean).square().sum(-1);
  return logPeak(p, concentration).sub(distance.mul(concentration).mul(0.5));
}

/** Differential entropy −E log f(x) = −log c_p(κ) − κA_p(κ), of the shape of κ. */
export function entropy(distribution: VonMisesFisher): Tensor {
  const p = dimensionOf(distribution, "entropy");
  const { concentration } = distribution;
  const gap = meanLength(p, concentration).neg().add(1); // 1 − A
  return concentration.mul(gap).sub(logPeak(p, concentration));
}

/**
 * Kullback–Leibler divergence KL(f‖g) = E_f log(f/g) of two von Mises–Fisher distributions on one sphere: [...], the broadcast batch.
 *
 * @throws ShapeError if they live in different dimensions.
 */
export function kl(f: VonMisesFisher, g: VonMisesFisher): Tensor {
  const p = dimensionOf(f, "kl");
  if (dimensionOf(g, "kl") !== p) {
    throw new ShapeError(`kl: means of dimensions ${p} and ${g.mean.shape[g.mean.rank - 1]}; wants one dimension.`);
  }
  // log c(κ) = peak − κ, so E_f log f = peak_f − κ_f(1 − A), E_f log g = peak_g − κ_g(1 − Aμ_fᵀμ_g), and 1 − Am = (1 − A) + A(1 − m).
  const a = meanLength(p, f.concentration);
  const gap = a.neg().add(1);
  const turn = f.mean.sub(g.mean).square().sum(-1).mul(0.5).mul(a);
  const own = logPeak(p, f.concentration).sub(f.concentration.mul(gap));
  const other = logPeak(p, g.concentration).sub(g.concentration.mul(gap.add(turn)));
  return own.sub(other);
}
