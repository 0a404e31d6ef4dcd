/**
 * Linear recurrences z[i] = a[i] z[i − 1] + x[i] of long lines in chunks, as z depends on what came before a chunk by one product and one sum
 * (Blelloch, "Prefix sums and their applications", 1990): what each chunk comes to from 0, and by which factor it takes what came before;
 * from that the ends of all chunks, in their order; and from there on the chunks again. A chunk is a warp's, which composes 32 steps at once.
 *
 * The factor of a chunk may be larger or smaller than any number although no z is: it is kept as a number below 1 and a power of two.
 */

import { kernelHead, gridStride, parameters, printIndexTypes } from "./indexing.js";
import { scanThreads } from "./scan.js";

/** Elements of a chunk: a function of the length alone, with at most 1024 chunks. */
export function recurrenceChunk(n: number): number {
  return Math.max(256, 2 ** Math.ceil(Math.log2(n)) / 1024);
}

type FloatName = "float32" | "float64";
const cType = (dtype: FloatName): string => (dtype === "float32" ? "float" : "double");

/** 32 steps: lane l has what the steps up to its own come to from 0, and the product of their factors. */
const compose = (t: string): string => `double factor = live ? (double)a[at] : 1.0;
    ${t} z = live ? x[at] : (${t})0;
#pragma unroll
    for (int m = 1; m < 32; m <<= 1) {
      const double earlier = __shfl_up_sync(0xffffffffu, factor, m);
      const ${t} before = __shfl_up_sync(0xffffffffu, z, m);
      if (lane >= m) {
        z = (${t})(factor * (double)before + (double)z);
        factor *= earlier;
      }
    }`;

const shape = ["total", "chunks", "n", "chunk", "step", "backwards"];

/** Where the elements of chunk i lie. */
const place = `const int lane = threadIdx.x & 31;
  const index_t i = (index_t)blockIdx.x * ${scanThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (i >= total) return;
  const index_t c = i % chunks, j = i / chunks, base = j / step * (n * step) + j % step;
  const index_t begin = c * chunk, end = begin + chunk < n ? begin + chunk : n;`;

const step = `const index_t e = from + lane, at = base + (backwards ? n - 1 - e : e) * step;
    const bool live = e < end;`;

/**
 * What chunks come to from 0, and their factors.
 *
 * Arguments: a, x, ends, factors and powers of two of the chunks, the number of chunks of all lines, chunks of a line, elements of a line, of
 * a chunk, distance of the elements of a line, and 1 to go backwards.
 */
export function printChunkFactors(dtype: FloatName): string {
  const t = cType(dtype);
  return `${printIndexTypes(true)}${kernelHead(scanThreads)} curv_chunk_factors(const ${t}* __restrict__ a, const ${t}* __restrict__ x, ${t}* __restrict__ ends, double* __restrict__ factors, int* __restrict__ powers, ${parameters(shape).join(", ")}) {
  ${place}
  ${t} carry = 0;
  double whole = 1.0;
  int power = 0;
  for (index_t from = begin; from < end; from += 32) {
    ${step}
    ${compose(t)}
    // Nothing times infinity is not what the first steps of a chunk come to.
    if (from > begin) z = (${t})(factor * (double)carry + (double)z);
    carry = __shfl_sync(0xffffffffu, z, 31);
    whole *= __shfl_sync(0xffffffffu, factor, 31);
    for (int k = 0; k < 5 && fabs(whole) >= 1.0; k++) { whole *= 0x1p-256; power += 256; }
    for (int k = 0; k < 5 && fabs(whole) < 0x1p-256 && whole != 0.0; k++) { whole *= 0x1p+256; power -= 256; }
  }
  if (lane == 0) { ends[i] = carry; factors[i] = whole; powers[i] = power; }
}
`;
}

/** What lines come to at the end of each chunk. Arguments: ends, factors, powers, z, the number of lines, chunks of a line. */
export function printChunkEnds(dtype: FloatName): string {
  const t = cType(dtype);
  return `${printIndexTypes(true)}${kernelHead(scanThreads)} curv_chunk_ends(const ${t}* __restrict__ ends, const double* __restrict__ factors, const int* __restrict__ powers, ${t}* __restrict__ out, ${parameters(["lines", "chunks"]).join(", ")}) {
  ${gridStride}
  for (index_t j = first; j < lines; j += stride) {
    ${t} z = ends[j * chunks];
    out[j * chunks] = z;
    for (index_t c = 1; c < chunks; c++) {
      const index_t i = j * chunks + c;
      z = (${t})(ldexp(factors[i] * (double)z, powers[i]) + (double)ends[i]);
      out[i] = z;
    }
  }
}
`;
}

/** The elements, from the ends of the chunks before. Arguments: a, x, ends, y, and those of the chunks' factors. */
export function printChunkRecurrence(dtype: FloatName): string {
  const t = cType(dtype);
  return `${printIndexTypes(true)}${kernelHead(scanThreads)} curv_chunk_recurrence(const ${t}* __restrict__ a, const ${t}* __restrict__ x, const ${t}* __restrict__ ends, ${t}* __restrict__ y, ${parameters(shape).join(", ")}) {
  ${place}
  ${t} carry = c == 0 ? (${t})0 : ends[i - 1];
  for (index_t from = begin; from < end; from += 32) {
    ${step}
    ${compose(t)}
    if (from > 0) z = (${t})(factor * (double)carry + (double)z);
    if (live) y[at] = z;
    carry = __shfl_sync(0xffffffffu, z, 31);
  }
}
`;
}
