/** Maximum likelihood: μ is an eigenvector of the scatter matrix, κ solves E(μᵀx)² = its eigenvalue. */

import { DomainError, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import { inverseKummerRatio } from "../hypergeometric/inverse-ratio.js";
import { kummerRatio, logKummer } from "../hypergeometric/kummer.js";
import { requireOptions } from "../operands.js";
import { requireOneOf } from "../options.js";
import { readRows } from "../von-mises-fisher/rows.js";

/** Options of {@link fit}. */
export interface FitOptions {
  /**
   * "bipolar": κ > 0, about ±μ, "girdle": κ < 0, about the circle across μ; "either" (default): the one with the larger likelihood.
   */
  readonly shape?: "bipolar" | "girdle" | "either";
  /** Of the rows, [n], not negative. Default: equal. */
  readonly weights?: Tensor;
}

/** What {@link fit} returns. */
export interface WatsonFit {
  /** μ, [p]. */
  readonly axis: Tensor;
  /** κ. */
  readonly concentration: number;
  /** r: the (weighted) mean of (μᵀx)². */
  readonly meanSquare: number;
  /** Mean log-likelihood less that of the uniform distribution. */
  readonly gain: number;
  /** E(μᵀx)² − r, the derivative of the negative mean log-likelihood in κ. */
  readonly residual: number;
  /** Whether |residual| ≤ 1e-12·min(1, p·r). */
  readonly converged: boolean;
  readonly status: "converged" | "precision";
  readonly iterations: number;
  /** Residuals, from the start on. */
  readonly history: readonly number[];
}

/**
 * Fits a Watson distribution to unit vectors, whose signs do not matter.
 *
 * @param x - [n, p], p ≥ 2.
 * @throws DomainError for options that are none, for a row that is not a unit vector (naming it), for NaN, and where the likelihood has no maximum: all rows on one axis, or all
 * across one.
 * @throws ShapeError, DTypeError.
 * Source: Sra & Karp, The multivariate Watson distribution (2013); Mardia & Jupp, Directional statistics (2000), 10.3.2.
 */
export async function fit(x: Tensor, options: FitOptions = {}): Promise<WatsonFit> {
  requireOptions("fit", options);
  const { shape = "either", weights } = options;
  requireOneOf("fit", "shape", shape, ["bipolar", "girdle", "either"]);
  const rows = await readRows(x, weights, "fit");
  const { p } = rows;
  const scatter = rows.x.mul(rows.weights.expandDims(1)).transpose().matmul(rows.x);
  const { values, vectors } = eigh(scatter);
  const eigenvalues = await values.data();
  const candidates = shape === "either" ? [p - 1, 0] : [shape === "bipolar" ? p - 1 : 0];
  const eps = x.dtype === "float64" ? 1e-14 : 1e-6;
  const fits = candidates.flatMap((at) => {
    const r = Math.min(1, Math.max(0, eigenvalues[at]));
    if (r <= eps || r >= 1 - eps) return [];
    return [{ at, r, ...estimate(p, r) }];
  });
  if (fits.length === 0 || (shape === "either" && fits.length === 1)) {
    const what = eigenvalues[p - 1] >= 1 - eps ? "all rows lie on one axis" : "all rows lie across one axis";
    throw new DomainError(`fit: ${what} to rounding; the concentration would be infinite.`);
  }
  const best = fits.reduce((a, b) => (b.gain > a.gain ? b : a));
  return {
    axis: vectors.slice([0, p], [best.at, best.at + 1]).reshape([p]),
    concentration: best.concentration,
    meanSquare: best.r,
    gain: best.gain,
    residual: best.residual,
    converged: best.converged,
    status: best.converged ? "converged" : "precision",
    iterations: best.history.length - 1,
    history: best.history,
  };
}

type Estimate = Pick<WatsonFit, "concentration" | "gain" | "residual" | "converged" | "history">;

function estimate(p: number, r: number): Estimate {
  const [alpha, beta] = [0.5, 0.5 * (p - 1)];
  const { x, path } = inverseKummerRatio(alpha, beta, r);
  const history = path.map((k) => kummerRatio(alpha, beta, k) - r);
  const residual = kummerRatio(alpha, beta, x) - r;
  return {
    concentration: x,
    gain: x * r - logKummer(alpha, beta, x),
    residual,
    converged: Math.abs(residual) <= 1e-12 * Math.min(1, p * r),
    history,
  };
}
