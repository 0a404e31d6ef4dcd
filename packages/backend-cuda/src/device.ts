/** An open card: context, stream, memory, compiled kernels, and what is known when it fails. */

import { environment, fileSystem } from "./environment.js";
import { CudaError, isSticky, refusedCall } from "./errors.js";
import { CubinCache } from "./cubin-cache.js";
import { describeDevice, type CudaDevice, type Driver, type DriverFunction } from "./driver.js";
import { checked, type NativeArgument } from "./koffi-bind.js";
import { ArgumentBlock, mostArguments, type KernelArgument } from "./launch.js";
import { MemoryPool, type RawMemory } from "./memory-pool.js";
import { compileOptions, type KernelResources, type Nvrtc } from "./nvrtc.js";

/** A kernel that is ready to be launched. */
export interface Kernel {
  readonly name: string;
  readonly handle: bigint;
}

/** What a launch is called in messages: the primitives that it computes, and shapes. */
export type LaunchLabel = string;

export interface Grid {
  readonly x: number;
  readonly y?: number;
  readonly z?: number;
}

/** Launches that the driver keeps as one graph, with the addresses they were recorded with. */
export interface Recording {
  readonly graph: bigint;
  readonly launches: number;
  /** All of them, for messages. */
  readonly label: LaunchLabel;
}

/** Host memory that the card may write to. */
export interface Staging {
  readonly address: bigint;
  readonly bytes: number;
}

/** The context of the card that was last called. A backend is used on one thread, so one number is enough. */
let current = 0n;

/** After a call of code that may have made another context of this thread current, as libraries for several cards do. */
export function forgetContext(): void {
  current = 0n;
}

/** Launches that are remembered, to name suspects when one of them has failed. */
const remembered = 64;

export class Device {
  readonly info: CudaDevice;
  readonly stream: bigint;
  private readonly context: bigint;
  private readonly pool: bigint;
  readonly memory: MemoryPool;
  /** The driver's functions; a sticky result marks the device as dead. */
  readonly call: Record<DriverFunction, (...args: NativeArgument[]) => void>;
  readonly cache: CubinCache;
  /** Kernels that were launched, by themselves or in graphs. */
  launches = 0;
  /** Graphs that are kept, and how often graphs were launched. */
  recordings = 0;
  replays = 0;
  /** Why launches are not recorded where they were to be. */
  readonly notRecorded: Set<string> = new Set();
  /** What must be given back before the card is. */
  readonly beforeClose: Set<() => void> = new Set();
  private announced = 0;
  /** Labels of what is being recorded; null while nothing is. */
  private recorded: LaunchLabel[] | null = null;
  private readonly block = new ArgumentBlock();
  private readonly kernels = new Map<string, Kernel>();
  private readonly modules: bigint[] = [];
  private readonly ring: LaunchLabel[] = [];
  private readonly events: bigint[] = [];
  private readonly stagings: Staging[] = [];
  private cause: CudaError | null = null;
  /** Whether each launch is waited for. */
  readonly synchronous: boolean;
  private readonly dump: string | undefined;
  /** Of the kernels that were compiled, not read from the cache. */
  readonly resources: KernelResources[] = [];

  constructor(
    readonly driver: Driver,
    readonly nvrtc: Nvrtc,
    index: number,
    cacheFolder: string,
  ) {
    this.info = describeDevice(driver, index);
    this.cache = new CubinCache(cacheFolder);
    const { env } = environment();
    this.synchronous = env.CURV_CUDA_SYNC === "1";
    this.dump = env.CURV_CUDA_DUMP;
    const out = new BigUint64Array(1);
    driver.call.cuDevicePrimaryCtxRetain(out, index);
    [this.context] = out;
    this.activate();
    const call = checked(driver.raw, (name, result) => this.refuse(name, result));
    for (const name of Object.keys(call) as DriverFunction[]) {
      const plain = call[name];
      call[name] = (...args) => {
        this.activate();
        plain(...args);
      };
    }
    this.call = call;
    const nonBlocking = 1;
    driver.call.cuStreamCreateWithPriority(out, nonBlocking, 0);
    this.stream = out[0];
    // What is freed stays with the process: 4 is the release threshold of the pool.
    driver.call.cuDeviceGetDefaultMemPool(out, index);
    driver.call.cuMemPoolSetAttribute(out[0], 4, BigUint64Array.of(2n ** 64n - 1n));
    [this.pool] = out;
    const driverMemory: RawMemory = {
      allocate: (bytes) => {
        const address = new BigUint64Array(1);
        this.call.cuMemAllocAsync(address, bytes, this.stream);
        return address[0];
      },
      free: (address) => this.call.cuMemFreeAsync(address, this.stream),
      trim: () => {
        this.synchronize();
        this.call.cuMemPoolTrimTo(this.pool, 0);
      },
      info: () => {
        const [free, total] = [new BigUint64Array(1), new BigUint64Array(1)];
        this.call.cuMemGetInfo_v2(free, total);
        return { free: Number(free[0]), total: Number(total[0]) };
      },
    };
    this.memory = new MemoryPool(driverMemory, this.info.memory);
  }

