/** Where elements are: on the host, on the device, on their way, or lost to an error. Shared by count. */

import type { DType, Shape, TypedArray } from "@curv/tensor";
import { sizeOf } from "@curv/tensor/backend";
import { blocksOf, cutAxis, isLong } from "./blocks.js";
import type { Engine } from "./engine.js";
import { GpujsError } from "./errors.js";
import type { Handle } from "./library.js";
import { settled, type Task } from "./task.js";
import { partsOf } from "./value.js";

/** Numbers that stay on the host after they were uploaded: scalars become arguments of kernels. */
export const scalarLength = 2;

/** One array, as many numbers as its elements have parts. */
export class Storage {
  private references = 1;
  private handle: Handle | null = null;
  /** On the host, not uploaded yet. */
  private host: Float32Array | null = null;
  /** The array that this one turned out to be, when the work that makes it was done. */
  private source: Storage | null = null;
  private error: Error | null = null;
  /** Of an array that is too long for one: its blocks of rows. */
  private blocks: readonly Storage[] | null = null;

  constructor(
    private readonly engine: Engine,
    /** Numbers in it. */
    readonly length: number,
  ) {}

  static onHost(engine: Engine, numbers: Float32Array): Storage {
    const storage = new Storage(engine, numbers.length);
    storage.host = numbers;
    return storage;
  }

  /** The elements of a tensor, in blocks if they are too many. They are uploaded when a kernel wants them. */
  static of(engine: Engine, data: TypedArray, shape: Shape, dtype: DType): Storage {
    if (!isLong({ shape, dtype })) return Storage.onHost(engine, encode(data, dtype));
    const cuts = blocksOf(shape);
    if (cuts === null)
      throw new GpujsError(
        `upload: gpujs: rows of ${shape.slice(cutAxis(shape) + 1).join("×")} ${dtype} elements are too long for one launch; got the shape ${shape.join("×")}. Use another shape, or run on cpu.`,
        "limit",
      );
    const row = sizeOf(shape.slice(cutAxis(shape) + 1));
    const blocks = cuts.map(({ start, count }) =>
      Storage.onHost(engine, encode(data.subarray(start * row, (start + count) * row), dtype)),
    );
    return Storage.ofBlocks(engine, blocks);
  }

  /** Takes over a share of each block. */
  static ofBlocks(engine: Engine, blocks: readonly Storage[]): Storage {
    const storage = new Storage(
      engine,
      blocks.reduce((n, block) => n + block.length, 0),
    );
    storage.blocks = blocks;
    return storage;
  }

  static onDevice(engine: Engine, handle: Handle, length: number): Storage {
    const storage = new Storage(engine, length);
    storage.handle = handle;
    return storage;
  }

  retain(): this {
    this.references++;
    return this;
  }

  /** Gives up one share; the last frees the array. */
  release(): void {
    if (--this.references > 0) return;
    if (this.handle !== null) this.engine.delete(this.handle, this.length);
    this.source?.release();
    for (const block of this.blocks ?? []) block.release();
    this.blocks = null;
    this.handle = null;
    this.host = null;
    this.source = null;
  }

  /** Takes over the share of the array that this one stands for. */
  become(source: Storage): void {
    if (this.references <= 0) source.release();
    else this.source = source;
  }

  fail(error: Error): void {
    this.error = error;
  }

  /** Whether its numbers are on the host, known without waiting. */
  get onHost(): boolean {
    return this.source === null ? this.host !== null : this.source.onHost;
  }

  /** The array on the device; throws what went wrong when it was computed. */
  *onDevice(): Task<Handle> {
    if (this.error !== null) throw this.error;
    if (this.source !== null) return yield* this.source.onDevice();
    if (this.handle === null) {
      this.handle = yield* settled(this.engine.upload(this.host!));
      if (this.length > scalarLength) this.host = null;
    }
    return this.handle;
  }

  /** Block number i of a long array. */
  block(i: number): Storage {
    if (this.error !== null) throw this.error;
    return this.source?.block(i) ?? this.blocks![i];
  }

  /** Its elements on the host. They are a copy. */
  *elements(dtype: DType): Task<TypedArray> {
    if (this.error !== null) throw this.error;
    if (this.source !== null) return yield* this.source.elements(dtype);
    if (this.blocks === null) return decode(yield* this.read(), dtype);
    const parts: TypedArray[] = [];
    for (const block of this.blocks) parts.push(yield* block.elements(dtype));
    const all = decode(new Float32Array(this.length), dtype);
    let at = 0;
    for (const own of parts) {
      all.set(own, at);
      at += own.length;
    }
    return all;
  }

  /** Its numbers on the host. */
  *read(): Task<Float32Array> {
    if (this.error !== null) throw this.error;
    if (this.source !== null) return yield* this.source.read();
    if (this.host !== null) return this.host;
    return yield* settled(this.engine.read(this.handle!));
  }
}

/** A new array of numbers that have the elements: words as two planes of halves. */
export function encode(data: TypedArray, dtype: DType): Float32Array {
  if (partsOf(dtype) === 1) return Float32Array.from(data);
  const n = data.length;
  const out = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    const word = data[i] >>> 0;
    out[i] = word >>> 16;
    out[n + i] = word & 0xffff;
  }
  return out;
}

/** The elements that numbers stand for. */
export function decode(numbers: Float32Array, dtype: DType): TypedArray {
  switch (dtype) {
    case "bool":
      return Uint8Array.from(numbers);
    case "int32":
    case "uint32": {
      const n = numbers.length / 2;
      const out = dtype === "int32" ? new Int32Array(n) : new Uint32Array(n);
      for (let i = 0; i < n; i++) out[i] = numbers[i] * 65536 + numbers[n + i];
      return out;
    }
    default:
      return numbers.slice();
  }
}
