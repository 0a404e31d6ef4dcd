/** Maximum likelihood: the axes are eigenvectors of the scatter matrix, the concentrations solve E(aᵢᵀx)² = its eigenvalues. */

import { DomainError, tensor, type Tensor } from "@curv/tensor";
import { eigh } from "@curv/tensor/linalg";
import { requireOptions } from "../operands.js";
import { requireControls } from "../options.js";
import { readRows } from "../von-mises-fisher/rows.js";
import { logConstant, meanSquares } from "./density.js";

/** Options of {@link fit}. */
export interface FitOptions {
  /** Of the rows, [n], not negative. Default: equal. */
  readonly weights?: Tensor;
  /** Of max |E(aᵢᵀx)²/dᵢ − 1|. Default 1e-11, in float32 1e-5. */
  readonly tol?: number;
  /** Default 200. */
  readonly maxIter?: number;
  /** Stops between iterations, with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** After every iteration. */
  readonly onProgress?: (info: { readonly iteration: number; readonly residual: number }) => void;
}

/** What {@link fit} returns. */
export interface BinghamFit {
  /** [p, p], columns in ascending order of the concentrations. */
  readonly axes: Tensor;
  /** κ, [p], ascending, the largest 0. */
  readonly concentrations: Tensor;
  /** dᵢ: the (weighted) means of (aᵢᵀx)². */
  readonly meanSquares: Tensor;
  /** Mean log-likelihood. */
  readonly logLikelihood: number;
  /** max |E(aᵢᵀx)²/dᵢ − 1| */
  readonly residual: number;
  readonly converged: boolean;
  readonly status: "converged" | "precision" | "maxIter";
  readonly iterations: number;
  /** Residuals, from the start on. */
  readonly history: readonly number[];
}

/**
 * Fits a Bingham distribution to unit vectors, whose signs do not matter.
 *
 * By the saddlepoint approximation E(aᵢᵀx)² ≈ ½/(t + λᵢ), so the start is λᵢ + t = 1/(2dᵢ), and (λᵢ + t)·Eᵢ/dᵢ is an iteration whose fixed point is
 * exact. Each costs one {@link meanSquares}.
 *
 * @param x - [n, p], n ≥ p ≥ 2.
 * @throws DomainError for options that are none, for a row that is not a unit vector (naming it), for NaN, and where the rows lie in a hyperplane: the likelihood has no
 * maximum.
 * @throws ShapeError, DTypeError.
 * Source: Mardia & Jupp, Directional statistics (2000), 10.3.3; Kume & Wood (2005) for the approximation.
 */
export async function fit(x: Tensor, options: FitOptions = {}): Promise<BinghamFit> {
  requireOptions("fit", options);
  requireControls("fit", options, 0);
  const rows = await readRows(x, options.weights, "fit");
  const { tol = x.dtype === "float64" ? 1e-11 : 1e-5, maxIter = 200, signal, onProgress } = options;
  const scatter = rows.x.mul(rows.weights.expandDims(1)).transpose().matmul(rows.x);
  const { values, vectors } = eigh(scatter);
  const d = Float64Array.from(await values.data());
  if (!(d[0] > (x.dtype === "float64" ? 1e-14 : 1e-6))) {
    throw new DomainError(
      `fit: the smallest mean square is ${d[0]}; the rows lie in a hyperplane, and a concentration would be infinite.`,
    );
  }
  const relative = (kappa: Float64Array): Promise<Float64Array> =>
    meanSquares(tensor(kappa))
      .data()
      .then((e) => Float64Array.from(e, (v, i) => v / d[i]));
  let rates = Float64Array.from(d, (v) => 0.5 / v); // λᵢ + t
  const kappaOf = (r: Float64Array): Float64Array => Float64Array.from(r, (v) => r[r.length - 1] - v);
  const history: number[] = [];
  let status: BinghamFit["status"] = "maxIter";
  for (let iteration = 0; ; iteration++) {
    signal?.throwIfAborted();
    const ratio = await relative(kappaOf(rates));
    const residual = ratio.reduce((most, v) => Math.max(most, Math.abs(v - 1)), 0);
    history.push(residual);
    onProgress?.({ iteration, residual });
    if (residual <= tol) {
      status = "converged";
      break;
    }
    const stalled = iteration > 20 && residual >= history[iteration - 10];
    if (stalled) status = "precision";
    if (stalled || iteration >= maxIter) break;
    rates = rates.map((v, i) => v * ratio[i]);
  }
  const kappa = kappaOf(rates);
  const concentrations = tensor(kappa);
  const constant = await logConstant(concentrations).item();
  return {
    axes: vectors,
    concentrations: concentrations.cast(x.dtype),
    meanSquares: values,
    logLikelihood: kappa.reduce((sum, k, i) => sum + k * d[i], 0) - constant,
    residual: history[history.length - 1],
    converged: status === "converged",
    status,
    iterations: history.length - 1,
    history,
  };
}
