/** Maximum likelihood: the mean direction is that of the sample mean, the concentration solves A_p(κ) = R̄, the length of the sample mean. */

import { DomainError, ShapeError, type Tensor } from "@curv/tensor";
import { inverseBesselRatioI } from "../inverse-ratio.js";
import { requireFloats, requireOptions } from "../operands.js";
import { banerjee, inverseRatioOfI } from "../scalar/inverse-ratio.js";
import { logScaledI } from "../scalar/log-bessel.js";
import { ratioOfI } from "../scalar/ratio.js";
import { slopeOfRatioI } from "../scalar/ratio-slope.js";
import { readRows } from "./rows.js";

/**
 * - `mle`: Newton's method on A_p(κ) = R̄ until it is exact to rounding.
 * - `mle-opt`: a bounded quasi-Newton minimisation of the negative log-likelihood, as in the paper. The likelihood is flat to rounding near its
 *   maximum, so this reaches half the digits.
 * - `sra`: two Newton steps; `banerjee`: their start, R̄(p − R̄²)/(1 − R̄²); `tanabe`: a fixed-point equation solved by one interpolation.
 */
export type FitMethod = "mle" | "mle-opt" | "sra" | "tanabe" | "banerjee";

/** Options of {@link fit}. */
export interface FitOptions {
  /** Default "mle". */
  readonly method?: FitMethod;
  /** Of the rows, [n], not negative. Default: equal. */
  readonly weights?: Tensor;
}

/** What {@link fit} returns. */
export interface VonMisesFisherFit {
  /** μ, [p]. */
  readonly mean: Tensor;
  /** κ. */
  readonly concentration: number;
  /** R̄: length of the (weighted) mean of the rows. */
  readonly meanLength: number;
  /** A_p(κ) − R̄, the derivative of the negative mean log-likelihood in κ. */
  readonly residual: number;
  /** Whether |residual| ≤ 1e-12: the approximations say whether they happen to be that good. */
  readonly converged: boolean;
  readonly status: "converged" | "approximation" | "precision";
  readonly iterations: number;
  /** Residuals, from the start on. */
  readonly history: readonly number[];
}

/** What {@link fitCore} returns. */
export interface VonMisesFisherFitCore {
  /** [p]. */
  readonly mean: Tensor;
  /** []. */
  readonly concentration: Tensor;
  /** R̄, []. */
  readonly meanLength: Tensor;
}

/**
 * The maximum-likelihood fit as a traceable function: jits, vmaps, and differentiates in data and weights to any order: of the rows only type and
 * rank are checked.
 *
 * @param x - [n, p], unit rows.
 * @param weights - [n], summing to 1. Default: equal.
 */
export function fitCore(x: Tensor, weights?: Tensor): VonMisesFisherFitCore {
  requireFloats("fitCore", { x, ...(weights !== undefined && { weights }) });
  if (x.rank !== 2) throw new ShapeError(`fitCore: x has shape [${x.shape.join(", ")}]; wants [n, p].`);
  const sum = weights === undefined ? x.mean(0) : weights.matmul(x);
  const length = sum.square().sum().sqrt();
  return {
    mean: sum.div(length),
    concentration: inverseBesselRatioI(x.shape[1] / 2 - 1, length),
    meanLength: length,
  };
}

/**
 * Fits a von Mises–Fisher distribution to unit vectors.
 *
 * @param x - [n, p], p ≥ 2.
 * @throws DomainError for a row that is not a unit vector (naming it), for NaN, for a mean of length 0 (no direction: the data are spread
 * evenly) or 1 (all rows the same: κ would be infinite).
 * @throws ShapeError, DTypeError.
 * Source: Plesner, Sørensen & Hauberg (2024), section 5; Banerjee et al. (2005), Tanabe et al. (2007), Sra (2012) for the approximations.
 */
