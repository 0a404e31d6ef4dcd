/**
 * Singular values of many matrices at once by one-sided Jacobi rotations (Hestenes 1958; rotations and their order as in Brent & Luk, "The
 * solution of singular-value and symmetric eigenvalue problems on multiprocessor arrays", 1985). Pairs of columns are turned until all are
 * orthogonal: then their lengths are the singular values, small ones to high relative accuracy (Demmel & Veselić, "Jacobi's method is more
 * accurate than QR", 1992), and what turned them are the right singular vectors.
 *
 * A block takes a matrix. In each of n − 1 rounds of a sweep its warps turn n / 2 pairs that have no column in common. Of wider matrices a block
 * takes two strips of columns, and a kernel is a round among strips; each pair of columns meets once a sweep here, too.
 */

import type { FloatType } from "../lib/cusolver.js";
import { kernelHead, parameters, printIndexTypes } from "./indexing.js";
import { cTypes } from "./types.js";

export const jacobiThreads = 256;
/** Columns of a matrix that one block turns; two strips of wider ones are half as many. */
export const mostJacobiColumns = 128;
/** Columns of the widest matrices: those by strips, whose lengths stand in shared memory. */
export const mostStripColumns = 512;
/** Columns of a strip. */
export const stripColumns = 32;
/** Sweeps of wide matrices, each of which is launched: those after the last that turned anything do nothing. 6 to 12 are usual. */
export const stripSweeps = 30;

const warps = jacobiThreads / 32;
const mostSweeps = 60;

/** Σ over the lanes of a warp, known to all of them. */
const sumOfWarp = (name: string): string =>
  `for (int w = 16; w > 0; w >>= 1) ${name} += __shfl_xor_sync(0xffffffffu, ${name}, w);`;

/** Functions and numbers of a type. Columns are as good as zero if the square of their length is that of a number near the smallest. */
const numbersOf = (type: FloatType) =>
  type === "float32"
    ? { root: "sqrtf", size: "fabsf", epsilon: "0x1p-23f", least: "0x1p-120f", most: "0x1p100f", steepest: "0x1p30f" }
    : { root: "sqrt", size: "fabs", epsilon: "0x1p-52", least: "0x1p-1000", most: "0x1p1000", steepest: "0x1p60" };

/** Scales x, and makes r the unit matrix; `lengths` is room for a number a warp. */
function scaled(type: FloatType): string {
  const t = cTypes[type];
  const { size, most } = numbersOf(type);
  return `  // Scaled by a power of two, so that the largest element is near 1 and no square of a length overflows.
  ${t} largest = 0;
  for (index_t i = threadIdx.x; i < n * m; i += ${jacobiThreads}) if (${size}(x[i]) > largest) largest = ${size}(x[i]);
#pragma unroll
  for (int w = 16; w > 0; w >>= 1) {
    const ${t} other = __shfl_xor_sync(0xffffffffu, largest, w);
    if (other > largest) largest = other;
  }
  if (lane == 0) lengths[warp] = largest;
  __syncthreads();
  for (int w = 0; w < ${warps}; w++) if (lengths[w] > largest) largest = lengths[w];
  ${t} scale = 1;
  for (; largest >= 2; largest *= (${t})0.5) scale *= (${t})0.5;
  for (; largest > 0 && largest < 1 && scale < ${most}; largest *= 2) scale *= 2;
  for (index_t i = threadIdx.x; i < n * m; i += ${jacobiThreads}) x[i] *= scale;
  if (vectors) for (index_t i = threadIdx.x; i < n * n; i += ${jacobiThreads}) r[i] = i / n == i % n ? (${t})1 : (${t})0;
  __syncthreads();
`;
}

