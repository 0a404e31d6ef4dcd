/** The backend: which primitive runs where, and whose memory it is. */

import {
  BackendError,
  isCurvError,
  loweringOf,
  type Aval,
  type Backend,
  type DType,
  type HostArray,
  type Operand,
  type Primitive,
  type Shape,
  type TypedArray,
} from "@curv/tensor";
import { Engine, engineDType } from "./engine.js";
import { inEngine, onHost, release, type Handle } from "./handle.js";
import { everyInt32, exactly, isExact, rangeOf, type Range } from "./integers.js";
import type { TfjsKernel } from "./kernels/kernel.js";
import { isOnWords, kernels, wordOperations } from "./kernels/table.js";
import { checkOptions } from "./options.js";
import type { TfjsModule, TfjsTensor } from "./tfjs.js";

export interface TfjsBackendOptions {
  /** Name in `.to(name)` and in messages. Default: "tfjs-" and the engine's, as in "tfjs-wasm". */
  readonly name?: string;
  /**
   * Whether operations that the engine lacks (factorisations, the gamma function, rejection samplers, long Fourier transforms, primitives of other
   * packages) run on the host with Curv's own kernels: what they need is read from the engine and their results are uploaded, which stalls a GPU.
   * Default false: they throw a BackendError. On webgpu, which cannot be read at once, they do so in any case.
   */
  readonly hostFallback?: boolean;
}

/** A backend on a TensorFlow.js engine. */
export interface TfjsBackend extends Backend {
  readonly kind: "tfjs";
  /** The module it was made from. */
  readonly tf: TfjsModule;
  describe(): string;
  /** A handle of its own on the memory of a tensor of the engine. For {@link fromTfjs}. @internal */
  share(tensor: TfjsTensor, dtype: DType): unknown;
  /** A tensor of the engine on the memory of a Curv tensor, which belongs to the caller. For {@link toTfjs}. @internal */
  lend(operand: Operand): TfjsTensor;
}

const nativeKernels = ["tensorflow"];

/**
 * Curv's tensors on the engine that `tf` has active: `@tensorflow/tfjs` (cpu, webgl), `-backend-wasm`, `-backend-webgpu`, `-node` or `-node-gpu`
 * (CUDA). Float32, int32 and bool live in the engine; single numbers and uint32 words (keys, random bits) live on the host, and random numbers are
 * made there, with the bits of every other backend. float64 is refused by a BackendError. The webgl and webgpu engines hold int32 as floats: there, what
 * might leave ±2²³ is computed on the host, or refused by a BackendError on webgpu, which cannot be read at once.
 *
 * Nothing is copied but what is uploaded or read. Memory belongs to the Curv tensors: `tidy`, `using` and `dispose` free it at once, a
 * FinalizationRegistry some time after the last reference; a `tf.tidy` around it frees nothing of Curv's.
 *
 * @param tf - The module, its engine set and ready: `await tf.setBackend("wasm")` first. One backend stands for one engine; using it after
 * `tf.setBackend` has switched to another is a BackendError.
 * @throws BackendError if no engine is ready, or webgl has no float32 on this device, only half of it; DomainError for options that are none.
 *
 * @example
 * import * as tf from "@tensorflow/tfjs";
 * await tf.ready();
 * use(backendFromTfjs(tf));
 */
