/** Opening a backend: loading gpu.js, finding a mode that works, and asking it what it is. */

import { GpujsBackend, type DeviceInfo } from "./backend.js";
import { limits } from "./limits.js";
import { Engine } from "./engine.js";
import { asGpujsError, GpujsError } from "./errors.js";
import { sourceOf, type Kernel } from "./kernel.js";
import type { GpuLibrary, Handle, Mode } from "./library.js";
import { checkOptions } from "./options.js";

/** Options of {@link gpujs}. */
export interface GpujsOptions {
  /** The mode, or several in order of preference. Default: webgpu, webgl2, webgl, webasm, the first that works. */
  readonly mode?: Mode | readonly Mode[];
  /**
   * Whether the CPU may do what the device cannot (factorisations, eigenvalues, FFT, primitives of other packages): the operands are read,
   * computed with, and the results uploaded. Default false: a typed error.
   */
  readonly hostFallback?: boolean;
  /** Whether `jit` fuses elementwise operations and reductions into common kernels. Default true. */
  readonly fuse?: boolean;
  /**
   * Whether results are waited for even in modes that could give them at once, as WebGPU does anyway: large kernels of webasm then run on
   * several threads, and reading from WebGL does not block the page. Default false.
   */
  readonly asynchronous?: boolean;
  /** The module gpu.js, where `import("gpu.js")` does not find it. */
  readonly library?: GpuLibrary;
}

const preferred: readonly Mode[] = ["webgpu", "webgl2", "webgl", "webasm"];
const opened = /* @__PURE__ */ new Map<string, number>();

/**
 * Opens a device through gpu.js as a backend for tensors, float32 and exact 32-bit integers.
 *
 * A mode is tried by a kernel whose result is checked; one that does not run, or that gpu.js replaces by a slower one, is refused.
 * Nothing is registered: pass the backend to `use` or to `.to`. Its `describe()` says what was found.
 *
 * @throws DomainError if an option is not what it has to be.
 * @throws GpujsError (a BackendError) if gpu.js is not installed, or if no mode works; it says why of each.
 *
 * @example
 * const backend = await gpujs({ mode: "webasm" });
 * use(backend);
 */
export async function gpujs(options: GpujsOptions = {}): Promise<GpujsBackend> {
  checkOptions(options);
  const { mode = preferred, hostFallback = false, fuse = true, asynchronous = false } = options;
  const modes = typeof mode === "string" ? [mode] : mode;
  const refused: string[] = [];
  let last: GpujsError | null = null;
  for (const wanted of modes) {
    try {
      if (wanted === "webgpu") await findWebGpu();
      const library = options.library ?? (await load());
      const engine = new Engine(library, wanted, asynchronous);
      await probe(engine);
      const info: DeviceInfo = {
        mode: wanted,
        adapter: await adapterOf(engine),
        precision: wanted === "cpu" ? "float64 inside kernels, stored as float32" : "float32",
        largestArray: limits.longestArray,
        refused,
      };
      const onHost = new Set(wanted === "webgl" || wanted === "webgl2" ? ["threefry"] : []);
      return new GpujsBackend(uniqueName(wanted), engine, info, {
        hostFallback,
        fuse,
        onHost,
        vectors: wanted === "webasm",
      });
    } catch (error) {
      last = asGpujsError(error, wanted, "gpujs");
      refused.push(`not ${wanted}: ${last.message}`);
    }
  }
  if (modes.length === 1 && last !== null) throw last;
  throw new GpujsError(`gpujs: none of the modes ${modes.join(", ")} works here: ${refused.join("; ")}`, "unsupported");
}

/** Compiled graphs are kept by the backend's name, so no two may share one. */
function uniqueName(mode: Mode): string {
  const count = (opened.get(mode) ?? 0) + 1;
  opened.set(mode, count);
  return count === 1 ? `gpujs-${mode}` : `gpujs-${mode}-${count}`;
}

