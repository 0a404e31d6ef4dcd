/** The normal distribution of vectors. */

import { ShapeError } from "../errors.js";
import { cholesky } from "../linalg/cholesky.js";
import { matmul } from "../ops/dot.js";
import { expandDims, squeeze } from "../ops/movement.js";
import { formatShape } from "../shape.js";
import type { Tensor } from "../tensor.js";
import { checkKey, type Key } from "./key.js";
import { normal } from "./normal.js";
import { finite, readParameter, sampleDType, sampleShape, type SampleOptions } from "./parameters.js";

/**
 * Normal vectors of a given mean and covariance: mean + L z with covariance L Lᵀ. Differentiable in both.
 *
 * @param mean - [..., n].
 * @param covariance - [..., n, n], symmetric positive definite; only the lower triangle is read.
 * @param options - `shape`: without the axis of the vectors; default the common leading axes of mean and covariance.
 * @throws DomainError if the covariance is not positive definite.
 */
export function multivariateNormal(k: Key, mean: Tensor, covariance: Tensor, options: SampleOptions = {}): Tensor {
  const caller = "multivariateNormal";
  checkKey(k, caller);
  const dtype = sampleDType(caller, options.dtype, [mean, covariance]);
  const m = readParameter(caller, "mean", mean, finite, dtype);
  const c = readParameter(caller, "covariance", covariance, finite, dtype);
  const n = m.shape[m.rank - 1];
  if (m.rank === 0) throw new ShapeError(`${caller}: mean is a scalar; wants [..., n].`);
  if (c.rank < 2 || c.shape[c.rank - 1] !== n || c.shape[c.rank - 2] !== n) {
    throw new ShapeError(
      `${caller}: covariance has shape ${formatShape(c.shape)}; wants [..., ${n}, ${n}] as the mean.`,
    );
  }
  const lead = sampleShape(caller, options.shape, {
    "mean without its last axis": { shape: m.shape.slice(0, -1) },
    "covariance without its last axes": { shape: c.shape.slice(0, -2) },
  });
  const z = normal(k, { shape: [...lead, n], dtype });
  return squeeze(matmul(cholesky(c), expandDims(z, -1)), -1).add(m);
}
