/** gpu.js as we use it: one mode, kernels from source strings, arrays that stay where they are made. */

import { DeviceErrors } from "./device-errors.js";
import { asGpujsError, GpujsError } from "./errors.js";
import type { Kernel } from "./kernel.js";
import {
  inOrderOfCalls,
  kindOf,
  lengthOf,
  modeOf,
  type CompiledKernel,
  type Gpu,
  type GpuLibrary,
  type Handle,
  type Mode,
} from "./library.js";
import { isPromise } from "./task.js";

/** A kernel of gpu.js with the arrays that it made: reading and freeing them needs it. */
interface Compiled {
  readonly run: CompiledKernel;
  arrays: number;
  /** When it was run last, counted in runs. */
  used: number;
  /** Not kept any more: destroyed when its last array is freed. */
  retired: boolean;
}

/** A kernel, kept under a key, that makes an array of so many numbers from others. */
interface Call {
  readonly key: string;
  readonly name: string;
  readonly length: number;
  readonly inputs: readonly Handle[];
  compile(): CompiledKernel;
}

/** Under which key a kernel is kept when it runs on arrays of these kinds and lengths. */
interface Signature {
  readonly arrays: readonly { readonly kind: string; readonly length: number }[];
  readonly key: string;
}

export class Engine {
  /** Whether results are there when a call returns. */
  readonly synchronous: boolean;
  private readonly gpu: Gpu;
  private readonly kernels = new Map<string, Compiled>();
  /** Compiled kernels that are kept. */
  mostKernels = 512;
  private runs = 0;
  private readonly signatures = new WeakMap<Kernel, Signature[]>();
  private readonly makers = new WeakMap<Handle, Compiled>();
  /** What gpu.js draws or computes with: a WebGL context, or an adapter and its device. */
  context: unknown = null;
  private failure: GpujsError | null = null;
  private destroyed = false;
  private readonly errors = new DeviceErrors();
  /** Arrays that could not be made, or were computed from such, with why. */
  private readonly spoiled = new WeakMap<Handle, GpujsError>();
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
    const { name, length } = kernel;
    this.launches++;
    const call: Call = {
      key: this.keyOf(kernel, arrays),
      name,
      length,
      inputs: arrays,
      compile: () => this.compile(kernel, arrays),
    };
    return this.run(call, [...arrays, ...scalars]);
  }

  /** Sources are long: the keys that are made of them are kept. */
  private keyOf(kernel: Kernel, arrays: readonly Handle[]): string {
    let known = this.signatures.get(kernel);
    if (known === undefined) this.signatures.set(kernel, (known = []));
    for (const signature of known) if (fits(signature, arrays)) return signature.key;
    const own = arrays.map((x) => ({ kind: kindOf(x), length: lengthOf(x) }));
    const key = `${kernel.length} ${kernel.identity} ${own.map(({ kind, length }) => `${kind} ${length}`).join()}`;
    known.push({ arrays: own, key });
    return key;
  }

  /** Runs the kernel that is kept under the key, or a new one; once more, if there was no room for it and room can be made. */
  private run(call: Call, args: readonly unknown[]): Handle | Promise<Handle> {
    const again = (error: unknown): Handle | Promise<Handle> => {
      if (!this.makeRoom(error)) throw error;
      return this.run(call, args);
    };
    try {
      const result = this.attempt(call, args);
      return isPromise(result) ? result.catch(again) : result;
    } catch (error) {
      return again(error);
    }
  }

  /**
   * A browser gives a page about a hundred memories of WebAssembly, of whatever size, and each kernel has one. When they are used up, half of the
   * kernels are given up, and as few are kept from there on. Whether that was of use can be known only by trying.
   */
  private makeRoom(error: unknown): boolean {
    const outOfMemory = error instanceof GpujsError && error.reason === "out-of-memory";
    if (this.mode !== "webasm" || !outOfMemory || this.kernels.size === 0) return false;
    const kept = Math.floor(this.kernels.size / 2);
    this.mostKernels = Math.max(1, kept);
    this.keepOnly(kept);
    return true;
  }

  private attempt({ key, name, length, compile, inputs }: Call, args: readonly unknown[]): Handle | Promise<Handle> {
    return this.guarded(name, length, () => {
      const kept = this.kernels.get(key);
      const made: Compiled = kept ?? { run: compile(), arrays: 0, used: 0, retired: false };
      const keep = (result: unknown): Handle => {
        const handle = asHandle(result);
        if (kept === undefined) this.verify(made.run, name);
        this.count(handle, length, made);
        this.remember(key, made);
        return handle;
      };
      const drop = (error: unknown): never => {
        this.forget(key, made);
        throw error;
      };
      const note = (error: Error | null, handle: unknown): void => {
        if (handle === undefined) return;
        const before = inputs.map((x) => this.spoiled.get(x)).find((x) => x !== undefined);
        if (before === undefined && error !== null) this.forget(key, made);
        const cause = before ?? (error === null ? undefined : this.typed(error, name, length));
        if (cause !== undefined) this.spoiled.set(handle as Handle, cause);
      };
      try {
        const result = this.errors.call(() => made.run(...args), note);
        return isPromise(result) ? result.then(keep).catch(drop) : keep(result);
      } catch (error) {
        return drop(error);
      }
    });
  }

  private compile({ source, functions, length, threads, scalars }: Kernel, arrays: readonly Handle[]): CompiledKernel {
    const shader = this.mode === "webgl" || this.mode === "webgl2";
    const compiled = this.gpu.createKernel(shader ? inOrderOfCalls(source, functions) : source, {
      ...this.settings(threads ?? [length]),
      loopMaxIterations: 2 ** 24,
      functions,
      argumentTypes: [...arrays.map(kindOf), ...scalars.map(() => "Float")],
    });
    if (threads !== undefined) keepFlat(compiled);
    return compiled;
  }

  private settings(output: readonly number[]): object {
    return {
      output,
      precision: "single",
      tactic: "precision",
      pipeline: true,
      immutable: true,
      asyncMode: !this.synchronous,
    };
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
    this.errors.watch(this.context);
  }

  /** Keeps a kernel as the one used last. */
  private remember(key: string, kernel: Compiled): void {
    kernel.used = ++this.runs;
    if (this.kernels.get(key) === kernel) return;
    this.kernels.set(key, kernel);
    this.keepOnly(this.mostKernels);
  }

  /** As many kernels as that, the ones used last. */
  private keepOnly(most: number): void {
    if (this.kernels.size <= most) return;
    const byUse = [...this.kernels].sort(([, a], [, b]) => a.used - b.used);
    for (const [key, kernel] of byUse.slice(0, byUse.length - most)) this.forget(key, kernel);
  }

  /** Does not keep a kernel any longer: it makes room, or what it has allocated for itself may be broken. */
  private forget(key: string, kernel: Compiled): void {
    if (this.kernels.get(key) === kernel) this.kernels.delete(key);
    kernel.retired = true;
    if (kernel.arrays === 0) kernel.run.destroy();
  }

  private count(handle: Handle, length: number, maker: Compiled | null): void {
    // WebAssembly's results are copies: reading and freeing them needs no kernel.
    if (maker !== null && !(handle instanceof Float32Array)) {
      maker.arrays++;
      this.makers.set(handle, maker);
    }
    this.live.arrays++;
    this.live.bytes += 4 * length;
    this.live.peakBytes = Math.max(this.live.peakBytes, this.live.bytes);
  }

  /** Host data as an array of the device. They are copied. */
  upload(data: Float32Array): Handle | Promise<Handle> {
    const { length } = data;
    if (this.mode === "webasm" || this.mode === "cpu") {
      const copy = data.slice();
      this.count(copy, length, null);
      return copy;
    }
    // A kernel that has seen host data cannot take handles afterwards, so uploading is one of its own.
    const compile = (): CompiledKernel =>
      this.gpu.createKernel("function(a0) { return a0[this.thread.x]; }", {
        ...this.settings([length]),
        argumentTypes: ["Input"],
      });
    const call: Call = { key: `upload ${length}`, name: "upload", length, compile, inputs: [] };
    return this.run(call, [this.library.input(data, [length])]);
  }

  /** What an array holds. On cpu and webasm it is the array itself. */
  read(handle: Handle): Float32Array | Promise<Float32Array> {
    if (handle instanceof Float32Array) return handle;
    return this.guarded("read", lengthOf(handle), () => {
      let fault: Error | null = null;
      const data = this.errors.call(
        () => handle.toArray(),
        (error) => void (fault = error),
      );
      return isPromise(data) ? this.readLater(handle, data, () => fault) : this.checked(data);
    });
  }

  /** Numbers that are there later: unless the device says that the array could not be made, or not be read. */
  private async readLater(
    handle: Handle,
    data: Promise<Float32Array>,
    fault: () => Error | null,
  ): Promise<Float32Array> {
    const [read] = await Promise.allSettled([data]);
    await this.errors.settled();
    const cause = this.spoiled.get(handle) ?? fault();
    // gpu.js keeps the buffer through which it reads, also one that could not be allocated.
    if (cause !== null) this.makers.get(handle)?.run.kernel.stagingPool?.splice(0);
    if (cause !== null) throw cause;
    if (read.status === "rejected") throw read.reason;
    return this.checked(read.value);
  }

  /**
   * A WebGL context that is lost, or that has no memory left, answers with zeros. That it is lost, an event tells later; asking for the state
   * of a framebuffer waits for what the driver knows.
   */
  private checked(data: Float32Array): Float32Array {
    const gl = this.context as Partial<WebGlContext> | null;
    if (gl?.checkFramebufferStatus === undefined) return data;
    if (this.contextIsLost() || gl.checkFramebufferStatus(glWord.framebuffer) === glWord.unsupported)
      throw new Error(`context lost; if memory ran out: ${this.memoryInWords(data.length)}`);
    if (gl.getError!() === glWord.outOfMemory) {
      // It does not say which arrays it could not make.
      this.failure = this.typed(new Error("the WebGL context is out of memory"), "read", data.length);
      throw this.failure;
    }
    return data;
  }

  private contextIsLost(): boolean {
    return (this.context as Partial<WebGlContext> | null)?.isContextLost?.() === true;
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
    if (this.destroyed) return;
    if (!(handle instanceof Float32Array)) handle.delete();
    const maker = this.makers.get(handle);
    if (maker === undefined) return;
    this.makers.delete(handle);
    maker.arrays--;
    if (maker.retired && maker.arrays === 0) maker.run.destroy();
  }

  /** Errors in our terms. After the device is lost nothing else is tried. */
  private guarded<T>(what: string, length: number, f: () => T | Promise<T>): T | Promise<T> {
    if (this.failure !== null) throw new GpujsError(`${what}: ${this.failure.message}`, this.failure.reason);
    const fail = (error: unknown): never => {
      // Nothing works in a context that is lost, whatever the error says.
      const cause = this.contextIsLost()
        ? new Error("the WebGL context lost what it had: context lost", { cause: error })
        : error;
      const typed = this.typed(cause, what, length);
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

  /** An error that was seen while an array of `length` numbers was made or read. */
  private typed(error: unknown, what: string, length: number): GpujsError {
    return asGpujsError(error, this.mode, what, this.memoryInWords(length));
  }

  private memoryInWords(length: number): string {
    const { arrays, bytes } = this.live;
    return `${4 * length} bytes were wanted beside ${bytes} in ${arrays} arrays`;
  }

  async destroy(): Promise<void> {
    this.destroyed = true;
    this.kernels.clear();
    await this.gpu.destroy();
  }
}

/**
 * WebAssembly gives what several threads along two axes write as arrays of arrays of views of one array. That array is what is wanted, and to make
 * the views takes as long as a product of matrices of 512 rows, so gpu.js is asked not to, where it has the method that makes them.
 */
function keepFlat({ kernel }: CompiledKernel): void {
  if (kernel._shapeOutput !== undefined) kernel._shapeOutput = (data) => data;
}

function fits({ arrays: known }: Signature, arrays: readonly Handle[]): boolean {
  for (let i = 0; i < arrays.length; i++) {
    if (known[i].length !== lengthOf(arrays[i]) || known[i].kind !== kindOf(arrays[i])) return false;
  }
  return true;
}

function asHandle(result: unknown): Handle {
  if (!Array.isArray(result)) return result as Handle;
  let first: unknown = result;
  while (Array.isArray(first)) first = first[0];
  return new Float32Array((first as Float32Array).buffer);
}

/** The part of a WebGL context that tells of errors. */
interface WebGlContext {
  isContextLost(): boolean;
  getError(): number;
  checkFramebufferStatus(target: number): number;
}

/** WebGL's words. */
const glWord = { outOfMemory: 0x0505, framebuffer: 0x8d40, unsupported: 0x8cdd } as const;
