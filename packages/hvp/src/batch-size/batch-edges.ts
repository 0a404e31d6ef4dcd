/** Where the spectrum of a batch's curvature ends, from that of all the data and a model of the noise. */

import { expectArguments } from "@curv/linsolve";
import { DomainError } from "@curv/tensor";
import { checkCount } from "../estimators/products.js";
import { checkNonNegative, checkNumber } from "./arguments.js";
import { effectiveBatchOf } from "./effective-batch.js";

/** Noise whose entries are all alike, as of the Hessian's indefinite part: a semicircle of radius 2√(Pσ²/b). */
export interface WignerNoise {
  readonly model: "wigner";
  /** Pσ²: parameters times the variance of an entry of one example's Hessian. `curvatureNoise` estimates it. */
  readonly pSigma2: number;
}

/**
 * Noise of positive semi-definite matrices of low rank, as of Gauss–Newton and Fisher matrices: a Marchenko–Pastur law of ratio q = P/(b r).
 *
 * - `spiked-covariance`: a batch is a sample covariance whose population has the outliers over a level bulk. For Gauss–Newton matrices, and
 *   models that are linear in their parameters.
 * - `mp-additive`: the outliers, and beside them a noise matrix (1/n) X Xᵀ that knows nothing of them.
 */
export interface MarchenkoPasturNoise {
  readonly model: "spiked-covariance" | "mp-additive";
  /** s²: the mean of the eigenvalues that are no outliers. `spikedCovariance` estimates it. */
  readonly bulk: number;
  /** P. */
  readonly params: number;
  /**
   * r: rank of one example's matrix. 1 for a scalar output (the default), C − 1 for a softmax of C classes, C for a squared error of C
   * outputs.
   */
  readonly rankPerSample?: number;
}

export type BatchNoise = WignerNoise | MarchenkoPasturNoise;

/** Curvature of the whole data set, and how single examples scatter around it. */
export interface MeasuredCurvature {
  /** λ₁, the largest eigenvalue on all the data. */
  readonly lambdaMax: number;
  /** λ_P, the smallest one. Default: 0 for Wigner noise, the bulk's level for the others. */
  readonly lambdaMin?: number;
  readonly noise: BatchNoise;
}

export interface BatchOptions {
  /** B: examples in a batch. */
  readonly batch: number;
  /** N: examples that batches are drawn from, without replacement. Default Infinity: with replacement. */
  readonly dataset?: number;
}

/** The ends of a batch's spectrum, in the limit of many parameters. */
export interface BatchEdges {
  /** λ₁′: the outlier, or the edge of the noise where the outlier has drowned in it. */
  readonly lambdaMax: number;
  /** λ_P′. */
  readonly lambdaMin: number;
  /** Upper end of the noise: what is left of the spectrum without its outliers. */
  readonly bulkEdge: number;
  /** Whether λ₁′ stands out of the noise. */
  readonly outlier: boolean;
  /** cos² of the angle between the batch's top eigenvector and that of all the data; 0 where there is no outlier. */
  readonly overlap: number;
}

/**
 * The extreme eigenvalues that the mean curvature of a batch has. They lie further out than those of all the data: a learning rate that is
 * safe for the full gradient is too large for a batch.
 *
 * With the effective batch b (`effectiveBatch`):
 *
 * - Wigner, s² = Pσ²/b: λ₁′ = λ₁ + s²/λ₁ if λ₁ > s, else 2s; the lower end likewise.
 * - Spiked covariance, q = P/(b r): λ₁′ = λ₁(1 + q s²/(λ₁ − s²)) if λ₁ > s²(1 + √q), else s²(1 + √q)².
 * - Additive Marchenko–Pastur: with θ = λ₁ − s², the outlier without the mean of the noise, λ₁′ = θ + s²θ/(θ − q s²) if θ > s²(q + √q), else
 *   s²(1 + √q)².
 *
 * At b = ∞, B = N, the ends are those of all the data.
 *
 * @throws DomainError for a batch beyond the data, negative variances, NaN.
 * Source: Granziol, Zohren & Roberts (2022), theorem 1 (Wigner); Baik, Ben Arous & Péché (2005) and Paul (2007) (spiked covariance);
 * Benaych-Georges & Nadakuditi (2011) (additive).
 *
 * @example
 * const { lambdaMax } = batchEdges({ lambdaMax: 4, noise: { model: "wigner", pSigma2: 8 } }, { batch: 4 }); // 4.5
 */
export function batchEdges(curvature: MeasuredCurvature, options: BatchOptions): BatchEdges {
  expectArguments("batchEdges", { options: [options, "options"] });
  const { batch, dataset = Infinity } = options;
  checkCurvature(curvature, "batchEdges");
  return edgesOf(curvature, effectiveBatchOf(batch, dataset, "batchEdges"));
}

