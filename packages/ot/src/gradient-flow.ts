/** Wasserstein gradient flows of clouds of points. */

import { jit, valueAndGrad, type Tensor } from "@curv/tensor";
import { checkCount, checkFloats, checkNumber, checkSameDType, checkWeights, evenWeights } from "./arguments.js";
import { breathe, type Driver } from "./driver.js";

export interface GradientFlowProgress {
  readonly iterations: number;
  /** F before the step. */
  readonly value: number;
  /** Speed of the flow, √(Σ a |velocity|²): the Wasserstein length of a unit of time. */
  readonly residual: number;
}

export interface GradientFlowOptions extends Driver<GradientFlowProgress> {
  /** Step in time. Default 0.1. */
  readonly rate?: number;
  /** Default 100. */
  readonly maxIter?: number;
  /** Weights of the points, [n]. Default even. */
  readonly a?: Tensor;
  /** The flow ends when its speed is not more than this. Default 0: after `maxIter` steps. */
  readonly tol?: number;
  /** Keeps the points of every so many steps. Default 0: none. */
  readonly keep?: number;
}

export interface GradientFlowResult {
  /** Where the points are at the end, [n, d]. */
  readonly points: Tensor;
  /** The points that were kept, the start first. */
  readonly trajectory: readonly Tensor[];
  /** The speed fell to `tol`. */
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly GradientFlowProgress[];
}

/**
 * The gradient flow ẋ_i = −∇_i F(x) / a_i of a function of the measure Σ a δ_x, by Euler's method: the steepest descent of F in the
 * Wasserstein metric. With F the Sinkhorn divergence to a target it carries the points there.
 *
 * @param F - Traceable: points [n, d] to a scalar.
 * @param start - [n, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN and infinities.
 * Source: Feydy et al. (2019), §4; Peyré & Cuturi (2019), §9.3.
 *
 * @example
 * const F = (x: Tensor) => sinkhornDivergence(x, y, { epsilon: 0.05 }).value;
 * const { points } = await gradientFlow(F, x, { rate: 0.2, maxIter: 30 });
 */
export async function gradientFlow(
  F: (x: Tensor) => Tensor,
  start: Tensor,
  options: GradientFlowOptions = {},
): Promise<GradientFlowResult> {
  const name = "gradientFlow";
  checkFloats(start, 2, name, "start");
  const { rate = 0.1, maxIter = 100, a = evenWeights(start), tol = 0, keep = 0 } = options;
  checkNumber(rate, name, "rate", { low: 0 });
  checkCount(maxIter, name, "maxIter");
  checkWeights(a, start.shape[0], name, "a", true);
  checkSameDType([start, a], name);
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkCount(keep, name, "keep");
  const step = jit((x: Tensor) => {
    const { value, grad: gradient } = valueAndGrad(F)(x);
    const velocity = gradient.div(a.expandDims(1)).neg();
    const speed = velocity.square().mul(a.expandDims(1)).sum().sqrt();
    return { value, speed, next: x.add(velocity.mul(rate)) };
  });
  const history: GradientFlowProgress[] = [];
  const trajectory: Tensor[] = keep > 0 ? [start] : [];
  let x = start;
  let converged = false;
  let residual = Infinity;
  for (let k = 0; k < maxIter && !converged; k++) {
    const { value, speed, next } = step(x);
    residual = await speed.item();
    history.push({ iterations: k, value: await value.item(), residual });
    converged = residual <= tol;
    if (!converged) x = next;
    if (keep > 0 && !converged && (k + 1) % keep === 0) trajectory.push(x);
    await breathe(options, history[history.length - 1]);
  }
  const status = converged ? "converged" : "max-iterations";
  return { points: x, trajectory, converged, status, iterations: history.length, residual, history };
}
