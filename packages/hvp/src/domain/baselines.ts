/** The penalties that Hessian alignment is compared with. Each is a function of what a model makes of the environments. */

import { stack, type Tensor } from "@curv/tensor";
import { meanOf } from "./environment.js";
import { checkViews, type EnvironmentView } from "./view.js";

/**
 * Invariant risk minimisation (IRMv1): the mean over environments of (d/ds L_e(s · logits))² at s = 1, which is (mean_i Σ_k (p − y)·logit)².
 *
 * Source: Arjovsky, Bottou, Gulrajani & Lopez-Paz (2019), equation (IRMv1).
 */
export function irmPenalty(views: readonly EnvironmentView[]): Tensor {
  checkViews(views, "irmPenalty");
  return meanOf(views.map(({ errors, logits }) => errors.mul(logits).sum(1).mean().square()));
}

/**
 * Risk extrapolation (V-REx): the variance of the losses L_e over environments, (1/E) Σ_e (L_e − L̄)², as its paper defines it.
 *
 * For two environments that is a quarter of (L_1 − L_2)². The scripts of Hemati et al. (2023) penalise the squared difference itself: their
 * weight w is 4 w here.
 *
 * Source: Krueger et al. (2021), equation (8).
 */
export function vrexPenalty(views: readonly EnvironmentView[]): Tensor {
  checkViews(views, "vrexPenalty");
  const losses = stack(views.map(({ nll }) => nll));
  return losses.sub(losses.mean()).square().mean();
}

/**
 * Inter-environmental gradient alignment (IGA) of the head: (1/E) Σ_e ‖g_e − ḡ‖². The authors take the gradient in all parameters; here it is
 * that of the head, as in Hessian alignment, which this is for α = 0, β = 1.
 *
 * Source: Koyama & Yamaguchi (2020).
 */
export function igaPenalty(views: readonly EnvironmentView[]): Tensor {
  checkViews(views, "igaPenalty");
  const gradients = views.map(({ head }) => head.gradient());
  const mean = meanOf(gradients);
  return meanOf(gradients.map((g) => g.sub(mean).square().sum()));
}

/**
 * Deep CORAL: the squared distance of mean features plus the squared Frobenius distance of their covariances, averaged over pairs of
 * environments. DomainBed divides the first by d and the second by d².
 *
 * Source: Sun & Saenko (2016); means as in DomainBed (Gulrajani & Lopez-Paz, 2021).
 */
export function coralPenalty(views: readonly EnvironmentView[]): Tensor {
  checkViews(views, "coralPenalty");
  const moments = views.map(({ features }) => {
    const mean = features.mean(0);
    const centred = features.sub(mean);
    return { mean, covariance: centred.T.matmul(centred).div(Math.max(1, features.shape[0] - 1)) };
  });
  const pairs = moments.flatMap((a, i) =>
    moments
      .slice(i + 1)
      .map((b) => a.mean.sub(b.mean).square().sum().add(a.covariance.sub(b.covariance).square().sum())),
  );
  // A single environment has no pair.
  return pairs.length === 0 ? views[0].nll.mul(0) : meanOf(pairs);
}
