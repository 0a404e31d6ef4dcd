/** Kernels around the library's factorisations: triangles, signs, permutations, addresses of a batch. Matrices are row-major here. */

import type { FloatType } from "../lib/cusolver.js";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const linalgThreads = 256;

const head = (name: string, args: readonly string[]): string =>
  `${kernelHead(linalgThreads)} ${name}(${args.join(", ")}) {\n  ${gridStride}\n`;

/**
 * Arguments: x, y, the number of elements, n. Matrices of [n, n] whose upper half is zero (`mirrored` false) or that of their transpose.
 */
export function printLowerHalf(type: FloatType, mirrored: boolean): string {
  const t = cTypes[type];
  const value = mirrored ? "r < c ? x[i - r * n - c + c * n + r] : x[i]" : `r < c ? (${t})0 : x[i]`;
  return `${printIndexTypes(true)}${head("curv_lower_half", [`const ${t}* __restrict__ x`, `${t}* __restrict__ y`, ...parameters(["total", "n"])])}  for (index_t i = first; i < total; i += stride) {
    const index_t c = i % n, r = i / n % n;
    y[i] = ${value};
  }
}
`;
}

/**
 * Arguments: factors of [n, n], infos, the number of matrices, n. A pivot that is not a positive number is a failure, whether the library
 * says so or not.
 */
export function printPivotCheck(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${head("curv_pivot_check", [`const ${t}* __restrict__ l`, "int* __restrict__ infos", ...parameters(["count", "n"])])}  for (index_t i = first; i < count; i += stride) {
    const index_t most = infos[i] > 0 ? infos[i] - 1 : n;
    index_t j = 0;
    while (j < most && l[(i * n + j) * n + j] > (${t})0) j++;
    infos[i] = j < n ? (int)(j + 1) : 0;
  }
}
`;
}

/** Arguments: factors, infos, the number of elements, n. Zeros above the diagonal, NaN in the rows from a failed pivot on. */
export function printFactorEnd(type: FloatType): string {
  const t = cTypes[type];
  const nan = type === "float32" ? "__int_as_float(0x7fc00000)" : "__longlong_as_double(0x7ff8000000000000LL)";
  return `${printIndexTypes(true)}${head("curv_factor_end", [`${t}* __restrict__ l`, "const int* __restrict__ infos", ...parameters(["total", "n"])])}  for (index_t i = first; i < total; i += stride) {
    const index_t c = i % n, r = i / n % n;
    const int info = infos[i / (n * n)];
    if (r < c) l[i] = (${t})0;
    else if (info > 0 && r >= info - 1) l[i] = ${nan};
  }
}
`;
}

/** Arguments: pivots [count, k], permutations [count, m], the number of matrices, m, k. Swaps counted from 1 become an order of rows. */
export function printPermutation(): string {
  return `${printIndexTypes(true)}${head("curv_permutation", ["const int* __restrict__ pivots", "int* __restrict__ order", ...parameters(["count", "m", "k"])])}  for (index_t i = first; i < count; i += stride) {
    int* own = order + i * m;
    for (index_t r = 0; r < m; r++) own[r] = (int)r;
    for (index_t r = 0; r < k; r++) {
      const int with = pivots[i * k + r] - 1, kept = own[r];
      own[r] = own[with];
      own[with] = kept;
    }
  }
}
`;
}

/**
 * Arguments: reflectors [count, n, m] (the transposes of matrices of [m, n]), r [count, rows, n], the number of elements, rows, n, m. The
 * triangle, with the signs that make its diagonal not negative.
 */
export function printTriangle(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${head("curv_triangle", [`const ${t}* __restrict__ a`, `${t}* __restrict__ r`, ...parameters(["total", "rows", "n", "m"])])}  for (index_t i = first; i < total; i += stride) {
    const index_t column = i % n, row = i / n % rows;
    const ${t}* own = a + i / (n * rows) * (n * m);
    const ${t} v = column < row || row >= m ? (${t})0 : own[column * m + row];
    r[i] = row < n && row < m && own[row * m + row] < (${t})0 ? (${t})0 - v : v;
  }
}
`;
}

/**
 * Arguments: columns [count, columns, m], reflectors [count, n, m], q [count, m, columns], the number of elements, columns, m, n. The
 * orthogonal factor that belongs to that triangle.
 */
