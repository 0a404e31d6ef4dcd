/**
 * Kernels that combine many elements into one. The order in which they are combined follows from the number of elements that are reduced and
 * from how they lie, never from the card, and no atomics are used: the bits repeat.
 *
 * What is reduced may be computed on the way: the program of the elementwise chain before it runs on each element that is read.
 */

import type { DType } from "@curv/tensor";
import { kernelHead, parameters, printIndexTypes, printOffsets } from "./indexing.js";
import { preludeFor } from "./prelude.js";
import { printProgram } from "./scalar.js";
import { cTypes, typeOf, type ScalarProgram } from "./types.js";

/**
 * `maxSumExp`: the largest element m and, in the same pass, Σ exp(x − m), which is NaN where m is not finite. `maxSumExpGuarded`: there it is
 * Σ exp x, 0 or ∞.
 */
export type Reduction = "sum" | "prod" | "max" | "min" | "argMax" | "argMin" | "maxSumExp" | "maxSumExpGuarded";

/** Who combines the elements of one result (of one chunk of it, if it is long): a thread, a warp or a block. */
export type Team = "thread" | "warp" | "block";

export interface ReduceKernel {
  readonly reduction: Reduction;
  readonly program: ScalarProgram;
  readonly team: Team;
  /** Axes over which results run, and axes that are reduced. */
  readonly kept: number;
  readonly reduced: number;
  readonly wide: boolean;
  /** Whether its results are not combined any more. Default true. */
  readonly last?: boolean;
}

export const reduceThreads = 256;

/** Elements of a chunk: a function of the number of elements alone, with at most 2048 chunks. */
export function chunkFor(n: number): number {
  return Math.max(2048, 2 ** Math.ceil(Math.log2(n)) / 2048);
}

export function isIndexed(reduction: Reduction): reduction is "argMax" | "argMin" {
  return reduction === "argMax" || reduction === "argMin";
}

/** What a result has beside its value: the place of an extreme, or the sum that belongs to a maximum. */
interface Companion {
  readonly dtype: DType;
  /** Of a state; `last` if nothing will be combined with it any more. */
  readonly of: (state: string, last: boolean) => string;
}

export function companionOf(reduction: Reduction, dtype: DType): Companion | null {
  if (isIndexed(reduction)) return { dtype: "int32", of: (state) => `${state}.i` };
  if (!isSumExp(reduction)) return null;
  const exp = dtype === "float32" ? "expf" : "exp";
  const otherwise = (state: string): string =>
    reduction === "maxSumExpGuarded" ? `${exp}(${state}.v)` : `${state}.v - ${state}.v`;
  return {
    dtype,
    of: (state, last) => (last ? `${state}.v - ${state}.v == 0 ? ${state}.s : ${otherwise(state)}` : `${state}.s`),
  };
}

function isSumExp(reduction: Reduction): reduction is "maxSumExp" | "maxSumExpGuarded" {
  return reduction === "maxSumExp" || reduction === "maxSumExpGuarded";
}

/** The running result, as C++: a start, a step, and how two of them become one. */
function printState(reduction: Reduction, dtype: DType): string {
  const t = cTypes[dtype];
  const isFloat = dtype === "float32" || dtype === "float64";
  if (isIndexed(reduction)) {
    const better = `a ${reduction === "argMax" ? ">" : "<"} b${isFloat ? " || (a != a && b == b)" : ""}`;
    // No index yet is the largest one. The first NaN wins, else the first extreme.
    return `struct State { ${t} v; int i; };
__device__ __forceinline__ State state_start() { State s = {0, 0x7fffffff}; return s; }
__device__ __forceinline__ bool better(${t} a, ${t} b) { return ${better}; }
__device__ __forceinline__ State state_merge(State a, State b) {
  const bool take = b.i != 0x7fffffff && (a.i == 0x7fffffff || better(b.v, a.v) || (!better(a.v, b.v) && b.i < a.i));
  State s = {take ? b.v : a.v, take ? b.i : a.i};
  return s;
}
__device__ __forceinline__ State state_of(${t} v, index_t i) { State s = {v, (int)i}; return s; }
__device__ __forceinline__ State state_shuffle(State s, int m) {
  State o = {__shfl_xor_sync(0xffffffffu, s.v, m), __shfl_xor_sync(0xffffffffu, s.i, m)};
  return o;
}
`;
  }
  if (isSumExp(reduction)) {
    // The sum that belongs to the smaller maximum is scaled to the larger one (Milakov & Gimelshein, 2018); −∞ beside −∞ is as large.
    const [exp, abs] = dtype === "float32" ? ["expf", "fabsf"] : ["exp", "fabs"];
    return `struct State { ${t} v; ${t} s; };
__device__ __forceinline__ State state_start() { State s = {${lowest(dtype, "max")}, 0}; return s; }
__device__ __forceinline__ State state_merge(State a, State b) {
  const ${t} scale = a.v == b.v ? (${t})1 : ${exp}(-${abs}(a.v - b.v));
  State s = {curv_max(a.v, b.v), a.v >= b.v ? a.s + b.s * scale : a.s * scale + b.s};
  return s;
}
__device__ __forceinline__ State state_of(${t} v, index_t) { State s = {v, 1}; return s; }
__device__ __forceinline__ State state_shuffle(State s, int m) {
  State o = {__shfl_xor_sync(0xffffffffu, s.v, m), __shfl_xor_sync(0xffffffffu, s.s, m)};
  return o;
}
`;
  }
  const start = { sum: "0", prod: "1", max: lowest(dtype, "max"), min: lowest(dtype, "min") }[reduction];
  const merge = {
    sum: "a.v + b.v",
    prod: "a.v * b.v",
    max: isFloat ? "curv_max(a.v, b.v)" : "a.v > b.v ? a.v : b.v",
    min: isFloat ? "curv_min(a.v, b.v)" : "a.v < b.v ? a.v : b.v",
  }[reduction];
  return `struct State { ${t} v; };
__device__ __forceinline__ State state_start() { State s = {${start}}; return s; }
__device__ __forceinline__ State state_merge(State a, State b) { State s = {(${t})(${merge})}; return s; }
__device__ __forceinline__ State state_of(${t} v, index_t) { State s = {v}; return s; }
__device__ __forceinline__ State state_shuffle(State s, int m) { State o = {__shfl_xor_sync(0xffffffffu, s.v, m)}; return o; }
`;
}

