/** Barycentres of clouds of points whose own points move. */

import { DomainError, ShapeError, stack, type Tensor } from "@curv/tensor";
import {
  checkCount,
  checkEqualMass,
  checkFloats,
  checkNumber,
  checkSameDType,
  checkWeights,
  evenWeights,
} from "./arguments.js";
import { breathe, type Driver } from "./driver.js";
import { emd } from "./emd.js";
import { sinkhorn } from "./sinkhorn.js";

export interface PointMeasure {
  /** [n, d]. */
  readonly points: Tensor;
  /** [n]; default even, of sum 1. */
  readonly weights?: Tensor;
}

export interface FreeSupportProgress {
  readonly iterations: number;
  /** Σ w ⟨C, P⟩ before the step; with exact plans it never grows. */
  readonly cost: number;
  /** Σ |displacement|² of the step. */
  readonly residual: number;
}

export interface FreeSupportOptions extends Driver<FreeSupportProgress> {
  /** Weights of the measures. Default even. */
  readonly shares?: readonly number[];
  /** Weights of the barycentre's points, [k], of the measures' sum. Default even. */
  readonly b?: Tensor;
  /** Entropic plans of this ε; default exact ones. */
  readonly epsilon?: number;
  /** Allowed Σ |displacement|² of a step. Default 1e-7, in float32 1e-5. */
  readonly tol?: number;
  /** Default 100. */
  readonly maxIter?: number;
}

export interface FreeSupportResult {
  /** [k, d]. */
  readonly points: Tensor;
  /** Σ w ⟨C, P⟩ before the last step. */
  readonly cost: number;
  readonly converged: boolean;
  readonly status: "converged" | "max-iterations";
  readonly iterations: number;
  readonly residual: number;
  readonly history: readonly FreeSupportProgress[];
}

/**
 * k points that minimise Σ w OT(b on points, measure), for squared distances: each moves to the mean of what the plans send it, until it
 * rests. A local optimum, that depends on the start.
 *
 * Equals POT's `free_support_barycenter`, with `epsilon` its `free_support_sinkhorn_barycenter`.
 *
 * @param start - Points to start from, [k, d].
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, different masses.
 * Source: Cuturi & Doucet, Fast computation of Wasserstein barycenters (2014), alg. 2.
 *
 * @example
 * const { points } = await freeSupportBarycenter([{ points: x }, { points: y }], start);
 */
export async function freeSupportBarycenter(
  measures: readonly PointMeasure[],
  start: Tensor,
  options: FreeSupportOptions = {},
): Promise<FreeSupportResult> {
  const name = "freeSupportBarycenter";
  checkFloats(start, 2, name, "start");
  if (measures.length === 0) throw new ShapeError(`${name}: measures is empty; wants at least one.`);
  const { epsilon, maxIter = 100, tol = start.dtype === "float32" ? 1e-5 : 1e-7 } = options;
  const { shares = measures.map(() => 1 / measures.length), b = evenWeights(start) } = options;
  checkCount(maxIter, name, "maxIter");
  checkNumber(tol, name, "tol", { low: 0, closed: true });
  checkWeights(b, start.shape[0], name, "b", true);
  if (shares.length !== measures.length || !shares.every((s) => s >= 0)) {
    throw new DomainError(`${name}: shares is [${shares.join(", ")}]; wants ${measures.length} numbers >= 0.`);
  }
  const targets = measures.map(({ points, weights = evenWeights(points) }) => {
    checkFloats(points, 2, name, "points");
    checkWeights(weights, points.shape[0], name, "weights");
    checkSameDType([start, b, points, weights], name);
    checkEqualMass(b, weights, name);
    return { points, weights };
  });
  const sum = shares.reduce((s, x) => s + x, 0);
  const history: FreeSupportProgress[] = [];
  let x = start;
  let [iterations, residual, cost] = [0, Infinity, NaN];
  while (residual > tol && iterations < maxIter) {
    const images: Tensor[] = [];
    cost = 0;
    for (const [k, { points, weights }] of targets.entries()) {
      const pair = { x, y: points };
      const transport =
        epsilon === undefined ? await emd(b, weights, pair) : await sinkhorn(b, weights, pair, { epsilon });
      cost += (shares[k] / sum) * (typeof transport.cost === "function" ? transport.cost() : transport.cost);
      images.push(
        transport
          .plan()
          .matmul(points)
          .div(b.expandDims(1))
          .mul(shares[k] / sum),
      );
    }
    const next = stack(images).sum(0);
    residual = await next.sub(x).square().sum().item();
    x = next;
    history.push({ iterations: ++iterations, cost, residual });
    await breathe(options, history[history.length - 1]);
  }
  const converged = residual <= tol;
  return {
    points: x,
    cost,
    converged,
    status: converged ? "converged" : "max-iterations",
    iterations,
    residual,
    history,
  };
}
