/**
 * The first few of a row in sorted order without sorting the row: the key of the last of them is found digit by digit from the highest
 * (radix select: Alabi, Blanchard, Gordon & Steinbach 2012, "Fast k-selection algorithms for graphics processing units"), and what stands
 * before it is gathered in its order, of keys equal to it as many as are still wanted.
 *
 * A warp has a chunk of a row, whose length follows from the row's alone. Nothing is atomic, so that every card writes the same.
 */

import type { DType } from "@curv/tensor";
import { kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { digitPeers, keyBytes, keyType, printKey } from "./radix.js";
import { cTypes } from "./types.js";

export const selectThreads = 256;
/** Chunks that a block has. */
export const selectWarps: number = selectThreads / 32;

/** Elements of a chunk: a function of the row's length alone, with at most 8192 chunks. */
export function selectChunk(row: number): number {
  return Math.max(512, 2 ** Math.ceil(Math.log2(row)) / 8192);
}

const shape = ["row", "chunk", "blocks"];

/** Of which row r the warp has which chunk: elements `start` to `end`. */
const place = `const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const index_t r = (index_t)blockIdx.x / blocks, c = (index_t)blockIdx.x % blocks * ${selectWarps} + warp;
  const index_t start = c * chunk < row ? c * chunk : row, end = start + chunk < row ? start + chunk : row;`;

/** The loop over a chunk: the `key` of lanes that are `live`. */
function walk(dtype: DType, descending: boolean, body: string): string {
  return `for (index_t from = start; from < end; from += 32) {
    const index_t i = from + lane;
    const bool inside = i < end;
    const ${cTypes[dtype]} v = inside ? x[r * row + i] : (${cTypes[dtype]})0;
    ${printKey(dtype, descending)}
    ${body}
  }`;
}

/**
 * How many keys that begin as the one that is looked for have which digit next. The lowest bit of the digit is `shift`.
 *
 * Arguments: x, beginnings [rows], counts [rows, blocks, 256], elements of a row, of a chunk, blocks of a row, shift.
 */
export function printSelectCount(dtype: DType, descending: boolean): string {
  const key = keyType(keyBytes(dtype));
  const body = `const bool live = inside && (key ^ sought) >> shift >> 8 == 0;
    if (__ballot_sync(0xffffffffu, live) == 0u) continue;
    const unsigned int digit = (unsigned int)(key >> shift) & 255u;
    ${digitPeers}
    if (live && before == 0u) counts[warp][digit] += __popc(peers);
    __syncwarp();`;
  return `${printIndexTypes(true)}${kernelHead(selectThreads)} curv_select_count(const ${cTypes[dtype]}* __restrict__ x, const ${key}* __restrict__ beginnings, int* __restrict__ totals, ${parameters([...shape, "shift"]).join(", ")}) {
  __shared__ int counts[${selectWarps}][256];
  ${place}
  const ${key} sought = beginnings[r];
  for (int d = lane; d < 256; d += 32) counts[warp][d] = 0;
  __syncwarp();
  ${walk(dtype, descending, body)}
  __syncthreads();
  int total = 0;
#pragma unroll
  for (int w = 0; w < ${selectWarps}; w++) total += counts[w][threadIdx.x];
  totals[(index_t)blockIdx.x * 256 + threadIdx.x] = total;
}
`;
}

/**
 * The next digit of the key that is looked for: the least one up to which as many keys have been counted as are wanted. A block a row.
 *
 * Arguments: counts, beginnings, how many are wanted of the keys that begin like this, blocks of a row, shift, how many are wanted of the
 * row if no digit is known yet, else 0.
 */
export function printSelectDigit(bytes: 4 | 8): string {
  const key = keyType(bytes);
  return `${printIndexTypes(true)}${kernelHead(selectThreads)} curv_select_digit(const int* __restrict__ totals, ${key}* __restrict__ beginnings, int* __restrict__ wanted, ${parameters(["blocks", "shift", "count"]).join(", ")}) {
  __shared__ int digits[256];
  const int digit = threadIdx.x;
  const index_t r = (index_t)blockIdx.x;
  const int* own = totals + r * blocks * 256 + digit;
  int total = 0;
#pragma unroll 8
  for (index_t b = 0; b < blocks; b++) total += own[b * 256];
  digits[digit] = total;
  const int want = count > 0 ? (int)count : wanted[r];
  __syncthreads();
  int before = 0;
  for (int d = 0; d < digit; d++) before += digits[d];
  if (before < want && want <= before + total) {
    beginnings[r] |= (${key})digit << shift;
    wanted[r] = want - before;
  }
}
`;
}

/**
 * How many keys of each chunk stand before the last one that is wanted, and how many are equal to it.
 *
 * Arguments: x, the last keys [rows], numbers before and equal [rows, chunks of all blocks of a row] each, elements of a row, of a chunk,
 * blocks of a row.
 */
export function printSelectTally(dtype: DType, descending: boolean): string {
  const key = keyType(keyBytes(dtype));
  const body = `before += __popc(__ballot_sync(0xffffffffu, inside && key < last));
    equal += __popc(__ballot_sync(0xffffffffu, inside && key == last));`;
  return `${printIndexTypes(true)}${kernelHead(selectThreads)} curv_select_tally(const ${cTypes[dtype]}* __restrict__ x, const ${key}* __restrict__ lasts, int* __restrict__ befores, int* __restrict__ equals, ${parameters(shape).join(", ")}) {
  ${place}
  const ${key} last = lasts[r];
  int before = 0, equal = 0;
  ${walk(dtype, descending, body)}
  if (lane == 0) {
    befores[r * blocks * ${selectWarps} + c] = before;
    equals[r * blocks * ${selectWarps} + c] = equal;
  }
}
`;
}

/**
 * The wanted elements of each row, in their order: first those before the last key, then those equal to it.
 *
 * Arguments: x, the last keys, how many equal to them are wanted, numbers before and equal of the chunks, values and positions [rows, count],
 * elements of a row, of a chunk, blocks of a row, count.
 */
export function printSelectGather(dtype: DType, descending: boolean): string {
  const [t, key] = [cTypes[dtype], keyType(keyBytes(dtype))];
  const body = `const unsigned int less = __ballot_sync(0xffffffffu, inside && key < last);
    const unsigned int same = __ballot_sync(0xffffffffu, inside && key == last);
    const unsigned int earlier = (1u << lane) - 1u;
    const bool isLess = (less >> lane) & 1u, isSame = (same >> lane) & 1u;
    const int rank = equal + __popc(same & earlier);
    if (isLess || (isSame && rank < want)) {
      const index_t to = r * count + (isLess ? before + __popc(less & earlier) : (int)count - want + rank);
      values[to] = v;
      positions[to] = (int)i;
    }
    before += __popc(less);
    equal += __popc(same);`;
  return `${printIndexTypes(true)}${kernelHead(selectThreads)} curv_select_gather(const ${t}* __restrict__ x, const ${key}* __restrict__ lasts, const int* __restrict__ wanted, const int* __restrict__ befores, const int* __restrict__ equals, ${t}* __restrict__ values, int* __restrict__ positions, ${parameters([...shape, "count"]).join(", ")}) {
  ${place}
  const ${key} last = lasts[r];
  const int want = wanted[r];
  int before = 0, equal = 0;
  for (index_t other = lane; other < c; other += 32) {
    before += befores[r * blocks * ${selectWarps} + other];
    equal += equals[r * blocks * ${selectWarps} + other];
  }
#pragma unroll
  for (int m = 16; m > 0; m >>= 1) {
    before += __shfl_xor_sync(0xffffffffu, before, m);
    equal += __shfl_xor_sync(0xffffffffu, equal, m);
  }
  ${walk(dtype, descending, body)}
}
`;
}