/** What every element is at least (for a maximum) or at most. */
function lowest(dtype: DType, reduction: "max" | "min"): string {
  const negative = reduction === "max";
  switch (dtype) {
    case "float32":
      return `__int_as_float(${negative ? "(int)0xff800000u" : "0x7f800000"})`;
    case "float64":
      return `__longlong_as_double(${negative ? "(long long)0xfff0000000000000ULL" : "0x7ff0000000000000LL"})`;
    case "int32":
      return negative ? "-2147483647 - 1" : "2147483647";
    case "uint32":
      return negative ? "0u" : "4294967295u";
    case "bool":
      return negative ? "0" : "1";
  }
}

const warpTree = `__device__ __forceinline__ State warp_tree(State s) {
#pragma unroll
  for (int m = 16; m > 0; m >>= 1) s = state_merge(s, state_shuffle(s, m));
  return s;
}
`;

/**
 * Arguments: inputs, literals, values (and companions) of the results, the number of results, of reduced elements, and elements
 * of a chunk, lengths of kept axes but the first, of reduced axes but the first, then for each input its strides over kept and over
 * reduced axes. Result `c` of chunk `o` stands at `o + c·results`.
 *
 * Grid: x over results, y over chunks.
 */
export function printReduce({ reduction, program, team, kept, reduced, wide, last = true }: ReduceKernel): string {
  const names = program.inputs.map((_, i) => `x${i}`);
  const strides = (name: string, part: string, rank: number): string[] =>
    Array.from({ length: rank }, (_, i) => `${name}_${part}${i}`);
  const lengths = (part: string, rank: number): string[] =>
    Array.from({ length: Math.max(0, rank - 1) }, (_, i) => `${part}${i + 1}`);
  const [keptLengths, reducedLengths] = [lengths("k", kept), lengths("r", reduced)];
  const dtype = typeOf(program, program.results[0]) as DType;
  const beside = companionOf(reduction, dtype);
  const signature = [
    ...program.inputs.map((type, i) => `const ${cTypes[type]}* __restrict__ x${i}`),
    ...program.literals.map((type, i) => `const ${cTypes[type]} c${i}`),
    `${cTypes[dtype]}* __restrict__ values`,
    ...(beside === null ? [] : [`${cTypes[beside.dtype]}* __restrict__ companions`]),
    ...parameters([
      "results",
      "n",
      "chunk",
      ...keptLengths,
      ...reducedLengths,
      ...names.flatMap((name) => [...strides(name, "k", kept), ...strides(name, "r", reduced)]),
    ]),
  ];
  const base = printOffsets(
    "o",
    keptLengths,
    kept === 0 ? [] : names.map((name) => ({ name: `${name}_o`, strides: strides(name, "k", kept) })),
  );
  const inner = printOffsets(
    "e",
    reducedLengths,
    reduced === 0 ? [] : names.map((name) => ({ name: `${name}_e`, strides: strides(name, "r", reduced) })),
  );
  const element = (name: string): string =>
    `${name}[${[...(kept === 0 ? [] : [`${name}_o`]), ...(reduced === 0 ? [] : [`${name}_e`])].join(" + ") || "0"}]`;
  const args = [...names.map(element), ...program.literals.map((_, i) => `c${i}`), "v"].join(", ");
  const step = (state: string): string =>
    `{ ${inner} ${cTypes[dtype]} v; curv_f(${args}); ${state} = state_merge(${state}, state_of(v, e)); }`;
  const store = (state: string): string =>
    `values[o + c * results] = ${state}.v;${beside === null ? "" : ` companions[o + c * results] = ${beside.of(state, last)};`}`;
  // Accumulator j of four takes the elements whose number is j modulo four.
  const four = (from: string, by: string): string => `State a0 = state_start(), a1 = a0, a2 = a0, a3 = a0;
    index_t e = begin + ${from};
    for (; e + 3 * ${by} < end; ) {
      ${[0, 1, 2, 3].map((j) => `${step(`a${j}`)} e += ${by};`).join("\n      ")}
    }
    if (e < end) ${step("a0")} e += ${by};
    if (e < end) ${step("a1")} e += ${by};
    if (e < end) ${step("a2")}
    State s = state_merge(state_merge(a0, a1), state_merge(a2, a3));`;
  const bounds = `const index_t c = (index_t)blockIdx.y; const index_t begin = c * chunk; const index_t end = begin + chunk < n ? begin + chunk : n;`;
  const bodies: Readonly<Record<Team, string>> = {
    thread: `  const index_t o = (index_t)blockIdx.x * ${reduceThreads} + (index_t)threadIdx.x;
  ${bounds}
  if (o < results) {
    ${base}
    ${four("0", "1")}
    ${store("s")}
  }`,
    warp: `  const int lane = threadIdx.x & 31;
  const index_t o = (index_t)blockIdx.x * ${reduceThreads / 32} + (index_t)(threadIdx.x >> 5);
  ${bounds}
  if (o < results) {
    ${base}
    ${four("lane", "32")}
    s = warp_tree(s);
    if (lane == 0) { ${store("s")} }
  }`,
    block: `  __shared__ State partial[${reduceThreads / 32}];
  const int lane = threadIdx.x & 31;
  const index_t o = (index_t)blockIdx.x;
  ${bounds}
  {
    ${base}
    ${four("(index_t)threadIdx.x", String(reduceThreads))}
    s = warp_tree(s);
    if (lane == 0) partial[threadIdx.x >> 5] = s;
    __syncthreads();
    if (threadIdx.x < 32) {
      s = lane < ${reduceThreads / 32} ? partial[lane] : state_start();
      s = warp_tree(s);
      if (lane == 0) { ${store("s")} }
    }
  }`,
  };
  const text = `${printState(reduction, dtype)}${team === "thread" ? "" : warpTree}${printProgram(program)}
${kernelHead(reduceThreads)} curv_reduce(${signature.join(", ")}) {
${bodies[team]}
}
`;
  return `${printIndexTypes(wide)}${preludeFor(text)}${text}`;
}