export function printOrthogonal(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${head("curv_orthogonal", [`const ${t}* __restrict__ x`, `const ${t}* __restrict__ a`, `${t}* __restrict__ q`, ...parameters(["total", "columns", "m", "n"])])}  for (index_t i = first; i < total; i += stride) {
    const index_t column = i % columns, row = i / columns % m, matrix = i / (columns * m);
    const ${t} v = x[(matrix * columns + column) * m + row];
    q[i] = column < n && column < m && a[(matrix * n + column) * m + column] < (${t})0 ? -v : v;
  }
}
`;
}

/**
 * The first columns of the product of Householder's reflectors H₀ H₁ … of each matrix of a batch: the library forms them for one matrix at a
 * time only. One warp a column: the last reflector that does not leave it as it is first.
 *
 * Arguments: reflectors [count, n, m], their factors [count, k], columns [count, columns, m], the number of columns of all matrices, columns
 * of one, m, n, k.
 */
export function printFormColumns(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${kernelHead(linalgThreads)} curv_form_columns(const ${t}* __restrict__ a, const ${t}* __restrict__ tau, ${t}* q, ${parameters(["total", "columns", "m", "n", "k"]).join(", ")}) {
  const int lane = threadIdx.x & 31;
  const index_t i = (index_t)blockIdx.x * ${linalgThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (i >= total) return;
  const index_t matrix = i / columns, column = i % columns;
  const ${t}* vectors = a + matrix * (n * m);
  ${t}* own = q + i * m;
  for (index_t j = lane; j < m; j += 32) own[j] = j == column ? (${t})1 : (${t})0;
  for (index_t r = (column < k ? column + 1 : k); r > 0; r--) {
    const ${t}* v = vectors + (r - 1) * m;
    // The reflector's vector is 1 at r − 1, and 0 before.
    const index_t from = (r - 1) / 32 * 32 + lane;
    ${t} s = 0;
    for (index_t j = from; j < m; j += 32) s += j < r - 1 ? (${t})0 : j == r - 1 ? own[j] : v[j] * own[j];
#pragma unroll
    for (int w = 16; w > 0; w >>= 1) s += __shfl_xor_sync(0xffffffffu, s, w);
    s *= tau[matrix * k + r - 1];
    for (index_t j = from; j < m; j += 32) if (j >= r - 1) own[j] -= j == r - 1 ? s : s * v[j];
  }
}
`;
}

/**
 * The sign that makes the first nearly largest component of each vector positive: one that is within 1 − 2⁻¹⁰ of the largest, so that
 * rounding does not decide between two that tie. One warp a vector.
 *
 * Arguments: v, signs, the number of vectors, vectors of a matrix, their length, distance of matrices, of vectors, of components.
 */
export function printSigns(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${kernelHead(linalgThreads)} curv_signs(const ${t}* __restrict__ v, ${t}* __restrict__ signs, ${parameters(["total", "vectors", "n", "matrix", "vector", "component"]).join(", ")}) {
  const int lane = threadIdx.x & 31;
  const index_t i = (index_t)blockIdx.x * ${linalgThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (i >= total) return;
  const ${t}* own = v + i / vectors * matrix + i % vectors * vector;
  ${t} largest = 0;
  for (index_t j = lane; j < n; j += 32) {
    const ${t} size = own[j * component] < 0 ? -own[j * component] : own[j * component];
    if (size > largest) largest = size;
  }
#pragma unroll
  for (int m = 16; m > 0; m >>= 1) {
    const ${t} other = __shfl_xor_sync(0xffffffffu, largest, m);
    if (other > largest) largest = other;
  }
  const ${t} least = largest * (${t})0.9990234375;
  int at = 0x7fffffff;
  for (index_t j = lane; j < n && at == 0x7fffffff; j += 32) {
    const ${t} x = own[j * component];
    if (x >= least || -x >= least) at = (int)j;
  }
#pragma unroll
  for (int m = 16; m > 0; m >>= 1) {
    const int other = __shfl_xor_sync(0xffffffffu, at, m);
    if (other < at) at = other;
  }
  if (lane == 0) signs[i] = at != 0x7fffffff && own[at * component] < 0 ? (${t})-1 : (${t})1;
}
`;
}

/** Arguments: the first matrix, addresses, how many matrices, elements from one to the next. */
export function printAddresses(type: FloatType): string {
  return `${printIndexTypes(true)}${head("curv_addresses", [`const ${cTypes[type]}* x`, "unsigned long long* __restrict__ addresses", ...parameters(["count", "step"])])}  for (index_t i = first; i < count; i += stride) addresses[i] = (unsigned long long)(x + i * step);
}
`;
}
