/** The outliers and the bulk of a positive semi-definite curvature, measured. */

import { DomainError, matmul, zeros, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { expectOptions, eigsh, linearOperator, type AnyOperator, expectArguments } from "@curv/linsolve";
import { hutchinsonTrace } from "../estimators/hutchinson.js";
import { checkCount } from "../estimators/products.js";
import type { MarchenkoPasturNoise, MeasuredCurvature } from "./batch-edges.js";

export interface SpikedCovarianceOptions {
  /** N: examples that the operator is the mean over. */
  readonly dataset: number;
  /** r: rank of one example's matrix (see `MarchenkoPasturNoise`). Default 1. */
  readonly rankPerSample?: number;
  /** Eigenvalues to compute: the most outliers that can be found. Default 10, and at most P − 1. */
  readonly pairs?: number;
  /** How many of them are outliers. Default: those beyond the edge s²(1 + √(P/(N r)))² of the bulk that the others leave. */
  readonly outliers?: number;
  /** Random vectors for the trace beside the pairs. Default 16. */
  readonly probes?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

export interface SpikedCovariance extends MeasuredCurvature {
  readonly noise: MarchenkoPasturNoise;
  /** Descending. If these are all `pairs`, there may be more. */
  readonly outliers: readonly number[];
  /** Estimate of the trace. */
  readonly trace: number;
  /** Standard error of `trace`; NaN for a single probe. */
  readonly standardError: number;
  /** Whether the eigenvalues have converged. */
  readonly converged: boolean;
}

/**
 * λ₁ and the bulk's level s² = (tr G − Σ outliers)/(P − #outliers) of a positive semi-definite G: what `batchEdges` and `scaleLearningRate` take.
 *
 * Outliers are eigenvalues by Lanczos; the trace is theirs plus Hutchinson's estimate on the complement of their vectors, where little of its
 * variance is left. Costs the products of `eigsh`, and one for each probe.
 *
 * @param operator - A Gauss–Newton or Fisher matrix over N examples.
 * @throws DomainError for an operator that is not said to be positive semi-definite, counts that do not fit, or a product with NaN.
 * Source: Granziol, Zohren & Roberts (2022); estimation of the bulk by its mean.
 *
 * @example
 * const curvature = await spikedCovariance(gaussNewtonOperator(apply, crossEntropyOutput, params, data), key, {
 *   dataset: 5000,
 *   rankPerSample: 9,
 * });
 * batchEdges(curvature, { batch: 32, dataset: 5000 }).lambdaMax;
 */
export async function spikedCovariance(
  operator: AnyOperator,
  key: random.Key,
  options: SpikedCovarianceOptions,
): Promise<SpikedCovariance> {
  expectArguments("spikedCovariance", {
    operator: [operator, "operator"],
    key: [key, "key"],
  });
  const caller = "spikedCovariance";
  expectOptions(caller, options, {});
  const n = operator.shape[1];
  const { dataset, rankPerSample = 1, pairs = Math.min(10, n - 1), outliers, probes = 16, signal } = options;
  if (!operator.positiveSemidefinite) {
    throw new DomainError(`${caller}: operator is not positiveSemidefinite; wants a Gauss–Newton or Fisher matrix.`);
  }
  checkCount(dataset, caller, "dataset");
  checkCount(rankPerSample, caller, "rankPerSample");
  checkCount(pairs, caller, "pairs", { most: n - 1 });
  checkCount(probes, caller, "probes");
  if (outliers !== undefined) checkCount(outliers, caller, "outliers", { least: 0, most: pairs });
  const [eigenKey, traceKey] = random.split(key, 2);
  const { values, vectors, converged } = await eigsh(operator, {
    k: pairs,
    tol: operator.dtype === "float64" ? 1e-6 : 1e-4,
    key: eigenKey,
    ...(signal && { signal }),
  });
  const lambda = Array.from(await values.data());

  // The rest of the matrix, without the pairs.
  const beside = (v: Tensor): Tensor => v.sub(matmul(vectors, matmul(vectors.transpose(), v)));
  const rest = linearOperator({
    matvec: (v: Tensor) => beside(operator.matvec(beside(v))),
    domain: zeros([n], { dtype: operator.dtype }),
    positiveSemidefinite: true,
    eager: operator.eager,
  });
  const { trace, standardError } = await hutchinsonTrace(rest, traceKey, { probes, ...(signal && { signal }) });

  /** s² if the first `count` are outliers. */
  const level = (count: number): number =>
    Math.max(0, trace + lambda.slice(count).reduce((a, b) => a + b, 0)) / (n - count);
  const aspect = (1 + Math.sqrt(n / (dataset * rankPerSample))) ** 2;
  let count = outliers ?? 0;
  // Fewer in the bulk lower its edge, which can only make more outliers: this ends.
  if (outliers === undefined) while (count < pairs && lambda[count] > level(count) * aspect) count++;
  return {
    lambdaMax: lambda[0],
    noise: { model: "spiked-covariance", bulk: level(count), params: n, rankPerSample },
    outliers: lambda.slice(0, count),
    trace: trace + lambda.reduce((a, b) => a + b, 0),
    standardError,
    converged,
  };
}