export async function fit(x: Tensor, options: FitOptions = {}): Promise<VonMisesFisherFit> {
  requireOptions("fit", options);
  const { method = "mle", weights } = options;
  if (!Object.hasOwn(estimate, method)) {
    throw new DomainError(`fit: method is ${String(method)}; wants one of ${Object.keys(estimate).join(", ")}.`);
  }
  const rows = await readRows(x, weights, "fit");
  const { p } = rows;
  const core = fitCore(rows.x, rows.weights);
  const r = await core.meanLength.item();
  const eps = x.dtype === "float64" ? 1e-15 : 1e-7;
  if (r <= eps) {
    throw new DomainError(
      "fit: the mean of the rows is 0, so it has no direction: the data fit a uniform distribution.",
    );
  }
  if (r >= 1 - eps) {
    throw new DomainError("fit: all rows are the same to rounding; the concentration would be infinite.");
  }
  const v = p / 2 - 1;
  const residualAt = (k: number): number => ratioOfI(v, k) - r;
  const { concentration, path } = estimate[method](v, r);
  const residual = residualAt(concentration);
  const converged = Math.abs(residual) <= 1e-12;
  return {
    mean: core.mean,
    concentration,
    meanLength: r,
    residual,
    converged,
    status: converged ? "converged" : method.startsWith("mle") ? "precision" : "approximation",
    iterations: path.length - 1,
    history: path.map(residualAt),
  };
}

interface Estimate {
  readonly concentration: number;
  /** From the start on. */
  readonly path: readonly number[];
}

const estimate: Readonly<Record<FitMethod, (v: number, r: number) => Estimate>> = {
  banerjee: (v, r) => ended([banerjee(v, r)]),
  sra: (v, r) => {
    const path = [banerjee(v, r)];
    for (let k = 0; k < 2; k++) path.push(path[k] - (ratioOfI(v, path[k]) - r) / slopeOfRatioI(v, path[k]));
    return ended(path);
  },
  tanabe: (v, r) => ended([tanabe(v, r)]),
  mle: (v, r) => {
    const path = [banerjee(v, r)];
    inverseRatioOfI(v, r, (k) => path.push(k));
    return ended(path);
  },
  "mle-opt": minimize,
};

function ended(path: readonly number[]): Estimate {
  return { concentration: path[path.length - 1], path };
}

/** κ = Φ(κ) := κR̄/A(κ), with Φ linear between bounds of the solution. */
function tanabe(v: number, r: number): number {
  const scale = r / ((1 - r) * (1 + r));
  const [low, high] = [2 * v * scale, (2 * v + 2) * scale];
  const phi = (k: number): number => (k === 0 ? (2 * v + 2) * r : (k * r) / ratioOfI(v, k));
  const [a, b] = [phi(low), phi(high)];
  return (low * b - high * a) / (b - a - (high - low));
}

/** BFGS in one dimension, which is the secant method on the score, in bounds and with backtracking on the likelihood. */
function minimize(v: number, r: number): Estimate {
  // −(log c(κ) + κr) up to constants, with I scaled so that nothing of size κ is left but κ(1 − r).
  const value = (k: number): number => logScaledI(v, k) - v * Math.log(k) + k * (1 - r);
  const score = (k: number): number => ratioOfI(v, k) - r;
  const start = banerjee(v, r);
  const [low, high] = [1e-3 * start, 1e3 * start];
  const path = [start];
  let [k, f, g] = [start, value(start), score(start)];
  let curvature = (1 - r) * (1 + r) / (2 * v + 2); // of the right order
  for (let iterations = 0; iterations < 100 && g !== 0; iterations++) {
    let step = -g / curvature;
    let next = Math.min(high, Math.max(low, k + step));
    while (value(next) > f + 1e-4 * g * (next - k) && Math.abs(step) > 1e-15 * k) {
      step *= 0.5;
      next = Math.min(high, Math.max(low, k + step));
    }
    if (next === k || value(next) >= f) break; // flat to rounding
    const after = score(next);
    const secant = (after - g) / (next - k);
    if (secant > 0) curvature = secant;
    [k, f, g] = [next, value(next), after];
    path.push(k);
  }
  return ended(path);
} // prettier-ignore
