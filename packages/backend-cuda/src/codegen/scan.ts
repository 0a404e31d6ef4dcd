/** Kernels that go along a line element by element: one thread a line, in the order of the definition. */

import type { DType } from "@curv/tensor";
import { gridStride, parameters, printIndexTypes } from "./indexing.js";
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
  return `${printIndexTypes(true)}extern "C" __global__ void __launch_bounds__(${scanThreads}) curv_scan(${operands.map((name) => `const ${t}* __restrict__ ${name}`).join(", ")}, ${result}* __restrict__ y, ${parameters(["lines", "n", "step", "backwards"]).join(", ")}) {
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
