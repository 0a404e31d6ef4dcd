/** The backend: arrays and graphs of Curv as arrays and kernels of gpu.js. */

import {
  DomainError,
  Variable,
  type Aval,
  type Backend,
  type Capabilities,
  type DType,
  type Executable,
  type Graph,
  type Operand,
  type Primitive,
  type Shape,
  type Tensor,
  type TypedArray,
} from "@curv/tensor";
import { constantsOf, openGraph, paramsKey, sizeOf } from "@curv/tensor/backend";
import { limits } from "./limits.js";
import { checkGraph, checkList, checkOperand, checkPrimitive, checkAval, checkUpload } from "./arguments.js";
import { Engine } from "./engine.js";
import type { Mode } from "./library.js";
import { GpujsError } from "./errors.js";
import { Executor } from "./executor.js";
import { hasKernel, planGraph, type Plan, type PlanOptions, type Step } from "./plan.js";
import { Storage } from "./storage.js";
import { runLater, runNow } from "./task.js";
import { partsOf } from "./value.js";

/** What the backend has on the device. */
export interface DeviceMemory {
  /** Arrays that are not freed. */
  readonly arrays: number;
  /** Their bytes. */
  readonly bytes: number;
  /** The most that they ever were. */
  readonly peakBytes: number;
}

/** What a backend found when it was opened. */
export interface DeviceInfo {
  readonly mode: Mode;
  /** What computes: the name of the card or of the software that stands in for one. */
  readonly adapter: string;
  /** "float32", or for mode cpu "float64 inside kernels, stored as float32". */
  readonly precision: string;
  /** Most numbers of one array of the device; a longer tensor is kept as several. */
  readonly largestArray: number;
  /** Modes that were asked for first, and why they could not be had. */
  readonly refused: readonly string[];
}

/** Tensors on gpu.js. Made by {@link gpujs}. */
export class GpujsBackend implements Backend {
  readonly kind = "gpujs";
  readonly capabilities: Capabilities;
  private readonly executor: Executor;
  private readonly plans = new Map<string, Plan>();
  private readonly constants = new WeakMap<object, Storage>();
  /** In an asynchronous mode all work is done in the order in which it was asked for. */
  private queue: Promise<void> = Promise.resolve();
  private readonly collected = new FinalizationRegistry<Storage>((storage) => storage.release());
  private disposal: Promise<void> | null = null;
  readonly downloadSync?: (operand: Operand) => TypedArray;

  /** @internal */
  constructor(
    readonly name: string,
    /** @internal */
    readonly engine: Engine,
    /** What was found when it was opened. */
    readonly info: DeviceInfo,
    private readonly options: Omit<PlanOptions, "hostScalars">,
  ) {
    if (!(engine instanceof Engine))
      throw new DomainError("GpujsBackend: engine is none; open a backend with await gpujs({ mode }).");
    const exact = engine.mode === "webasm" || engine.mode === "cpu";
    this.capabilities = {
      dtypes: ["float32", "int32", "uint32", "bool"],
      syncRead: engine.synchronous,
      nonFinite: exact,
      subnormals: exact,
      largestLaunch: limits.longestArray,
    };
    this.executor = new Executor(engine, (x) => this.constant(x as Tensor));
    if (engine.synchronous) {
      this.downloadSync = (operand) => {
        checkOperand("downloadSync", "operand", operand);
        return runNow(this.storage(operand.buffer).elements(operand.dtype));
      };
    }
  }

  supports(primitive: Primitive): boolean {
    checkPrimitive("supports", primitive);
    return hasKernel(primitive) || (this.options.hostFallback && primitive.lower !== undefined);
  }

  upload(data: TypedArray, shape: Shape, dtype: DType): unknown {
    this.checkOpen();
    checkUpload(data, shape, dtype);
    return this.wrap(Storage.of(this.engine, data, shape, dtype));
  }

  async download(operand: Operand): Promise<TypedArray> {
    checkOperand("download", "operand", operand);
    const { buffer, dtype } = operand;
    const storage = this.storage(buffer).retain();
    try {
      return await this.inOrder(() => runLater(storage.elements(dtype)));
    } finally {
      storage.release();
    }
  }