async function load(): Promise<GpuLibrary> {
  let module: { GPU?: GpuLibrary["GPU"]; input?: GpuLibrary["input"]; default?: unknown };
  try {
    module = (await import("gpu.js")) as unknown as typeof module;
  } catch (error) {
    throw new GpujsError(
      `gpujs: the npm package gpu.js cannot be loaded (${String(error).split("\n")[0]}); run npm install gpu.js.`,
      "unsupported",
      { cause: error },
    );
  }
  const found = [module, module.default].find(
    (m): m is GpuLibrary => typeof m === "object" && m !== null && "GPU" in m && "input" in m,
  );
  if (found !== undefined) return found;
  // The browser's bundle is the constructor, with the rest as its properties.
  const constructor = (module.default ?? module.GPU) as (GpuLibrary["GPU"] & Partial<GpuLibrary>) | undefined;
  if (typeof constructor === "function" && constructor.input !== undefined) {
    return { GPU: constructor.GPU ?? constructor, input: constructor.input };
  }
  throw new GpujsError('gpujs: what import("gpu.js") gives is not gpu.js; pass it as library.', "unsupported");
}

/** Node has no WebGPU of its own: that of the npm package webgpu is put where gpu.js looks for it. */
async function findWebGpu(): Promise<void> {
  const scope = globalThis as { navigator?: { gpu?: { requestAdapter(): Promise<unknown> } } };
  if (scope.navigator?.gpu === undefined) {
    if (!("process" in globalThis))
      throw new GpujsError("webgpu: this browser has none here (it wants a secure origin).", "unsupported");
    const name = "webgpu";
    let dawn: { create(flags: readonly string[]): unknown; globals: object };
    try {
      dawn = (await import(/* @vite-ignore */ name)) as typeof dawn;
    } catch (error) {
      throw new GpujsError("webgpu: Node has no WebGPU of its own; run npm install webgpu.", "unsupported", {
        cause: error,
      });
    }
    Object.assign(globalThis, dawn.globals);
    Object.defineProperty(globalThis, "navigator", {
      value: { gpu: dawn.create([]) },
      configurable: true,
      writable: true,
    });
  }
  const adapter = await scope.navigator!.gpu!.requestAdapter();
  if (adapter === null) throw new GpujsError("webgpu: there is no adapter: no driver was found.", "unsupported");
}

/** Two numbers through a kernel of each kind: uploaded, computed with, read. */
async function probe(engine: Engine): Promise<void> {
  const handle = await engine.upload(Float32Array.of(1.5, -2));
  const kernel: Kernel = {
    ...sourceOf("function(a0, s0) { return a0[this.thread.x] * s0 + 1.0; }"),
    arrays: [],
    scalars: [0],
    length: 2,
    name: "probe",
  };
  const out: Handle = await engine.launch(kernel, [handle], [2]);
  const data = await engine.read(out);
  engine.delete(handle, 2);
  engine.delete(out, 2);
  if (data[0] !== 4 || data[1] !== -3) {
    throw new GpujsError(
      `gpujs (${engine.mode}): 1.5·2 + 1 and −2·2 + 1 came out as ${data.join(" and ")}; wants 4 and -3.`,
      "degraded",
    );
  }
}

/** The name of what computes. */
async function adapterOf(engine: Engine): Promise<string> {
  if (engine.mode === "webgpu") {
    interface Info {
      readonly vendor?: string;
      readonly architecture?: string;
      readonly description?: string;
    }
    const { navigator } = globalThis as unknown as {
      navigator: { gpu: { requestAdapter(): Promise<{ info?: Info; isFallbackAdapter?: boolean } | null> } };
    };
    const adapter = await navigator.gpu.requestAdapter();
    const { vendor = "", architecture = "", description = "" } = adapter?.info ?? {};
    const name = [vendor, architecture, description].filter((part) => part !== "").join(" ");
    return name === "" ? "an adapter without a name" : name;
  }
  if (engine.mode === "webgl" || engine.mode === "webgl2") return engine.renderer();
  return engine.mode === "cpu" ? "the JavaScript engine" : "WebAssembly with vectors";
}
