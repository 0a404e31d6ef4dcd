/**
 * Two loops in WebAssembly that bound everything else there: multiplications and additions in registers, and the triad a = b + s c.
 *
 * Encoded by hand, because bench/ measures Curv's compiler and should not be built with it.
 */

import type { Precision } from "./inputs.js";

/** Sums that grow side by side. On 16 vector registers the most that leaves room for two constants and the engine's scratch. */
const chains = 12;
/** Steps of the chains in a turn of the loop, so that counting costs nothing. */
const unrolled = 2;
/** Vectors that a turn of the triad's loop takes. */
const vectors = 4;

export const vectorBytes = 16;

/** Multiplications and additions in a turn of the loop `peak`. */
export function flopsPerTurn(precision: Precision): number {
  return chains * unrolled * 2 * (precision === "float32" ? 4 : 2);
}

/** Bytes of each array that a turn of the loop `triad` takes. */
export const bytesPerTurn: number = vectors * vectorBytes;

const pageBytes = 65_536;

export interface Loops {
  /** `turns` of the loop of multiplications and additions. */
  readonly peak: Readonly<Record<Precision, (turns: number) => number>>;
  /** a[i] = b[i] + s c[i], for arrays of `turns · bytesPerTurn` bytes that lie one after the other; `times` over. */
  readonly triad: (turns: number, times: number) => void;
}

/** @param bytes - How much memory the three arrays of the triad may take together. */
export function compileLoops(bytes: number): WebAssembly.Module {
  return new WebAssembly.Module(encode(Math.ceil(bytes / pageBytes)));
}

export function instantiate(module: WebAssembly.Module): Loops {
  const { exports } = new WebAssembly.Instance(module);
  const { peak32, peak64, triad } = exports as Record<string, (...args: number[]) => number>;
  return { peak: { float32: peak32, float64: peak64 }, triad };
}

// ---- Opcodes, by the names of the specification.

const op = {
  loop: 0x03,
  end: 0x0b,
  br_if: 0x0d,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_const: 0x41,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  void: 0x40,
} as const;
const type = { v128: 0x7b, f64: 0x7c, f32: 0x7d, i32: 0x7f } as const;
const vector = { load: 0x00, store: 0x0b, const: 0x0c, f64x2_extract: 0x21, f32x4_add: 0xe4, f32x4_mul: 0xe6 } as const;
const vector64 = { add: 0xf0, mul: 0xf2 } as const;
const f32x4_extract = 0x1f;
const f64_promote = 0xbb;

/** LEB128: sizes, indices and opcodes of vectors. */
function unsigned(n: number): number[] {
  const bytes: number[] = [];
  for (; n >= 0x80; n = Math.floor(n / 128)) bytes.push((n & 0x7f) | 0x80);
  return [...bytes, n];
}

/** Signed LEB128 of a number that is not negative: the last byte has six bits, because a seventh would read as the sign. */
function integer(n: number): number[] {
  const bytes: number[] = [op.i32_const];
  for (; n >= 0x40; n = Math.floor(n / 128)) bytes.push((n & 0x7f) | 0x80);
  return [...bytes, n];
}

const simd = (code: number, ...immediate: number[]): number[] => [0xfd, ...unsigned(code), ...immediate];
const get = (i: number): number[] => [op.local_get, i];
const set = (i: number): number[] => [op.local_set, i];

/** x ← 0.999 x + 0.001 tends to 1: neither overflow nor subnormal numbers, which are slow. */
function constant(value: number, precision: Precision): number[] {
  const lanes = precision === "float32" ? new Float32Array(4).fill(value) : new Float64Array(2).fill(value);
  return simd(vector.const, ...new Uint8Array(lanes.buffer));
}

/** Locals: 0 turns, 1 factor, 2 summand, then the chains. */
function peakBody(precision: Precision): number[] {
  const single = precision === "float32";
  const [mul, add] = single ? [vector.f32x4_mul, vector.f32x4_add] : [vector64.mul, vector64.add];
  const all = Array.from({ length: chains }, (_, i) => 3 + i);
  const step = all.flatMap((x) => [...get(x), ...get(1), ...simd(mul), ...get(2), ...simd(add), ...set(x)]);
  const sum = all.slice(1).flatMap((x) => [...get(x), ...simd(add)]);
  return [
    ...[...constant(0.999, precision), ...set(1), ...constant(0.001, precision), ...set(2)],
    ...all.flatMap((x) => [...constant(x / 16, precision), ...set(x)]),
    ...[op.loop, op.void],
    ...Array.from({ length: unrolled }, () => step).flat(),
    ...[...get(0), ...integer(1), op.i32_sub, op.local_tee, 0, op.br_if, 0, op.end],
    ...[...get(all[0]), ...sum],
    ...(single ? [...simd(f32x4_extract, 0), f64_promote] : simd(vector.f64x2_extract, 0)),
  ];
}

/** Locals: 0 turns, 1 times, 2 turns left, 3 and 4 and 5 the places in a, b, c, 6 the factor. */
function triadBody(): number[] {
  const aligned = 4; // 2^4 bytes
  const element = Array.from({ length: vectors }, (_, i) => {
    const immediate = [aligned, ...unsigned(i * vectorBytes)];
    return [
      ...get(3),
      ...[...get(4), ...simd(vector.load, ...immediate)],
      ...[...get(5), ...simd(vector.load, ...immediate), ...get(6), ...simd(vector64.mul)],
      ...[...simd(vector64.add), ...simd(vector.store, ...immediate)],
    ];
  }).flat();
  const advance = [3, 4, 5].flatMap((p) => [...get(p), ...integer(bytesPerTurn), op.i32_add, ...set(p)]);
  const arrayBytes = [...get(0), ...integer(bytesPerTurn), op.i32_mul];
  return [
    ...[...constant(0.5, "float64"), ...set(6)],
    ...[op.loop, op.void],
    ...[...get(0), ...set(2), ...integer(0), ...set(3)],
    ...[...arrayBytes, op.local_tee, 4, ...get(4), op.i32_add, ...set(5)],
    ...[op.loop, op.void, ...element, ...advance],
    ...[...get(2), ...integer(1), op.i32_sub, op.local_tee, 2, op.br_if, 0, op.end],
    ...[...get(1), ...integer(1), op.i32_sub, op.local_tee, 1, op.br_if, 0, op.end],
  ];
}

function encode(pages: number): Uint8Array<ArrayBuffer> {
  const vectorOf = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()];
  const section = (id: number, content: readonly number[]): number[] => [id, ...unsigned(content.length), ...content];
  const name = (text: string): number[] => [text.length, ...Array.from(text, (c) => c.charCodeAt(0))];
  const code = (locals: readonly number[][], body: readonly number[]): number[] => {
    const content = [...vectorOf(locals), ...body, op.end];
    return [...unsigned(content.length), ...content];
  };
  const peakLocals = [[2 + chains, type.v128]];
  const triadLocals = [
    [4, type.i32],
    [1, type.v128],
  ];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      vectorOf([
        [0x60, 1, type.i32, 1, type.f64],
        [0x60, 2, type.i32, type.i32, 0],
      ]),
    ),
    ...section(3, vectorOf([[0], [0], [1]])),
    ...section(5, vectorOf([[0, ...unsigned(pages)]])),
    ...section(7, vectorOf(["peak32", "peak64", "triad"].map((text, i) => [...name(text), 0, i]))),
    ...section(
      10,
      vectorOf([
        code(peakLocals, peakBody("float32")),
        code(peakLocals, peakBody("float64")),
        code(triadLocals, triadBody()),
      ]),
    ),
  ]);
}