  run(primitive: Primitive, inputs: readonly Operand[], params: unknown, outs: readonly Aval[]): readonly unknown[] {
    checkPrimitive("run", primitive);
    checkList("run", "inputs", inputs);
    checkList("run", "outs", outs);
    inputs.forEach((x, i) => checkOperand("run", `inputs[${i}]`, x));
    outs.forEach((y, i) => checkAval("run", `outs[${i}]`, y));
    const storages = inputs.map(({ buffer }) => this.storage(buffer));
    const hostScalars = inputs.map(({ shape }, i) => sizeOf(shape) === 1 && storages[i].onHost);
    const key = `${primitive.id} ${inputs.map((x, i) => `${x.dtype}${x.shape.join()}${hostScalars[i] ? "s" : ""}`).join(" ")} ${paramsKey(params)}`;
    let plan = this.plans.get(key);
    if (plan === undefined) {
      const variables = inputs.map((x) => new Variable(x.shape, x.dtype, false));
      const outputs = outs.map((y) => new Variable(y.shape, y.dtype, false));
      const graph: Graph = {
        inputs: variables,
        equations: [{ primitive, inputs: variables, params, outputs }],
        outputs,
      };
      // Opening simplifies, and what simplifies computes constants: here, where this is the backend in use.
      const opened = primitive.standsFor === undefined && primitive.interpret === undefined ? graph : openGraph(graph);
      plan = planGraph(opened, { ...this.options, hostScalars });
      this.plans.set(key, plan);
      if (this.plans.size > mostPlans) this.plans.delete(this.plans.keys().next().value!);
    }
    return this.execute(plan, storages, outs);
  }

  /** Plans for the kinds of scalars that the graph has been called with, each made once. */
  readonly compile = (graph: Graph): Executable => {
    checkGraph("compile", graph);
    this.captureConstants(graph);
    const plans = new Map<string, Plan>();
    return (buffers) => {
      checkList("compile: executable", "inputs", buffers);
      if (buffers.length !== graph.inputs.length)
        throw new DomainError(
          `compile: executable: inputs are ${buffers.length} buffers; wants ${graph.inputs.length}, one an input of the graph.`,
        );
      const storages = buffers.map((buffer) => this.storage(buffer));
      const hostScalars = graph.inputs.map(({ shape }, i) => sizeOf(shape) === 1 && storages[i].onHost);
      const key = hostScalars.join();
      let plan = plans.get(key);
      if (plan === undefined) plans.set(key, (plan = planGraph(openGraph(graph), { ...this.options, hostScalars })));
      return this.execute(plan, storages, graph.outputs);
    };
  };

  free(buffer: unknown): void {
    if (!(buffer instanceof GpuBuffer) || buffer.owner !== this || buffer.freed) return;
    buffer.freed = true;
    this.collected.unregister(buffer);
    buffer.storage.release();
  }

  /** Mode, adapter, precision and limits; kernels and memory in use. */
  describe(): string {
    const { mode, adapter, precision, refused } = this.info;
    const { arrays, bytes } = this.engine.live;
    return [
      `gpu.js, mode ${mode} on ${adapter}`,
      `${precision}, launches of at most ${limits.longestArray} numbers`,
      this.engine.synchronous ? "results can be read synchronously" : "results are read asynchronously",
      ...refused,
      `${this.engine.compiledKernels} kernels compiled, ${this.engine.launches} launched; ${arrays} arrays, ${bytes} bytes`,
    ].join("; ");
  }

  /** What is on the device now. */
  memory(): DeviceMemory {
    return { ...this.engine.live };
  }

  /** Kernels that were launched since the backend was opened. */
  get launches(): number {
    return this.engine.launches;
  }

  /**
   * The steps that one call of a graph takes, one a line: kernels with what is fused in them, loops, and what the host does.
   *
   * @param graph - From `makeGraph`.
   * @throws DomainError if it is no graph.
   */
  explain(graph: Graph): readonly string[] {
    checkGraph("explain", graph);
    const plan = planGraph(openGraph(graph), { ...this.options, hostScalars: graph.inputs.map(() => false) });
    return plan.steps.flatMap(linesOf);
  }

