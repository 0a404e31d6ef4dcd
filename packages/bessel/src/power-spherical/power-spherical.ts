/** Log density, entropy and samples. */

import { digamma, lgamma, log1p, ShapeError, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { requireFloats } from "../operands.js";
import { requireSampling } from "../options.js";
import { dimensionOf } from "../von-mises-fisher/density.js";
import { turn } from "../von-mises-fisher/turn.js";

/** A power spherical distribution, or a batch of them: a tree of tensors. */
export interface PowerSpherical {
  /** μ, unit vectors: [..., p]. */
  readonly mean: Tensor;
  /** κ ≥ 0: [...]. 0 is the uniform distribution. */
  readonly concentration: Tensor;
}

/** Options of {@link sample}. */
export interface SampleOptions {
  /** Shape of the samples in front of the batch of the distribution. Default []: one sample. */
  readonly shape?: readonly number[];
}

/** α = β + κ and β = (p − 1)/2: (1 + μᵀx)/2 is a beta variable with these. */
function logNormalizer(p: number, concentration: Tensor): Tensor {
  const beta = (p - 1) / 2;
  const alpha = concentration.add(beta);
  const halves = alpha.add(beta);
  return lgamma(halves)
    .sub(lgamma(alpha))
    .sub(halves.mul(Math.LN2))
    .sub(beta * Math.log(Math.PI));
}

/**
 * Log density at the unit vectors x, [..., p]: log N + κ log(1 + μᵀx). Differentiable in all.
 *
 * @throws ShapeError if the last axes differ.
 * Source: De Cao & Aziz (2020), equations 4 and 5.
 */
export function logProb(x: Tensor, distribution: PowerSpherical): Tensor {
  const p = dimensionOf(distribution, "logProb");
  requireFloats("logProb", { x });
  if (x.shape[x.rank - 1] !== p) {
    throw new ShapeError(`logProb: x has shape [${x.shape.join(", ")}]; wants [..., ${p}], as mean.`);
  }
  const { mean, concentration } = distribution;
  return log1p(x.mul(mean).sum(-1)).mul(concentration).add(logNormalizer(p, concentration));
}

/** Differential entropy −log N − κ(log 2 + ψ(α) − ψ(α + β)), of the shape of κ. Source: De Cao & Aziz (2020), equation 7. */
export function entropy(distribution: PowerSpherical): Tensor {
  const p = dimensionOf(distribution, "entropy");
  const { concentration } = distribution;
  const beta = (p - 1) / 2;
  const alpha = concentration.add(beta);
  const bend = digamma(alpha)
    .sub(digamma(alpha.add(beta)))
    .add(Math.LN2);
  return logNormalizer(p, concentration).neg().sub(concentration.mul(bend));
}

/**
 * Samples: [...shape, ...batch, p], unit vectors. Differentiable in mean and concentration. Source: De Cao & Aziz (2020), algorithm 1.
 *
 * @throws DTypeError, DomainError for a key, parameters or a shape that are none.
 */
export function sample(key: random.Key, distribution: PowerSpherical, options: SampleOptions = {}): Tensor {
  const shape = requireSampling("sample", key, options);
  const p = dimensionOf(distribution, "sample");
  const { mean } = distribution;
  const dtype = mean.dtype === "float64" ? "float64" : "float32";
  const batch = mean.sum(-1).add(distribution.concentration).shape;
  const kappa = distribution.concentration.cast(dtype).broadcastTo([...shape, ...batch]);
  const [alongKey, acrossKey] = random.split(key);
  const beta = (p - 1) / 2;
  const t = random.beta(alongKey, beta, kappa.add(beta), { shape: kappa.shape, dtype }).mul(2); // 1 − μᵀx
  const radius = t.mul(t.neg().add(2)).sqrt();
  const across = random.sphere(acrossKey, p - 1, { shape: kappa.shape, dtype });
  return turn(t, across.mul(radius.expandDims(-1)), mean);
}
