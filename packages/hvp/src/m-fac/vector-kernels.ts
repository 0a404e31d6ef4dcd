/**
 * The two inner loops of products whose sums are float64 whatever the storage: inner products of four rows with a vector, and the sum
 * of four multiples of rows. As WebAssembly with vectors where that may be compiled, else as JavaScript with the same order of sums,
 * so that both give the same bits.
 *
 * All operands lie in one block of memory, that of the kernels. Rows are copied to its beginning piece by piece, which stays in the cache; or
 * they lie in it for good, behind the beginning, where there is a block that is large enough for them.
 */

import { DomainError } from "@curv/tensor";

/** The same four functions in either form; addresses are in bytes from the start of `buffer`, and multiples of an element's size. */
export interface VectorKernels {
  readonly buffer: ArrayBuffer;
  readonly float32: RowKernels;
  readonly float64: RowKernels;
}

/** For rows of one dtype. */
export interface RowKernels {
  /** out[r] = Σ_i row_r[i]·x[i] for r = 0 … 3 and i < n; x and out are float64. */
  readonly dots: (r0: number, r1: number, r2: number, r3: number, x: number, n: number, out: number) => void;
  /** y[i] += Σ_r c_r·row_r[i] for i < n, added in the order of r; y is float64. */
  readonly sums: (
    r0: number, r1: number, r2: number, r3: number, y: number, n: number,
    c0: number, c1: number, c2: number, c3: number,
  ) => void; // prettier-ignore
}

const pageBytes = 65536;
/** Bytes at the beginning of the block, for pieces: 13 vectors of 8192 float64 with gaps, and results. */
export const scratchBytes: number = 14 * pageBytes;
/** What 32-bit addresses reach. */
const mostPages = 65536;

/** The kernels in plain JavaScript, with a block of at least so many bytes. */
export function portableKernels(bytes: number = scratchBytes): VectorKernels {
  const buffer = new ArrayBuffer(pageBytes * Math.ceil(bytes / pageBytes));
  const wide = new Float64Array(buffer);
  return {
    buffer,
    float32: portableRows(new Float32Array(buffer), 4, wide),
    float64: portableRows(new Float64Array(buffer), 8, wide),
  };
}

function portableRows(rows: Float32Array | Float64Array, size: number, wide: Float64Array): RowKernels {
  const dot = (row: number, x: number, n: number): number => {
    // Element i goes to sum i mod 4; what is left over to one of its own.
    let [s0, s1, s2, s3, rest] = [0, 0, 0, 0, 0];
    const whole = n - (n % 4);
    let i = 0;
    for (; i < whole; i += 4) {
      s0 += rows[row + i] * wide[x + i];
      s1 += rows[row + i + 1] * wide[x + i + 1];
      s2 += rows[row + i + 2] * wide[x + i + 2];
      s3 += rows[row + i + 3] * wide[x + i + 3];
    }
    for (; i < n; i++) rest += rows[row + i] * wide[x + i];
    return s0 + s2 + (s1 + s3) + rest;
  };
  return {
    dots: (r0, r1, r2, r3, x, n, out) => {
      [r0, r1, r2, r3].forEach((row, r) => (wide[out / 8 + r] = dot(row / size, x / 8, n)));
    },
    sums: (r0, r1, r2, r3, y, n, c0, c1, c2, c3) => {
      const [p0, p1, p2, p3, to] = [r0 / size, r1 / size, r2 / size, r3 / size, y / 8];
      for (let i = 0; i < n; i++) {
        wide[to + i] = wide[to + i] + c0 * rows[p0 + i] + c1 * rows[p1 + i] + c2 * rows[p2 + i] + c3 * rows[p3 + i];
      }
    },
  };
}

/** The kernels in WebAssembly, with a block of at least so many bytes; throws where it may not be compiled or has no vectors. */
export function webAssemblyKernels(bytes: number = scratchBytes): VectorKernels {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(encodeModule(Math.ceil(bytes / pageBytes))));
  const { memory, dots32, sums32, dots64, sums64 } = instance.exports as unknown as {
    readonly memory: WebAssembly.Memory;
    readonly dots32: RowKernels["dots"];
    readonly sums32: RowKernels["sums"];
    readonly dots64: RowKernels["dots"];
    readonly sums64: RowKernels["sums"];
  };
  return {
    buffer: memory.buffer as ArrayBuffer,
    float32: { dots: dots32, sums: sums32 },
    float64: { dots: dots64, sums: sums64 },
  };
}

