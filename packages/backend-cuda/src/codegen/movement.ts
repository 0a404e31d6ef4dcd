/** Kernels that read or write at positions that they compute: counting, rows by index, windows at starts that are on the card. */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const movementThreads = 256;

/** Arguments: output, n. 0, 1, …, n − 1. */
export function printIota(dtype: DType): string {
  return `${printIndexTypes(true)}${kernelHead(movementThreads)} curv_iota(${cTypes[dtype]}* __restrict__ y, const index_t n) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) y[i] = (${cTypes[dtype]})i;
}
`;
}

/**
 * The start of each indexed row, −1 for an index outside: what gather and scatter share.
 *
 * Arguments: indices [groups, perGroup, depth], rows, the number of rows, rows of a group, elements of a group, of a row, then the `depth`
 * lengths of the indexed axes.
 */
export function printRowStarts(depth: number): string {
  const lengths = Array.from({ length: depth }, (_, d) => `l${d}`);
  return `${printIndexTypes(true)}${kernelHead(movementThreads)} curv_row_starts(const int* __restrict__ indices, int* __restrict__ starts, ${parameters(["n", "per_group", "group", "row", ...lengths]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    index_t at = 0;
    bool inside = true;
    ${lengths.map((l, d) => `{ const index_t v = indices[i * ${depth} + ${d}]; inside = inside && v >= 0 && v < ${l}; at = at * ${l} + v; }`).join("\n    ")}
    starts[i] = inside ? (int)(i / per_group * group + at * row) : -1;
  }
}
`;
}

/** Arguments: x, starts, y, the number of elements of y, of a row, the fill. */
export function printGather(dtype: DType): string {
  const t = cTypes[dtype];
  return `${printIndexTypes(true)}${kernelHead(movementThreads)} curv_gather(const ${t}* __restrict__ x, const int* __restrict__ starts, ${t}* __restrict__ y, ${parameters(["n", "row"]).join(", ")}, const ${t} fill) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const index_t r = i / row;
    const int from = starts[r];
    y[i] = from < 0 ? fill : x[from + (i - r * row)];
  }
}
`;
}

/**
 * A window of x at starts that are clamped so that it fits (`update` false), or x with the window written into it.
 *
 * Arguments: x, starts, (the window,) y, n (elements of the window), then for each axis the length of x, of the window, and the stride of x.
 */
export function printDynamicSlice(dtype: DType, rank: number, update: boolean): string {
  const t = cTypes[dtype];
  const axes = Array.from({ length: rank }, (_, i) => i);
  const clamp = axes.map(
    (i) =>
      `index_t s${i} = starts[${i}]; s${i} = s${i} > l${i} - w${i} ? l${i} - w${i} : s${i}; s${i} = s${i} < 0 ? 0 : s${i};`,
  );
  const position = [...axes]
    .reverse()
    .map((i) => `at += (rest % w${i} + s${i}) * t${i}; rest /= w${i};`)
    .join("\n    ");
  return `${printIndexTypes(true)}${kernelHead(movementThreads)} curv_window(const ${t}* __restrict__ x, const int* __restrict__ starts, ${t}* __restrict__ y, ${parameters(["n", ...axes.flatMap((i) => [`l${i}`, `w${i}`, `t${i}`])]).join(", ")}) {
  ${gridStride}
  ${clamp.join("\n  ")}
  for (index_t i = first; i < n; i += stride) {
    index_t rest = i, at = 0;
    ${position}
    ${update ? "y[at] = x[i];" : "y[i] = x[at];"}
  }
}
`;
}
