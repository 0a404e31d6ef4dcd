/** How much the noise of the gradient lies along the curvature. */

import { diag, DomainError, matmul, ShapeError, type Tensor } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import { expectOptions, expectArguments, type AnyOperator } from "@curv/linsolve";
import { checkPositive } from "../batch-size/arguments.js";
import { productsOf } from "../estimators/products.js";
import type { Interpolant } from "./interpolant.js";
import { rangeCoordinates } from "./range-coordinates.js";

export interface NoiseAlignmentOptions {
  /** L: the mean loss where the gradients are taken, ½ mean (f − y)² for a squared error. */
  readonly loss: number;
  /** ‖G‖_F: `sharpness`. */
  readonly frobenius: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * μ = tr(Σ G)/(2 L ‖G‖_F²), with Σ = (1/n) Σ gᵢgᵢᵀ − ḡḡᵀ the covariance of the examples' gradients. If it stays above μ₀, SGD with learning
 * rate η and batches of B can only be stable where ‖G‖_F ≤ √(B/μ₀)/η.
 *
 * @param gradients - gᵢ as rows [n, p].
 * @param g - G [p, p].
 * @throws ShapeError for gradients that do not fit G; DomainError for a loss or norm that is not positive, or NaN.
 * Source: Wu & Su (2023), arXiv 2305.17490, section 3; Wu, Wang & Su, The alignment property of SGD noise (2022).
 */
export async function noiseAlignment(
  gradients: Tensor,
  g: AnyOperator,
  options: NoiseAlignmentOptions,
): Promise<number> {
  expectArguments("noiseAlignment", {
    gradients: [gradients, "tensor"],
    g: [g, "operator"],
  });
  expectOptions("noiseAlignment", options, {});
  const { loss, frobenius, signal } = options;
  const caller = "noiseAlignment";
  checkPositive(loss, caller, "loss");
  checkPositive(frobenius, caller, "frobenius");
  if (gradients.rank !== 2 || gradients.shape[0] === 0 || gradients.shape[1] !== g.shape[1]) {
    throw new ShapeError(
      `${caller}: gradients have shape [${gradients.shape.join(", ")}]; wants [examples, ${g.shape[1]}].`,
    );
  }
  // tr(Σ G) = mean of (gᵢ − ḡ)ᵀ G (gᵢ − ḡ): no difference of large numbers.
  const centered = gradients.sub(gradients.mean(0));
  const products = productsOf(g, caller, gradients.shape[0], signal === undefined ? {} : { signal });
  const images = await products.with(centered.transpose());
  const trace = (await images.transpose().mul(centered).sum().item()) / gradients.shape[0];
  if (!Number.isFinite(trace)) throw new DomainError(`${caller}: gradients have NaN or an infinity; wants numbers.`);
  return trace / (2 * loss * frobenius ** 2);
}

/**
 * The smallest alignment that any displacement δ from an interpolating minimum has, in the linearised model: with gᵢ = aᵢ(aᵢᵀδ) the numerator is
 * a quadratic form of the residuals r = A δ, r ᵀ(diag κ/n − K²/n³) r with K = A Aᵀ and κᵢ = aᵢᵀG aᵢ, and 2L = rᵀr/n.
 */
export function leastAlignment(m: Interpolant, caller: string): number {
  const { rows, values } = rangeCoordinates(m, caller);
  const kappa = rows.square().mul(values).sum(1);
  // r runs over the range of A, whose orthonormal basis is U = B (n g)^(−1/2); there Uᵀ(K²/n²) U = diag g².
  const basis = rows.div(values.mul(m.examples).sqrt());
  const form = matmul(basis.transpose(), basis.mul(kappa.expandDims(1))).sub(diag(values.square()));
  return Math.max(0, eigvalsh(form).min().itemSync()) / values.square().sum().itemSync();
}
