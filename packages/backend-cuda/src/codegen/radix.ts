/**
 * A stable radix sort of positions along rows, by 8 bits a pass from the lowest (Knuth 5.2.5; counting and ranking in tiles as in Satish,
 * Harris & Garland 2009). Each warp ranks its stretch of a tile in order, equal digits by the lanes before theirs, so that no atomics are
 * needed and every card writes the same.
 */

import type { DType } from "@curv/tensor";
import { gridStride, kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const radixThreads = 256;
const warps = radixThreads / 32;
/** Elements that a warp takes of a tile. */
const stretch = 512;
export const radixTile: number = warps * stretch;

/** Bytes of a key. */
export function keyBytes(dtype: DType): 4 | 8 {
  return dtype === "float64" ? 8 : 4;
}

/** Passes that a sort of these keys takes. */
export function radixPasses(dtype: DType): number {
  return dtype === "bool" ? 1 : keyBytes(dtype);
}

/** The unsigned integers that keys are. */
export const keyType = (bytes: 4 | 8): string => (bytes === 8 ? "unsigned long long" : "unsigned int");

/** Unsigned numbers in the order of the elements `v`: −0 is 0, every NaN is the same one and after all numbers. */
const ascending: Readonly<Record<DType, string>> = {
  float32: `const unsigned int u = v != v ? 0x7fc00000u : v == 0.0f ? 0u : __float_as_uint(v);
    const unsigned int ascending = u ^ ((u >> 31) != 0u ? 0xffffffffu : 0x80000000u);`,
  float64: `const unsigned long long u = v != v ? 0x7ff8000000000000ULL : v == 0.0 ? 0ULL : (unsigned long long)__double_as_longlong(v);
    const unsigned long long ascending = u ^ ((u >> 63) != 0ULL ? 0xffffffffffffffffULL : 0x8000000000000000ULL);`,
  int32: "const unsigned int ascending = (unsigned int)v ^ 0x80000000u;",
  uint32: "const unsigned int ascending = v;",
  bool: "const unsigned int ascending = v;",
};

/** The `key` of the element `v`: the smaller, the earlier it comes. */
export function printKey(dtype: DType, descending: boolean): string {
  const key = descending ? (dtype === "bool" ? "1u - ascending" : "~ascending") : "ascending";
  return `${ascending[dtype]}
    const ${keyType(keyBytes(dtype))} key = ${key};`;
}

/** Arguments: x, keys, order, n, row. */
export function printKeys(dtype: DType, descending: boolean): string {
  return `${printIndexTypes(true)}${kernelHead(radixThreads)} curv_keys(const ${cTypes[dtype]}* __restrict__ x, ${keyType(keyBytes(dtype))}* __restrict__ keys, int* __restrict__ order, ${parameters(["n", "row"]).join(", ")}) {
  ${gridStride}
  for (index_t i = first; i < n; i += stride) {
    const ${cTypes[dtype]} v = x[i];
    ${printKey(dtype, descending)}
    keys[i] = key;
    order[i] = (int)(i % row);
  }
}
`;
}

/** The lanes with the same `digit` among those that are `live`, as bits: `peers`, and those of them that come `before`. */
export const digitPeers = `unsigned int peers = __ballot_sync(0xffffffffu, live);
#pragma unroll
    for (int b = 0; b < 8; b++) {
      const unsigned int ones = __ballot_sync(0xffffffffu, (digit >> b) & 1u);
      peers &= (digit >> b) & 1u ? ones : ~ones;
    }
    const unsigned int before = peers & ((1u << lane) - 1u);`;

/** The block's stretch of keys, and the loop over it: `digit` of a lane that is `live`, `peers` with the same one. */
const walk = (body: string): string => `for (index_t at = start; at < end; at += 32) {
    const index_t i = at + lane;
    const bool live = i < end;
    const unsigned int digit = live ? (unsigned int)(own[i] >> shift) & 255u : 0u;
    ${digitPeers}
    ${body}
    __syncwarp();
  }`;

const setUp = (bytes: 4 | 8): string => `__shared__ int counts[${warps}][256];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const index_t r = (index_t)blockIdx.x / tiles, tile = (index_t)blockIdx.x % tiles;
  const index_t start = tile * ${radixTile} + warp * ${stretch};
  const index_t end = start + ${stretch} < row ? start + ${stretch} : row;
  const ${keyType(bytes)}* own = keys + r * row;
  for (int d = lane; d < 256; d += 32) counts[warp][d] = 0;
  __syncwarp();
  ${walk("if (live && before == 0u) counts[warp][digit] += __popc(peers);")}
  __syncthreads();`;

/** Arguments: keys, counts [rows, tiles, 256], row, tiles, the lowest bit of the digit. A block a tile. */
export function printRadixCount(bytes: 4 | 8): string {
  return `${printIndexTypes(true)}${kernelHead(radixThreads)} curv_radix_count(const ${keyType(bytes)}* __restrict__ keys, int* __restrict__ totals, ${parameters(["row", "tiles", "shift"]).join(", ")}) {
  ${setUp(bytes)}
  int total = 0;
#pragma unroll
  for (int w = 0; w < ${warps}; w++) total += counts[w][threadIdx.x];
  totals[(index_t)blockIdx.x * 256 + threadIdx.x] = total;
}
`;
}

/** Arguments: counts, tiles. They become the places of the first key of each digit of each tile. A block a row. */
export function printRadixOffsets(): string {
  return `${printIndexTypes(true)}${kernelHead(radixThreads)} curv_radix_offsets(int* __restrict__ totals, ${parameters(["tiles"]).join(", ")}) {
  __shared__ int digits[256];
  int* own = totals + (index_t)blockIdx.x * tiles * 256 + threadIdx.x;
  int total = 0;
  for (index_t t = 0; t < tiles; t++) total += own[t * 256];
  digits[threadIdx.x] = total;
  __syncthreads();
  int place = 0;
  for (int d = 0; d < (int)threadIdx.x; d++) place += digits[d];
  for (index_t t = 0; t < tiles; t++) {
    const int count = own[t * 256];
    own[t * 256] = place;
    place += count;
  }
}
`;
}

/** Arguments: keys, order, places, the new keys, the new order, row, tiles, the lowest bit of the digit. A block a tile. */
export function printRadixScatter(bytes: 4 | 8): string {
  const key = keyType(bytes);
  return `${printIndexTypes(true)}${kernelHead(radixThreads)} curv_radix_scatter(const ${key}* __restrict__ keys, const int* __restrict__ order, const int* __restrict__ places, ${key}* __restrict__ new_keys, int* __restrict__ new_order, ${parameters(["row", "tiles", "shift"]).join(", ")}) {
  ${setUp(bytes)}
  int place = places[(index_t)blockIdx.x * 256 + threadIdx.x];
#pragma unroll
  for (int w = 0; w < ${warps}; w++) {
    const int count = counts[w][threadIdx.x];
    counts[w][threadIdx.x] = place;
    place += count;
  }
  __syncthreads();
  ${walk(`const int to = counts[warp][digit] + __popc(before);
    __syncwarp();
    if (live) {
      if (before == 0u) counts[warp][digit] += __popc(peers);
      new_keys[r * row + to] = own[i];
      new_order[r * row + to] = order[r * row + i];
    }`)}
}
`;
}
