/**
 * The engine's kernels behind functions that hold for every shape and dtype that Curv has.
 *
 * TensorFlow.js' own functions differentiate, check and convert; Curv does all that, so only `runKernel` is called. Kernels of some engines
 * return garbage for more than six axes, for bools, or for NaN: here axes are collapsed to at most four, bools go as int32 where a kernel
 * would misread them, and what is left is composed.
 */

import { BackendError, type DType, type Shape, type TypedArray } from "@curv/tensor";
import type { TfjsAttributes, TfjsEngine, TfjsModule, TfjsTensor } from "./tfjs.js";

/** Dtypes that TensorFlow.js has, of those that Curv has. */
export type EngineDType = "float32" | "int32" | "bool";

export const sizeOf = (shape: Shape): number => shape.reduce((n, m) => n * m, 1);
const same = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** Kernels of the engines that give what Curv asks of them take these as they are; see {@link Engine.exact}. */
const inexact: Readonly<Record<string, readonly string[]>> = {
  cpu: ["Erf"],
  wasm: ["Sin", "Cos", "Log1p", "Sign", "Maximum", "Minimum", "Erf"],
  webgl: ["Sin", "Cos", "Tan", "Acos", "Tanh", "Log", "Log1p", "Expm1", "Sign", "Maximum", "Minimum", "Erf"],
  webgpu: ["ArgMax", "Sin", "Cos", "Tan", "Acos", "Tanh", "Log", "Log1p", "Expm1", "Sign", "Maximum", "Minimum", "Erf"],
};

/** Of the engine's backend, what tells whether its device is there: on webgpu and on webgl. */
interface Device {
  readonly device?: {
    readonly lost: Promise<unknown>;
    readonly limits?: { readonly maxStorageBufferBindingSize: number };
  };
  readonly gpgpu?: { readonly gl: { isContextLost(): boolean } };
}

export class Engine {
  /** Of the engine's backend: "cpu", "wasm", "webgl", "webgpu", "tensorflow". */
  readonly name: string;
  /** Names of its kernels. */
  readonly kernels: ReadonlySet<string>;
  readonly #engine: TfjsEngine;
  /** What holds the memory. */
  readonly #device: Device | undefined;
  #deviceLost = false;

  constructor(readonly tf: TfjsModule) {
    this.name = tf.getBackend();
    this.kernels = new Set(tf.getKernelsForBackend(this.name).map(({ kernelName }) => kernelName));
    this.#engine = tf.engine();
    this.#device = this.#engine.backend;
    void this.#device?.device?.lost.then(() => (this.#deviceLost = true));
  }

  /** Whether its integers are floats: see `integers.ts`. */
  get roundsIntegers(): boolean {
    return this.name === "webgl" || this.name === "webgpu";
  }

  /** Most elements of an array. What webgpu cannot bind it computes without a word, and the results are garbage. */
  get largestArray(): number {
    if (this.name === "wasm") return 2 ** 30;
    const bytes = this.#device?.device?.limits?.maxStorageBufferBindingSize ?? Infinity;
    return Math.min(Math.floor(bytes / 4), 2 ** 31 - 1);
  }

  /** That `holder` can hold such an array. */
  checkSize(caller: string, shape: Shape, holder = `the ${this.name} engine`): void {
    const size = sizeOf(shape);
    if (size <= this.largestArray) return;
    throw new BackendError(
      `${caller}: ${holder} is out of memory for a tensor of ${size} elements; it holds at most ${this.largestArray}.`,
    );
  }

  /** Whether what it holds can be read at once: on webgpu only by waiting. */
  get readsAtOnce(): boolean {
    return this.name !== "webgpu";
  }

  /** What the user can do about an operation that is refused here. */
  get byHand(): string {
    return this.readsAtOnce
      ? 'move the operands with .to("cpu")'
      : 'read the operands, and compute it on the CPU: use("cpu"), then tensor(await x.array(), { dtype: x.dtype }) for each';
  }

