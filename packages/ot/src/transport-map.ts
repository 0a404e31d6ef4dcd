/** Maps that carry points along a plan, and domain adaptation by them. */

import { argMin, DomainError, isTensor, softmax, take, type Tensor } from "@curv/tensor";
import { checkFloats, checkNumber, checkSameDType, checkWeights, evenWeights } from "./arguments.js";
import { checkCost, costMatrix, type PointCost } from "./cost.js";
import { emd } from "./emd.js";
import { sinkhorn, type SinkhornOptions } from "./sinkhorn.js";

/**
 * Where a plan sends each point on average: (P y)_i / (P 1)_i, [n, d]. For squared distances the best guess of a map at the plan's points.
 *
 * @param plan - [n, m]; rows without mass give 0.
 * @param y - Points [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Ferradans et al., Regularized discrete optimal transport (2014).
 */
export function barycentricProjection(plan: Tensor, y: Tensor): Tensor {
  checkFloats(plan, 2, "barycentricProjection", "plan");
  checkFloats(y, 2, "barycentricProjection", "y");
  checkSameDType([plan, y], "barycentricProjection");
  const mass = plan.sum(1, { keepDims: true });
  return plan.matmul(y).div(mass.greater(0).where(mass, 1));
}

export interface EntropicMapOptions {
  /** ε of the problem that g solves. */
  readonly epsilon: number | Tensor;
  /** Weights of y, [m]. Default even. */
  readonly b?: Tensor;
  /** Cost of the problem. Default `"sqeuclidean"`. */
  readonly cost?: PointCost["cost"];
}

/**
 * The entropic map of any point x, from the potential g of a solved problem: T(x) = Σ_j y_j w_j(x), w(x) = softmax((g − c(x, y))/ε + log b).
 * At the problem's own points it is the barycentric projection of the entropic plan.
 *
 * @param x - Points [k, d]; need not be those of the problem.
 * @param y - Points of the second measure, [m, d].
 * @param g - Its potential, [m], of `sinkhorn` or `sinkhornCore`.
 * @returns [k, d]. Traceable.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Pooladian & Niles-Weed, Entropic estimation of optimal transport maps (2021), eq. 5.
 */
export function entropicMap(x: Tensor, y: Tensor, g: Tensor, options: EntropicMapOptions): Tensor {
  const { epsilon, b = evenWeights(y), cost } = options;
  const points: PointCost = { x, y, ...(cost === undefined ? {} : { cost }) };
  const { m } = checkCost(points, "entropicMap");
  checkWeights(b, m, "entropicMap", "b");
  checkFloats(g, 1, "entropicMap", "g");
  checkSameDType([x, b, g], "entropicMap");
  if (!isTensor(epsilon)) checkNumber(epsilon, "entropicMap", "epsilon", { low: 0 });
  return softmax(g.sub(costMatrix(points)).div(epsilon).add(b.log()), 1).matmul(y);
}

export interface DomainAdaptationOptions extends Pick<SinkhornOptions, "signal" | "tol" | "maxIter"> {
  /** Weights of source and target, [n] and [m]. Default even. */
  readonly a?: Tensor;
  readonly b?: Tensor;
  /** Default `"sqeuclidean"`. */
  readonly cost?: PointCost["cost"];
  /** Entropic plans of this ε, and the entropic map between the points. Default: exact plans. */
  readonly epsilon?: number;
}

export interface DomainAdaptation {
  /** Source points moved to the target, [n, d]: the barycentric projection. */
  readonly moved: Tensor;
  /** The plan [n, m]. */
  plan(): Tensor;
  /**
   * Moves any points [k, d]. Exact plans: by as much as the nearest source point moves; entropic ones: by the entropic map.
   */
  transform(points: Tensor): Tensor;
  /** Whether the plan is as good as it was to be. */
  readonly converged: boolean;
}

/**
 * Domain adaptation: carries labelled source data to where the target data are, so that a model that is trained on the moved data fits the
 * target.
 *
 * POT's `EMDTransport` and `SinkhornTransport`. For a linear map between Gaussians see {@link gaussianMap}.
 *
 * @param source - [n, d].
 * @param target - [m, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Courty et al., Optimal transport for domain adaptation (2017); new points: Ferradans et al. (2014), §3.
 *
 * @example
 * const { moved, transform } = await domainAdaptation(source, target, { epsilon: 0.1 });
 */
export async function domainAdaptation(
  source: Tensor,
  target: Tensor,
  options: DomainAdaptationOptions = {},
): Promise<DomainAdaptation> {
  const { a = evenWeights(source), b = evenWeights(target), cost, epsilon, signal, tol, maxIter } = options;
  checkWeights(a, source.shape[0], "domainAdaptation", "a", true);
  const points: PointCost = { x: source, y: target, ...(cost === undefined ? {} : { cost }) };
  const driver = { ...(signal === undefined ? {} : { signal }), ...(maxIter === undefined ? {} : { maxIter }) };
  if (epsilon === undefined) {
    if (tol !== undefined) throw new DomainError("domainAdaptation: tol is for epsilon; exact plans have none.");
    const { plan, converged } = await emd(a, b, points, driver);
    const moved = barycentricProjection(plan(), target);
    const displacement = moved.sub(source);
    const transform = (x: Tensor): Tensor => x.add(take(displacement, argMin(costMatrix({ x, y: source }), 1), 0));
    return { moved, plan, transform, converged };
  }
  const settings = { ...driver, epsilon, ...(tol === undefined ? {} : { tol }) };
  const { plan, g, converged } = await sinkhorn(a, b, points, settings);
  const map = { epsilon, b, ...(cost === undefined ? {} : { cost }) };
  return {
    moved: barycentricProjection(plan(), target),
    plan,
    transform: (x) => entropicMap(x, target, g, map),
    converged,
  };
}
