/** Mixtures of von Mises–Fisher distributions, by expectation and maximisation. */

import { DomainError, jit, logSumExp, minimum, oneHot, softmax, take, tensor, where, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { inverseBesselRatioI } from "../inverse-ratio.js";
import { logNormalizer } from "./density.js";
import { kindOf, requireFloats, requireOptions, requireParameters } from "../operands.js";
import { requireControls, requireOneOf, requireSampling } from "../options.js";
import { readRows } from "./rows.js";

/** Σ_k w_k f(x; μ_k, κ_k), a tree of tensors. */
export interface VonMisesFisherMixture {
  /** [k], summing to 1. */
  readonly weights: Tensor;
  /** [k, p], unit vectors. */
  readonly means: Tensor;
  /** [k]. */
  readonly concentrations: Tensor;
}

export interface MixtureProgress {
  readonly iterations: number;
  /** Mean log-likelihood of the rows, before the last step. */
  readonly logLikelihood: number;
}

/** Options of {@link fitMixture}. */
export interface MixtureFitOptions {
  /** "soft" (default): responsibilities; "hard": each row to its likeliest component, as in spherical k-means with concentrations. */
  readonly assignment?: "soft" | "hard";
  /** Of the rows, [n]. Default: equal. */
  readonly weights?: Tensor;
  /** Bound of the concentrations, for components that shrink to one row. Default 1e5·p. */
  readonly maxConcentration?: number;
  /** Ends when the mean log-likelihood rises by less than tol·max(1, |logLikelihood|). Default 1e-9, in float32 1e-6. */
  readonly tol?: number;
  /** Default 200. */
  readonly maxIter?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: MixtureProgress) => void;
}

/** What {@link fitMixture} returns. */
export interface MixtureFit extends VonMisesFisherMixture {
  /** Probability of each component for each row, [n, k]. */
  readonly responsibilities: Tensor;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  /** Mean log-likelihood of the rows. */
  readonly logLikelihood: number;
  /** The rise of the mean log-likelihood in the last step. */
  readonly residual: number;
  /** Mean log-likelihoods, from that of the starting point on. */
  readonly history: readonly number[];
}

/** Log of w_k f_k(x): [n, k]. */
function jointLogProb(x: Tensor, { weights, means, concentrations }: VonMisesFisherMixture): Tensor {
  return x.matmul(means.T).mul(concentrations).add(logNormalizer(x.shape[1], concentrations)).add(weights.log());
}

/**
 * Log density of a mixture at the rows of x: [n]. Differentiable in all.
 *
 * @param x - [n, p], unit vectors.
 */
export function mixtureLogProb(x: Tensor, mixture: VonMisesFisherMixture): Tensor {
  requireFloats("mixtureLogProb", { x });
  requireParameters("mixtureLogProb", mixture, ["weights", "means", "concentrations"]);
  return logSumExp(jointLogProb(x, mixture), 1);
}

/** The maximisation: parameters from responsibilities. A component without rows keeps its direction. */
function maximize(
  x: Tensor,
  rowWeights: Tensor,
  shares: Tensor,
  old: Tensor,
  maxConcentration: Tensor,
): VonMisesFisherMixture {
  const weighted = shares.mul(rowWeights.expandDims(1)); // [n, k]
  const mass = weighted.sum(0);
  const sums = weighted.T.matmul(x);
  const lengths = sums.square().sum(1).sqrt();
  const empty = lengths.equal(0);
  const safe = where(empty, 1, lengths);
  const r = minimum(where(empty, 0, lengths.div(where(empty, 1, mass))), 1);
  return {
    weights: mass,
    means: where(empty.expandDims(1), old, sums.div(safe.expandDims(1))),
    concentrations: minimum(inverseBesselRatioI(x.shape[1] / 2 - 1, r), maxConcentration),
  };
}

const sharesOf = (joint: Tensor, hard: boolean): Tensor =>
  hard ? oneHot(joint.argMax(1), joint.shape[1], { dtype: joint.dtype }) : softmax(joint, 1);

