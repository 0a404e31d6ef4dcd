/**
 * A stable merge sort of positions along rows: log₂ n passes, in each of which every thread finds one element of the merged runs by
 * bisection. No two threads write the same place and nothing depends on the card.
 */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const sortThreads = 256;

/** Whether p stands strictly before q; NaN counts as larger than every number. */
function printBefore(dtype: DType, descending: boolean): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const less = descending ? "q < p" : "p < q";
  const unordered = descending ? " || (p != p && q == q)" : " || (q != q && p == p)";
  return `__device__ __forceinline__ bool before(${t} p, ${t} q) { return ${less}${isFloat ? unordered : ""}; }\n`;
}

/** Arguments: order, n, row. Positions in their rows. */
export function printPositions(): string {
  return `${printIndexTypes(true)}${kernelHead(sortThreads)} curv_positions(int* __restrict__ order, ${parameters(["n", "row"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) order[i] = (int)(i % row);
}
`;
}

/** Arguments: x, order, the new order, n, row, width: runs of this many positions are merged in pairs. */
export function printMerge(dtype: DType, descending: boolean): string {
  const t = cTypes[dtype];
  return `${printIndexTypes(true)}${printBefore(dtype, descending)}
${kernelHead(sortThreads)} curv_merge(const ${t}* __restrict__ x, const int* __restrict__ order, int* __restrict__ merged, ${parameters(["n", "row", "width"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const index_t base = i / row * row;
    const index_t k = i - base;
    const index_t start = k / (2 * width) * (2 * width);
    const index_t middle = start + width < row ? start + width : row;
    const index_t end = start + 2 * width < row ? start + 2 * width : row;
    const ${t}* keys = x + base;
    const int* left = order + base + start;
    const int* right = order + base + middle;
    const index_t na = middle - start, nb = end - middle, offset = k - start;
    // The least a such that offset - a of the right run stand before left[a]: of equal keys the left one comes first.
    index_t low = offset > nb ? offset - nb : 0, high = offset < na ? offset : na;
    while (low < high) {
      const index_t mid = (low + high) / 2;
      if (before(keys[right[offset - 1 - mid]], keys[left[mid]])) high = mid;
      else low = mid + 1;
    }
    const index_t b = offset - low;
    const bool take = low < na && (b >= nb || !before(keys[right[b]], keys[left[low]]));
    merged[i] = take ? left[low] : right[b];
  }
}
`;
}

/**
 * The first `count` of each row in order, and where they stand: in x, or at `positions` if x is itself taken from elsewhere.
 *
 * Arguments: x, order, (positions,) values, indices, the number of results, row, count.
 */
export function printInOrder(dtype: DType, taken: boolean): string {
  const t = cTypes[dtype];
  const positions = taken ? "const int* __restrict__ positions, " : "";
  return `${printIndexTypes(true)}${kernelHead(sortThreads)} curv_in_order(const ${t}* __restrict__ x, const int* __restrict__ order, ${positions}${t}* __restrict__ values, int* __restrict__ indices, ${parameters(["n", "row", "count"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const index_t r = i / count * row;
    const int at = order[r + i % count];
    values[i] = x[r + at];
    indices[i] = ${taken ? "positions[r + at]" : "at"};
  }
}
`;
}