/** Turns the columns p and q until they are orthogonal, by a warp; `turned` says that it did. */
function turn(type: FloatType): string {
  const t = cTypes[type];
  const { root, size, least, steepest } = numbersOf(type);
  return `        ${t} alpha = 0, beta = 0, gamma = 0;
        for (index_t i = lane; i < m; i += 32) {
          alpha += y[i] * y[i];
          beta += z[i] * z[i];
          gamma += y[i] * z[i];
        }
#pragma unroll
        ${sumOfWarp("alpha")}
#pragma unroll
        ${sumOfWarp("beta")}
#pragma unroll
        ${sumOfWarp("gamma")}
        if (alpha < ${least} || beta < ${least} || ${size}(gamma) <= tolerance * ${root}(alpha) * ${root}(beta)) continue;
        if (lane == 0) turned = 1;
        const ${t} zeta = (beta - alpha) / (2 * gamma), steep = ${size}(zeta);
        const ${t} tangent = steep > ${steepest} ? (${t})0.5 / steep : 1 / (steep + ${root}(1 + steep * steep));
        // Rutishauser's form: what is added is small, so that many turns do not change lengths.
        const ${t} c = 1 / ${root}(1 + tangent * tangent), d = (zeta < 0 ? -tangent : tangent) * c, tau = d / (1 + c);
        for (index_t i = lane; i < m; i += 32) {
          const ${t} e = y[i], f = z[i];
          y[i] = e - d * (f + tau * e);
          z[i] = f + d * (e - tau * f);
        }
        if (!vectors) continue;
        ${t} *g = r + p * n, *h = r + q * n;
        for (index_t i = lane; i < n; i += 32) {
          const ${t} e = g[i], f = h[i];
          g[i] = e - d * (f + tau * e);
          h[i] = f + d * (e - tau * f);
        }
`;
}

/** The lengths of columns, and all in their order. */
function sorted(type: FloatType): string {
  const t = cTypes[type];
  const { root } = numbersOf(type);
  return `  for (index_t j = warp; j < n; j += ${warps}) {
    ${t} square = 0;
    for (index_t i = lane; i < m; i += 32) square += x[j * m + i] * x[j * m + i];
#pragma unroll
    ${sumOfWarp("square")}
    if (lane == 0) lengths[j] = ${root}(square);
  }
  __syncthreads();
  for (index_t j = warp; j < n; j += ${warps}) {
    index_t place = 0;
    for (index_t i = 0; i < n; i++) if (lengths[i] > lengths[j] || (lengths[i] == lengths[j] && i < j)) place++;
    if (lane == 0) s[(index_t)blockIdx.x * n + place] = lengths[j] / scale;
    if (!vectors) continue;
    ${t}* column = us + ((index_t)blockIdx.x * n + place) * m;
    ${t}* row = vt + ((index_t)blockIdx.x * n + place) * n;
    for (index_t i = lane; i < m; i += 32) column[i] = x[j * m + i];
    for (index_t i = lane; i < n; i += 32) row[i] = r[j * n + i];
  }
`;
}

/**
 * Arguments: columns [count, n, m] of finite matrices, which are turned; room [count, n, n]; columns U diag(s) [count, n, m] and rows of Vᵀ
 * [count, n, n], both in the order of s; s [count, n], descending; infos; m, n, and whether vectors are wanted. Infos are 1 where 60 sweeps
 * were not enough.
 */
export function printJacobi(type: FloatType): string {
  const t = cTypes[type];
  const { root, epsilon } = numbersOf(type);
  return `${printIndexTypes(true)}${kernelHead(jacobiThreads)} curv_jacobi(${t}* a, ${t}* v, ${t}* __restrict__ us, ${t}* __restrict__ vt, ${t}* __restrict__ s, int* __restrict__ infos, ${parameters(["m", "n", "vectors"]).join(", ")}) {
  __shared__ ${t} lengths[${mostJacobiColumns}];
  __shared__ int turned;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  ${t}* x = a + (index_t)blockIdx.x * n * m;
  ${t}* r = v + (index_t)blockIdx.x * n * n;
${scaled(type)}  const ${t} tolerance = ${epsilon} * ${root}((${t})m);
  // As in a tournament: the last player keeps its place, the others go round.
  const int players = (int)(n + (n & 1)), others = players - 1;
  bool again = n > 1;
  int sweep = 0;
  for (; again && sweep < ${mostSweeps}; sweep++) {
    if (threadIdx.x == 0) turned = 0;
    __syncthreads();
    for (int round = 0; round < others; round++) {
      for (int pair = warp; pair < players / 2; pair += ${warps}) {
        const int one = (round + pair) % others, other = pair == 0 ? others : (round + others - pair) % others;
        const int p = one < other ? one : other, q = one < other ? other : one;
        if (q >= n) continue;
        ${t} *y = x + p * m, *z = x + q * m;
${turn(type)}      }
      __syncthreads();
    }
    again = turned != 0;
    __syncthreads();
  }

${sorted(type)}  if (threadIdx.x == 0) infos[blockIdx.x] = again ? 1 : 0;
}
`;
}

/**
 * What is before the rounds of wide matrices. Arguments: columns [count, n, m], which are scaled; room [count, n, n], which becomes unit
 * matrices; scales [count]; for each sweep of each matrix whether something was turned in it, [count, sweeps]; m, n, vectors. A block a matrix.
 */
