/** A share of device memory. */

import type { DType } from "@curv/tensor";
import type { Block, MemoryPool } from "./memory-pool.js";

const sizes: Readonly<Record<DType, number>> = { float32: 4, float64: 8, int32: 4, uint32: 4, bool: 1 };

export function itemBytes(dtype: DType): number {
  return sizes[dtype];
}

/** Elements of one dtype on the card, counted by who holds them. */
export class Buffer {
  private shares = 1;

  private constructor(
    private readonly memory: MemoryPool | null,
    private readonly block: Block | null,
    readonly dtype: DType,
    /** Of its elements. */
    readonly bytes: number,
    readonly address: bigint = block?.address ?? 0n,
  ) {}

  /** @param what - What is kept there, for the message when there is no memory. */
  static allocate(
    memory: MemoryPool,
    dtype: DType,
    size: number,
    what: () => string = () => `${size} ${dtype} elements`,
  ): Buffer {
    if (size === 0) return Buffer.empty(dtype);
    const bytes = Buffer.bytesFor(dtype, size);
    return new Buffer(memory, memory.allocate(bytes, what), dtype, bytes);
  }

  /** No elements and no memory. */
  static empty(dtype: DType): Buffer {
    return new Buffer(null, null, dtype, 0);
  }

  /** Elements in the memory of another, whose holder keeps it as long as they are needed. */
  static part(whole: Buffer, offset: number, dtype: DType, size: number): Buffer {
    return new Buffer(null, null, dtype, Buffer.bytesFor(dtype, size), whole.address + BigInt(offset));
  }

  static bytesFor(dtype: DType, size: number): number {
    return size * sizes[dtype];
  }

  retain(): this {
    this.shares++;
    return this;
  }

  release(): void {
    if (--this.shares === 0 && this.block !== null) this.memory!.free(this.block);
  }
}

/** What a tensor on the card is known to hold. */
export interface Filled {
  /** The number in every element; null if that is not known. */
  readonly filled: number | null;
}
