/** Costs: a matrix, or two clouds of points whose costs are computed tile by tile when they are needed. */

import { checkpoint, concat, DomainError, isTensor, scan, ShapeError, sqrt, type Tensor } from "@curv/tensor";
import { checkCount, checkFloats, checkSameDType, formatShape } from "./arguments.js";

/** A differentiable function of two clouds [n, d] and [m, d]: the matrix [n, m] of costs. */
export type CostFunction = (x: Tensor, y: Tensor) => Tensor;

export interface PointCost {
  /** Points of the first measure, [n, d]. */
  readonly x: Tensor;
  /** Points of the second measure, [m, d]. */
  readonly y: Tensor;
  /** Default `"sqeuclidean"`: Σ (xₖ − yₖ)². */
  readonly cost?: "sqeuclidean" | "euclidean" | "cityblock" | CostFunction;
  /**
   * Points of a tile: costs exist for so many rows (or columns) at a time, and memory is linear in n and m. Default: all at once up to
   * 4 million costs, tiles of a million beyond.
   */
  readonly tile?: number;
}

/** The matrix [n, m] of costs, or the points that it is computed from. */
export type Cost = Tensor | PointCost;

/** The matrix of costs between the points of two clouds. */
export function costMatrix(cost: Cost): Tensor {
  if (isTensor(cost)) return cost;
  const { x, y } = cost;
  const kind = cost.cost ?? "sqeuclidean";
  if (typeof kind === "function") {
    const C = kind(x, y);
    if (C.rank === 2 && C.shape[0] === x.shape[0] && C.shape[1] === y.shape[0]) return C;
    throw new ShapeError(
      `cost: the function returned shape ${formatShape(C.shape)}; wants [${x.shape[0]}, ${y.shape[0]}].`,
    );
  }
  // Coordinate by coordinate: no array [n, m, d], and no cancellation as in |x|² + |y|² − 2 x·y.
  let sum: Tensor | null = null;
  for (let k = 0; k < x.shape[1]; k++) {
    const difference = x.slice(null, [k, k + 1]).sub(y.slice(null, k));
    const term = kind === "cityblock" ? difference.abs() : difference.square();
    sum = sum === null ? term : sum.add(term);
  }
  if (kind !== "euclidean") return sum!;
  // The derivative of the root at 0 is taken as 0, as for a point that meets itself.
  const positive = sum!.greater(0);
  return positive.where(sqrt(positive.where(sum!, 1)), 0);
}

/** Checks a cost and returns its size. */
export function checkCost(
  cost: Cost,
  caller: string,
): { readonly n: number; readonly m: number; readonly leaf: Tensor } {
  if (isTensor(cost)) {
    checkFloats(cost, 2, caller, "cost");
    return { n: cost.shape[0], m: cost.shape[1], leaf: cost };
  }
  if (typeof cost !== "object" || cost === null)
    throw new ShapeError(`${caller}: cost is ${String(cost)}; wants a Tensor or {x, y}.`);
  const { x, y, tile } = cost;
  const kind = cost.cost ?? "sqeuclidean";
  checkFloats(x, 2, caller, "x");
  checkFloats(y, 2, caller, "y");
  checkSameDType([x, y], caller);
  if (x.shape[1] !== y.shape[1]) {
    throw new ShapeError(
      `${caller}: x has shape ${formatShape(x.shape)}, y ${formatShape(y.shape)}; wants points of one dimension.`,
    );
  }
  if (typeof kind !== "function" && !["sqeuclidean", "euclidean", "cityblock"].includes(kind)) {
    throw new DomainError(
      `${caller}: cost is ${String(kind)}; wants "sqeuclidean", "euclidean", "cityblock" or a function.`,
    );
  }
  if (tile !== undefined) checkCount(tile, caller, "tile", 1);
  return { n: x.shape[0], m: y.shape[0], leaf: x };
}

/** What the solvers do with costs: reduce each row, or each column, to a number or a vector. */
export interface Reducer {
  /** `reduce` gets costs [t, m] and the elements of `values` [n] that belong to these rows; results are put together: [n, …]. */
  rows(reduce: (C: Tensor, values: Tensor) => Tensor, values: Tensor): Tensor;
  /** `reduce` gets costs [n, t] and the elements of `values` [m] that belong to these columns: [m, …]. */
  columns(reduce: (C: Tensor, values: Tensor) => Tensor, values: Tensor): Tensor;
}

/** Largest number of costs that are kept at once by default, and the size of a tile beyond. */
const denseLimit = 1 << 22;
const tileSize = 1 << 20;

/** Reductions over a matrix or over tiles of points: the same operations in the same order, so the same numbers. */
export function reducer(cost: Cost): Reducer {
  if (isTensor(cost)) return dense(cost);
  const { x, y, tile } = cost;
  const [n, m] = [x.shape[0], y.shape[0]];
  if (tile === undefined && n * m <= denseLimit) return dense(costMatrix(cost));
  const rows = Math.min(n, tile ?? Math.max(1, Math.floor(tileSize / m)));
  const columns = Math.min(m, tile ?? Math.max(1, Math.floor(tileSize / n)));
  return {
    rows: (reduce, values) => tiled((part, v) => reduce(costMatrix({ ...cost, x: part }), v), x, values, rows),
    columns: (reduce, values) => tiled((part, v) => reduce(costMatrix({ ...cost, y: part }), v), y, values, columns),
  };
}

function dense(C: Tensor): Reducer {
  return { rows: (reduce, values) => reduce(C, values), columns: (reduce, values) => reduce(C, values) };
}

/** Applies `f` to `size` points at a time. The last tile is filled up with copies of the last point. */
function tiled(f: (points: Tensor, values: Tensor) => Tensor, points: Tensor, values: Tensor, size: number): Tensor {
  const n = points.shape[0];
  const steps = Math.ceil(n / size);
  const fill = (t: Tensor): Tensor => {
    const missing = steps * size - n;
    const whole = missing === 0 ? t : concat([t, t.slice([n - 1, n]).broadcastTo([missing, ...t.shape.slice(1)])], 0);
    return whole.reshape([steps, size, ...t.shape.slice(1)]);
  };
  // Tiles are computed again for derivatives rather than kept.
  const step = checkpoint(f);
  const [, out] = scan(
    (carry: Tensor, [p, v]: [Tensor, Tensor]) => [carry, step(p, v)] as const,
    values.slice(0).mul(0),
    [fill(points), fill(values)] as [Tensor, Tensor],
  );
  const flat = out.reshape([steps * size, ...out.shape.slice(2)]);
  return steps * size === n ? flat : flat.slice([0, n]);
}