  /** @throws CudaError, always the first cause, once the device is dead. */
  checkAlive(): void {
    if (this.cause !== null) throw this.cause;
    this.activate();
  }

  /** Whether the context has failed, or was given back. */
  get lost(): boolean {
    return this.cause !== null;
  }

  /** Several cards in one process: what is called next is meant for this one. */
  private activate(): void {
    if (current === this.context) return;
    this.driver.call.cuCtxSetCurrent(this.context);
    current = this.context;
  }

  /** Opens the memory of this card, what is there and what comes, to another one, where the machine has a way between them. */
  letIn(other: Device): void {
    const can = new Int32Array(1);
    this.call.cuDeviceCanAccessPeer(can, other.info.index, this.info.index);
    if (can[0] === 0) return;
    // CUmemAccessDesc: a location, which is a kind (1: a device) and a number, and flags (3: reading and writing).
    this.call.cuMemPoolSetAccess(this.pool, Int32Array.of(1, other.info.index, 3), 1);
  }

  /**
   * The kernel `name` of a module, compiled or read from the cache the first time.
   *
   * @throws CudaError with the compiler's log.
   */
  kernel(source: string, name: string): Kernel {
    let kernel = this.kernels.get(source);
    if (kernel !== undefined) return kernel;
    this.checkAlive();
    const [major, minor] = this.info.capability;
    const architecture = 10 * major + minor;
    const key = this.cache.keyOf({
      source,
      options: compileOptions(architecture, this.nvrtc.architectures),
      version: this.nvrtc.version,
    });
    const image = this.cache.get(key, () => {
      const { image: made, resources, log } = this.nvrtc.compile(source, architecture);
      this.resources.push(...resources);
      this.dumpModule(key, source, made, log);
      return made;
    });
    const out = new BigUint64Array(1);
    this.call.cuModuleLoadData(out, image);
    this.modules.push(out[0]);
    this.call.cuModuleGetFunction(out, out[0], name);
    this.kernels.set(source, (kernel = { name, handle: out[0] }));
    return kernel;
  }

  /** Launches a kernel; a failure of it shows at a later call, which names the launches that may have caused it. */
  launch(kernel: Kernel, grid: Grid, threads: number, args: readonly KernelArgument[], label: LaunchLabel): void {
    this.announce(label);
    if (args.length > mostArguments)
      throw new CudaError(`cuda: ${label}: ${args.length} arguments; at most ${mostArguments}.`);
    this.block.set(args);
    const { x, y = 1, z = 1 } = grid;
    const { stream, block } = this;
    this.call.cuLaunchKernel(kernel.handle, x, y, z, threads, 1, 1, 0, stream, block.table, null);
    if (this.synchronous) this.synchronize();
  }

  /**
   * Remembers what is about to be launched, to name it if it fails.
   *
   * @throws CudaError, the first cause, once the device is dead.
   */
  announce(label: LaunchLabel): void {
    this.checkAlive();
    if (this.recorded !== null) {
      this.recorded.push(label);
      return;
    }
    this.launches++;
    this.ring[this.announced++ % remembered] = label;
  }

  /**
   * Records what `work` puts on the stream, without running it. The work must not allocate, wait, read, or load a module.
   *
   * @throws CudaError if the driver refuses any of it; then nothing has run, and the stream is as it was.
   */
  record(work: () => void): Recording {
    this.checkAlive();
    const labels: LaunchLabel[] = [];
    const out = new BigUint64Array(1);
    const threadLocal = 1;
    this.call.cuStreamBeginCapture_v2(this.stream, threadLocal);
    this.recorded = labels;
    try {
      work();
    } catch (error) {
      this.driver.raw.cuStreamEndCapture(this.stream, out);
      if (out[0] !== 0n) this.driver.raw.cuGraphDestroy(out[0]);
      throw error;
    } finally {
      this.recorded = null;
    }
    this.call.cuStreamEndCapture(this.stream, out);
    const [captured] = out;
    try {
      this.call.cuGraphInstantiateWithFlags(out, captured, 0);
    } finally {
      this.call.cuGraphDestroy(captured);
    }
    this.recordings++;
    return {
      graph: out[0],
      launches: labels.length,
      label: `a graph of ${labels.length} launches (${listed(labels)})`,
    };
  }

