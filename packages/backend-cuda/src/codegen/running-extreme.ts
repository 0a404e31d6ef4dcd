/**
 * Where the running maximum of long lines was attained, in chunks: the place of each chunk's first maximum, the running ones of those, and
 * from there on the chunks again. A chunk is a warp's, which combines 32 elements at once. NaN counts as the maximum, and the first of equal
 * ones is taken, so that the result does not depend on how a line is cut.
 */

import type { DType } from "@curv/tensor";
import { kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { scanThreads } from "./scan.js";
import { cTypes } from "./types.js";

/** Whether (w, b), which comes later, takes the place of (v, a); a place below 0 is none. */
function printTakes(dtype: DType): string {
  const t = cTypes[dtype];
  const more = dtype === "float32" || dtype === "float64" ? "v == v && (w > v || w != w)" : "w > v";
  return `__device__ __forceinline__ bool takes(${t} v, int a, ${t} w, int b) { return b >= 0 && (a < 0 || (${more})); }\n`;
}

/**
 * `totals`: the place of each chunk's maximum. `ends`: places up to the end of each chunk, from those of the chunks, which are the elements of
 * its lines. `whole` and `continued`: places up to each element, from the ends of the chunks before. Places count in the direction of the
 * line, but in what comes out at last they count from its start.
 *
 * Arguments: x, (totals or ends,) places, the number of chunks of all lines, chunks of a line, elements of a line, of a chunk, elements of a
 * line of x, their distance, and 1 to go backwards.
 */
export function printRunningExtreme(dtype: DType, kind: "totals" | "ends" | "whole" | "continued"): string {
  const t = cTypes[dtype];
  const given = kind === "ends" || kind === "continued" ? ["const int* __restrict__ given"] : [];
  const element = kind === "ends" ? "given[j * n + e]" : "(int)e";
  const carried = kind === "continued" ? "c == 0 ? -1 : given[i - 1]" : "-1";
  const store = {
    totals: "",
    ends: "if (live) y[j * n + e] = place;",
    whole: "if (live) y[AT(e)] = (int)(backwards ? m - 1 - place : place);",
    continued: "if (live) y[AT(e)] = (int)(backwards ? m - 1 - place : place);",
  }[kind];
  const text = `${kernelHead(scanThreads)} curv_running_extreme(${[`const ${t}* __restrict__ x`, ...given, "int* __restrict__ y", ...parameters(["total", "chunks", "n", "chunk", "m", "step", "backwards"])].join(", ")}) {
  const int lane = threadIdx.x & 31;
  const index_t i = (index_t)blockIdx.x * ${scanThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (i >= total) return;
  const index_t c = i % chunks, j = i / chunks, base = j / step * (m * step) + j % step;
  const index_t begin = c * chunk, end = begin + chunk < n ? begin + chunk : n;
  int carry = ${carried};
  ${t} most = carry < 0 ? (${t})0 : x[AT(carry)];
  for (index_t from = begin; from < end; from += 32) {
    const index_t e = from + lane;
    const bool live = e < end;
    int place = live ? ${element} : -1;
    ${t} v = live ? x[AT(place)] : (${t})0;
#pragma unroll
    for (int by = 1; by < 32; by <<= 1) {
      const int a = __shfl_up_sync(0xffffffffu, place, by);
      const ${t} u = __shfl_up_sync(0xffffffffu, v, by);
      if (lane >= by && !takes(u, a, v, place)) { place = a; v = u; }
    }
    if (!takes(most, carry, v, place)) { place = carry; v = most; }
    ${store}
    carry = __shfl_sync(0xffffffffu, place, 31);
    most = __shfl_sync(0xffffffffu, v, 31);
  }
  ${kind === "totals" ? "if (lane == 0) y[i] = carry;" : ""}
}
`;
  return `${printIndexTypes(true)}${printTakes(dtype)}${text.replace(/AT\((\w+)\)/g, "base + (backwards ? m - 1 - $1 : $1) * step")}`;
}
