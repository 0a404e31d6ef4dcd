/** Learning rate and momentum from the spectrum of the curvature, without a search. */

import { DomainError } from "@curv/tensor";
import { expectOptions, expectArguments, type AnyOperator } from "@curv/linsolve";
import * as random from "@curv/tensor/random";
import { checkCount } from "../estimators/products.js";
import { spectralMeasure, type SpectralRun } from "../estimators/spectral-measure.js";
import { checkNumber } from "./arguments.js";
import { batchEdges, checkNoise, type BatchNoise } from "./batch-edges.js";
import { effectiveBatchOf } from "./effective-batch.js";

/** From a curvature that was measured on a set of examples to that of smaller batches. */
export interface TrainBatch {
  /** B: examples in a batch of training. */
  readonly batch: number;
  /** Examples in the set that the curvature was measured on; batches of that size are not corrected. */
  readonly curvatureSet: number;
  readonly noise: BatchNoise;
}

export interface SpectralRateOptions {
  /**
   * - `heavy-ball` (default): Polyak's rates, lr = 4/(√L + √μ)², ρ = ((√L − √μ)/(√L + √μ))².
   * - `nesterov`: lr = 1/L, ρ = (√L − √μ)/(√L + √μ).
   * - `sgd`: lr = 2/(L + median), ρ = 0.
   */
  readonly mode?: "heavy-ball" | "nesterov" | "sgd";
  /**
   * What μ is: the smallest Ritz value (by magnitude) of those that no more than `weightThreshold` of the spectrum sits at, or the median of
   * all. Default "minimum". Without the threshold μ would be 0, and ρ 1: most eigenvalues of a network are near zero.
   */
  readonly mu?: "minimum" | "median";
  /** Default 0.5. */
  readonly weightThreshold?: number;
  /** Correct L for the noise of batches. Default: not. */
  readonly trainBatch?: TrainBatch;
  /** c in (0, 1]: the learning rate is multiplied by it. Default 1. */
  readonly safety?: number;
  /**
   * `authors`: as in the authors' scripts, which have ρ = ((√L − √μ)/(√L + μ))² for `heavy-ball` and lr = √(μ/L) for `nesterov`. The latter can
   * be beyond what is stable.
   */
  readonly compat?: "authors";
}

export interface SpectralRates {
  readonly lr: number;
  /** ρ. */
  readonly momentum: number;
  /** L: the largest Ritz value by magnitude, of a training batch if that was asked for. */
  readonly lambdaMax: number;
  /** μ. */
  readonly mu: number;
  /** Ritz values θ, ascending. */
  readonly ritz: readonly number[];
  /** How much of the start lies along each Ritz vector; they sum to 1. */
  readonly weights: readonly number[];
}

/**
 * Learning rate and momentum for a spectrum of Ritz values `nodes`, as `spectralMeasure` gives; their magnitudes count. Never more than the stable 2(1 + ρ)/L, but for
 * `compat: "authors"`.
 *
 * @throws DomainError for options that make no sense, values that are all zero, weights that are negative or no numbers, or where every value is dropped by its weight.
 * Source: Granziol, Zohren & Roberts (2022), section 7; their code `run_ssgd_fastanddirty.py`, `run_ssgdm_…`, `run_ssgdmn_…`.
 */
export function spectralRates(
  run: Pick<SpectralRun, "nodes" | "weights">,
  options: SpectralRateOptions = {},
): SpectralRates {
  expectArguments("spectralRates", { run: [run, "object"], options: [options, "options"] });
  const { nodes: ritz, weights } = run;
  expectArguments("spectralRates", { "run.nodes": [ritz, "list"], "run.weights": [weights, "list"] });
  const caller = "spectralRates";
  checkRateOptions(options, caller);
  const { mode = "heavy-ball", mu: kind = "minimum", weightThreshold = 0.5, trainBatch, safety = 1, compat } = options;
  const sizes = ritz.map(Math.abs);
  let lambdaMax = Math.max(...sizes);
  if (!(lambdaMax > 0 && Number.isFinite(lambdaMax))) {
    throw new DomainError(`${caller}: the largest Ritz value is ${lambdaMax}; wants a curvature that is not zero.`);
  }
  if (ritz.length !== weights.length) {
    throw new DomainError(`${caller}: ${ritz.length} Ritz values and ${weights.length} weights; wants as many.`);
  }
  const wrong = weights.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong >= 0) {
    throw new DomainError(
      `${caller}: weights[${wrong}] is ${weights[wrong]}; wants finite numbers that are not negative.`,
    );
  }
  const mu = kind === "median" ? median(sizes) : leastOfLight(sizes, weights, weightThreshold);
  if (trainBatch !== undefined) {
    const { batch, curvatureSet, noise } = trainBatch;
    lambdaMax = batchEdges({ lambdaMax, noise }, { batch, dataset: curvatureSet }).lambdaMax;
  }
  const [l, m] = [Math.sqrt(lambdaMax), Math.sqrt(mu)];
  const { lr, momentum } = {
    sgd: { lr: 2 / (lambdaMax + median(sizes)), momentum: 0 },
    "heavy-ball": { lr: (2 / (l + m)) ** 2, momentum: ((l - m) / (l + (compat === "authors" ? mu : m))) ** 2 },
    nesterov: { lr: compat === "authors" ? m / l : 1 / lambdaMax, momentum: (l - m) / (l + m) },
  }[mode];
  return { lr: safety * lr, momentum, lambdaMax, mu, ritz, weights };
}

