/** Sliced Wasserstein distances: transport along lines, averaged over directions or along the worst one. */

import {
  argMax,
  DomainError,
  ShapeError,
  stopGradient,
  vmap,
  whileLoop,
  grad,
  logicalAnd,
  take,
  type FloatDType,
  type Tensor,
} from "@curv/tensor";
import * as random from "@curv/tensor/random";
import {
  checkCount,
  checkEqualMass,
  checkFloats,
  checkNumber,
  checkSameDType,
  checkWeights,
  formatShape,
} from "./arguments.js";
import { quantileCost, type Wasserstein1dOptions } from "./wasserstein-1d.js";

export interface SliceDirectionsOptions {
  /** Directions come in orthogonal frames of d at a time, which lowers the variance. Default false: independent. */
  readonly orthogonal?: boolean;
  /** Default float32, or the default dtype that was set. */
  readonly dtype?: FloatDType;
}

/**
 * `count` random directions, unit vectors of ℝᵈ as rows, [count, d].
 *
 * @throws DomainError for counts below 1.
 * Source: orthogonal batches: Rowland et al., Orthogonal estimation of Wasserstein distances (2019).
 */
export function sliceDirections(
  key: random.Key,
  dimension: number,
  count: number,
  { orthogonal = false, dtype }: SliceDirectionsOptions = {},
): Tensor {
  checkCount(dimension, "sliceDirections", "dimension", 1);
  checkCount(count, "sliceDirections", "count", 1);
  const sample = dtype === undefined ? {} : { dtype };
  if (!orthogonal) return random.sphere(key, dimension, { shape: [count], ...sample });
  const frames = Math.ceil(count / dimension);
  const rotations = random.orthogonal(key, dimension, { shape: [frames], ...sample });
  return rotations.reshape([frames * dimension, dimension]).slice([0, count]);
}

export interface SlicedWassersteinOptions extends Wasserstein1dOptions {
  /** The cost along a direction is |⟨θ, x − y⟩|ᵖ. Default 2. */
  readonly p?: number;
}

export interface SlicedWasserstein {
  /** (mean W_p^p)^(1/p), scalar. Its derivative is infinite at equal measures: minimise `power`. */
  readonly value: Tensor;
  /** The mean of W_p^p over the directions, scalar. */
  readonly power: Tensor;
  /** Standard error of `power` for independent directions, scalar; 0 for a single one. */
  readonly standardError: Tensor;
}

/**
 * The sliced Wasserstein distance: the mean over directions θ of transport between the measures' projections ⟨θ, x⟩ and ⟨θ, y⟩, each in
 * O((n + m) log(n + m)). Traceable; differentiates in points and weights.
 *
 * Equals POT's `sliced_wasserstein_distance` with the same directions (its projections are columns).
 *
 * @param x - Points [n, d].
 * @param y - Points [m, d].
 * @param directions - Unit vectors [L, d]; `sliceDirections` draws them.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and p < 1.
 * Source: Bonneel et al., Sliced and Radon Wasserstein barycenters of measures (2015).
 *
 * @example
 * const { value } = slicedWasserstein(x, y, sliceDirections(key, 3, 50));
 */
export function slicedWasserstein(
  x: Tensor,
  y: Tensor,
  directions: Tensor,
  options: SlicedWassersteinOptions = {},
): SlicedWasserstein {
  const { p, along } = projected(x, y, directions, options, "slicedWasserstein");
  const costs = along(directions, x, y);
  const count = directions.shape[0];
  const power = costs.mean();
  const variance = costs
    .sub(power)
    .square()
    .sum()
    .div(Math.max(1, count - 1));
  return { value: power.pow(1 / p), power, standardError: variance.div(count).sqrt() };
}

export interface MaxSlicedOptions extends SlicedWassersteinOptions {
  /** Steps of the ascent. Default 100. */
  readonly maxIter?: number;
  /** Ascent ends when no direction turns by more than this, in radians. Default 1e-6, in float32 1e-3. */
  readonly tol?: number;
}

export interface MaxSlicedWasserstein {
  /** max W_p, scalar. */
  readonly value: Tensor;
  /** max W_p^p, scalar; its derivatives in points and weights take the direction as a constant (envelope theorem). */
  readonly power: Tensor;
  /** The direction where it is reached, [d]. */
  readonly direction: Tensor;
  readonly converged: Tensor;
  readonly iterations: Tensor;
  /** The last turn of the direction that turned most, in radians. */
  readonly residual: Tensor;
}