/** The edges for an effective batch b > 0, an integer or not. */
export function edgesOf({ lambdaMax, lambdaMin, noise }: MeasuredCurvature, b: number): BatchEdges {
  const lowest = lambdaMin ?? (noise.model === "wigner" ? 0 : noise.bulk);
  if (b === Infinity) {
    const bulkEdge = noise.model === "wigner" ? 0 : noise.bulk;
    return { lambdaMax, lambdaMin: lowest, bulkEdge, outlier: lambdaMax > bulkEdge, overlap: 1 };
  }
  if (noise.model === "wigner") {
    const variance = noise.pSigma2 / b;
    const s = Math.sqrt(variance);
    const outlier = lambdaMax > s;
    return {
      lambdaMax: outlier ? lambdaMax + variance / lambdaMax : 2 * s,
      lambdaMin: lowest < -s ? lowest + variance / lowest : -2 * s,
      bulkEdge: 2 * s,
      outlier,
      overlap: outlier ? 1 - variance / lambdaMax ** 2 : 0,
    };
  }
  const { bulk, params, rankPerSample = 1 } = noise;
  const q = params / (b * rankPerSample);
  const spike =
    noise.model === "mp-additive" ? additiveSpike(lambdaMax, bulk, q) : multiplicativeSpike(lambdaMax, bulk, q);
  const bulkEdge = bulk * (1 + Math.sqrt(q)) ** 2;
  return {
    lambdaMax: spike?.value ?? bulkEdge,
    lambdaMin: Math.min(lowest, bulk * Math.max(0, 1 - Math.sqrt(q)) ** 2),
    bulkEdge,
    outlier: spike !== null,
    overlap: spike?.overlap ?? 0,
  };
}

interface Spike {
  readonly value: number;
  readonly overlap: number;
}

function multiplicativeSpike(l: number, s2: number, q: number): Spike | null {
  if (!(l > s2 * (1 + Math.sqrt(q)))) return null;
  const x = s2 / (l - s2);
  return { value: l * (1 + q * x), overlap: (1 - q * x ** 2) / (1 + q * x) };
}

/** 1/g + R(g) at g = 1/θ, with the R-transform R(g) = s²/(1 − q s² g) of the noise; the overlap is 1 − R′(1/θ)/θ². */
function additiveSpike(l: number, s2: number, q: number): Spike | null {
  const theta = l - s2;
  if (!(theta > s2 * (q + Math.sqrt(q)))) return null;
  const rest = theta - q * s2;
  return { value: theta + (s2 * theta) / rest, overlap: 1 - q * (s2 / rest) ** 2 };
}

/**
 * The batch from which on more examples do not allow much larger steps: where the noise has doubled the outlier that all the data have. It is
 * Pσ²/λ₁² for Wigner noise, P s²/(r λ₁), the bulk's trace over r λ₁, for the others.
 *
 * @throws DomainError as {@link batchEdges}, and for λ₁ ≤ 0.
 */
export function crossoverBatch(curvature: MeasuredCurvature): number {
  checkCurvature(curvature, "crossoverBatch");
  const { lambdaMax, noise } = curvature;
  if (!(lambdaMax > 0)) throw new DomainError(`crossoverBatch: lambdaMax is ${lambdaMax}; wants a number > 0.`);
  if (noise.model === "wigner") return noise.pSigma2 / lambdaMax ** 2;
  return (noise.bulk * noise.params) / ((noise.rankPerSample ?? 1) * lambdaMax);
}

/** @throws DomainError for what is no curvature. */
export function checkCurvature(curvature: MeasuredCurvature, caller: string): void {
  expectArguments(caller, { curvature: [curvature, "object"] });
  const { lambdaMax, lambdaMin, noise } = curvature;
  checkNumber(lambdaMax, caller, "curvature.lambdaMax", "a number", () => true);
  if (lambdaMin !== undefined)
    checkNumber(lambdaMin, caller, "curvature.lambdaMin", "a number <= lambdaMax", (x) => x <= lambdaMax);
  checkNoise(noise, caller);
}

/** @throws DomainError for what is no noise. */
export function checkNoise(noise: BatchNoise, caller: string, argument = "noise"): void {
  expectArguments(caller, { [argument]: [noise, "object"] });
  expectArguments(caller, { [`${argument}.model`]: [noise.model, "text"] });
  switch (noise.model) {
    case "wigner":
      return checkNonNegative(noise.pSigma2, caller, "noise.pSigma2");
    case "mp-additive":
    case "spiked-covariance":
      checkNonNegative(noise.bulk, caller, "noise.bulk");
      checkCount(noise.params, caller, "noise.params");
      return checkCount(noise.rankPerSample ?? 1, caller, "noise.rankPerSample");
    default:
      throw new DomainError(
        `${caller}: noise.model is ${JSON.stringify((noise as { model: unknown }).model)}; wants "wigner", "mp-additive" or "spiked-covariance".`,
      );
  }
}