export function backendFromTfjs(tf: TfjsModule, options: TfjsBackendOptions = {}): TfjsBackend {
  checkModule(tf);
  checkOptions("backendFromTfjs", options, { name: "name", hostFallback: "boolean" });
  const engine = new Engine(tf);
  const { name = `tfjs-${engine.name}`, hostFallback = false } = options;
  if (engine.name === "webgl" && tf.env?.().getBool("WEBGL_RENDER_FLOAT32_ENABLED") === false) {
    throw new BackendError(
      'backendFromTfjs: the webgl engine has numbers of 16 bits only on this device; take another, as by await tf.setBackend("wasm").',
    );
  }
  const syncRead = engine.readsAtOnce;

  const active = (caller: string): void => {
    const now = tf.getBackend() as string | null | undefined;
    const gone = now === null || now === undefined || now === "";
    if (!gone && now !== engine.name) {
      throw new BackendError(
        `${caller}: ${name} belongs to the ${engine.name} engine, but tf.setBackend has switched to ${now}; switch back, or make a backend for it.`,
      );
    }
    const loss = gone ? "was removed or reset since" : engine.loss;
    if (loss !== null) {
      throw new BackendError(
        `${caller}: ${name} belongs to an engine that ${loss}, and its tensors with it; make a new backend with backendFromTfjs, and go on from what was read.`,
      );
    }
  };

  /** Runs `f` with everything that it makes in the engine freed but its results, which are kept from any tf.tidy around. */
  const scoped = (caller: string, f: () => readonly TfjsTensor[]): readonly TfjsTensor[] => {
    active(caller);
    try {
      const results = tf.tidy(f as never) as readonly TfjsTensor[];
      for (const y of results) tf.keep(y as never);
      return results;
    } catch (error) {
      throw isCurvError(error) ? error : engineError(caller, name, error);
    }
  };

  const uploadHandle = (data: TypedArray, shape: Shape, dtype: DType): Handle => {
    // A single number may pass on its way to another backend, where it is a float64.
    if (dtype === "float64" && data.length > 1) {
      throw new BackendError(`tensor: ${name} does not support float64; pass {dtype: "float32"}, or make it on cpu, blas or cuda.`); // prettier-ignore
    }
    const range = engine.roundsIntegers && dtype === "int32" ? rangeOf(data) : everyInt32;
    const wouldRound = engine.roundsIntegers && dtype === "int32" && !isExact(range);
    if (dtype === "uint32" || data.length === 1 || wouldRound) return onHost(data.slice(), dtype, range);
    const tensor = scoped("upload", () => [engine.upload(typed(data, dtype), shape, engineDType(dtype))])[0];
    return inEngine(tensor, dtype, range);
  };

  /** What was read of integers tells their range. */
  const measured = ({ buffer, dtype }: Pick<Operand, "buffer" | "dtype">, data: TypedArray): void => {
    if (dtype === "int32" && engine.roundsIntegers) (buffer as Handle).range = rangeOf(data);
  };

  /** What the handle holds, on the host. */
  const read = (caller: string, { buffer, dtype }: Operand): TypedArray => {
    const { array, tensor } = buffer as Handle;
    if (array !== null) return array;
    active(caller);
    if (!syncRead) {
      throw new BackendError(`${caller}: ${name} cannot read synchronously, and it computes this on the host; ${engine.byHand}.`); // prettier-ignore
    }
    try {
      const data = typed(tensor!.dataSync(), dtype);
      active(caller); // a device that is lost gives zeros
      measured({ buffer, dtype }, data);
      return data;
    } catch (error) {
      throw isCurvError(error) ? error : engineError(caller, name, error);
    }
  };

  const runOnHost = (
    primitive: Primitive,
    inputs: readonly Operand[],
    params: unknown,
    outs: readonly Aval[],
  ): Handle[] => {
    const arrays = inputs.map((x): HostArray => ({ shape: x.shape, dtype: x.dtype, buffer: read(primitive.name, x) }));
    return primitive.lower!(arrays, params, outs).map((y, i) => uploadHandle(y, outs[i].shape, outs[i].dtype));
  };

  const runInEngine = (
    kernel: TfjsKernel,
    primitive: Primitive,
    inputs: readonly Operand[],
    params: unknown,
    outs: readonly Aval[],
    ranges: readonly Range[] = [],
    as: "integers" | "floats" = "integers",
  ): Handle[] => {
    const results = scoped(primitive.name, () => {
      const tensors = inputs.map(({ buffer, shape, dtype }) => {
        const { array, tensor } = buffer as Handle;
        const wanted = dtype === "int32" && as === "floats" ? "float32" : engineDType(dtype);
        return tensor === null ? engine.upload(typed(array!, wanted), shape, wanted) : engine.cast(tensor, wanted);
      });
      const made = kernel(engine, tensors, params as never, outs);
      // An input, or one tensor twice, gets a handle of its own on the same memory.
      return made.map((y, i) => (tensors.includes(y) || made.indexOf(y) < i ? engine.shared(y) : y));
    });
    return results.map((y, i) => inEngine(y, outs[i].dtype, ranges[i]));
  };

  /** On or to int32 in an engine that rounds them: there what is exact for certain, else on the host. */
  const runOnIntegers = (
    kernel: TfjsKernel,
    primitive: Primitive,
    inputs: readonly Operand[],
    params: unknown,
    outs: readonly Aval[],
  ): Handle[] => {
    if (primitive.name === "cast" && inputs[0].dtype === "float32") {
      return runInEngine((_engine, [x]) => [engine.truncated(x)], primitive, inputs, params, outs, [everyInt32]);
    }
    const integers = inputs.map(({ shape, dtype, buffer }) => {
      const { range, tensor } = buffer as Handle;
      return { shape, dtype, range: dtype === "bool" ? { low: 0, high: 1 } : range, isFloat: tensor?.dtype === "float32" }; // prettier-ignore
    });
    const { as, ranges } = exactly(primitive.name, integers, params, outs);
    if (as !== "no") return runInEngine(kernel, primitive, inputs, params, outs, ranges, as);
    if (syncRead || inputs.every(isOnHost)) return runOnHost(primitive, inputs, params, outs);
    throw new BackendError(
      `${primitive.name}: ${name} rounds integers beyond 2^23, which may come of this, and it cannot read synchronously to see; read them before (await x.data()), bound them with clip, or ${engine.byHand}.`,
    );
  };

  /** That an operand of a kernel that is not ours is what the engine can hold. */
  const checkHeld = (caller: string, { buffer, dtype }: Operand): void => {
    const { array, range } = buffer as Handle;
    if (dtype !== "int32" || array === null || !engine.roundsIntegers || isExact(range)) return;
    throw new BackendError(`${caller}: an operand has integers beyond 2^23, which ${name} would round; ${engine.byHand}.`); // prettier-ignore
  };

  const isOnHost = ({ buffer }: Operand): boolean => (buffer as Handle).array !== null;
  const isNumber = ({ shape }: Aval): boolean => shape.every((n) => n === 1);
  const backend: TfjsBackend = {
    name,
    kind: "tfjs",
    tf,
    capabilities: {
      dtypes: ["float32", "int32", "uint32", "bool"],
      syncRead,
      nonFinite: ["cpu", "wasm", ...nativeKernels].includes(engine.name),
      subnormals: ["cpu", "wasm", ...nativeKernels].includes(engine.name),
      largestLaunch: engine.largestArray,
    },
    supports: (primitive) =>
      loweringOf(primitive, "tfjs") !== undefined ||
      primitive.name in kernels ||
      wordOperations.has(primitive.name) ||
      (hostFallback && primitive.lower !== undefined),
    upload: uploadHandle,
    download: async (operand) => {
      const { array, tensor } = operand.buffer as Handle;
      if (array !== null) return array;
      active("data");
      try {
        const data = typed(await tensor!.data(), operand.dtype);
        if (engine.loss !== null) active("data"); // the engine may have been switched meanwhile, which does no harm
        measured(operand, data);
        return data;
      } catch (error) {
        throw isCurvError(error) ? error : engineError("data", name, error);
      }
    },
    ...(syncRead && { downloadSync: (operand: Operand) => read("dataSync", operand) }),
    run: (primitive, inputs, params, outs) => {
      for (const { shape } of outs) engine.checkSize(primitive.name, shape, name);
      const registered = loweringOf(primitive, "tfjs") as TfjsKernel | undefined;
      if (registered !== undefined) {
        for (const x of inputs) checkHeld(primitive.name, x);
        return runInEngine(registered, primitive, inputs, params, outs);
      }
      const words = isOnWords(engine.name, primitive.name, [...inputs, ...outs].map((x) => x.dtype)); // prettier-ignore
      const kernel = kernels[primitive.name] as TfjsKernel | undefined;
      // Numbers that are on the host already: a step size, a count.
      const numbers = primitive.lower !== undefined && inputs.every(isOnHost) && outs.every(isNumber);
      if (numbers || words || kernel === undefined || tooLong(primitive, inputs, hostFallback)) {
        return runOnHost(primitive, inputs, params, outs);
      }
      const onIntegers = engine.roundsIntegers && [...inputs, ...outs].some(({ dtype }) => dtype === "int32");
      return (onIntegers ? runOnIntegers : runInEngine)(kernel, primitive, inputs, params, outs);
    },
    share: (tensor, dtype) => inEngine(scoped("fromTfjs", () => [engine.shared(tensor)])[0], dtype),
    lend: ({ buffer, shape, dtype }) => {
      active("toTfjs");
      const { array, tensor } = buffer as Handle;
      if (tensor === null) return engine.upload(array!, shape, engineDType(dtype));
      if (tensor.dtype === dtype) return engine.shared(tensor);
      return tf.tidy((() => engine.cast(tensor, engineDType(dtype))) as never) as TfjsTensor;
    },
    free: (buffer) => release(buffer as Handle),
    describe: () => {
      const { numTensors, numBytes } = tf.memory();
      return `TensorFlow.js ${engine.name} engine, ${engine.kernels.size} kernels, float32; ${numTensors} tensors of ${numBytes} bytes`;
    },
  };
  // A tf.tidy looks for its tensors in all that a returned Curv tensor refers to; it need not search the whole module.
  return Object.defineProperty(backend, "tf", { enumerable: false });
}