/**
 * Combines the chunks of each result, one warp a result: lane l takes chunks l, l + 32, …, then a tree.
 *
 * Arguments: values (and companions) of the chunks, values (and companions) of the results, the number of results, of chunks.
 */
export function printFold(reduction: Reduction, dtype: DType): string {
  const t = cTypes[dtype];
  const beside = companionOf(reduction, dtype);
  const loaded =
    beside !== null
      ? "State x = {chunk_values[o + c * results], chunk_companions[o + c * results]};"
      : "State x = {chunk_values[o + c * results]};";
  const signature = [
    `const ${t}* __restrict__ chunk_values`,
    ...(beside === null ? [] : [`const ${cTypes[beside.dtype]}* __restrict__ chunk_companions`]),
    `${t}* __restrict__ values`,
    ...(beside === null ? [] : [`${cTypes[beside.dtype]}* __restrict__ companions`]),
    ...parameters(["results", "chunks"]),
  ];
  const text = `${printState(reduction, dtype)}${warpTree}
${kernelHead(reduceThreads)} curv_fold(${signature.join(", ")}) {
  const int lane = threadIdx.x & 31;
  const index_t o = (index_t)blockIdx.x * ${reduceThreads / 32} + (index_t)(threadIdx.x >> 5);
  if (o < results) {
    State s = state_start();
    for (index_t c = lane; c < chunks; c += 32) { ${loaded} s = state_merge(s, x); }
    s = warp_tree(s);
    if (lane == 0) { values[o] = s.v;${beside === null ? "" : ` companions[o] = ${beside.of("s", true)};`} }
  }
}
`;
  return `${printIndexTypes(true)}${preludeFor(text)}${text}`;
}
