/**
 * Replays what a compiled plan launches as CUDA graphs: one call of the driver for a run of launches, instead of one for each.
 *
 * A graph holds the addresses that it was recorded with. Intermediate results lie in an arena that stays where it is. Inputs and outputs
 * are used where they are: a program that carries its state from call to call comes by the same few sets of addresses again, and a graph
 * is kept for each. Arrays that are elsewhere at every call are copied to, and from, slots that stay.
 */

import { Buffer } from "./buffer.js";
import type { Device, Recording } from "./device.js";
import { CudaError } from "./errors.js";
import type { Plan, Segment } from "./plan.js";

/** Fewer launches are not worth a graph. */
const leastLaunches = 4;
/** Graphs that are kept of one run of launches, for so many sets of addresses. */
const mostRecordings = 4;
/** Bytes that are copied to and from slots at one call: what takes a card about as long as a launch or ten. */
const mostSlotBytes = 32 * 2 ** 20;

/** What a compiled plan keeps from call to call: its arena and its graphs. */
export class Replay {
  private arena: Buffer | null = null;
  private buffers: readonly (Buffer | null)[] = [];
  private readonly recordings: readonly (Recordings | null)[];
  private readonly inner = new Map<Plan, Replay>();
  private readonly recordable: boolean;
  private calls = 0;
  private running = 0;

  constructor(
    private readonly device: Device,
    private readonly plan: Plan,
  ) {
    this.recordings = plan.segments.map((segment) =>
      segment.launches >= leastLaunches ? new Recordings(device, plan, segment) : null,
    );
    this.recordable = this.recordings.some((recordings) => recordings !== null);
  }

  /** The plan's arrays, those of its arena in their places. */
  begin(): (Buffer | null)[] {
    if (this.arena === null) {
      this.arena = allocateArena(this.device, this.plan);
      this.buffers = arenaArrays(this.plan, this.arena);
    }
    this.running++;
    return [...this.buffers];
  }

  /** @param done - Whether the call came to its end, and with it every kernel is compiled and every library open. */
  end(done: boolean): void {
    this.running--;
    if (done) this.calls++;
    // Nothing is kept of what is called only once.
    if (this.recordable && this.calls > 1) return;
    this.arena?.release();
    this.arena = null;
  }

  /** Runs a segment, by a graph if it can. `launch` does what is to be recorded. */
  run(segment: number, buffers: (Buffer | null)[], launch: (buffers: (Buffer | null)[]) => void): void {
    const recordings = this.recordings[segment];
    // The first call compiles kernels and opens libraries, which must not happen while the stream is captured.
    if (recordings === null || this.calls === 0) launch(buffers);
    else recordings.run(buffers, launch);
  }

  /** Of a plan inside of this one. */
  of(plan: Plan): Replay {
    let replay = this.inner.get(plan);
    if (replay === undefined) this.inner.set(plan, (replay = new Replay(this.device, plan)));
    return replay;
  }

  /** Gives memory and graphs back, unless they are in use; the next call makes them anew. */
  release(): void {
    for (const replay of this.inner.values()) replay.release();
    if (this.running > 0) return;
    for (const recordings of this.recordings) recordings?.release();
    this.arena?.release();
    this.arena = null;
  }
}

/** Memory for what lives only inside the plan. */
export function allocateArena({ memory }: Device, { arena, arrays, steps }: Plan): Buffer {
  const what = (array: number): string => {
    const made = steps.find(({ makes }) => makes.includes(array));
    const of = made !== undefined && "label" in made ? ` of ${made.label}` : "";
    return `${arrays[array].size} ${arrays[array].dtype}${of}`;
  };
  return Buffer.allocate(memory, "bool", arena.bytes, () => {
    const shown = arena.peak.slice(0, 3).map(what);
    return `intermediate results of one call, at their most ${arena.peak.length} arrays (${shown.join("; ")}${arena.peak.length > shown.length ? "; …" : ""})`;
  });
}

/** The plan's arrays: those that lie in the arena, and null for the others. */
export function arenaArrays({ arena, arrays }: Plan, memory: Buffer): (Buffer | null)[] {
  return arrays.map(({ dtype, size }, i) => {
    const offset = arena.offsets.get(i);
    return offset === undefined ? null : Buffer.part(memory, offset, dtype, size);
  });
}

/** The graphs of one run of launches. */
class Recordings {
  private readonly byAddresses = new Map<string, Recording>();
  private readonly slots = new Map<number, Buffer>();
  private readonly moved = new Set<number>();
  private last: readonly bigint[] = [];
  private unrest = 0;
  /** Set when launches are not recorded any more. */
  private refused = false;

