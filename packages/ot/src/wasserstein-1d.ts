/** Transport on a line, in closed form. */

import { argSort, concat, cumsum, searchSorted, ShapeError, sort, take, type Tensor } from "@curv/tensor";
import { checkEqualMass, checkFloats, checkNumber, checkSameDType, checkWeights } from "./arguments.js";

export interface Wasserstein1dOptions {
  /** The cost is |x − y|ᵖ. Default 1. */
  readonly p?: number;
  /** Weights of x and y, [n] and [m], of the same sum. Default even, of sum 1. */
  readonly a?: Tensor;
  readonly b?: Tensor;
}

/**
 * W_p^p(α, β) = ∫₀¹ |F⁻¹(q) − G⁻¹(q)|ᵖ dq of two measures on the line, in O((n + m) log(n + m)). Take the p-th root for the distance.
 *
 * Traceable; differentiates in points and weights (at ties: a subgradient). Equals POT's `ot.wasserstein_1d`, SciPy's `wasserstein_distance`
 * for p = 1. Weights a and b of a mass other than 1 give the cost of moving that mass.
 *
 * @param x - Points of the first measure, [n], in any order.
 * @param y - Points of the second measure, [m].
 * @returns A scalar.
 * @throws ShapeError, DTypeError, DomainError for arguments that do not fit, NaN, infinities, and p < 1.
 * Source: Peyré & Cuturi (2019), remark 2.30.
 *
 * @example
 * const distance = wasserstein1d(x, y, { p: 2 }).sqrt();
 */
export function wasserstein1d(x: Tensor, y: Tensor, options: Wasserstein1dOptions = {}): Tensor {
  const name = "wasserstein1d";
  const { p = 1, a, b } = options;
  checkFloats(x, 1, name, "x");
  checkFloats(y, 1, name, "y");
  checkSameDType([x, y, ...(a === undefined ? [] : [a]), ...(b === undefined ? [] : [b])], name);
  checkNumber(p, name, "p", { low: 1, closed: true });
  if ((a === undefined) !== (b === undefined)) {
    throw new ShapeError(`${name}: ${a === undefined ? "b" : "a"} alone is given; wants both weights or none.`);
  }
  if (a !== undefined && b !== undefined) {
    checkWeights(a, x.shape[0], name, "a");
    checkWeights(b, y.shape[0], name, "b");
    checkEqualMass(a, b, name);
  }
  return quantileCost(x, y, a ?? null, b ?? null, p);
}

/** |t|ᵖ whose derivatives at 0 are those of the limit. */
function power(t: Tensor, p: number): Tensor {
  if (p === 1) return t.abs();
  if (p % 2 === 0) return t.pow(p);
  const positive = t.notEqual(0);
  return positive.where(positive.where(t.abs(), 1).pow(p), 0);
}

/** The integral, of checked arguments. */
export function quantileCost(x: Tensor, y: Tensor, a: Tensor | null, b: Tensor | null, p: number): Tensor {
  const [n, m] = [x.shape[0], y.shape[0]];
  // Equally many points of equal weight: each goes to the one of its rank.
  if (a === null && b === null && n === m) return power(sort(x).sub(sort(y)), p).mean();
  const u = quantiles(x, a);
  const v = quantiles(y, b);
  // Between two neighbouring levels both quantile functions are constant.
  const levels = sort(concat([u.level, v.level], 0));
  const width = levels.sub(concat([levels.slice([0, 1]).mul(0), levels.slice([0, -1])], 0));
  const at = ({ point, level }: Quantiles): Tensor =>
    take(point, searchSorted(level, levels).minimum(point.shape[0] - 1), 0);
  return width.mul(power(at(u).sub(at(v)), p)).sum();
}

interface Quantiles {
  /** Points in order. */
  readonly point: Tensor;
  /** Mass up to each of them. */
  readonly level: Tensor;
}

function quantiles(x: Tensor, weights: Tensor | null): Quantiles {
  const order = argSort(x);
  const n = x.shape[0];
  const w = weights === null ? x.mul(0).add(1 / n) : take(weights, order, 0);
  return { point: take(x, order, 0), level: cumsum(w, 0) };
}