let shared: VectorKernels | null = null;

/** The faster kernels that can be had here, with room for pieces. */
export function vectorKernels(): VectorKernels {
  return (shared ??= fasterKernels(scratchBytes));
}

/**
 * Kernels of one's own, with room for `bytes` more than pieces need, all zero. The memory never grows, so that it may hold what must last;
 * it costs nothing before it is written to.
 *
 * @throws DomainError for more than 4 GiB, or more than can be had.
 */
export function kernelsWithRoom(bytes: number, caller: string): VectorKernels {
  const all = scratchBytes + bytes;
  if (all > mostPages * pageBytes) {
    throw new DomainError(
      `${caller}: the gradients need ${bytes} bytes; wants less than 4 GiB, which is what one memory can have.`,
    );
  }
  try {
    return fasterKernels(all);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DomainError(`${caller}: the gradients need ${bytes} bytes, which cannot be had: ${error.message}.`);
  }
}

function fasterKernels(bytes: number): VectorKernels {
  try {
    return webAssemblyKernels(bytes);
  } catch {
    return portableKernels(bytes);
  }
}

// ---- The WebAssembly module: instructions by their names in the specification -----------------------------------------------------

type Code = readonly number[];

const [i32, f64, v128] = [0x7f, 0x7c, 0x7b];
const nothing = 0x40;

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

const get = (local: number): Code => [0x20, local];
const set = (local: number): Code => [0x21, local];
/** A small constant, −64 to 63: one byte of signed LEB128. */
const int = (value: number): Code => [0x41, value & 0x7f];
const i32Add: Code = [0x6a];
const i32And: Code = [0x71];
const i32Shl: Code = [0x74];
const i32LessUnsigned: Code = [0x49];
const f64Add: Code = [0xa0];
const f64Mul: Code = [0xa2];
const loadScalar = (bits: 32 | 64, offset: number): Code =>
  bits === 32 ? [0x2a, 0, offset, 0xbb /* f64.promote_f32 */] : [0x2b, 0, offset];
const storeScalar = (offset: number): Code => [0x39, 0, offset];
const vector = (...code: number[]): Code => [0xfd, ...code];
/** Two elements as f64x2, from memory: for float32, v128.load64_zero and f64x2.promote_low_f32x4. */
const loadPair = (bits: 32 | 64, offset: number): Code =>
  bits === 32 ? [...vector(0x5d, 0, offset), ...vector(0x5f)] : vector(0x00, 0, offset);
const storePair = (offset: number): Code => vector(0x0b, 0, offset);
const splat: Code = /* @__PURE__ */ vector(0x14);
const lane = (index: number): Code => vector(0x21, index);
const pairAdd: Code = /* @__PURE__ */ vector(0xf0, 0x01);
const pairMul: Code = /* @__PURE__ */ vector(0xf2, 0x01);

const advance = (pointer: number, bytes: number): Code => [...get(pointer), ...int(bytes), ...i32Add, ...set(pointer)];

/** while (pointer < end) body */
function whileBelow(pointer: number, end: number, body: Code): Code {
  const below = [...get(pointer), ...get(end), ...i32LessUnsigned];
  return [...below, 0x04, nothing, 0x03, nothing, ...body, ...below, 0x0d, 0, 0x0b, 0x0b];
}

const rows = [0, 1, 2, 3];
const [operand, count] = [4, 5];

/** end = operand + 8·(count & mask): where whole groups of four end, or how far the rest goes. */
const endOf = (end: number, start: number, mask: number): Code => [
  ...get(start),
  ...get(count),
  ...int(mask),
  ...i32And,
  ...int(3),
  ...i32Shl,
  ...i32Add,
  ...set(end),
];

interface Definition {
  readonly name: string;
  readonly params: Code;
  /** Groups of locals: [how many, of which type]. */
  readonly locals: readonly (readonly [number, number])[];
  readonly body: Code;
}

