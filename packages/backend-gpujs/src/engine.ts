/** gpu.js as we use it: one mode, kernels from source strings, arrays that stay where they are made. */

import { asGpujsError, GpujsError } from "./errors.js";
import type { Kernel } from "./kernel.js";
import type { NativeFunction } from "./source-functions.js";

/** How gpu.js computes. */
export type Mode = "webgpu" | "webgl2" | "webgl" | "webasm" | "cpu";

/** An array of gpu.js: a typed array (webasm, cpu), a texture or a buffer. */
export type Handle = Float32Array | DeviceHandle;

interface DeviceHandle {
  readonly type: string;
  readonly output: readonly number[];
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}

/** The part of gpu.js that we use. */
export interface GpuLibrary {
  readonly GPU: new (settings: { readonly mode: string }) => Gpu;
  readonly input: (data: Float32Array, size: readonly number[]) => unknown;
}

/** gpu.js's `GPU`, as far as it is used here. */
export interface Gpu {
  createKernel(source: string, settings: object): CompiledKernel;
  destroy(): Promise<void> | void;
}

/** What `createKernel` gives. */
export interface CompiledKernel {
  (...args: unknown[]): unknown;
  readonly kernel: {
    readonly constructor: { readonly mode: string };
    readonly fallbackReason?: string | null;
    readonly context?: unknown;
  };
  destroy(): void;
}

interface ErrorEvent {
  readonly error: Error;
}

/** The part of a `GPUDevice` that tells of errors. */
interface WatchedDevice {
  addEventListener?(type: "uncapturederror", listener: (event: ErrorEvent) => void): void;
  removeEventListener?(type: "uncapturederror", listener: (event: ErrorEvent) => void): void;
}

/** A kernel of gpu.js with the arrays that it made: reading and freeing them needs it. */
interface Compiled {
  readonly run: CompiledKernel;
  arrays: number;
  /** Made room for others: destroyed when its last array is freed. */
  retired: boolean;
}

export class Engine {
  /** Whether results are there when a call returns. */
  readonly synchronous: boolean;
  private readonly gpu: Gpu;
  /** The ones used last stand last. */
  private readonly kernels = new Map<string, Compiled>();
  /** Compiled kernels that are kept. */
  mostKernels = 512;
  private readonly makers = new WeakMap<Handle, Compiled>();
  /** What gpu.js draws or computes with: a WebGL context, or an adapter and its device. */
  context: unknown = null;
  private failure: GpujsError | null = null;
  /** Handles that are not deleted yet, and their bytes. */
  readonly live: { arrays: number; bytes: number; peakBytes: number } = { arrays: 0, bytes: 0, peakBytes: 0 };
  /** Kernels that were launched so far, not counting uploads. */
  launches = 0;

  constructor(
    private readonly library: GpuLibrary,
    readonly mode: Mode,
    asynchronous: boolean,
  ) {
    this.synchronous = mode !== "webgpu" && !asynchronous;
    this.gpu = new library.GPU({ mode });
  }

  get compiledKernels(): number {
    return this.kernels.size;
  }

  /** Runs a kernel on arrays and numbers. */
  launch(kernel: Kernel, arrays: readonly Handle[], scalars: readonly number[]): Handle | Promise<Handle> {
    const key = `${kernel.length} ${kernel.source} ${arrays.map((a) => `${kindOf(a)} ${lengthOf(a)}`).join()}`;
    return this.guarded(kernel.name, () => {
      this.launches++;
      const compiled = this.kernels.get(key) ?? null;
      if (compiled !== null) {
        this.kernels.delete(key);
        this.kernels.set(key, compiled);
        return this.counted(compiled.run(...arrays, ...scalars), kernel.length, compiled);
      }
      const made: Compiled = { run: this.compile(kernel, arrays), arrays: 0, retired: false };
      const result = made.run(...arrays, ...scalars);
      const keep = (handle: unknown): Handle => {
        this.verify(made.run, kernel.name);
        const counted = this.counted(handle, kernel.length, made) as Handle;
        this.remember(key, made);
        return counted;
      };
      return isPromise(result) ? result.then(keep) : keep(result);
    });
  }