  /** Launches a graph; a failure of it shows at a later call, like that of a kernel. */
  replay({ graph, launches, label }: Recording): void {
    this.checkAlive();
    this.replays++;
    this.launches += launches;
    this.ring[this.announced++ % remembered] = label;
    this.call.cuGraphLaunch(graph, this.stream);
  }

  /** Gives a graph back; if it runs, after it has run. */
  forget({ graph }: Recording): void {
    this.recordings--;
    if (this.cause === null) this.call.cuGraphExecDestroy(graph);
  }

  synchronize(): void {
    this.checkAlive();
    this.call.cuStreamSynchronize(this.stream);
  }

  /** Whether the stream has come past the event. */
  isDone(event: bigint): boolean {
    this.checkAlive();
    const notReady = 600;
    const result = this.driver.raw.cuEventQuery(event);
    if (result !== 0 && result !== notReady) throw this.refuse("cuEventQuery", result);
    return result === 0;
  }

  takeEvent(): bigint {
    const event = this.events.pop();
    if (event !== undefined) return event;
    const out = new BigUint64Array(1);
    const noTiming = 2;
    this.call.cuEventCreate(out, noTiming);
    return out[0];
  }

  returnEvent(event: bigint): void {
    this.events.push(event);
  }

  takeStaging(bytes: number): Staging {
    const fits = this.stagings.findIndex((staging) => staging.bytes >= bytes);
    if (fits >= 0) return this.stagings.splice(fits, 1)[0];
    const size = 2 ** Math.ceil(Math.log2(Math.max(4096, bytes)));
    const out = new BigUint64Array(1);
    this.call.cuMemHostAlloc(out, size, 0);
    return { address: out[0], bytes: size };
  }

  /** A few are kept; what is larger than all of them takes the place of the smallest. */
  returnStaging(staging: Staging): void {
    this.stagings.push(staging);
    this.stagings.sort((a, b) => a.bytes - b.bytes);
    const mostKept = 4;
    if (this.stagings.length > mostKept && this.cause === null) this.call.cuMemFreeHost(this.stagings.shift()!.address);
  }

  /** Gives everything back. */
  close(): void {
    for (const f of [...this.beforeClose]) f();
    if (this.cause === null) {
      this.synchronize();
      this.memory.close();
      for (const event of this.events) this.call.cuEventDestroy_v2(event);
      for (const { address } of this.stagings) this.call.cuMemFreeHost(address);
      for (const module of this.modules) this.call.cuModuleUnload(module);
      this.call.cuStreamDestroy_v2(this.stream);
      this.call.cuDevicePrimaryCtxRelease_v2(this.info.index);
      // The last backend of a card takes its context along.
      forgetContext();
      this.cache.trim();
    }
    this.cause ??= new CudaError("cuda: the backend was disposed; open a new one.");
  }

  private refuse(call: string, result: number): CudaError {
    const error = refusedCall(call, result, this.driver.errorName(result));
    if (!isSticky(result)) return error;
    const start = Math.max(0, this.announced - remembered);
    const last = Array.from({ length: this.announced - start }, (_, i) => this.ring[(start + i) % remembered]);
    const suspects = this.synchronous ? last.slice(-1) : last.reverse().slice(0, 8);
    this.cause ??= new CudaError(
      `${error.message} The context is lost; restart the process. ${
        this.synchronous ? "It was" : "One of these kernels did it, the last first (CURV_CUDA_SYNC=1 tells which)"
      }: ${suspects.join("; ") || "none was launched"}.`,
      error.refused,
    );
    return this.cause;
  }

  private dumpModule(key: string, source: string, image: Uint8Array, log: string): void {
    if (this.dump === undefined) return;
    const files = fileSystem();
    files.mkdirSync(this.dump, { recursive: true });
    const base = `${this.dump}/${key.slice(0, 16)}`;
    files.writeFileSync(`${base}.cu`, `${source}\n/*\n${log}\n*/\n`);
    files.writeFileSync(`${base}.cubin`, image);
  }
}

/** Labels of a graph's launches, each once, with a bound on their number. */
function listed(labels: readonly LaunchLabel[]): string {
  const most = 24;
  const different = [...new Set(labels)];
  const rest = different.length - most;
  return different.slice(0, most).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}