/** Transforms that the engine has no kernel for, where the host may do them. */
function tooLong(primitive: Primitive, inputs: readonly Operand[], hostFallback: boolean): boolean {
  return hostFallback && primitive.name === "fft" && inputs[0].shape[inputs[0].shape.length - 1] > 64;
}

function checkModule(tf: TfjsModule): void {
  const wanted = ["engine", "getBackend", "getKernelsForBackend", "tensor", "keep", "tidy", "memory"] as const;
  const missing = typeof tf === "object" && tf !== null ? wanted.find((f) => typeof tf[f] !== "function") : "engine";
  if (missing !== undefined) {
    throw new BackendError(
      `backendFromTfjs: tf has no function ${missing}; wants the module: npm install @tensorflow/tfjs, then import * as tf from "@tensorflow/tfjs".`,
    );
  }
  if (typeof tf.getBackend() !== "string" || tf.getBackend() === "") {
    throw new BackendError(
      'backendFromTfjs: no engine is ready; await tf.setBackend("wasm") (or another) or tf.ready() first.',
    );
  }
}

/** What the engine threw, as Curv's error with the operation's name. */
function engineError(caller: string, backend: string, error: unknown): BackendError {
  const message = error instanceof Error ? error.message : String(error);
  const reason =
    /out of memory|OOM|memory access out of bounds|Array buffer allocation|Invalid typed array length|Invalid array length|failed to allocate|RESOURCE_EXHAUSTED|allocation failed/i.test(message) // prettier-ignore
      ? "is out of memory; dispose tensors, or use tidy"
      : /greater than WebGL maximum/.test(message)
        ? "is out of memory for one array"
        : "failed";
  return new BackendError(`${caller}: ${backend} ${reason}: ${message}`, { cause: error });
}

/** The engine's array as that of the dtype: the cpu engine may hold floats in an array of integers. */
function typed(data: ArrayLike<number>, dtype: DType): TypedArray {
  switch (dtype) {
    case "float32":
      return data instanceof Float32Array ? data : Float32Array.from(data);
    case "int32":
      return data instanceof Int32Array ? data : Int32Array.from(data, (v) => Math.min(v, 2 ** 31 - 1));
    case "bool":
      return data instanceof Uint8Array ? data : Uint8Array.from(data);
    default:
      throw new BackendError(`data: the engine holds no ${dtype}.`);
  }
}
