/** How noisy a gradient is. */

import { DomainError, type Tensor } from "@curv/tensor";
import { refuseNoData, type Data } from "./data.js";
import { checkLoss, type LossFunction, type LossOptions } from "./loss-function.js";
import { perSampleGradientRows } from "./per-sample.js";

export interface GradientNoise {
  /** tr Σ / ‖G‖²: the batch size at which noise and gradient are alike; larger batches bring less and less. */
  readonly noiseScale: number;
  /** tr Σ, of the covariance of the examples' gradients; unbiased. */
  readonly traceCovariance: number;
  /** ‖G‖² of the gradient of the whole distribution: that of the mean less the noise that is left in it. */
  readonly squaredGradientNorm: number;
}

/**
 * The simple gradient noise scale, from every example's own gradient.
 *
 * @throws DomainError for fewer than two examples, or where the noise hides the gradient: ‖G‖² ≤ 0 as estimated; as `hessianOperator`.
 * Source: McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training (2018), eq. 2.9 and appendix A.1.
 */
export function gradientNoiseScale<P, B>(
  loss: LossFunction<P, B>,
  params: P,
  data: Data<B>,
  options: LossOptions = {},
): GradientNoise {
  const caller = "gradientNoiseScale";
  refuseNoData(data, caller);
  checkLoss(loss, params, data, caller, options);
  let count = 0;
  let squares = 0;
  let sum: Tensor | null = null;
  for (const rows of perSampleGradientRows(loss, params, data, { check: false })) {
    count += rows.shape[0];
    squares += rows.square().sum().itemSync();
    sum = sum === null ? rows.sum(0) : sum.add(rows.sum(0));
  }
  if (sum === null || count < 2)
    throw new DomainError(`${caller}: the data hold ${count} examples; wants two at least.`);
  const ofMean = sum.div(count).square().sum().itemSync();
  const traceCovariance = (squares - count * ofMean) / (count - 1);
  const squaredGradientNorm = ofMean - traceCovariance / count;
  if (!(squaredGradientNorm > 0)) {
    throw new DomainError(
      `${caller}: the gradient's noise, ${traceCovariance / count} in the mean of ${count}, hides the gradient, ${ofMean}; wants more examples, or parameters away from a minimum.`,
    );
  }
  return { noiseScale: traceCovariance / squaredGradientNorm, traceCovariance, squaredGradientNorm };
}
