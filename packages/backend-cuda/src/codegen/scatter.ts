/**
 * Combines rows that go to the same place, in the order in which they come: what they are read by is sorted, so that such rows are
 * neighbours, and the thread of the first of them takes them all. Nothing is atomic, and the sum is the sequential one.
 *
 * More than 1024 rows to a place are cut where the sorted rows are, at multiples of 1024: each piece is a sum of its own, and a second
 * kernel adds them in their order. Where the cuts are follows from the indices alone.
 */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const scatterThreads = 256;
/** Rows to one place that one thread takes. */
export const scatterPiece = 1024;

export type ScatterReduction = "add" | "max";

function combine(dtype: DType, reduction: ScatterReduction): string {
  const isFloat = dtype === "float32" || dtype === "float64";
  if (reduction === "max") return `v > s${isFloat ? " || v != v" : ""} ? v : s`;
  return isFloat ? "s + v" : `(${cTypes[dtype]})((unsigned int)s + (unsigned int)v)`;
}

/** Whether more rows than a piece go to one place, the first of them being row number `first`. */
const isLong = `__device__ __forceinline__ bool is_long(const int* starts, index_t first, index_t rows) {
  return first + ${scatterPiece} < rows && starts[first + ${scatterPiece}] == starts[first];
}
`;

/**
 * Arguments: updates, starts in order, order, y (filled before), pieces [multiples of 1024, elements of a row], the number of rows times
 * elements of a row, elements of a row, rows.
 */
export function printScatter(dtype: DType, reduction: ScatterReduction): string {
  const t = cTypes[dtype];
  return `${printIndexTypes(true)}${isLong}${kernelHead(scatterThreads)} curv_scatter(const ${t}* __restrict__ updates, const int* __restrict__ starts, const int* __restrict__ order, ${t}* __restrict__ y, ${t}* __restrict__ pieces, ${parameters(["n", "row", "rows"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const index_t p = i / row, c = i - p * row;
    const int to = starts[p];
    const bool head = p == 0 || starts[p - 1] != to;
    if (to < 0 || !(head || p % ${scatterPiece} == 0)) continue;
    const bool all = head && !is_long(starts, p, rows);
    const index_t cut = p / ${scatterPiece} * ${scatterPiece} + ${scatterPiece}, end = all || cut > rows ? rows : cut;
    ${t} s = head ? y[to + c] : updates[order[p] * row + c];
    for (index_t q = head ? p : p + 1; q < end && starts[q] == to; q++) {
      const ${t} v = updates[order[q] * row + c];
      s = ${combine(dtype, reduction)};
    }
    (head ? y[to + c] : pieces[p / ${scatterPiece} * row + c]) = s;
  }
}
`;
}

/**
 * Adds the pieces of each place to the first of them, which is in y already.
 *
 * Arguments: starts in order, pieces, y, the number of pieces times elements of a row, elements of a row, rows.
 */
export function printScatterPieces(dtype: DType, reduction: ScatterReduction): string {
  const t = cTypes[dtype];
  return `${printIndexTypes(true)}${isLong}${kernelHead(scatterThreads)} curv_scatter_pieces(const int* __restrict__ starts, const ${t}* __restrict__ pieces, ${t}* __restrict__ y, ${parameters(["n", "row", "rows"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const index_t piece = i / row, c = i - piece * row, p = piece * ${scatterPiece};
    const int to = starts[p];
    if (to < 0 || p == 0 || starts[p - 1] != to) continue;
    // The thread of the first piece after the head adds them all: before it there is no piece of that place but the head's.
    const index_t back = p - ${scatterPiece};
    const bool headAtCut = starts[back] == to && (back == 0 || starts[back - 1] != to);
    if (starts[back] == to && !headAtCut) continue;
    index_t low = back, high = p;
    while (!headAtCut && high - low > 1) {
      const index_t middle = (low + high) / 2;
      if (starts[middle] == to) high = middle;
      else low = middle;
    }
    if (!is_long(starts, headAtCut ? back : high, rows)) continue;
    ${t} s = y[to + c];
    for (index_t q = p; q < rows && starts[q] == to; q += ${scatterPiece}) {
      const ${t} v = pieces[q / ${scatterPiece} * row + c];
      s = ${combine(dtype, reduction)};
    }
    y[to + c] = s;
  }
}
`;
}
