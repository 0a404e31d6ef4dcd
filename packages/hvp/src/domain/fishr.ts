/** Fishr: the variance of per-example gradients of the head is made equal across environments. */

import { expectOptions, expectArguments } from "@curv/linsolve";
import { ShapeError, concat, DomainError, ones, stack, stopGradient, type Tensor } from "@curv/tensor";
import { meanOf } from "./environment.js";
import { checkViews, type EnvironmentView } from "./view.js";

/**
 * Centred variance of the per-example gradients of a linear head, per parameter: mean_i (e_ik z̃_ij)² − g_kj², in the order of the rows of
 * [W b], [D]. In closed form; no gradient of a single example is formed.
 *
 * @throws DomainError for a head that is not linear.
 */
export function gradientVariance(view: EnvironmentView): Tensor {
  expectArguments("gradientVariance", { view: [view, "object"] });
  expectArguments("gradientVariance", { "view.features": [view.features, "tensor"] });
  const { features, errors, bias } = view;
  if (bias === null) throw new DomainError("gradientVariance: the head is general; wants a linear one (headKind).");
  const n = features.shape[0];
  const inputs = bias ? concat([features, ones([n, 1], { dtype: features.dtype })], 1) : features;
  const mean = errors.T.matmul(inputs).div(n);
  return errors.square().T.matmul(inputs.square()).div(n).sub(mean.square()).reshape(-1);
}

/** Options of {@link fishrPenalty}. */
export interface FishrOptions {
  /** The last call's `averages`, [E, D]; zeros, or nothing, before the first. */
  readonly averages?: Tensor;
  /** γ of the exponential moving average. Default 0.95. */
  readonly decay?: number;
}

/** Result of {@link fishrPenalty}. */
export interface Fishr {
  /** (1/E) Σ_e ‖v_e − v̄‖², a scalar. */
  readonly penalty: Tensor;
  /** Moving averages of the variances for the next call, [E, D]. */
  readonly averages: Tensor;
}

/**
 * Fishr's penalty: (1/E) Σ_e ‖v_e − v̄‖² over the per-parameter gradient variances v_e of each environment, smoothed over steps:
 * a ← γ a + (1 − γ) v, and v_e = a / (1 − γ), so that the gradient's size does not depend on γ. Only the newest v is differentiated.
 *
 * The linear head's variances are in closed form; DomainBed gets them by per-sample backpropagation. It divides by D, the paper does not.
 *
 * Source: Rame, Dancette & Cord (2022), section 3; moving average and its correction as in DomainBed.
 */
export function fishrPenalty(views: readonly EnvironmentView[], options: FishrOptions = {}): Fishr {
  checkViews(views, "fishrPenalty");
  expectOptions("fishrPenalty", options, { averages: "tensor", decay: "number" });
  const { averages, decay = 0.95 } = options;
  if (!(decay >= 0 && decay < 1)) throw new DomainError(`fishrPenalty: decay is ${decay}; wants a number in [0, 1).`);
  const variances = stack(views.map(gradientVariance));
  if (averages !== undefined && averages.shape.join() !== variances.shape.join()) {
    throw new ShapeError(
      `fishrPenalty: averages has shape [${averages.shape.join(", ")}]; wants [${variances.shape.join(", ")}].`,
    );
  }
  const before = averages === undefined ? variances.mul(0) : averages;
  const now = stopGradient(before)
    .mul(decay)
    .add(variances.mul(1 - decay));
  const smoothed = now.div(1 - decay);
  const rows = views.map((_, e) => smoothed.slice(e));
  const mean = meanOf(rows);
  return { penalty: meanOf(rows.map((v) => v.sub(mean).square().sum())), averages: stopGradient(now) };
}