export interface SpectralLearnerOptions extends SpectralRateOptions {
  /** Lanczos steps, each one product. Default 20, and at most P. */
  readonly steps?: number;
  /** Stops the run: its promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The spectral learner: a few Lanczos steps on the curvature of some hundred fixed examples, from a random start, and the rates that are optimal
 * for a quadratic function with that spectrum.
 *
 * The curvature should be that of one fixed function: batch norm in a mode of your choice, the same one in each estimate, dropout off. Weight
 * decay in training belongs into the loss.
 *
 * @param operator - A symmetric operator: `hessianOperator` or `gaussNewtonOperator`. The authors take 1024 examples.
 * @param key - For the start.
 * @throws DomainError as {@link spectralRates}; for steps < 2, an operator that is not symmetric, or a product with NaN.
 * Source: as {@link spectralRates}; full reorthogonalisation is ours.
 *
 * @example
 * const { lr, momentum } = await spectralLearner(hessianOperator(loss, params, subset), random.key(0));
 */
export async function spectralLearner(
  operator: AnyOperator,
  key: random.Key,
  options: SpectralLearnerOptions = {},
): Promise<SpectralRates> {
  expectArguments("spectralLearner", {
    operator: [operator, "operator"],
    key: [key, "key"],
  });
  const caller = "spectralLearner";
  expectOptions(caller, options, { steps: "number" });
  const n = operator.shape[1];
  const { steps = Math.min(20, n), signal, ...rates } = options;
  checkCount(steps, caller, "steps", { least: 2, most: n });
  if (!operator.symmetric)
    throw new DomainError(`${caller}: operator is not symmetric; wants a Hessian or a Gauss–Newton matrix.`);
  // Before the products are paid for.
  checkRateOptions(rates, caller);
  const { runs } = await spectralMeasure(operator, key, { probes: 1, steps, ...(signal && { signal }) });
  return spectralRates(runs[0], rates);
}

export interface ScheduledOptions extends SpectralLearnerOptions {
  /** Epochs from one estimate to the next. Default 20. */
  readonly every?: number;
}

/**
 * The rates for an epoch of training, counted from 0: the previous ones, or new ones where there are none or every 20 epochs.
 *
 * @param previous - What this returned for the epoch before; null before training.
 * @param curvature - The operator at the parameters of now; called where it is needed.
 * @throws As {@link spectralLearner}; DomainError for an epoch or a number of epochs that is no integer.
 *
 * @example
 * for (let epoch = 0; epoch < 100; epoch++) {
 *   rates = await spectralRatesAt(epoch, rates, () => hessianOperator(loss, params, subset), key);
 *   …
 * }
 */
export async function spectralRatesAt(
  epoch: number,
  previous: SpectralRates | null,
  curvature: () => AnyOperator,
  key: random.Key,
  scheduledOptions: ScheduledOptions = {},
): Promise<SpectralRates> {
  const caller = "spectralRatesAt";
  checkCount(epoch, caller, "epoch", { least: 0 });
  expectArguments(caller, { curvature: [curvature, "function"], key: [key, "key"] });
  expectOptions(caller, scheduledOptions, { every: "number", steps: "number" });
  const { every = 20, ...options } = scheduledOptions;
  checkCount(every, caller, "every");
  checkRateOptions(options, caller);
  if (previous !== null && epoch % every !== 0) return previous;
  const operator = curvature();
  expectArguments(caller, { "what curvature returned": [operator, "operator"] });
  return spectralLearner(operator, random.foldIn(key, epoch), options);
}

function checkRateOptions(options: SpectralRateOptions, caller: string): void {
  expectOptions(caller, options, {
    mode: "text", mu: "text", weightThreshold: "number", safety: "number", trainBatch: "object",
  }); // prettier-ignore
  const { mode = "heavy-ball", mu = "minimum", weightThreshold = 0.5, safety = 1, trainBatch } = options;
  if (!["sgd", "heavy-ball", "nesterov"].includes(mode)) {
    throw new DomainError(`${caller}: mode is ${JSON.stringify(mode)}; wants "heavy-ball", "nesterov" or "sgd".`);
  }
  if (!["minimum", "median"].includes(mu)) {
    throw new DomainError(`${caller}: mu is ${JSON.stringify(mu)}; wants "minimum" or "median".`);
  }
  checkNumber(weightThreshold, caller, "weightThreshold", "a number in (0, 1]", (x) => x > 0 && x <= 1);
  checkNumber(safety, caller, "safety", "a number in (0, 1]", (x) => x > 0 && x <= 1);
  if (trainBatch === undefined) return;
  checkNoise(trainBatch.noise, caller, "trainBatch.noise");
  effectiveBatchOf(trainBatch.batch, trainBatch.curvatureSet, caller, "trainBatch.batch");
}

/** The smallest of those that are left when, heaviest first, the ones of more than the threshold are dropped. */
function leastOfLight(sizes: readonly number[], weights: readonly number[], threshold: number): number {
  const light = sizes.filter((_, j) => !(weights[j] > threshold));
  if (light.length === 0) {
    throw new DomainError(
      `spectralRates: each of the ${sizes.length} Ritz values has a weight above weightThreshold, ${threshold}; wants more steps, or a higher threshold.`,
    );
  }
  return Math.min(...light);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