  /** Waits for all work that was asked for. Its errors are thrown where results are read, not here. */
  async settled(): Promise<void> {
    await this.queue;
  }

  /** Gives back the device, after the work that was asked for. Tensors that live on it cannot be read any more. */
  dispose(): Promise<void> {
    this.disposal ??= this.queue.then(() => this.engine.destroy());
    return this.disposal;
  }

  private checkOpen(): void {
    if (this.disposal !== null) throw new GpujsError(`${this.name} was disposed; open a new backend.`, "device-lost");
  }

  private wrap(storage: Storage): GpuBuffer {
    const buffer = new GpuBuffer(storage, this);
    this.collected.register(buffer, storage, buffer);
    return buffer;
  }

  private storage(buffer: unknown): Storage {
    this.checkOpen();
    if (buffer instanceof GpuBuffer && buffer.owner === this) return buffer.storage;
    // What has no elements never reaches a backend but as an argument of a graph.
    if (ArrayBuffer.isView(buffer) && buffer.byteLength === 0) return Storage.onHost(this.engine, new Float32Array(0));
    throw new GpujsError(`${this.name}: got a buffer that it did not make; move the tensor with .to.`, "unsupported");
  }

  private execute(plan: Plan, inputs: readonly Storage[], outs: readonly Pick<Aval, "shape" | "dtype">[]): GpuBuffer[] {
    if (this.engine.synchronous) return runNow(this.executor.run(plan, inputs)).map((storage) => this.wrap(storage));
    const results = outs.map(({ shape, dtype }) => new Storage(this.engine, sizeOf(shape) * partsOf(dtype)));
    for (const storage of inputs) storage.retain();
    void this.inOrder(async () => {
      try {
        const storages = await runLater(this.executor.run(plan, inputs));
        results.forEach((result, i) => result.become(storages[i]));
      } catch (error) {
        for (const result of results) result.fail(error as Error);
      } finally {
        for (const storage of inputs) storage.release();
      }
    });
    return results.map((storage) => this.wrap(storage));
  }

  /** After all that was asked for before. */
  private inOrder<T>(f: () => Promise<T>): Promise<T> {
    const result = this.queue.then(f);
    this.queue = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  private constant(x: Tensor): Storage {
    let storage = this.constants.get(x);
    if (storage === undefined) {
      const { owner, buffer } = x;
      if (owner === this) storage = this.storage(buffer).retain();
      else if (owner?.downloadSync !== undefined && buffer !== null) {
        const data = x.size === 0 ? new Float32Array(0) : owner.downloadSync(x as Operand);
        storage = Storage.of(this.engine, data, x.shape, x.dtype);
      } else {
        throw new GpujsError(
          `jit: a constant of ${x.backend} cannot be read now; pass it as an argument.`,
          "unsupported",
        );
      }
      this.constants.set(x, storage);
    }
    return storage;
  }

  /** A constant may be disposed by whoever made it; the graph keeps its elements. */
  private captureConstants(graph: Graph): void {
    for (const x of constantsOf(graph)) this.constant(x);
  }
}

const mostPlans = 4096;

/** A share of an array, as tensors hold it. */
class GpuBuffer {
  freed = false;
  constructor(
    readonly storage: Storage,
    readonly owner: GpujsBackend,
  ) {}
}

function linesOf(step: Step): string[] {
  const indent = (steps: readonly Step[]): string[] => steps.flatMap(linesOf).map((line) => `  ${line}`);
  switch (step.kind) {
    case "kernel":
      return [`kernel ${step.kernel.name} (${step.kernel.arrays.length} arrays, ${step.kernel.length} numbers)`];
    case "alias":
    case "part":
    case "whole":
      return [];
    case "scan":
      return ["scan", ...indent(step.body.steps)];
    case "while":
      return ["while", ...indent(step.condition.steps), ...indent(step.body.steps)];
    case "cond":
      return ["cond", ...indent(step.branches[0].steps), ...indent(step.branches[1].steps)];
    default:
      return [`${step.kind} ${step.equation.primitive.name}`];
  }
}
