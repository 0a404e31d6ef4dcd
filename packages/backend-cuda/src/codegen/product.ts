/**
 * A product of matrices over any strides, in tiles of registers: for integers, for operands that no library takes as they lie, and where there
 * is no library. A block has a square tile of the result, a thread `micro` × `micro` elements of it; slices of both factors go through shared
 * memory, and while one is multiplied the next is on its way (Volkov & Demmel 2008, "Benchmarking GPUs to tune dense linear algebra";
 * Nath, Tomov & Dongarra 2010).
 *
 * Every element is summed in ascending order of k by fused multiply-adds, whatever the tile: the bits are the same.
 */

import type { DType } from "@curv/tensor";
import { kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

/** Threads along an edge of the tile. */
const edge = 16;
export const productThreads: number = edge * edge;

/** Rows, and columns, that a thread has. 8 × 8 only where they fit into its registers. */
export type Micro = 1 | 4 | 8;

/** Rows, and columns, of a block's tile. */
export function productTile(micro: Micro): number {
  return edge * micro;
}

/** Terms of a slice: so many that each thread loads at most four elements of each factor. */
const sliceOf = (micro: Micro): number => (micro === 8 ? 8 : 16);

/** Along what neighbouring threads read a factor: the terms of the sum, or rows of A and columns of B. Best where they lie closer. */
export type Along = "terms" | "lines";

/** One factor's slice: which elements a thread loads, and where they go in shared memory. */
function printLoader(
  name: "a" | "b",
  along: Along,
  dtype: DType,
  micro: Micro,
): Record<"setUp" | "load" | "store", string> {
  const t = cTypes[dtype];
  const [tile, slice] = [productTile(micro), sliceOf(micro)];
  const loads = (tile * slice) / productThreads;
  const terms = along === "terms";
  const [fast, byLine, byTerm] = terms ? [slice, productThreads / slice, 0] : [tile, 0, productThreads / tile];
  const [line, lines, first, term] = name === "a" ? ["a_r", "m", "first_i", "a_c"] : ["b_c", "n", "first_j", "b_r"];
  // −0 beside 0: what is outside adds −0 to a sum, which changes no number, not even −0.
  const nothing = name === "a" && (dtype === "float32" || dtype === "float64") ? `(${t})-0.0` : `(${t})0`;
  const inside = (l: string): string => (terms ? `${l} * ${byLine} < ${name}_lines && 0 < left` : `0 < ${name}_lines && ${l} * ${byTerm} < left`); // prettier-ignore
  const each = (body: string): string => `#pragma unroll\n    for (int l = 0; l < ${loads}; l++) ${body}`;
  return {
    setUp: `const int ${name}_fast = (int)threadIdx.x % ${fast}, ${name}_slow = (int)threadIdx.x / ${fast};
  const int ${name}_line = ${name}_${terms ? "slow" : "fast"}, ${name}_term = ${name}_${terms ? "fast" : "slow"};
  const int ${name}_lines = (int)(${lines} - ${first} < ${tile} ? ${lines} - ${first} : ${tile}) - ${name}_line;
  const ${t}* ${name}_from = ${name} + batch * ${name}_b + (${first} + ${name}_line) * ${line} + ${name}_term * ${term};
  ${t} ${name}_next[${loads}];`,
    load: `{
    const int left = (int)(rest < ${slice} ? rest : ${slice}) - ${name}_term;
    ${each(`${name}_next[l] = ${inside("l")} ? ${name}_from[l * ${terms ? `${byLine} * ${line}` : `${byTerm} * ${term}`}] : ${nothing};`)}
    ${name}_from += ${slice} * ${term};
    }`,
    store: each(`slice_${name}[into][${name}_term + l * ${byTerm}][${name}_line + l * ${byLine}] = ${name}_next[l];`),
  };
}

/**
 * C[b, i, j] = Σ_k A[b, i, k] B[b, k, j].
 *
 * Arguments: a, b, c, m, n, k, strides of A (batch, row, column), of B; c is row-major. Grid: x over columns, y over rows, z over the batch.
 */
export function printProduct(dtype: DType, micro: Micro, alongA: Along, alongB: Along): string {
  const t = cTypes[dtype];
  const [tile, slice] = [productTile(micro), sliceOf(micro)];
  const part = Math.min(micro, 4);
  const add =
    dtype === "float64"
      ? "fma(left[p], right[q], sums[p][q])"
      : dtype === "float32"
        ? "fmaf(left[p], right[q], sums[p][q])"
        : `(${t})((unsigned int)sums[p][q] + (unsigned int)left[p] * (unsigned int)right[q])`;
  const [a, b] = [printLoader("a", alongA, dtype, micro), printLoader("b", alongB, dtype, micro)];
  // A thread's rows and columns are in groups of four, which it reads at once; those of the next group lie 64 further.
  const own = (index: string, name: string): string =>
    `${name} * ${part} + ${index} % ${part} + ${index} / ${part} * ${edge * part}`;
  const pitch = tile + (micro === 1 ? 1 : 4);
  return `${printIndexTypes(true)}${kernelHead(productThreads)} curv_product(const ${t}* __restrict__ a, const ${t}* __restrict__ b, ${t}* __restrict__ c, ${parameters(["m", "n", "k", "a_b", "a_r", "a_c", "b_b", "b_r", "b_c", "first_row", "first_batch"]).join(", ")}) {
  __shared__ __align__(16) ${t} slice_a[2][${slice}][${pitch}];
  __shared__ __align__(16) ${t} slice_b[2][${slice}][${pitch}];
  const int row = (int)threadIdx.x / ${edge}, column = (int)threadIdx.x % ${edge};
  const index_t first_i = ((index_t)blockIdx.y + first_row) * ${tile}, first_j = (index_t)blockIdx.x * ${tile};
  const index_t batch = (index_t)blockIdx.z + first_batch;
  ${a.setUp}
  ${b.setUp}
  ${t} sums[${micro}][${micro}] = {};
  index_t rest = k;
  int into = 0;
  ${a.load}
  ${b.load}
  ${a.store}
  ${b.store}
  __syncthreads();
  while (rest > 0) {
    const int from = into;
    rest -= ${slice};
    into ^= 1;
    if (rest > 0) {
    ${a.load}
    ${b.load}
    }
#pragma unroll ${micro === 8 ? 2 : slice}
    for (int term = 0; term < ${slice}; term++) {
      ${t} left[${micro}], right[${micro}];
#pragma unroll
      for (int p = 0; p < ${micro}; p++) {
        left[p] = slice_a[from][term][${own("p", "row")}];
        right[p] = slice_b[from][term][${own("p", "column")}];
      }
#pragma unroll
      for (int p = 0; p < ${micro}; p++)
#pragma unroll
        for (int q = 0; q < ${micro}; q++) sums[p][q] = ${add};
    }
    if (rest > 0) {
    ${a.store}
    ${b.store}
    }
    __syncthreads();
  }
#pragma unroll
  for (int p = 0; p < ${micro}; p++) {
    const index_t i = first_i + ${own("p", "row")};
    if (i >= m) break;
#pragma unroll
    for (int q = 0; q < ${micro}; q++) {
      const index_t j = first_j + ${own("q", "column")};
      if (j < n) c[(batch * m + i) * n + j] = sums[p][q];
    }
  }
}
`;
}
