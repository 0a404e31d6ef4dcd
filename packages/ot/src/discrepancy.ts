/** Discrepancies between measures that need no plan: maximum mean discrepancy and energy distance. */

import { DomainError, ShapeError, vmap, type Tensor } from "@curv/tensor";
import { checkNumber, checkSameDType, checkWeights, evenWeights } from "./arguments.js";
import { checkCost, costMatrix, reducer, type CostFunction, type PointCost } from "./cost.js";

export interface DiscrepancyOptions {
  /** Weights of x and y, [n] and [m]. Default even, of sum 1. */
  readonly a?: Tensor;
  readonly b?: Tensor;
  /** Pairs of a point with itself do not count (U-statistic): unbiased, and may be negative. For even weights only. Default false. */
  readonly unbiased?: boolean;
  /** Points of a tile: kernels exist for so many rows at a time. Default as for costs. */
  readonly tile?: number;
}

export interface MmdOptions extends DiscrepancyOptions {
  /** `"gaussian"` exp(−|x − y|²/(2σ²)) (default), `"laplacian"` exp(−|x − y|/σ), or a function of two clouds that gives their matrix. */
  readonly kernel?: "gaussian" | "laplacian" | CostFunction;
  /** σ > 0. Default 1. */
  readonly bandwidth?: number;
}

/**
 * The squared maximum mean discrepancy, Σ a a k(x, x) + Σ b b k(y, y) − 2 Σ a b k(x, y), scalar.
 *
 * Traceable; differentiates to every order. O((n + m)² d) time, memory linear in n and m for large problems.
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Gretton et al., A kernel two-sample test (2012), eq. 2 and (unbiased) 3.
 *
 * @example
 * const loss = mmd(x, y, { bandwidth: 0.5 });
 */
export function mmd(x: Tensor, y: Tensor, options: MmdOptions = {}): Tensor {
  const { kernel = "gaussian", bandwidth = 1 } = options;
  checkNumber(bandwidth, "mmd", "bandwidth", { low: 0 });
  if (typeof kernel !== "function" && kernel !== "gaussian" && kernel !== "laplacian") {
    throw new DomainError(`mmd: kernel is ${String(kernel)}; wants "gaussian", "laplacian" or a function.`);
  }
  const named = (u: Tensor, v: Tensor): Tensor =>
    kernel === "gaussian"
      ? costMatrix({ x: u, y: v })
          .div(-2 * bandwidth ** 2)
          .exp()
      : costMatrix({ x: u, y: v, cost: "euclidean" }).div(-bandwidth).exp();
  return discrepancy(x, y, typeof kernel === "function" ? kernel : named, options, "mmd");
}

/**
 * The squared energy distance 2 E|X − Y| − E|X − X′| − E|Y − Y′|, scalar: the squared MMD with the kernel −|x − y|.
 *
 * Equals SciPy's `energy_distance` squared, in one dimension.
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Székely & Rizzo, Energy statistics (2013).
 */
export function energyDistance(x: Tensor, y: Tensor, options: DiscrepancyOptions = {}): Tensor {
  const kernel = (u: Tensor, v: Tensor): Tensor => costMatrix({ x: u, y: v, cost: "euclidean" }).neg();
  return discrepancy(x, y, kernel, options, "energyDistance");
}

function discrepancy(x: Tensor, y: Tensor, kernel: CostFunction, options: DiscrepancyOptions, name: string): Tensor {
  const { unbiased = false, tile } = options;
  const { n, m } = checkCost({ x, y }, name);
  const { a = evenWeights(x), b = evenWeights(y) } = options;
  checkWeights(a, n, name, "a");
  checkWeights(b, m, name, "b");
  checkSameDType([x, a, b], name);
  if (unbiased && (options.a !== undefined || options.b !== undefined || n < 2 || m < 2)) {
    throw new ShapeError(`${name}: unbiased with ${n} and ${m} points; wants no weights and at least 2 points each.`);
  }
  const mean = (u: Tensor, v: Tensor, p: Tensor, q: Tensor): Tensor => {
    const points: PointCost = { x: u, y: v, cost: kernel, ...(tile === undefined ? {} : { tile }) };
    return reducer(points)
      .rows((K, w) => K.mul(q).sum(1).mul(w), p)
      .sum();
  };
  const within = (u: Tensor, p: Tensor, count: number): Tensor => {
    const all = mean(u, u, p, p);
    if (!unbiased) return all;
    const own = vmap((point: Tensor) => kernel(point, point).sum())(u.reshape([count, 1, u.shape[1]]));
    const diagonal = own.sum();
    return all.sub(diagonal.div(count ** 2)).mul(count / (count - 1));
  };
  return within(x, a, n)
    .add(within(y, b, m))
    .sub(mean(x, y, a, b).mul(2));
}
