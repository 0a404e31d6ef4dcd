/** The one WebAssembly memory of the CPU backend, and who has which part of it. */

import type { DType, TypedArray } from "../../dtype.js";
import { BackendError } from "../../errors.js";
import { maximumPages } from "./module.js";

const pageBytes = 65536;
/** Every part starts at a cache line and ends with a vector that may be read beyond its last element. */
const alignment = 64;

/**
 * Shared wherever that is allowed, even for one thread: when a memory that is not shared grows, its views die, and V8 checks from then on
 * at every read of any typed array whether it is still there (some 15 % of an eager program).
 */
class KernelMemory {
  readonly shared: boolean = sharedMemoryAllowed();
  readonly memory: WebAssembly.Memory = new WebAssembly.Memory({
    initial: 1,
    maximum: maximumPages,
    shared: this.shared,
  });
  /** Free parts by their start, in ascending order, never touching. */
  private free: { start: number; bytes: number }[] = [{ start: alignment, bytes: pageBytes - alignment }];
  private readonly given = new Map<number, number>();
  /** Frees what can be had again, where there is such; whether there was. */
  relief: (() => boolean) | null = null;
  private views: { [K in DType]: TypedArray } | null = null;

  /** Address of a part of at least `bytes` bytes. */
  allocate(bytes: number): number {
    const size = Math.max(1, Math.ceil(bytes / alignment)) * alignment;
    for (let i = 0; i < this.free.length; i++) {
      const part = this.free[i];
      if (part.bytes < size) continue;
      const start = part.start;
      if (part.bytes === size) this.free.splice(i, 1);
      else this.free[i] = { start: start + size, bytes: part.bytes - size };
      this.given.set(start, size);
      return start;
    }
    this.grow(size);
    return this.allocate(bytes);
  }

  release(start: number): void {
    const bytes = this.given.get(start)!;
    this.given.delete(start);
    let i = this.free.findIndex((part) => part.start > start);
    if (i < 0) i = this.free.length;
    this.free.splice(i, 0, { start, bytes });
    this.mergeWithNext(i);
    if (i > 0) this.mergeWithNext(i - 1);
  }

  /** Typed arrays over the whole memory. Not to be kept: the memory may grow. */
  get arrays(): { readonly [K in DType]: TypedArray } {
    const { buffer } = this.memory;
    if (this.views === null || this.views.bool.buffer !== buffer) {
      this.views = {
        float32: new Float32Array(buffer),
        float64: new Float64Array(buffer),
        int32: new Int32Array(buffer),
        uint32: new Uint32Array(buffer),
        bool: new Uint8Array(buffer),
      };
    }
    return this.views;
  }

  private mergeWithNext(i: number): void {
    const [part, next] = [this.free[i], this.free[i + 1]];
    if (next === undefined || part.start + part.bytes !== next.start) return;
    this.free.splice(i, 2, { start: part.start, bytes: part.bytes + next.bytes });
  }

  /** Makes a free part of at least `bytes` bytes at the end, or frees others. */
  private grow(bytes: number): void {
    const end = this.memory.buffer.byteLength;
    const last = this.free.at(-1);
    const missing = last !== undefined && last.start + last.bytes === end ? bytes - last.bytes : bytes;
    // At least by an eighth, so that growing does not become a habit.
    const pages = Math.ceil(Math.max(missing, end / 8) / pageBytes);
    const room = maximumPages - end / pageBytes;
    const wanted = Math.ceil(missing / pageBytes);
    try {
      if (wanted > room) throw new RangeError("beyond the maximum");
      this.memory.grow(Math.min(pages, room));
    } catch {
      if (this.relief?.() === true) return;
      const mebibytes = (x: number): number => Math.ceil(x / 2 ** 20);
      throw new BackendError(
        `cpu: the kernels need ${mebibytes(missing)} MiB more beside ${mebibytes(end)} MiB, and cannot have it (${mebibytes(maximumPages * pageBytes)} MiB at most); split the work, for instance into batches.`,
      );
    }
    this.free.push({ start: end, bytes: this.memory.buffer.byteLength - end });
    this.mergeWithNext(Math.max(0, this.free.length - 2));
  }
}

function sharedMemoryAllowed(): boolean {
  return (
    typeof SharedArrayBuffer !== "undefined" &&
    (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated !== false
  );
}

let instance: KernelMemory | null | undefined;

/** The memory, made at first use; null where WebAssembly with vectors cannot be had. */
export function kernelMemory(): KernelMemory | null {
  if (instance === undefined) {
    instance = hasVectors() ? new KernelMemory() : null;
    if (instance === null) {
      // eslint-disable-next-line no-console -- said once; nothing else would tell why it is slow.
      console.warn("Curv: there is no WebAssembly with vectors here; the portable kernels do everything, more slowly.");
    }
  }
  return instance;
}

/** A function that returns a vector of zeros: valid where vectors are. */
function hasVectors(): boolean {
  if (typeof WebAssembly === "undefined") return false;
  const probe = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11];
  return WebAssembly.validate(new Uint8Array(probe));
}

export type { KernelMemory };