function dots(bits: 32 | 64): Definition {
  const size = bits / 8;
  const out = 6;
  // Locals: two vectors of sums a row, two vectors of x, a sum of what is left over a row, the end.
  const sum = (r: number, half: number): number => 7 + 2 * r + half;
  const x = (half: number): number => 15 + half;
  const rest = (r: number): number => 17 + r;
  const end = 21;
  const halves = [0, 1];
  const four = [
    ...halves.flatMap((half) => [...get(operand), ...loadPair(64, 16 * half), ...set(x(half))]),
    ...rows.flatMap((r) =>
      halves.flatMap((half) => [
        ...get(sum(r, half)),
        ...get(r),
        ...loadPair(bits, 2 * size * half),
        ...get(x(half)),
        ...pairMul,
        ...pairAdd,
        ...set(sum(r, half)),
      ]),
    ),
    ...rows.flatMap((r) => advance(r, 4 * size)),
    ...advance(operand, 32),
  ];
  const one = [
    ...rows.flatMap((r) => [
      ...get(rest(r)),
      ...get(r),
      ...loadScalar(bits, 0),
      ...get(operand),
      ...loadScalar(64, 0),
      ...f64Mul,
      ...f64Add,
      ...set(rest(r)),
    ]),
    ...rows.flatMap((r) => advance(r, size)),
    ...advance(operand, 8),
  ];
  const results = rows.flatMap((r) => [
    ...get(out),
    ...get(sum(r, 0)),
    ...get(sum(r, 1)),
    ...pairAdd,
    ...set(x(0)),
    ...get(x(0)),
    ...lane(0),
    ...get(x(0)),
    ...lane(1),
    ...f64Add,
    ...get(rest(r)),
    ...f64Add,
    ...storeScalar(8 * r),
  ]);
  return {
    name: `dots${bits}`,
    params: [i32, i32, i32, i32, i32, i32, i32],
    locals: [
      [10, v128],
      [4, f64],
      [1, i32],
    ],
    body: [
      ...endOf(end, operand, -4),
      ...whileBelow(operand, end, four),
      ...endOf(end, end, 3),
      ...whileBelow(operand, end, one),
      ...results,
    ],
  };
}

function sums(bits: 32 | 64): Definition {
  const size = bits / 8;
  const coefficient = (r: number): number => 6 + r;
  const pair = (r: number): number => 10 + r;
  const end = 14;
  const terms = (load: (r: number) => Code, factor: (r: number) => number, mul: Code, add: Code): Code =>
    rows.flatMap((r) => [...get(factor(r)), ...load(r), ...mul, ...add]);
  const four = [
    ...[0, 1].flatMap((half) => [
      ...get(operand),
      ...get(operand),
      ...loadPair(64, 16 * half),
      ...terms((r) => [...get(r), ...loadPair(bits, 2 * size * half)], pair, pairMul, pairAdd),
      ...storePair(16 * half),
    ]),
    ...rows.flatMap((r) => advance(r, 4 * size)),
    ...advance(operand, 32),
  ];
  const one = [
    ...get(operand),
    ...get(operand),
    ...loadScalar(64, 0),
    ...terms((r) => [...get(r), ...loadScalar(bits, 0)], coefficient, f64Mul, f64Add),
    ...storeScalar(0),
    ...rows.flatMap((r) => advance(r, size)),
    ...advance(operand, 8),
  ];
  return {
    name: `sums${bits}`,
    params: [i32, i32, i32, i32, i32, i32, f64, f64, f64, f64],
    locals: [
      [4, v128],
      [1, i32],
    ],
    body: [
      ...rows.flatMap((r) => [...get(coefficient(r)), ...splat, ...set(pair(r))]),
      ...endOf(end, operand, -4),
      ...whileBelow(operand, end, four),
      ...endOf(end, end, 3),
      ...whileBelow(operand, end, one),
    ],
  };
}

/** A module with a memory of its own, which never grows, and the four functions. */
function encodeModule(pages: number): Uint8Array<ArrayBuffer> {
  const functions = [dots(32), sums(32), dots(64), sums(64)];
  const section = (id: number, entries: readonly Code[]): Code => {
    const content = [...unsigned(entries.length), ...entries.flat()];
    return [id, ...unsigned(content.length), ...content];
  };
  const text = (name: string): Code => [name.length, ...Array.from(name, (character) => character.charCodeAt(0))];
  const sized = (bytes: Code): Code => [...unsigned(bytes.length), ...bytes];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      functions.map(({ params }) => [0x60, ...sized(params), 0]),
    ),
    ...section(
      3,
      functions.map((_, i) => [i]),
    ),
    ...section(5, [[1, ...unsigned(pages), ...unsigned(pages)]]),
    ...section(7, [[...text("memory"), 2, 0], ...functions.map(({ name }, i) => [...text(name), 0, i])]),
    ...section(
      10,
      functions.map(({ locals, body }) => sized([...unsigned(locals.length), ...locals.flat(), ...body, 0x0b])),
    ),
  ]);
}