export function printJacobiStart(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${kernelHead(jacobiThreads)} curv_jacobi_start(${t}* a, ${t}* v, ${t}* __restrict__ scales, int* __restrict__ turns, ${parameters(["m", "n", "vectors"]).join(", ")}) {
  __shared__ ${t} lengths[${warps}];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  ${t}* x = a + (index_t)blockIdx.x * n * m;
  ${t}* r = v + (index_t)blockIdx.x * n * n;
${scaled(type)}
  if (threadIdx.x == 0) scales[blockIdx.x] = scale;
  if (threadIdx.x < ${stripSweeps}) turns[blockIdx.x * ${stripSweeps} + threadIdx.x] = 0;
}
`;
}

/**
 * One round of one sweep among the strips of columns of wide matrices: a block for each pair of strips. In the first round of a sweep all
 * columns of both strips meet, in the others those of one strip meet those of the other.
 *
 * Arguments: columns [count, n, m] and room [count, n, n], which are turned; what was turned in each sweep; m, n, vectors, pairs of strips
 * of a matrix, sweep, round.
 */
export function printJacobiRound(type: FloatType): string {
  const t = cTypes[type];
  const { root, epsilon } = numbersOf(type);
  const w = stripColumns;
  return `${printIndexTypes(true)}${kernelHead(jacobiThreads)} curv_jacobi_round(${t}* a, ${t}* v, int* turns, ${parameters(["m", "n", "vectors", "pairs", "sweep", "round"]).join(", ")}) {
  const index_t matrix = blockIdx.x / pairs;
  int* now = turns + matrix * ${stripSweeps} + sweep;
  // Nothing was turned in the sweep before: the matrix is done.
  if (sweep > 0 && now[-1] == 0) return;
  __shared__ int turned;
  if (threadIdx.x == 0) turned = 0;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  ${t}* x = a + matrix * n * m;
  ${t}* r = v + matrix * n * n;
  const ${t} tolerance = ${epsilon} * ${root}((${t})m);
  // As in a tournament: the last strip keeps its place, the others go round.
  const int seat = (int)(blockIdx.x % pairs), others = (int)(2 * pairs - 1);
  const int one = ((int)round + seat) % others, other = seat == 0 ? others : ((int)round + others - seat) % others;
  const index_t first = (one < other ? one : other) * ${w}, second = (one < other ? other : one) * ${w};
  const bool all = round == 0;
  __syncthreads();
  for (int inner = 0; inner < (all ? ${2 * w - 1} : ${w}); inner++) {
    for (int pair = warp; pair < ${w}; pair += ${warps}) {
      int i = pair, j = ${w} + (inner + pair) % ${w};
      if (all) {
        const int here = (inner + pair) % ${2 * w - 1}, there = pair == 0 ? ${2 * w - 1} : (inner + ${2 * w - 1} - pair) % ${2 * w - 1};
        i = here < there ? here : there;
        j = here < there ? there : here;
      }
      const index_t p = i < ${w} ? first + i : second + i - ${w}, q = j < ${w} ? first + j : second + j - ${w};
      if (q >= n) continue;
      ${t} *y = x + p * m, *z = x + q * m;
${turn(type)}
    }
    __syncthreads();
  }
  if (threadIdx.x == 0 && turned != 0) *now = 1;
}
`;
}

/** What is after the rounds: arguments as of `printJacobi`, with scales and turns before the infos. A block a matrix. */
export function printJacobiEnd(type: FloatType): string {
  const t = cTypes[type];
  return `${printIndexTypes(true)}${kernelHead(jacobiThreads)} curv_jacobi_end(const ${t}* __restrict__ a, const ${t}* __restrict__ v, ${t}* __restrict__ us, ${t}* __restrict__ vt, ${t}* __restrict__ s, const ${t}* __restrict__ scales, const int* __restrict__ turns, int* __restrict__ infos, ${parameters(["m", "n", "vectors"]).join(", ")}) {
  __shared__ ${t} lengths[${mostStripColumns}];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const ${t}* x = a + (index_t)blockIdx.x * n * m;
  const ${t}* r = v + (index_t)blockIdx.x * n * n;
  const ${t} scale = scales[blockIdx.x];
${sorted(type)}
  if (threadIdx.x == 0) infos[blockIdx.x] = turns[blockIdx.x * ${stripSweeps} + ${stripSweeps - 1}];
}
`;
}