  /** Why the memory is gone, if it is: TensorFlow.js itself would give zeros, or an error of its insides. */
  get loss(): string | null {
    if (this.tf.getBackend() === this.name && this.#engine.backend !== this.#device)
      return "was removed or reset since";
    if (this.#deviceLost || this.#device?.gpgpu?.gl.isContextLost() === true) return "has lost its device";
    return null;
  }

  /** Whether a kernel is there and does what its name says for every number. */
  exact(kernel: string): boolean {
    return this.kernels.has(kernel) && !(inexact[this.name] ?? []).includes(kernel);
  }

  // ---- Running --------------------------------------------------------------------------------------------------------------

  /** All outputs of a kernel. */
  runAll(
    name: string,
    inputs: Readonly<Record<string, TfjsTensor>> | TfjsTensor[],
    attrs: TfjsAttributes = {},
  ): TfjsTensor[] {
    if (!this.kernels.has(name)) {
      throw new BackendError(`the ${this.name} engine has no kernel ${name}; ${this.byHand}.`);
    }
    const out = this.#engine.runKernel(name, inputs as Record<string, never>, attrs as Record<string, never>);
    const outs = (Array.isArray(out) ? out : [out]) as TfjsTensor[];
    for (const { shape } of outs) this.checkSize(name, shape);
    return outs;
  }

  /** The first output of a kernel. */
  run(
    name: string,
    inputs: Readonly<Record<string, TfjsTensor>> | TfjsTensor[],
    attrs: TfjsAttributes = {},
  ): TfjsTensor {
    return this.runAll(name, inputs, attrs)[0];
  }

  /** A tensor of a copy of `values`: some engines keep the array itself. */
  upload(values: TypedArray, shape: Shape, dtype: EngineDType): TfjsTensor {
    return this.adopt(this.name === "wasm" ? values : values.slice(), shape, dtype);
  }

  /** A tensor of an array that nobody else will change. */
  adopt(values: TypedArray, shape: Shape, dtype: EngineDType): TfjsTensor {
    return this.tf.tensor(values as never, shape as never, dtype as never);
  }

  /** A scalar. */
  number(value: number, dtype: EngineDType = "float32"): TfjsTensor {
    const array =
      dtype === "float32" ? Float32Array.of(value) : dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value);
    return this.adopt(array, [], dtype);
  }

  // ---- Elementwise ----------------------------------------------------------------------------------------------------------

  unary(name: string, x: TfjsTensor): TfjsTensor {
    const few = x.shape.length <= 4 ? x : this.reshape(x, [-1]);
    return this.reshape(this.run(name, { x: few }), x.shape);
  }

  /** A binary kernel on operands that broadcast; a number is a scalar of the other's dtype. */
  binary(name: string, x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    if (typeof x === "number") return this.binary(name, this.number(x, (y as TfjsTensor).dtype as EngineDType), y);
    if (typeof y === "number") return this.binary(name, x, this.number(y, x.dtype as EngineDType));
    const shape = broadcast(x.shape, y.shape);
    const [a, b] = this.#aligned(x, y, shape);
    return this.reshape(this.run(name, { a, b }), shape);
  }

  /** Both operands with at most four axes, such that they still broadcast to the elements of `shape`. */
  #aligned(x: TfjsTensor, y: TfjsTensor, shape: Shape): [TfjsTensor, TfjsTensor] {
    if (shape.length <= 4) return [x, y];
    if (same(x.shape, y.shape)) return [this.reshape(x, [-1]), this.reshape(y, [-1])];
    const [xs, ys] = collapse(padded(x.shape, shape.length), padded(y.shape, shape.length));
    if (xs.length <= 4) return [this.reshape(x, xs), this.reshape(y, ys)];
    return [this.reshape(this.broadcastTo(x, shape), [-1]), this.reshape(this.broadcastTo(y, shape), [-1])];
  }