const step = /* @__PURE__ */ jit(
  (x: Tensor, rowWeights: Tensor, mixture: VonMisesFisherMixture, maxConcentration: Tensor, hard: boolean) => {
    const joint = jointLogProb(x, mixture);
    const next = maximize(x, rowWeights, sharesOf(joint, hard), mixture.means, maxConcentration);
    return { next, logLikelihood: logSumExp(joint, 1).mul(rowWeights).sum() };
  },
  { staticArgs: [4] },
);

/**
 * Fits a mixture of `components` von Mises–Fisher distributions to unit vectors by expectation and maximisation, from seeds that are
 * drawn far apart.
 *
 * The log-likelihood never falls (with "soft"). Different keys may end in different maxima: run several, keep the best.
 *
 * @param x - [n, p].
 * @throws DomainError for rows that are not unit vectors, or more components than rows.
 * Source: Banerjee, Dhillon, Ghosh & Sra (2005), algorithms 3 (hard) and 4 (soft); Arthur & Vassilvitskii (2007) for the seeds.
 */
export async function fitMixture(
  x: Tensor,
  components: number,
  key: random.Key,
  options: MixtureFitOptions = {},
): Promise<MixtureFit> {
  requireSampling("fitMixture", key);
  requireOptions("fitMixture", options);
  requireControls("fitMixture", options, 1);
  const rows = await readRows(x, options.weights, "fitMixture");
  const { n, p } = rows;
  if (!Number.isInteger(components) || components < 1 || components > n) {
    throw new DomainError(`fitMixture: components is ${String(components)}; wants an integer from 1 to n = ${n}.`);
  }
  const { maxIter = 200, tol = x.dtype === "float64" ? 1e-9 : 1e-6, assignment = "soft", signal, onProgress } = options;
  requireOneOf("fitMixture", "assignment", assignment, ["soft", "hard"]);
  const { maxConcentration = 1e5 * p } = options;
  if (!(typeof maxConcentration === "number" && maxConcentration > 0)) {
    throw new DomainError(`fitMixture: maxConcentration is ${kindOf(maxConcentration)}; wants a number > 0.`);
  }
  const bound = tensor(maxConcentration, { dtype: x.dtype });
  const hard = assignment === "hard";
  const seeds = await drawSeeds(rows.x, components, key);
  let mixture = maximize(rows.x, rows.weights, sharesOf(rows.x.matmul(seeds.T), true), seeds, bound);
  const history: number[] = [];
  let converged = false;
  let iterations = 0;
  for (; iterations < maxIter && !converged; iterations++) {
    signal?.throwIfAborted();
    const { next, logLikelihood } = step(rows.x, rows.weights, mixture, bound, hard);
    const value = await logLikelihood.item();
    const rise = history.length === 0 ? Infinity : value - history[history.length - 1];
    history.push(value);
    onProgress?.({ iterations: iterations + 1, logLikelihood: value });
    converged = rise < tol * Math.max(1, Math.abs(value));
    mixture = next;
    await new Promise((resolve) => setTimeout(resolve));
  }
  const joint = jointLogProb(rows.x, mixture);
  const logLikelihood = await logSumExp(joint, 1).mul(rows.weights).sum().item();
  const last = history.length === 0 ? NaN : history[history.length - 1];
  return {
    ...mixture,
    responsibilities: softmax(joint, 1),
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations,
    logLikelihood,
    residual: logLikelihood - last,
    history: [...history, logLikelihood],
  };
}

/** Rows, each drawn with a probability proportional to 1 − cos of its angle to the nearest seed before it. */
async function drawSeeds(x: Tensor, count: number, key: random.Key): Promise<Tensor> {
  const n = x.shape[0];
  const draws = await random.uniform(key, { shape: [count], dtype: "float64" }).data();
  const distance = new Float64Array(n).fill(1);
  const chosen: number[] = [];
  for (const draw of draws) {
    const total = distance.reduce((a, b) => a + b, 0);
    let rest = draw * total;
    let at = 0;
    while (at < n - 1 && (rest -= distance[at]) >= 0) at++;
    chosen.push(at);
    const cosines = await x.matmul(x.slice(at)).data();
    for (let i = 0; i < n; i++) distance[i] = Math.max(0, Math.min(distance[i], 1 - cosines[i]));
    distance[at] = 0;
  }
  return take(x, tensor(Int32Array.from(chosen)), 0);
}