  private compile({ source, functions, length, scalars }: Kernel, arrays: readonly Handle[]): CompiledKernel {
    const shader = this.mode === "webgl" || this.mode === "webgl2";
    return this.gpu.createKernel(shader ? inOrderOfCalls(source, functions) : source, {
      output: [length],
      precision: "single",
      tactic: "precision",
      pipeline: true,
      immutable: true,
      asyncMode: !this.synchronous,
      loopMaxIterations: 2 ** 24,
      functions,
      argumentTypes: [...arrays.map(kindOf), ...scalars.map(() => "Float")],
    });
  }

  /** gpu.js runs on a slower mode what a mode cannot do, without a word: that is an error here. */
  private verify({ kernel }: CompiledKernel, name: string): void {
    const mode = modeOf(kernel);
    if (mode !== this.mode) {
      const reason = kernel.fallbackReason ?? "gpu.js gives no reason";
      throw new GpujsError(
        `${name}: gpujs (${this.mode}) was degraded to ${mode}: ${reason}. Open the mode that it can run on.`,
        "degraded",
      );
    }
    if (this.context !== null) return;
    this.context = kernel.context ?? null;
    const { device } = (this.context ?? {}) as { readonly device?: WatchedDevice };
    device?.addEventListener?.("uncapturederror", this.onError);
  }

  /**
   * WebGPU tells of an allocation that failed, and of commands that it refused, in an event that belongs to no call; what was computed from
   * then on is zeros. gpu.js prints it. Here it is the failure of everything that is read afterwards.
   */
  private readonly onError = ({ error }: ErrorEvent): void => {
    const memory = error.constructor.name === "GPUOutOfMemoryError";
    const text = memory ? `out of memory: ${error.message}` : error.message;
    this.failure ??= asGpujsError(new Error(text, { cause: error }), this.mode, "the device");
  };

  private remember(key: string, kernel: Compiled): void {
    this.kernels.set(key, kernel);
    if (this.kernels.size > this.mostKernels) {
      const [oldest, value] = this.kernels.entries().next().value!;
      this.kernels.delete(oldest);
      value.retired = true;
      if (value.arrays === 0) value.run.destroy();
    }
  }

  private counted(result: unknown, length: number, maker: Compiled | null = null): Handle | Promise<Handle> {
    const count = (handle: unknown): Handle => {
      if (maker !== null) {
        maker.arrays++;
        this.makers.set(handle as Handle, maker);
      }
      this.live.arrays++;
      this.live.bytes += 4 * length;
      this.live.peakBytes = Math.max(this.live.peakBytes, this.live.bytes);
      return handle as Handle;
    };
    return isPromise(result) ? result.then(count) : count(result);
  }

  /** Host data as an array of the device. They are copied. */
  upload(data: Float32Array): Handle | Promise<Handle> {
    if (this.mode === "webasm" || this.mode === "cpu") {
      return this.counted(data.slice(), data.length);
    }
    // A kernel that has seen host data cannot take handles afterwards, so uploading is one of its own.
    const kernel: Kernel = {
      source: `function(a0) { return a0[this.thread.x]; } // upload of ${data.length}`,
      functions: [],
      arrays: [],
      scalars: [],
      length: data.length,
      name: "upload",
    };
    return this.guarded("upload", () => {
      const key = `upload ${data.length}`;
      let compiled = this.kernels.get(key);
      const fresh = compiled === undefined;
      compiled ??= {
        run: this.gpu.createKernel("function(a0) { return a0[this.thread.x]; }", {
          output: [data.length],
          precision: "single",
          tactic: "precision",
          pipeline: true,
          immutable: true,
          asyncMode: !this.synchronous,
          argumentTypes: ["Input"],
        }),
        arrays: 0,
        retired: false,
      };
      const made = compiled;
      const result = made.run(this.library.input(data, [data.length]));
      const keep = (handle: unknown): Handle => {
        if (fresh) this.verify(made.run, kernel.name);
        const counted = this.counted(handle, data.length, made) as Handle;
        if (fresh) this.remember(key, made);
        return counted;
      };
      return isPromise(result) ? result.then(keep) : keep(result);
    });
  }

