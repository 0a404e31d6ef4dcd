/** Whether SGD could have stopped at a minimum. */

import { expectOptions } from "@curv/linsolve";
import { diag } from "@curv/tensor";
import { eigvalsh } from "@curv/tensor/linalg";
import { checkPositive } from "../batch-size/arguments.js";
import { checkInterpolant, isHeuristic, type Interpolant } from "./interpolant.js";
import { meanSquareThreshold, singleStepWeight } from "./mean-square-threshold.js";
import type { ChainOptions } from "./monte-carlo.js";
import { leastAlignment } from "./noise-alignment.js";
import { largestRank, rangeCoordinates, scatterMatrix } from "./range-coordinates.js";
import { sharpness } from "./sharpness.js";

/** With those of the chains that `meanSquare` is simulated by where min(n, p) > 500. */
export interface StabilityOptions extends ChainOptions {
  /** η. */
  readonly lr: number;
  /** B, from 1 to n. */
  readonly batch: number;
  /** Whether batches are drawn with replacement. Default false. */
  readonly replacement?: boolean;
  /**
   * μ₀: a lower bound of the noise's alignment (`noiseAlignment`) along the path. Default: the least that the linearised model has, where
   * min(n, p) ≤ 500; beyond that the condition is not judged.
   */
  readonly alignment?: number;
}

export interface StabilityReport {
  /** Gradient descent with all examples is stable: ‖G‖₂ ≤ 2/η. */
  readonly gd: boolean;
  /** A necessary condition of SGD's loss stability holds: ‖G‖_F ≤ 1/(η √(q μ₀)), √(B/μ₀)/η with replacement. */
  readonly lossNecessary: boolean | "n/a";
  /** A necessary condition of mean-square stability for B = 1 holds: tr G ≤ 2/η. It is not one for larger batches. */
  readonly traceNecessary: boolean | "n/a";
  /** A sufficient condition of mean-square stability holds: (I − ηG)² + η² q ((1/n) Σ Hᵢ² − G²) ≤ I. Judged where min(n, p) ≤ 500. */
  readonly sufficient: boolean | "n/a";
  /** SGD is stable in mean square: η ≤ η*. The exact verdict. */
  readonly meanSquare: boolean;
  /** How much larger η could be, as a factor: < 1 where the condition is violated. */
  readonly margins: {
    readonly gd: number;
    readonly loss: number;
    readonly trace: number;
    readonly sufficient: number;
    readonly meanSquare: number;
    /** Of s ≤ 1/(η √q): necessary where the Hᵢ commute (Wu, Ma & E 2018). */
    readonly nonUniformity: number;
  };
  /** Whether this is no interpolating minimum of a squared error, so that the linear theory is a guess. */
  readonly heuristic: boolean;
  /** Whether the eigenvalues have converged. */
  readonly converged: boolean;
}

/**
 * Verdicts on a minimum for SGD with learning rate η and batches of B. That 2/η exceeds the largest eigenvalue says that gradient descent is
 * stable there, and nothing of SGD: `meanSquare` does.
 *
 * @throws DomainError for a learning rate that is not positive, a batch outside 1 to n, rows with NaN.
 * Source: Wu & Su (2023), arXiv 2305.17490; Wu, Ma & E (2018).
 *
 * @example
 * const { meanSquare, margins } = await stabilityReport(interpolant(model.apply, params, data), { lr: 0.1, batch: 8 });
 */
export async function stabilityReport(m: Interpolant, options: StabilityOptions): Promise<StabilityReport> {
  const caller = "stabilityReport";
  checkInterpolant(m, caller);
  expectOptions(caller, options, { key: "key", chains: "number", steps: "number" });
  const { lr, batch, replacement = false, key, signal, chains, steps } = options;
  checkPositive(lr, caller, "lr");
  if (options.alignment !== undefined) checkPositive(options.alignment, caller, "alignment");
  const q = singleStepWeight(m.examples, batch, replacement, caller);
  const shared = { ...(key && { key }), ...(signal && { signal }) };
  const { trace, lambdaMax, frobenius, nonUniformity, converged } = await sharpness(m, shared);
  const simulation = { ...(chains !== undefined && { chains }), ...(steps !== undefined && { steps }) };
  const threshold = await meanSquareThreshold(m, { batch, replacement, ...simulation, ...shared });
  const known = Math.min(m.examples, m.params) <= largestRank;
  const alignment = options.alignment ?? (known ? leastAlignment(m, caller) : null);
  const margins = {
    gd: 2 / (lr * lambdaMax),
    loss: alignment === null ? NaN : 1 / (lr * frobenius * Math.sqrt(q * alignment)),
    trace: batch === 1 ? 2 / (lr * trace) : NaN,
    sufficient: known ? sufficientRate(m, q, caller) / lr : NaN,
    meanSquare: threshold.eta / lr,
    nonUniformity: nonUniformity === null ? NaN : 1 / (lr * nonUniformity * Math.sqrt(q)),
  };
  return {
    gd: margins.gd >= 1,
    lossNecessary: alignment === null ? "n/a" : margins.loss >= 1,
    traceNecessary: batch === 1 ? margins.trace >= 1 : "n/a",
    sufficient: known ? margins.sufficient >= 1 : "n/a",
    meanSquare: margins.meanSquare >= 1,
    margins,
    heuristic: isHeuristic(m),
    converged: converged && threshold.converged,
  };
}

/** The largest η with −2ηG + η²(G² + q S) ≤ 0, S the scatter: 2/λ_max(G^(−½)(G² + q S)G^(−½)) on the range of G. */
function sufficientRate(m: Interpolant, q: number, caller: string): number {
  const coordinates = rangeCoordinates(m, caller);
  const root = coordinates.values.sqrt();
  const scatter = scatterMatrix(coordinates).mul(q).div(root).div(root.expandDims(1));
  return (
    2 /
    eigvalsh(scatter.add(diag(coordinates.values)))
      .max()
      .itemSync()
  );
}
