/** How much the curvature of single examples scatters around its mean. */

import { DTypeError, DomainError, jit, tensor, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { checkCount, meanAndStandardError } from "../estimators/products.js";
import type { PerSampleProducts } from "../per-sample.js";
import { asVector } from "../transforms.js";
import { breather } from "../breathe.js";
import { expectOptions, expectArguments } from "@curv/linsolve";

export interface CurvatureNoiseOptions {
  /** Random directions z. Default 4. */
  readonly probes?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface CurvatureNoise {
  /** Estimate of Pσ² = E‖Hᵢ − H‖_F²/P: what `WignerNoise` takes. */
  readonly pSigma2: number;
  /** Standard error of `pSigma2` over the probes, for the examples that were given; NaN for a single probe. */
  readonly standardError: number;
  /**
   * α = max(0, 1 − Pσ²/(n Δ)), with Δ = E‖H z − (zᵀHz) z‖²: how far to trust the mean curvature of these n examples against a multiple of
   * the identity.
   */
  readonly shrinkage: number;
  readonly probes: number;
  /** n: examples that the products went over. */
  readonly samples: number;
}

/**
 * The noise Pσ² of the curvature, from products of every example's own matrix with random unit vectors z: the sample variance
 * (1/(n−1)) Σ ‖Hᵢz − H̄z‖². Its mean over z is E‖Hᵢ − H‖_F²/P, without bias for a population that the examples are drawn from.
 *
 * A probe costs one product of every example. Variances of the means of batches would be smaller by the batch size; these are of single examples.
 *
 * @param products - `perSampleHessianProducts` or `perSampleGaussNewtonProducts`, of some hundred examples.
 * @param params - A tree like the parameters; only shapes and dtypes count.
 * @throws DomainError for products that are no function, fewer than 2 examples, probes that are no positive integer, a product with NaN.
 * Source: Granziol, Zohren & Roberts (2022); the shrinkage: `loss_stats` of the authors' code, with n/(n−1) in the variance.
 *
 * @example
 * const { pSigma2 } = await curvatureNoise(perSampleHessianProducts(loss, params, data), params, random.key(0));
 */
export async function curvatureNoise<P>(
  products: PerSampleProducts<P>,
  params: P,
  key: random.Key,
  options: CurvatureNoiseOptions = {},
): Promise<CurvatureNoise> {
  const caller = "curvatureNoise";
  expectArguments(caller, { params: [params, "tree"], key: [key, "key"] });
  expectOptions(caller, options, { probes: "number" });
  const { probes = 4, signal } = options;
  checkCount(probes, caller, "probes");
  if (typeof products !== "function") {
    throw new DomainError(
      `${caller}: products is ${products === null ? "null" : typeof products}; wants products of the single examples, as perSampleHessianProducts gives: the noise cannot be seen in their mean.`,
    );
  }
  const { vector, unravel } = asVector(params);
  const { dtype } = vector;
  if (dtype !== "float32" && dtype !== "float64") {
    throw new DTypeError(`${caller}: params are ${dtype}; wants float32 or float64.`);
  }
  const breathe = breather(signal);
  const variances: number[] = [];
  let [deltas, samples] = [0, 0];
  for (const probeKey of random.split(key, probes)) {
    const z = random.sphere(probeKey, vector.size, { dtype });
    let moments: Moments = { mean: zeros([vector.size], { dtype }), scatter: zeros([], { dtype }) };
    samples = 0;
    for (const rows of products(unravel(z))) {
      expectArguments(caller, { "what products yields": [rows, "tensor"] });
      moments = merge(moments, rows, tensor(samples, { dtype }));
      samples += rows.shape[0];
      await breathe();
    }
    if (samples < 2) throw new DomainError(`${caller}: the products are of ${samples} examples; wants at least 2.`);
    const { mean, scatter } = moments;
    const along = mean.mul(z).sum();
    deltas += await mean.sub(z.mul(along)).square().sum().item();
    const variance = (await scatter.item()) / (samples - 1);
    if (!Number.isFinite(variance)) throw new DomainError(`${caller}: a product has NaN or an infinity.`);
    variances.push(variance);
  }
  const { mean: pSigma2, standardError } = meanAndStandardError(variances);
  return {
    pSigma2,
    standardError,
    shrinkage: pSigma2 === 0 ? 1 : Math.max(0, 1 - pSigma2 / ((samples * deltas) / probes)),
    probes,
    samples,
  };
}

/** Of vectors: their mean, and the sum of the squared distances from it. */
interface Moments {
  readonly mean: Tensor;
  readonly scatter: Tensor;
}

/** Moments of `count` vectors and of some more rows, together: Chan, Golub & LeVeque (1979). No large squares are subtracted. */
const merge = /* @__PURE__ */ jit((moments: Moments, rows: Tensor, count: Tensor): Moments => {
  const n = rows.shape[0];
  const mean = rows.mean(0);
  const total = count.add(n);
  const difference = mean.sub(moments.mean);
  const between = difference.square().sum().mul(count).mul(n).div(total);
  return {
    mean: moments.mean.add(difference.mul(n).div(total)),
    scatter: moments.scatter.add(rows.sub(mean).square().sum()).add(between),
  };
});