  add(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    return this.binary("Add", x, y);
  }
  sub(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    return this.binary("Sub", x, y);
  }
  /** Integers wrap at 32 bits. The cpu engine multiplies them as float64, which is exact to 2^53 only: there y goes in two halves. */
  mul(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    const isInt = (typeof x === "number" ? (y as TfjsTensor) : x).dtype === "int32";
    if (!isInt || this.name !== "cpu") return this.binary("Multiply", x, y);
    const high = this.binary("FloorDiv", this.#integer(y), 2 ** 16);
    const low = this.sub(y, this.binary("Multiply", high, 2 ** 16));
    const upper = this.binary("Multiply", this.binary("Multiply", x, high), 2 ** 16);
    return this.add(upper, this.binary("Multiply", x, low));
  }
  #integer(x: TfjsTensor | number): TfjsTensor {
    return typeof x === "number" ? this.number(x, "int32") : x;
  }
  /** Of floats: an int32 quotient would be rounded down. */
  div(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    return this.binary("RealDiv", x, y);
  }
  less(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    return this.binary("Less", x, y);
  }
  equal(x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    return this.binary("Equal", x, y);
  }
  and(x: TfjsTensor, y: TfjsTensor): TfjsTensor {
    return this.binary("LogicalAnd", x, y);
  }
  or(x: TfjsTensor, y: TfjsTensor): TfjsTensor {
    return this.binary("LogicalOr", x, y);
  }
  not(x: TfjsTensor): TfjsTensor {
    return this.unary("LogicalNot", x);
  }
  isNaN(x: TfjsTensor): TfjsTensor {
    return this.unary("IsNan", x);
  }

  /** x where c, else y. The engine's Select does not broadcast, and on wasm not choose among bools. */
  where(c: TfjsTensor, x: TfjsTensor | number, y: TfjsTensor | number): TfjsTensor {
    const like = (typeof x === "number" ? y : x) as TfjsTensor;
    const a = typeof x === "number" ? this.number(x, like.dtype as EngineDType) : x;
    const b = typeof y === "number" ? this.number(y, like.dtype as EngineDType) : y;
    const shape = broadcast(c.shape, broadcast(a.shape, b.shape));
    if (a.dtype === "bool") return this.or(this.and(c, a), this.and(this.not(c), b));
    const flat = (t: TfjsTensor): TfjsTensor => this.reshape(this.broadcastTo(t, shape), [-1]);
    return this.reshape(this.run("Select", { condition: flat(c), t: flat(a), e: flat(b) }), shape);
  }

