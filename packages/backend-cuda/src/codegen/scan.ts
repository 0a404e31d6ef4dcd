/**
 * Kernels that go along lines: one thread a line, in the order of the definition; or, for running sums of long lines, in chunks of which
 * each is a warp's. How a line is cut follows from its length alone, so that the bits repeat.
 */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export type Scan = "cumsum" | "linearRecurrence" | "cumArgMax";
export const scanThreads = 128;

/**
 * Arguments: operands, y, the number of lines, elements of a line, distance of its elements, and 1 to go backwards. Line number j starts at
 * ⌊j/step⌋·n·step + j mod step.
 */
export function printScan(scan: Scan, dtype: DType): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const operands = scan === "linearRecurrence" ? ["a", "x"] : ["x"];
  const [add, recur] = isFloat
    ? ["z + x[o]", "a[o] * z + x[o]"]
    : [
        `(${t})((unsigned int)z + (unsigned int)x[o])`,
        `(${t})((unsigned int)a[o] * (unsigned int)z + (unsigned int)x[o])`,
      ];
  const body = {
    cumsum: `z = ${add}; y[o] = z;`,
    linearRecurrence: `z = i == 0 ? x[o] : ${recur}; y[o] = z;`,
    cumArgMax: `{ const ${t} v = x[o]; if (i == 0${isFloat ? " || (z == z && (v > z || v != v))" : " || v > z"}) { z = v; at = i; } y[o] = (int)(backwards ? n - 1 - at : at); }`,
  }[scan];
  const result = scan === "cumArgMax" ? "int" : t;
  return `${printIndexTypes(true)}${kernelHead(scanThreads)} curv_scan(${operands.map((name) => `const ${t}* __restrict__ ${name}`).join(", ")}, ${result}* __restrict__ y, ${parameters(["lines", "n", "step", "backwards"]).join(", ")}) {
  ${gridStride}
  for (index_t j = first; j < lines; j += stride) {
    const index_t base = j / step * (n * step) + j % step;
    ${t} z = 0;
    ${scan === "cumArgMax" ? "index_t at = 0;" : ""}
    for (index_t i = 0; i < n; i++) {
      const index_t o = base + (backwards ? n - 1 - i : i) * step;
      ${body}
    }
  }
}
`;
}

/** Elements of a chunk: a function of the length alone, with at most 1024 chunks. */
export function scanChunk(n: number): number {
  return Math.max(1024, 2 ** Math.ceil(Math.log2(n)) / 1024);
}

const warpScan = (t: string, add: (a: string, b: string) => string): string => `#pragma unroll
    for (int m = 1; m < 32; m <<= 1) {
      const ${t} earlier = __shfl_up_sync(0xffffffffu, v, m);
      if (lane >= m) v = ${add("earlier", "v")};
    }`;

/**
 * Running sums of chunks of lines, a warp a chunk. With `totals`, only what each chunk comes to.
 *
 * Arguments: x, (what the chunks before come to, at the place of the last of them,) y, the number of chunks of all lines, chunks of a line,
 * elements of a line, of a chunk, distance of the elements of a line, and 1 to go backwards.
 */
export function printChunkScan(dtype: DType, kind: "totals" | "whole" | "continued"): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  const add = (a: string, b: string): string =>
    isFloat ? `${a} + ${b}` : `(${t})((unsigned int)${a} + (unsigned int)${b})`;
  const before = kind === "continued" ? [`const ${t}* __restrict__ before`] : [];
  const carry = kind === "continued" ? "c == 0 ? 0 : before[i - 1]" : "0";
  const total = "carry = __shfl_sync(0xffffffffu, v, 31);";
  const store = kind === "totals" ? "" : "if (live) y[at] = v;";
  return `${printIndexTypes(true)}${kernelHead(scanThreads)} curv_chunk_scan(${[`const ${t}* __restrict__ x`, ...before, `${t}* __restrict__ y`, ...parameters(["total", "chunks", "n", "chunk", "step", "backwards"])].join(", ")}) {
  const int lane = threadIdx.x & 31;
  const index_t i = (index_t)blockIdx.x * ${scanThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (i >= total) return;
  const index_t c = i % chunks, j = i / chunks, base = j / step * (n * step) + j % step;
  const index_t begin = c * chunk, end = begin + chunk < n ? begin + chunk : n;
  ${t} carry = ${carry};
  for (index_t from = begin; from < end; from += 32) {
    const index_t e = from + lane, at = base + (backwards ? n - 1 - e : e) * step;
    const bool live = e < end;
    ${t} v = live ? x[at] : (${t})0;
    ${warpScan(t, add)}
    v = ${add("carry", "v")};
    ${store}
    ${total}
  }
  ${kind === "totals" ? "if (lane == 0) y[i] = carry;" : ""}
}
`;
}
