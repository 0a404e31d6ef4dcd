/** Device memory: size classes with free lists before the driver's pool. On one stream a freed block may be used again at once. */

import { CudaError } from "./errors.js";

/** What the pool asks of the driver. */
export interface RawMemory {
  /** @throws CudaError, with result 2 when there is no memory. */
  allocate(bytes: number): bigint;
  free(address: bigint): void;
  /** Waits for the stream and gives what the driver keeps back to the system. */
  trim(): void;
  /** Bytes that are free, and all. */
  info(): { readonly free: number; readonly total: number };
}

/** A block of device memory. */
export interface Block {
  readonly address: bigint;
  /** Of its size class. */
  readonly bytes: number;
}

/** How much device memory a backend uses. */
export interface MemoryUse {
  /** Arrays that are not freed. */
  readonly arrays: number;
  /** Their bytes, rounded up to the sizes of blocks. */
  readonly bytes: number;
  /** The most that they ever were. */
  readonly peakBytes: number;
  /** Bytes of blocks that are kept to be used again. */
  readonly keptBytes: number;
}

const smallest = 512;
const mebibyte = 2 ** 20;
/** Part of the card from which on a warning is due. */
const nearlyFull = 0.8;

/** Size of the block for so many bytes: four classes a power of two up to 1 MiB, then multiples of 2 MiB. */
export function blockBytes(bytes: number): number {
  if (bytes > mebibyte) return Math.ceil(bytes / (2 * mebibyte)) * 2 * mebibyte;
  if (bytes <= smallest) return smallest;
  const quarter = 2 ** Math.floor(Math.log2(bytes - 1)) / 4;
  return Math.max(smallest, Math.ceil(bytes / quarter) * quarter);
}

export class MemoryPool {
  /** Free blocks of a size, the highest address first. */
  private readonly kept = new Map<number, bigint[]>();
  private readonly live = new Map<bigint, { readonly bytes: number; readonly what: () => string }>();
  /** Called when memory is short, before blocks are given back: frees what can be made anew. */
  shortage: () => void = () => undefined;
  private keptBytes = 0;
  private warned = false;
  private bytes = 0;
  private peakBytes = 0;

  /** @param capacity - Bytes of the whole card: once more than 80 % of it are taken, a warning says so, once. */
  constructor(
    private readonly memory: RawMemory,
    private readonly capacity: number,
  ) {}

  /**
   * The block of the lowest address that is free: a program that takes and frees the same blocks in a loop gets the same addresses again,
   * whatever the order in which it frees them.
   *
   * @param what - For the message of a failure: what is kept there.
   * @throws CudaError naming the bytes, what is free, and the largest arrays, if memory is short even after all that was kept is given back.
   */
  allocate(bytes: number, what: () => string): Block {
    const size = blockBytes(bytes);
    const address = this.kept.get(size)?.pop();
    if (address !== undefined) this.keptBytes -= size;
    const block = { address: address ?? this.fresh(size, bytes, what), bytes: size };
    this.live.set(block.address, { bytes: size, what });
    this.bytes += size;
    this.peakBytes = Math.max(this.peakBytes, this.bytes);
    this.warnWhenNearlyFull();
    return block;
  }

  free({ address, bytes }: Block): void {
    if (!this.live.delete(address)) throw new CudaError(`cuda: a block of ${bytes} bytes was freed twice.`);
    this.bytes -= bytes;
    this.keptBytes += bytes;
    const list = this.kept.get(bytes);
    if (list === undefined) this.kept.set(bytes, [address]);
    else list.splice(placeOf(list, address), 0, address);
  }

  get use(): MemoryUse {
    return { arrays: this.live.size, bytes: this.bytes, peakBytes: this.peakBytes, keptBytes: this.keptBytes };
  }

  /** Gives back all blocks that are kept. */
  trim(): void {
    for (const list of this.kept.values()) for (const address of list) this.memory.free(address);
    this.kept.clear();
    this.keptBytes = 0;
    this.memory.trim();
  }

  /** Gives back all blocks, also those that are in use. */
  close(): void {
    for (const [address, { bytes }] of this.live) this.free({ address, bytes });
    this.trim();
  }

  /** Finalizers run only when the program yields: a loop that does not may fill the card with tensors that nobody holds any more. */
  private warnWhenNearlyFull(): void {
    const taken = this.bytes + this.keptBytes;
    if (this.warned || taken <= nearlyFull * this.capacity) return;
    this.warned = true;
    // eslint-disable-next-line no-console -- said once; the next thing would be an error.
    console.warn(
      `Curv: the cuda backend has taken ${mib(taken)} of the card's ${mib(this.capacity)}, ${mib(this.bytes)} of them in use; dispose tensors, or bound them with tidy or using.`,
    );
  }

  private fresh(size: number, wanted: number, what: () => string): bigint {
    try {
      return this.memory.allocate(size);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
    }
    this.shortage();
    this.trim();
    try {
      return this.memory.allocate(size);
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      const { free, total } = this.memory.info();
      const largest = [...this.live.values()]
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, 5)
        .map((entry) => `${entry.what()} (${mib(entry.bytes)})`);
      throw new CudaError(
        `cuda: no memory for ${what()}: ${mib(wanted)} were asked for, ${mib(free)} of ${mib(total)} are free, this backend holds ${mib(this.bytes)} and held ${mib(this.peakBytes)} at most` +
          `${largest.length === 0 ? "" : `, the largest: ${largest.join(", ")}`}. Dispose tensors, or bound them with tidy or using.`,
        (error as CudaError).refused,
        { cause: error },
      );
    }
  }
}

/** Where an address belongs in a list with the highest first. */
function placeOf(list: readonly bigint[], address: bigint): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (list[middle] > address) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof CudaError && error.refused?.result === 2;
}

function mib(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(bytes < 10 * mebibyte ? 3 : 0)} MiB`;
}
