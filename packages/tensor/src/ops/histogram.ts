/** Histograms. */

import { arange, ones, zeros } from "../create.js";
import { isFloat } from "../dtype.js";
import { DomainError, ShapeError } from "../errors.js";
import { check } from "../primitives/check.js";
import { formatShape } from "../shape.js";
import { isTensor, type Tensor } from "../tensor.js";
import { logicalAnd, stopGradient } from "./elementwise.js";
import { at } from "./index.js";
import { scatterAdd, searchSorted } from "./gather.js";
import { expandDims, reshape } from "./movement.js";
import { asFloat, castTo } from "./operands.js";
import { where } from "./select.js";

export interface HistogramOptions {
  /** Number of bins of equal width, or their ascending edges [bins + 1]. Default 10. */
  readonly bins?: number | Tensor;
  /** Ends of the bins of equal width; what lies outside is not counted. Default: the smallest and the largest element. */
  readonly range?: readonly [number, number];
  /** What each element counts, of x's shape. Default 1. */
  readonly weights?: Tensor;
  /** Values of a density, whose integral over the bins is 1, instead of counts. Default false. */
  readonly density?: boolean;
}

/**
 * How many elements lie in each bin [edge i, edge i + 1); the last bin has its right end too. NaN is in none. Differentiable in `weights`.
 *
 * @returns `counts` of shape [bins], in int32, the dtype of `weights`, or a float for a density; `edges` of shape [bins + 1].
 * @throws DomainError if there is no bin, or if edges do not ascend.
 */
export function histogram(
  x: Tensor,
  { bins = 10, range, weights, density = false }: HistogramOptions = {},
): { readonly counts: Tensor; readonly edges: Tensor } {
  const values = stopGradient(reshape(asFloat(x, "histogram"), [-1]));
  if (weights !== undefined && weights.shape.join() !== x.shape.join()) {
    throw new ShapeError(
      `histogram: weights have shape ${formatShape(weights.shape)}; wants that of x, ${formatShape(x.shape)}.`,
    );
  }
  const edges = isTensor(bins) ? checkedEdges(bins, values) : equalWidths(values, bins, range);
  const count = edges.shape[0] - 1;
  const last = at(edges, count);
  const bin = where(values.equal(last), count - 1, searchSorted(edges, values, "right").sub(1));
  const inside = logicalAnd(values.greaterEqual(at(edges, 0)), values.lessEqual(last));
  const each = weights === undefined ? ones(values.shape, { dtype: "int32" }) : reshape(weights, [-1]);
  const counts = scatterAdd(
    zeros([count], { dtype: each.dtype }),
    expandDims(where(inside, bin, 0), 1),
    where(inside, each, zeros([], { dtype: each.dtype })),
  );
  if (!density) return { counts, edges };
  const real = isFloat(counts.dtype) ? counts : castTo(counts, values.dtype);
  const widths = edges.slice([1, null]).sub(edges.slice([0, -1]));
  return { counts: real.div(widths).div(real.sum()), edges };
}

function checkedEdges(edges: Tensor, values: Tensor): Tensor {
  if (edges.rank !== 1 || edges.shape[0] < 2) {
    throw new ShapeError(
      `histogram: bins have shape ${formatShape(edges.shape)}; wants one axis of two edges or more.`,
    );
  }
  check([stopGradient(edges)], [1], (e) => {
    for (let i = 1; i < e.length; i++) {
      if (!(e[i] >= e[i - 1])) {
        return new DomainError(
          `histogram: bins are ${e[i - 1]}, ${e[i]} at [${i - 1}], [${i}]; wants edges that ascend.`,
        );
      }
    }
    return null;
  });
  return stopGradient(castTo(asFloat(edges, "histogram", "bins"), values.dtype));
}

function equalWidths(values: Tensor, bins: number, range: readonly [number, number] | undefined): Tensor {
  if (!Number.isInteger(bins) || bins < 1) {
    throw new DomainError(`histogram: bins is ${String(bins)}; wants an integer >= 1, or a tensor of edges.`);
  }
  const steps = arange(bins + 1, { dtype: values.dtype });
  const between = (low: Tensor | number, high: Tensor | number, width: Tensor | number): Tensor =>
    where(steps.equal(bins), high, steps.mul(width).div(bins).add(low));
  if (range !== undefined) {
    const [low, high] = range;
    if (!(Number.isFinite(low) && Number.isFinite(high) && low < high)) {
      throw new DomainError(`histogram: range is [${low}, ${high}]; wants two finite numbers that ascend.`);
    }
    return between(low, high, high - low);
  }
  if (values.size === 0) return between(0, 1, 1);
  const [smallest, largest] = [values.min(), values.max()];
  check([smallest, largest], [0, 0], ([a], [b]) =>
    Number.isFinite(a) && Number.isFinite(b)
      ? null
      : new DomainError(`histogram: x goes from ${a} to ${b}; wants finite elements, or a range.`),
  );
  // All in one place: half a unit to each side.
  const apart = where(smallest.equal(largest), 0.5, 0).cast(values.dtype);
  const [low, high] = [smallest.sub(apart), largest.add(apart)];
  return between(low, high, high.sub(low));
}