  constructor(
    private readonly device: Device,
    private readonly plan: Plan,
    private readonly segment: Segment,
  ) {}

  run(buffers: (Buffer | null)[], launch: (buffers: (Buffer | null)[]) => void): void {
    if (this.refused) {
      launch(buffers);
      return;
    }
    let placed = this.withSlots(buffers);
    let key = this.keyOf(placed);
    let recording = this.byAddresses.get(key);
    if (recording !== undefined) this.unrest = Math.max(0, this.unrest - 1);
    else {
      this.compare(placed);
      this.unrest += 2;
      if (this.unrest > 2 * mostRecordings) {
        if (!this.takeSlots()) {
          this.refuse("its arrays lie elsewhere at every call, and are too large to be copied");
          launch(buffers);
          return;
        }
        placed = this.withSlots(buffers);
        key = this.keyOf(placed);
      }
      try {
        recording = this.device.record(() => launch(placed));
      } catch (error) {
        if (!(error instanceof CudaError)) throw error;
        // What was to be recorded has not run.
        this.refuse(error.message);
        launch(buffers);
        return;
      }
      this.keep(key, recording);
    }
    for (const [array, slot] of this.slots) if (!this.makes(array)) this.copy(buffers[array]!, slot);
    this.device.replay(recording);
    for (const [array, slot] of this.slots) if (!this.given(array)) this.copy(slot, buffers[array]!);
  }

  release(): void {
    for (const recording of this.byAddresses.values()) this.device.forget(recording);
    this.byAddresses.clear();
    for (const slot of this.slots.values()) slot.release();
    this.slots.clear();
    this.moved.clear();
    this.unrest = 0;
  }

  private withSlots(buffers: (Buffer | null)[]): (Buffer | null)[] {
    if (this.slots.size === 0) return buffers;
    const placed = [...buffers];
    for (const [array, slot] of this.slots) placed[array] = slot;
    return placed;
  }

  private keyOf(buffers: readonly (Buffer | null)[]): string {
    let key = "";
    for (const array of this.segment.outside) key += `${buffers[array]!.address} `;
    return key;
  }

  private keep(key: string, recording: Recording): void {
    if (this.byAddresses.size === mostRecordings) {
      const [oldest, old] = this.byAddresses.entries().next().value!;
      this.byAddresses.delete(oldest);
      this.device.forget(old);
    }
    this.byAddresses.set(key, recording);
  }

  /** Which arrays are elsewhere than when addresses were last new. */
  private compare(buffers: readonly (Buffer | null)[]): void {
    const addresses = this.segment.outside.map((array) => buffers[array]!.address);
    addresses.forEach((address, i) => {
      if (this.last.length > 0 && address !== this.last[i]) this.moved.add(this.segment.outside[i]);
    });
    this.last = addresses;
  }

  /** Slots for the arrays that move; false if they are too large. */
  private takeSlots(): boolean {
    const { arrays } = this.plan;
    const moved = [...this.moved];
    const bytes = [...this.slots.keys(), ...moved].reduce((sum, array) => sum + this.bytesOf(array), 0);
    if (bytes > mostSlotBytes) return false;
    for (const array of moved) {
      const { dtype, size } = arrays[array];
      this.slots.set(
        array,
        Buffer.allocate(this.device.memory, dtype, size, () => "a slot of a CUDA graph"),
      );
    }
    for (const recording of this.byAddresses.values()) this.device.forget(recording);
    this.byAddresses.clear();
    this.moved.clear();
    this.last = [];
    this.unrest = 0;
    return true;
  }

  private bytesOf(array: number): number {
    return Buffer.bytesFor(this.plan.arrays[array].dtype, this.plan.arrays[array].size);
  }

  private refuse(reason: string): void {
    this.refused = true;
    this.release();
    this.device.notRecorded.add(reason);
  }

  /** Whether the segment is the first to write the array. */
  private makes(array: number): boolean {
    return this.segment.makes.includes(array);
  }

  /** Whether the array is an argument or a constant, which no launch writes. */
  private given(array: number): boolean {
    return array < this.plan.inputs.length || this.plan.constants.some((constant) => constant.array === array);
  }

  private copy(from: Buffer, to: Buffer): void {
    const { call, stream } = this.device;
    call.cuMemcpyDtoDAsync_v2(to.address, from.address, from.bytes, stream);
  }
}