/**
 * The max-sliced Wasserstein distance: transport along the direction where it costs most, by projected gradient ascent on the sphere from
 * several starts at once. Finds a local maximum, not less than the best start.
 *
 * @param directions - Where to start, [L, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and p < 1.
 * Source: Deshpande et al., Max-sliced Wasserstein distance and its use for GANs (2019).
 */
export function maxSlicedWasserstein(
  x: Tensor,
  y: Tensor,
  directions: Tensor,
  options: MaxSlicedOptions = {},
): MaxSlicedWasserstein {
  const name = "maxSlicedWasserstein";
  const { p, along } = projected(x, y, directions, options, name);
  const { maxIter = 100, tol = x.dtype === "float32" ? 1e-3 : 1e-6 } = options;
  checkCount(maxIter, name, "maxIter");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  const [u, v] = [stopGradient(x), stopGradient(y)];
  const unit = (t: Tensor): Tensor => t.div(t.square().sum(1, { keepDims: true }).sqrt());
  const start = unit(stopGradient(directions));
  const slope = grad((theta: Tensor) => along(theta, u, v).sum());
  const end = whileLoop(
    (s: { theta: Tensor; costs: Tensor; turn: Tensor; step: Tensor }) =>
      logicalAnd(s.turn.max().greater(tol), s.step.less(maxIter)),
    ({ theta, costs, turn, step }) => {
      const g = slope(theta);
      const tangent = g.sub(theta.mul(g.mul(theta).sum(1, { keepDims: true })));
      const size = tangent.square().sum(1, { keepDims: true }).sqrt();
      const ahead = tangent.div(size.greater(0).where(size, 1));
      const next = unit(theta.mul(turn.cos().expandDims(1)).add(ahead.mul(turn.sin().expandDims(1))));
      const there = along(next, u, v);
      // A turn that pays is taken and made longer, one that does not is halved.
      const pays = there.greater(costs);
      return {
        theta: pays.expandDims(1).where(next, theta),
        costs: pays.where(there, costs),
        turn: pays.where(turn.mul(1.5).minimum(1), turn.div(2)),
        step: step.add(1),
      };
    },
    {
      theta: start,
      costs: along(start, u, v),
      turn: start.slice(null, 0).mul(0).add(0.5),
      step: start.slice(0, 0).mul(0).cast("int32"),
    },
  );
  const direction = take(end.theta, argMax(end.costs, 0), 0);
  const power = along(direction.expandDims(0), x, y).sum();
  const residual = end.turn.max();
  return {
    value: power.pow(1 / p),
    power,
    direction,
    converged: residual.lessEqual(tol),
    iterations: end.step,
    residual,
  };
}

interface Projected {
  readonly p: number;
  /** W_p^p along each direction [L, d], [L]. */
  along(directions: Tensor, x: Tensor, y: Tensor): Tensor;
}

function projected(
  x: Tensor,
  y: Tensor,
  directions: Tensor,
  options: SlicedWassersteinOptions,
  name: string,
): Projected {
  const { p = 2, a = null, b = null } = options;
  checkFloats(x, 2, name, "x");
  checkFloats(y, 2, name, "y");
  checkFloats(directions, 2, name, "directions");
  checkSameDType([x, y, directions, ...(a === null ? [] : [a]), ...(b === null ? [] : [b])], name);
  checkNumber(p, name, "p", { low: 1, closed: true });
  const [n, d] = x.shape;
  if (y.shape[1] !== d || directions.shape[1] !== d) {
    const shapes = `${formatShape(x.shape)}, y ${formatShape(y.shape)}, directions ${formatShape(directions.shape)}`;
    throw new ShapeError(`${name}: x has shape ${shapes}; wants one dimension.`);
  }
  if ((a === null) !== (b === null)) {
    throw new DomainError(`${name}: ${a === null ? "b" : "a"} alone is given; wants both weights or none.`);
  }
  if (a !== null && b !== null) {
    checkWeights(a, n, name, "a");
    checkWeights(b, y.shape[0], name, "b");
    checkEqualMass(a, b, name);
  }
  const along = (theta: Tensor, u: Tensor, v: Tensor): Tensor => {
    const [U, V] = [theta.matmul(u.T), theta.matmul(v.T)];
    return vmap((s: Tensor, t: Tensor) => quantileCost(s, t, a, b, p))(U, V);
  };
  return { p, along };
}
