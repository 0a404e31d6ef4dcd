/** The backend: tensors and graphs of Curv as arrays and launches on a card. */

import {
  Variable,
  type Aval,
  type Backend,
  type Capabilities,
  type Executable,
  type Graph,
  type Operand,
  type Primitive,
  type Shape,
  type DType,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { constantsOf, openGraph, paramsKey, sizeOf } from "@curv/tensor/backend";
import { Buffer, type Filled } from "./buffer.js";
import type { Device } from "./device.js";
import type { CudaDevice } from "./driver.js";
import { CudaError } from "./errors.js";
import { Executor } from "./executor.js";
import { planEquation, planGraph } from "./graph-plan.js";
import type { Cublas } from "./lib/cublas.js";
import { librariesOf, whyMissing } from "./lib/libraries.js";
import { libraryLines } from "./lib/found.js";
import { hasKernel } from "./lower.js";
import { movesOnly } from "./lower/fourier.js";
import { Replay } from "./graph-replay.js";
import type { MemoryUse } from "./memory-pool.js";
import type { Plan, Step } from "./plan.js";
import { largestArray, type PlanOptions } from "./planner.js";
import { downloadLater, downloadNow, hostArray, upload } from "./transfer.js";

const mostPlans = 4096;

/** What was chosen when the backend was opened. */
interface Choices {
  readonly hostFallback: boolean;
  readonly graphs: boolean;
  readonly epilogues: boolean;
  /** Whether cuDNN does convolutions, where it is there. */
  readonly convolutions: boolean;
  /** Whether float32 may be rounded to TF32 in them. */
  readonly tensorCores: boolean;
}

/** Tensors on an NVIDIA card. Made by {@link cuda}. */
export class CudaBackend implements Backend {
  readonly kind = "cuda";
  readonly capabilities: Capabilities = {
    dtypes: ["float32", "float64", "int32", "uint32", "bool"],
    syncRead: true,
    nonFinite: true,
    subnormals: true,
    largestLaunch: largestArray,
  };
  private readonly executor: Executor;
  private readonly plans = new Map<string, Plan>();
  private readonly constants = new WeakMap<object, Buffer>();
  private readonly collected = new FinalizationRegistry<Buffer>((buffer) => {
    if (!this.closed) buffer.release();
  });
  private readonly planOptions: PlanOptions;
  /** What compiled functions keep from call to call, until they are collected. */
  private readonly replays = new Set<Replay>();
  private readonly uncompiled = new FinalizationRegistry<Replay>((replay) => {
    this.replays.delete(replay);
    if (!this.closed) replay.release();
  });
  private closed = false;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    readonly device: Device,
    private readonly library: Cublas | null,
    /** Why there is no library, for `describe`. */
    private readonly libraryMissing: string | null,
    private readonly choices: Choices,
  ) {
    const { hostFallback, epilogues, convolutions, tensorCores } = choices;
    const biased: PlanOptions["biased"] = (product) => {
      // The library asks the card whose context is current.
      this.checkOpen();
      return librariesOf(device).biased(product);
    };
    const convolve: PlanOptions["convolve"] = (convolution) => {
      this.checkOpen();
      return librariesOf(device).convolve(convolution, tensorCores);
    };
    this.planOptions = {
      multiprocessors: device.info.multiprocessors,
      hostFallback,
      library: library !== null,
      ...(library !== null && epilogues ? { biased } : {}),
      ...(library !== null && convolutions ? { convolve } : {}),
    };
    this.executor = new Executor(
      device,
      () => library!,
      (tensor) => this.constant(tensor as Tensor),
    );
    device.memory.shortage = () => this.forgetGraphs();
  }

  /** The card. */
  get info(): CudaDevice {
    return this.device.info;
  }

  supports(primitive: Primitive): boolean {
    return hasKernel(primitive) || (this.planOptions.hostFallback && primitive.lower !== undefined);
  }

  upload(data: TypedArray, shape: Shape, dtype: DType): unknown {
    this.checkOpen();
    const buffer = Buffer.allocate(this.device.memory, dtype, data.length, () => `[${shape.join()}] ${dtype}`);
    upload(this.device, data, buffer.address);
    const handle = this.handleOf(buffer);
    if (data.length === 1) [handle.filled] = data;
    return handle;
  }

  async download({ buffer, dtype, shape }: Operand): Promise<TypedArray> {
    const held = this.bufferOf(buffer, dtype).retain();
    try {
      const out = hostArray(dtype, sizeOf(shape));
      await downloadLater(this.device, held.address, out);
      return out;
    } finally {
      held.release();
    }
  }

  downloadSync({ buffer, dtype, shape }: Operand): TypedArray {
    const out = hostArray(dtype, sizeOf(shape));
    downloadNow(this.device, this.bufferOf(buffer, dtype).address, out);
    return out;
  }

  run(primitive: Primitive, inputs: readonly Operand[], params: unknown, outs: readonly Aval[]): readonly unknown[] {
    const key = `${primitive.id} ${inputs.map((x) => `${x.dtype}${x.shape.join()}`).join(" ")} ${paramsKey(params)}`;
    let plan = this.plans.get(key);
    if (plan === undefined) {
      const variables = inputs.map((x) => new Variable(x.shape, x.dtype, false));
      const outputs = outs.map((y) => new Variable(y.shape, y.dtype, false));
      plan = planEquation({ primitive, inputs: variables, params, outputs }, variables, this.planOptions);
      this.plans.set(key, plan);
      if (this.plans.size > mostPlans) this.plans.delete(this.plans.keys().next().value!);
    }
    const results = this.execute(plan, inputs.map(({ buffer, dtype }) => this.bufferOf(buffer, dtype)), null); // prettier-ignore
    if (primitive.name === "full") results[0].filled = (params as { value: number }).value;
    else if (movesOnly.has(primitive.name)) results[0].filled = (inputs[0].buffer as Filled | null)?.filled ?? null;
    return results;
  }

  readonly compile = (graph: Graph): Executable => {
    // A constant may be disposed by whoever made it; the graph keeps its elements.
    for (const x of constantsOf(openGraph(graph))) this.constant(x);
    const plan = planGraph(graph, this.planOptions);
    const { inputs } = graph;
    const replay = this.choices.graphs ? new Replay(this.device, plan) : null;
    const executable: Executable = (buffers) =>
      this.execute(plan, inputs.map(({ dtype }, i) => this.bufferOf(buffers[i], dtype)), replay); // prettier-ignore
    if (replay !== null) {
      this.replays.add(replay);
      this.uncompiled.register(executable, replay);
    }
    return executable;
  };

  free(buffer: unknown): void {
    if (!(buffer instanceof Handle) || buffer.freed) return;
    buffer.freed = true;
    this.collected.unregister(buffer);
    if (!this.closed) buffer.buffer.release();
  }

  /**
   * Card, driver, compiler; of each of NVIDIA's libraries its version and path, or that it is missing and how to get it; kernels and memory
   * in use. Loads the libraries that are there, which takes a part of a second the first time.
   */
  describe(): string {
    const { device } = this;
    const { name, capability, memory, multiprocessors } = device.info;
    const { arrays, bytes, peakBytes } = device.memory.use;
    return [
      `cuda on ${name}, capability ${capability.join(".")}, ${(memory / 2 ** 30).toFixed(0)} GiB, ${multiprocessors} multiprocessors`,
      `driver ${versionText(device.driver.version)} (${device.driver.path})`,
      `NVRTC ${device.nvrtc.version} (${device.nvrtc.path})`,
      this.library === null
        ? `matrix products by own kernels: ${this.libraryMissing ?? "as asked"}`
        : `matrix products by cuBLAS (${this.library.path})`,
      ...libraryLines(),
      this.convolutionLine(),
      this.planOptions.hostFallback ? "what has no kernel is computed on the host" : "what has no kernel is refused",
      this.choices.graphs
        ? `${device.recordings} CUDA graphs, replayed ${device.replays} times${[...device.notRecorded].map((reason) => `; not recorded: ${reason}`).join("")}`
        : "launches are not recorded as CUDA graphs",
      `${device.cache.misses} kernels compiled, ${device.cache.hits} read from ${device.cache.folder}, ${device.launches} launches; ${arrays} arrays, ${bytes} bytes, at most ${peakBytes}`,
    ].join("; ");
  }

  private convolutionLine(): string {
    if (this.planOptions.convolve === undefined) return "convolutions by own kernels, as asked";
    if (whyMissing("cudnn") !== null) return "convolutions by own kernels, for want of cuDNN";
    const { convolutions, noConvolutions } = librariesOf(this.device);
    if (noConvolutions !== null) return `convolutions by own kernels: ${noConvolutions}`;
    const { taken, left } = convolutions;
    return `convolutions by cuDNN: ${taken} planned, ${left} left to own kernels because it has no way that is exact and repeats`;
  }

  /** What is on the card now. */
  memory(): MemoryUse {
    return this.device.memory.use;
  }

  /** Kernels that were launched since the backend was opened. */
  get launches(): number {
    return this.device.launches;
  }

  /**
   * The steps that one call of a graph takes, one a line: kernels with the primitives that are fused in them, products, loops, and what the
   * host does.
   *
   * @param graph - From `makeGraph`.
   */
  explain(graph: Graph): readonly string[] {
    return planGraph(graph, this.planOptions).steps.flatMap(linesOf);
  }

  /** Waits for all work and gives the card back. Tensors that live on it cannot be read any more. */
  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    this.forgetGraphs();
    this.library?.close();
    this.device.close();
  }

  /** Compiled functions make their graphs and arenas anew when they are called. */
  private forgetGraphs(): void {
    for (const replay of this.replays) replay.release();
  }

  /** @throws CudaError if it was disposed, or its card has failed. @internal */
  checkOpen(): void {
    if (this.closed) throw new CudaError(`${this.name} was disposed; open a new backend.`);
    this.device.checkAlive();
  }

  /** What a tensor holds that owns this share of an array. @internal */
  wrap(buffer: Buffer): unknown {
    return this.handleOf(buffer);
  }

  /** The array of a tensor of this backend. @internal */
  bufferOf(handle: unknown, dtype: DType): Buffer {
    this.checkOpen();
    // What has no elements never reaches a backend but as an argument of a graph.
    if (!(handle instanceof Handle)) return Buffer.empty(dtype);
    if (handle.place === this) return handle.buffer;
    const { name, info } = handle.place;
    throw new CudaError(
      `${this.name}: an array lives on ${name} (card ${info.index}), and was given to ${this.name} (card ${this.info.index}); move it with .to(backend).`,
    );
  }

  private handleOf(buffer: Buffer): Handle {
    const handle = new Handle(buffer, this);
    this.collected.register(handle, buffer, handle);
    return handle;
  }

  private execute(plan: Plan, inputs: readonly Buffer[], replay: Replay | null): Handle[] {
    return this.executor.run(plan, inputs, replay).map((buffer) => this.handleOf(buffer));
  }

  private constant(x: Tensor): Buffer {
    let held = this.constants.get(x);
    if (held === undefined) {
      const { owner, buffer } = x;
      if (owner === this) held = this.bufferOf(buffer, x.dtype).retain();
      else if (owner?.downloadSync !== undefined && buffer !== null) {
        held = Buffer.allocate(this.device.memory, x.dtype, x.size);
        if (x.size > 0) upload(this.device, owner.downloadSync(x as Operand), held.address);
      } else {
        throw new CudaError(`jit: a constant of ${x.backend} cannot be read now; pass it as an argument.`);
      }
      this.constants.set(x, held);
      this.collected.register(x, held);
    }
    return held;
  }
}

/** A share of an array, as tensors hold it. */
class Handle implements Filled {
  freed = false;
  /** Constants of graphs are made by `full`, and moved. */
  filled: number | null = null;
  constructor(
    readonly buffer: Buffer,
    readonly place: CudaBackend,
  ) {}
}

function versionText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}

function linesOf(step: Step): string[] {
  const indent = (plan: Plan): string[] => plan.steps.flatMap(linesOf).map((line) => `  ${line}`);
  switch (step.kind) {
    case "launch":
      return [`${step.name} ${step.label}`];
    case "product":
      return [`cublas ${step.label}`];
    case "clear":
      return [`clear ${step.label}`];
    case "scan":
      return ["scan", ...indent(step.body)];
    case "while":
      return ["while", ...indent(step.condition), ...indent(step.body)];
    case "cond":
      return ["cond", ...step.branches.flatMap(indent)];
    default:
      return [`${step.kind} ${step.equation.primitive.name}`];
  }
}
