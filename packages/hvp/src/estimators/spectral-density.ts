/** A spectrum as a smooth curve. */

import { DomainError } from "@curv/tensor";
import { meanAndStandardError } from "./products.js";
import { checkMeasure, type SpectralMeasure } from "./spectral-measure.js";
import { expectOptions, expectArguments } from "@curv/linsolve";

export interface SpectralDensityOptions {
  /** Axis of eigenvalues λ, or of log₁₀(|λ| + `floor`). Default "linear". */
  readonly scale?: "linear" | "log";
  /** Of the log scale. Default 1e-5. */
  readonly floor?: number;
  /**
   * Width of the Gaussians, a number on the axis or a convention: "range" (default), the range of the nodes over the number of steps;
   * "pyhessian", σ² = 1e-5·max(1, range); "papyan", σ = 1.1·range/((steps − 1)·√(8 ln κ)): the spectrum with a margin of 5 % on both sides
   * is [−1, 1], where it is 2/((steps − 1)·√(8 ln κ)), with κ = 3, and 1.04 on the log scale.
   */
  readonly width?: number | "range" | "pyhessian" | "papyan";
  /** Places at which the density is computed. Default 1024. */
  readonly points?: number;
}

export interface SpectralDensity {
  /** Ascending places. */
  readonly x: readonly number[];
  /** Density at them; integrates to 1. */
  readonly density: readonly number[];
  /** Its standard error over the runs; NaN for a single one. */
  readonly standardError: readonly number[];
  /** The σ that was used. */
  readonly width: number;
}

/**
 * φ(x) = mean over runs of Σᵢ wᵢ N(x; θᵢ, σ²).
 *
 * @throws DomainError for options out of range.
 * Source: Ghorbani, Krishnan & Xiao, An investigation into neural net optimization via Hessian eigenvalue density (2019); conventions for the
 * width as in PyHessian and in Papyan (2019).
 */
export function spectralDensity(measure: SpectralMeasure, options: SpectralDensityOptions = {}): SpectralDensity {
  checkMeasure(measure, "spectralDensity");
  expectOptions("spectralDensity", options, { scale: "text", floor: "number", points: "number" });
  const { scale = "linear", floor = 1e-5, width = "range", points = 1024 } = options;
  if (typeof width !== "number") expectArguments("spectralDensity", { "options.width": [width, "text"] });
  const { runs } = measure;
  if (!Number.isInteger(points) || points < 2) {
    throw new DomainError(`spectralDensity: points is ${points}; wants an integer >= 2.`);
  }
  if (scale !== "linear" && scale !== "log") {
    throw new DomainError(`spectralDensity: scale is ${JSON.stringify(scale)}; wants "linear" or "log".`);
  }
  if (!(floor > 0)) throw new DomainError(`spectralDensity: floor is ${floor}; wants a positive number.`);
  const place = scale === "log" ? (x: number): number => Math.log10(Math.abs(x) + floor) : (x: number): number => x;
  const seen = runs.map(({ nodes, weights }) => ({ places: nodes.map(place), weights }));
  const all = seen.flatMap(({ places }) => places);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const steps = Math.max(...seen.map(({ places }) => places.length));
  const sigma = typeof width === "number" ? width : (conventions[width]?.(high - low, steps, scale) ?? NaN);
  if (!(sigma > 0)) {
    throw new DomainError(
      `spectralDensity: width is ${JSON.stringify(width)}; wants a positive number, "range", "pyhessian" or "papyan".`,
    );
  }
  const [from, to] = [low - 5 * sigma, high + 5 * sigma];
  const x = Array.from({ length: points }, (_, i) => from + ((to - from) * i) / (points - 1));
  const norm = 1 / (sigma * Math.sqrt(2 * Math.PI));
  const curve = x.map((at) =>
    meanAndStandardError(
      seen.map(({ places, weights }) =>
        places.reduce((sum, center, i) => sum + weights[i] * norm * Math.exp(-(((at - center) / sigma) ** 2) / 2), 0),
      ),
    ),
  );
  return {
    x,
    density: curve.map(({ mean }) => mean),
    standardError: curve.map(({ standardError }) => standardError),
    width: sigma,
  };
}

/** σ from the range of the nodes and the number of steps; a spectrum of one point has a range of 1e-3. */
type Convention = (range: number, steps: number, scale: "linear" | "log") => number;

const conventions: Readonly<Record<string, Convention | undefined>> = {
  range: (range, steps) => (range > 0 ? range : 1e-3) / steps,
  pyhessian: (range) => Math.sqrt(1e-5 * Math.max(1, range)),
  papyan: (range, steps, scale) => {
    const kappa = scale === "log" ? 1.04 : 3;
    return (1.1 * (range > 0 ? range : 1e-3)) / (Math.max(2, steps) - 1) / Math.sqrt(8 * Math.log(kappa));
  },
};
