/** Log density, entropy, divergence, samples and fits: the von Mises–Fisher distribution in the plane, in angles. */

import { atan2, stack, type Tensor } from "@curv/tensor";
import type * as random from "@curv/tensor/random";
import { inverseBesselRatioI } from "../inverse-ratio.js";
import { requireFloats, requireParameters } from "../operands.js";
import { requireSampling } from "../options.js";
import * as density from "../von-mises-fisher/density.js";
import { sample as sampleVector, type SampleOptions } from "../von-mises-fisher/sample.js";

export type { SampleOptions };

/** A von Mises distribution, or a batch of them: a tree of tensors that broadcast. */
export interface VonMises {
  /** μ, in radians. */
  readonly mean: Tensor;
  /** κ ≥ 0; 0 is the uniform distribution. */
  readonly concentration: Tensor;
}

/** What {@link circularMean} returns. */
export interface CircularMean {
  /** Angle of the mean of the points on the circle, in (−π, π]. */
  readonly angle: Tensor;
  /** Its length R̄, in [0, 1]. */
  readonly length: Tensor;
}

function checked(distribution: VonMises, caller: string): VonMises {
  requireParameters(caller, distribution, ["mean", "concentration"]);
  return distribution;
}

/** The point (cos θ, sin θ), [..., 2]. */
const point = (angle: Tensor): Tensor => stack([angle.cos(), angle.sin()], -1);

/** Log density at the angles x, in radians; of the broadcast shape. Differentiable in all. */
export function logProb(x: Tensor, distribution: VonMises): Tensor {
  requireFloats("logProb", { x });
  const { mean, concentration } = checked(distribution, "logProb");
  // cos d = 1 − 2 sin²(d/2), which keeps the digits of small d where κ is large.
  const half = x.sub(mean).mul(0.5).sin();
  return density.logPeak(2, concentration).sub(half.square().mul(2).mul(concentration));
}

/** Differential entropy log(2πI₀(κ)) − κI₁(κ)/I₀(κ), of the shape of κ. */
export function entropy(distribution: VonMises): Tensor {
  const { mean, concentration } = checked(distribution, "entropy");
  return density.entropy({ mean: point(mean), concentration });
}

/** Kullback–Leibler divergence KL(f‖g). */
export function kl(f: VonMises, g: VonMises): Tensor {
  for (const distribution of [f, g]) checked(distribution, "kl");
  return density.kl({ ...f, mean: point(f.mean) }, { ...g, mean: point(g.mean) });
}

/**
 * Samples in (−π, π]: [...shape, ...batch]. Same key, same samples. Differentiable in the mean, not in the concentration, which throws.
 */
export function sample(key: random.Key, distribution: VonMises, options: SampleOptions = {}): Tensor {
  requireSampling("sample", key, options);
  const { mean, concentration } = checked(distribution, "sample");
  const x = sampleVector(key, { mean: point(mean), concentration }, options);
  return atan2(x.slice("...", 1), x.slice("...", 0));
}

/** Mean direction and mean length of angles along the last axis: [..., n] to [...]. Differentiable where the length is not 0. */
export function circularMean(x: Tensor): CircularMean {
  requireFloats("circularMean", { x });
  const [c, s] = [x.cos().mean(-1), x.sin().mean(-1)];
  return { angle: atan2(s, c), length: c.square().add(s.square()).sqrt() };
}

/** Maximum-likelihood fit to angles along the last axis, [..., n]: traceable, differentiable, nothing is checked. */
export function fitCore(x: Tensor): VonMises {
  requireFloats("fitCore", { x });
  const { angle, length } = circularMean(x);
  return { mean: angle, concentration: inverseBesselRatioI(0, length) };
}
