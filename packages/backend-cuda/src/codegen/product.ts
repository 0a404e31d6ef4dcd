/** A tiled matrix product over any strides: for integers, for operands that no library takes as they lie, and where there is no library. */

import type { DType } from "@curv/tensor";
import { kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

const tile = 16;
export const productThreads: number = tile * tile;
export const productTile: number = tile;

/**
 * C[b, i, j] = Σ_k A[b, i, k] B[b, k, j], in ascending order of k, by fused multiply-adds.
 *
 * Arguments: a, b, c, m, n, k, strides of A (batch, row, column), of B; c is row-major. Grid: x over columns, y over rows, z over the batch.
 */
export function printProduct(dtype: DType): string {
  const t = cTypes[dtype];
  const step =
    dtype === "float64"
      ? "sum = fma(ta[row][p], tb[p][column], sum);"
      : dtype === "float32"
        ? "sum = fmaf(ta[row][p], tb[p][column], sum);"
        : `sum = (${t})((unsigned int)sum + (unsigned int)ta[row][p] * (unsigned int)tb[p][column]);`;
  return `${printIndexTypes(true)}${kernelHead(productThreads)} curv_product(const ${t}* __restrict__ a, const ${t}* __restrict__ b, ${t}* __restrict__ c, ${parameters(["m", "n", "k", "a_b", "a_r", "a_c", "b_b", "b_r", "b_c", "first_row", "first_batch"]).join(", ")}) {
  __shared__ ${t} ta[${tile}][${tile + 1}];
  __shared__ ${t} tb[${tile}][${tile + 1}];
  const int row = (int)threadIdx.x / ${tile}, column = (int)threadIdx.x % ${tile};
  const index_t i = ((index_t)blockIdx.y + first_row) * ${tile} + row, j = (index_t)blockIdx.x * ${tile} + column;
  const index_t batch = (index_t)blockIdx.z + first_batch;
  ${t} sum = 0;
  for (index_t at = 0; at < k; at += ${tile}) {
    ta[row][column] = i < m && at + column < k ? a[batch * a_b + i * a_r + (at + column) * a_c] : (${t})0;
    tb[row][column] = at + row < k && j < n ? b[batch * b_b + (at + row) * b_r + j * b_c] : (${t})0;
    __syncthreads();
    const int most = k - at < ${tile} ? (int)(k - at) : ${tile};
    for (int p = 0; p < most; p++) ${step}
    __syncthreads();
  }
  if (i < m && j < n) c[(batch * m + i) * n + j] = sum;
}
`;
}