  /** Larger of two, NaN if either is. */
  maximum(x: TfjsTensor, y: TfjsTensor): TfjsTensor {
    return this.#extreme("Maximum", x, y);
  }
  minimum(x: TfjsTensor, y: TfjsTensor): TfjsTensor {
    return this.#extreme("Minimum", x, y);
  }
  #extreme(kernel: string, x: TfjsTensor, y: TfjsTensor): TfjsTensor {
    if (x.dtype === "bool") return this.binary(kernel === "Maximum" ? "LogicalOr" : "LogicalAnd", x, y);
    const z = this.binary(kernel, x, y);
    return x.dtype !== "float32" || this.exact(kernel) ? z : this.where(this.or(this.isNaN(x), this.isNaN(y)), NaN, z);
  }

  /** Horner's rule, coefficients of the highest power first. */
  polynomial(x: TfjsTensor, coefficients: readonly number[]): TfjsTensor {
    const [first, ...rest] = coefficients;
    const [second, ...others] = rest;
    return others.reduce((p, c) => this.add(this.mul(p, x), c), this.add(this.mul(x, first), second));
  }

  /** Floats to integers truncate and saturate, NaN becomes 0; anything but 0 is true. */
  cast(x: TfjsTensor, dtype: EngineDType): TfjsTensor {
    if (x.dtype === dtype) return x;
    if (dtype === "bool") return this.binary("NotEqual", x, 0);
    if (dtype === "float32") {
      // webgpu only calls the same words floats.
      if (this.name === "webgpu") return this.#timesOne(x);
      const y = this.#converted(x, dtype);
      // The cpu engine keeps the array of integers, unrounded, until the next kernel.
      return this.name === "cpu" && x.dtype === "int32" ? this.mul(y, 1) : y;
    }
    if (x.dtype === "bool") return this.#converted(x, dtype);
    const limit = 2 ** 31;
    const small = this.less(this.unary("Abs", x), limit);
    const y = this.#converted(this.where(small, x, 0), dtype);
    const beyond = this.where(this.less(x, 0), this.number(-limit, "int32"), this.number(limit - 1, "int32"));
    return this.where(this.or(small, this.isNaN(x)), y, beyond);
  }

  /** What a float is cut off to as an int32, as a float: 2³¹ stands for the largest of them. */
  truncated(x: TfjsTensor): TfjsTensor {
    const whole = this.where(this.less(x, 0), this.unary("Ceil", x), this.unary("Floor", x));
    const inRange = this.binary("Maximum", this.binary("Minimum", whole, 2 ** 31), -(2 ** 31));
    return this.where(this.isNaN(x), 0, inRange);
  }

  /** An integer times a float is a float. */
  #timesOne(x: TfjsTensor): TfjsTensor {
    return this.reshape(this.run("Multiply", { a: this.reshape(x, [-1]), b: this.number(1) }), x.shape);
  }

  #converted(x: TfjsTensor, dtype: EngineDType): TfjsTensor {
    return this.reshape(this.run("Cast", { x: this.reshape(x, [-1]) }, { dtype }), x.shape);
  }

  // ---- Movement -------------------------------------------------------------------------------------------------------------

  /** The same elements; one length may be −1. May return x itself. */
  reshape(x: TfjsTensor, shape: Shape): TfjsTensor {
    const at = shape.indexOf(-1);
    const rest = shape.reduce((n, m) => (m === -1 ? n : n * m), 1);
    const full = at < 0 ? shape : shape.map((m) => (m === -1 ? sizeOf(x.shape) / rest : m));
    return same(x.shape, full) ? x : this.run("Reshape", { x }, { shape: full });
  }

  /** Another tensor on the same memory, which the engine counts. (wasm's Identity copies.) */
  shared(x: TfjsTensor): TfjsTensor {
    return this.run("Reshape", { x }, { shape: x.shape });
  }

  /** Axis i of the result is axis permutation[i] of x. */
  transpose(x: TfjsTensor, permutation: readonly number[]): TfjsTensor {
    if (this.name === "webgpu" && x.dtype !== "float32") {
      // Its shader for integers does not compile, and what comes out is what lay in memory. As floats they are exact to 2²⁴.
      return this.cast(this.transpose(this.cast(x, "float32"), permutation), x.dtype as EngineDType);
    }
    const shape = permutation.map((axis) => x.shape[axis]);
    // Axes of length 1 do not matter, and axes that stay neighbours move as one.
    const moved = permutation.filter((axis) => x.shape[axis] !== 1);
    const runs: number[][] = [];
    for (const axis of moved) {
      const last = runs[runs.length - 1];
      const before = last?.[last.length - 1];
      const next = before === undefined ? -1 : moved.filter((a) => a > before).sort((a, b) => a - b)[0];
      if (last !== undefined && next === axis) last.push(axis);
      else runs.push([axis]);
    }
    const order = runs.map((_, i) => i).sort((i, j) => runs[i][0] - runs[j][0]);
    if (order.every((r, i) => r === i)) return this.reshape(x, shape);
    let lengths = order.map((r) => sizeOf(runs[r].map((axis) => x.shape[axis])));
    let places = order; // which run of the result stands at each place
    let y = x;
    if (runs.length <= 4) {
      const perm = runs.map((_, r) => places.indexOf(r));
      return this.reshape(this.run("Transpose", { x: this.reshape(y, lengths) }, { perm }), shape);
    }
    // One run after the other to its place: exchanges of two neighbouring blocks.
    for (let r = 0; r < runs.length; r++) {
      const at = places.indexOf(r);
      if (at === r) continue;
      const outer = sizeOf(lengths.slice(0, r));
      const between = sizeOf(lengths.slice(r, at));
      const inner = sizeOf(lengths.slice(at + 1));
      const blocks = this.reshape(y, [outer, between, lengths[at], inner]);
      y = this.run("Transpose", { x: blocks }, { perm: [0, 2, 1, 3] });
      const front = <T>(list: readonly T[]): T[] => [
        ...list.slice(0, r),
        list[at],
        ...list.slice(r, at),
        ...list.slice(at + 1),
      ];
      lengths = front(lengths);
      places = front(places);
    }
    return this.reshape(y, shape);
  }

  /** x repeated along axes of length 1 and new leading axes, as NumPy broadcasts. */
  broadcastTo(x: TfjsTensor, shape: Shape): TfjsTensor {
    if (same(x.shape, shape)) return x;
    const own = padded(x.shape, shape.length);
    let y = x;
    const lengths = [...own];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (own[axis] === shape[axis]) continue;
      // Neighbouring axes that repeat, too, are one.
      let first = axis;
      while (first > 0 && own[first - 1] === 1) first--;
      const times = sizeOf(shape.slice(first, axis + 1));
      const blocks = [sizeOf(lengths.slice(0, first)), 1, sizeOf(lengths.slice(axis + 1))];
      y = this.run("Tile", { x: this.reshape(y, blocks) }, { reps: [1, times, 1] });
      for (let i = first; i <= axis; i++) lengths[i] = shape[i];
      axis = first;
    }
    return this.reshape(y, shape);
  }

  /** x as [outer, n, inner] around an axis. */
  #around(x: TfjsTensor, axis: number): TfjsTensor {
    return this.reshape(x, [sizeOf(x.shape.slice(0, axis)), x.shape[axis], sizeOf(x.shape.slice(axis + 1))]);
  }

  #replaced(x: TfjsTensor, axis: number, length: number): number[] {
    return x.shape.map((n, i) => (i === axis ? length : n));
  }

  /** Elements start, start + step, … before stop along one axis. */
  slice(x: TfjsTensor, axis: number, start: number, stop: number, step = 1): TfjsTensor {
    const n = x.shape[axis];
    if (start === 0 && stop === n && step === 1) return x;
    const count = Math.ceil((stop - start) / step);
    const y = this.#around(x, axis);
    const [outer, , inner] = y.shape;
    const shape = this.#replaced(x, axis, count);
    if (step === 1)
      return this.reshape(this.run("Slice", { x: y }, { begin: [0, start, 0], size: [outer, count, inner] }), shape);
    // Every step-th element is the first of its group; the last group is made whole.
    const whole = count * step;
    const from = this.slice(y, 1, start, Math.min(n, start + whole));
    const full = this.pad(from, 1, 0, whole - from.shape[1]);
    const groups = this.reshape(full, [outer * count, step, inner]);
    return this.reshape(this.slice(groups, 1, 0, 1), shape);
  }

  /** `low` elements of `fill` before and `high` after, along one axis. */
  pad(x: TfjsTensor, axis: number, low: number, high: number, fill: TfjsTensor | number = 0): TfjsTensor {
    if (low === 0 && high === 0) return x;
    const shape = this.#replaced(x, axis, x.shape[axis] + low + high);
    const y = this.#around(x, axis);
    // NaN and infinities get lost on their way into wasm's PadV2.
    if (typeof fill === "number" && Number.isFinite(fill)) {
      return this.reshape(this.run("PadV2", { x: y }, { paddings: [[0, 0], [low, high], [0, 0]], constantValue: fill }), shape); // prettier-ignore
    }
    const value = typeof fill === "number" ? this.number(fill, x.dtype as EngineDType) : fill;
    const [outer, , inner] = y.shape;
    const block = (n: number): TfjsTensor[] => (n === 0 ? [] : [this.broadcastTo(value, [outer, n, inner])]);
    return this.reshape(this.concat([...block(low), y, ...block(high)], 1), shape);
  }

  /** step − 1 elements of `fill` between neighbours along one axis. */
  spread(x: TfjsTensor, axis: number, step: number, fill: TfjsTensor | number = 0): TfjsTensor {
    const n = x.shape[axis];
    if (step === 1 || n <= 1) return x;
    const y = this.#around(x, axis);
    const [outer, , inner] = y.shape;
    const groups = this.pad(this.reshape(y, [outer * n, 1, inner]), 1, 0, step - 1, fill);
    const whole = this.reshape(groups, [outer, n * step, inner]);
    const length = (n - 1) * step + 1;
    return this.reshape(this.slice(whole, 1, 0, length), this.#replaced(x, axis, length));
  }

  concat(parts: readonly TfjsTensor[], axis: number): TfjsTensor {
    if (parts.length === 1) return parts[0];
    const length = parts.reduce((n, x) => n + x.shape[axis], 0);
    const blocks = parts.map((x) => this.#around(x, axis));
    return this.reshape(this.run("Concat", blocks, { axis: 1 }), this.#replaced(parts[0], axis, length));
  }

  flip(x: TfjsTensor, axis: number): TfjsTensor {
    if (x.dtype === "bool") return this.cast(this.flip(this.cast(x, "int32"), axis), "bool");
    return this.reshape(this.run("Reverse", { x: this.#around(x, axis) }, { dims: [1] }), x.shape);
  }

  /** Rows of x of [n, row] at int32 indices of [count], all of which must be in range. */
  rows(x: TfjsTensor, indices: TfjsTensor): TfjsTensor {
    return this.run("GatherV2", { x, indices }, { axis: 0, batchDims: 0 });
  }

  /** Entries along one axis at int32 indices of [count], all of which must be in range. */
  take(x: TfjsTensor, indices: TfjsTensor, axis: number): TfjsTensor {
    const y = this.run("GatherV2", { x: this.#around(x, axis), indices }, { axis: 1, batchDims: 0 });
    return this.reshape(y, this.#replaced(x, axis, indices.shape[0]));
  }

  /** Rows of updates [count, row] added up at int32 indices of [count] in [0, n). */
  addRows(updates: TfjsTensor, indices: TfjsTensor, n: number): TfjsTensor {
    const [count, row] = updates.shape;
    return this.run("ScatterNd", { indices: this.reshape(indices, [count, 1]), updates }, { shape: [n, row] });
  }

  /** 0, 1, … n − 1, int32. */
  iota(n: number): TfjsTensor {
    return this.adopt(
      Int32Array.from({ length: n }, (_, i) => i),
      [n],
      "int32",
    );
  }

  fill(shape: Shape, value: number, dtype: EngineDType): TfjsTensor {
    if (Number.isFinite(value)) {
      return this.reshape(this.run("Fill", {}, { shape: [sizeOf(shape)], value, dtype }), shape);
    }
    return this.broadcastTo(this.number(value, dtype), shape);
  }

  // ---- Sums -----------------------------------------------------------------------------------------------------------------

  /** x as [rows, n], its `axes` last and as one. */
  lines(x: TfjsTensor, axes: readonly number[]): TfjsTensor {
    const kept = x.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const order = [...kept, ...axes];
    return this.reshape(this.transpose(x, order), [
      sizeOf(kept.map((a) => x.shape[a])),
      sizeOf(axes.map((a) => x.shape[a])),
    ]);
  }

  /** Of [rows, n] over n, as [rows]. */
  reduce(name: string, x: TfjsTensor): TfjsTensor {
    return this.run(name, { x }, { axis: [1], reductionIndices: [1], keepDims: false });
  }

  /** a of [B, M, K] times b of [B, K, N]. */
  matmul(
    a: TfjsTensor,
    b: TfjsTensor,
    { transposeA = false, transposeB = false }: { readonly transposeA?: boolean; readonly transposeB?: boolean } = {},
  ): TfjsTensor {
    if (a.dtype === "float32") return this.run("BatchMatMul", { a, b }, { transposeA, transposeB });
    // Integers: no engine but the cpu multiplies matrices of them.
    const x = transposeA ? this.transpose(a, [0, 2, 1]) : a;
    const y = transposeB ? b : this.transpose(b, [0, 2, 1]); // [B, N, K]
    const [count, m, k] = x.shape;
    const n = y.shape[1];
    const products = this.mul(this.reshape(x, [count, m, 1, k]), this.reshape(y, [count, 1, n, k]));
    return this.reshape(this.reduce("Sum", this.reshape(products, [count * m * n, k])), [count, m, n]);
  }
}

/** The shape to which two broadcast. */
export function broadcast(x: Shape, y: Shape): number[] {
  const rank = Math.max(x.length, y.length);
  const [a, b] = [padded(x, rank), padded(y, rank)];
  return a.map((n, i) => (n === 1 ? b[i] : n));
}

function padded(shape: Shape, rank: number): number[] {
  return [...new Array<number>(rank - shape.length).fill(1), ...shape];
}

/** Two shapes of one rank with neighbouring axes merged where both or the same one of them broadcast. */
function collapse(x: Shape, y: Shape): [number[], number[]] {
  const [a, b]: [number[], number[]] = [[], []];
  let last = "";
  x.forEach((n, i) => {
    const m = y[i];
    if (n === 1 && m === 1) return;
    const pattern = n === m ? "both" : n === 1 ? "x" : "y";
    if (pattern === last) {
      a[a.length - 1] *= n;
      b[b.length - 1] *= m;
    } else {
      a.push(n);
      b.push(m);
    }
    last = pattern;
  });
  return [a, b];
}

/** Dtypes that an engine holds; float64 has none and uint32 stays on the host. */
export function engineDType(dtype: DType): EngineDType {
  return dtype as EngineDType;
}