  /** What an array holds. On cpu and webasm it is the array itself. */
  read(handle: Handle): Float32Array | Promise<Float32Array> {
    if (handle instanceof Float32Array) return handle;
    return this.guarded("read", () => {
      const data = handle.toArray();
      return isPromise(data) ? data.then((read) => this.checked(read)) : this.checked(data);
    });
  }

  /** A WebGL context that is lost answers with zeros, and so does a WebGPU device that failed. */
  private checked(data: Float32Array): Float32Array {
    if (this.contextIsLost()) throw new Error("context lost");
    if (this.failure !== null) throw this.failure;
    return data;
  }

  private contextIsLost(): boolean {
    const context = this.context as { isContextLost?(): boolean } | null;
    return context?.isContextLost?.() === true;
  }

  /** What WebGL says it draws with. */
  renderer(): string {
    const gl = this.context as {
      getExtension(name: string): { UNMASKED_RENDERER_WEBGL: number } | null;
      getParameter(name: number): unknown;
      readonly RENDERER: number;
    };
    const extension = gl.getExtension("WEBGL_debug_renderer_info");
    return String(gl.getParameter(extension?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER));
  }

  delete(handle: Handle, length: number): void {
    this.live.arrays--;
    this.live.bytes -= 4 * length;
    if (!(handle instanceof Float32Array)) handle.delete();
    const maker = this.makers.get(handle);
    if (maker === undefined) return;
    this.makers.delete(handle);
    maker.arrays--;
    if (maker.retired && maker.arrays === 0) maker.run.destroy();
  }

  /** Errors in our terms. After the device failed or is lost nothing else is tried. */
  private guarded<T>(what: string, f: () => T | Promise<T>): T | Promise<T> {
    if (this.failure !== null) throw new GpujsError(`${what}: ${this.failure.message}`, this.failure.reason);
    const fail = (error: unknown): never => {
      // Nothing works in a context that is lost, whatever the error says.
      const cause = this.contextIsLost()
        ? new Error("the WebGL context lost what it had: context lost", { cause: error })
        : error;
      const typed = asGpujsError(cause, this.mode, what);
      if (typed.reason === "device-lost") this.failure = typed;
      throw typed;
    };
    try {
      const result = f();
      return isPromise(result) ? result.catch(fail) : result;
    } catch (error) {
      return fail(error);
    }
  }

  async destroy(): Promise<void> {
    this.kernels.clear();
    const { device } = (this.context ?? {}) as { readonly device?: WatchedDevice };
    device?.removeEventListener?.("uncapturederror", this.onError);
    await this.gpu.destroy();
  }
}

/** gpu.js calls both kinds of WebGL "gpu". */
function modeOf({ constructor, context }: CompiledKernel["kernel"]): string {
  if (constructor.mode !== "gpu") return constructor.mode;
  const scope = globalThis as { WebGL2RenderingContext?: abstract new () => unknown };
  const second = scope.WebGL2RenderingContext;
  return second !== undefined && context instanceof second ? "webgl2" : "webgl";
}

function kindOf(handle: Handle): string {
  return handle instanceof Float32Array ? "Array" : handle.type;
}

/**
 * GLSL wants a function before those that call it. gpu.js writes them in the reverse order of the calls that it meets and moves one that it
 * meets again, but not what that one calls. Calls of all of them at the start, callers first, which never run, make its order right.
 */
function inOrderOfCalls(source: string, functions: readonly NativeFunction[]): string {
  if (functions.length < 2) return source;
  const calls = [...functions]
    .reverse()
    .map(({ name, argumentTypes }) => `    order = ${name}(${argumentTypes.map(() => "order").join(", ")});\n`);
  return source.replace("{\n", `{\n  let order = 0.0;\n  if (this.thread.x < 0) {\n${calls.join("")}  }\n`);
}

function lengthOf(handle: Handle): number {
  return handle instanceof Float32Array ? handle.length : handle.output[0];
}

export function isPromise<T>(x: T | Promise<T>): x is Promise<T> {
  return typeof x === "object" && x !== null && typeof (x as { then?: unknown }).then === "function";
}
