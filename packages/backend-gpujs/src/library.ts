/** gpu.js, as far as it is used here. */

import type { NativeFunction } from "./source-functions.js";

/** How gpu.js computes. */
export type Mode = "webgpu" | "webgl2" | "webgl" | "webasm" | "cpu";

/** An array of gpu.js: a typed array (webasm, cpu), a texture or a buffer. */
export type Handle = Float32Array | DeviceHandle;

export interface DeviceHandle {
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
    /** Buffers through which a kernel of WebGPU reads, kept for the next time. */
    readonly stagingPool?: unknown[];
    /** On WebAssembly: what makes nested arrays of the numbers that were written. */
    _shapeOutput?: (data: Float32Array) => unknown;
  };
  destroy(): void;
}

/** gpu.js calls both kinds of WebGL "gpu". */
export function modeOf({ constructor, context }: CompiledKernel["kernel"]): string {
  if (constructor.mode !== "gpu") return constructor.mode;
  const scope = globalThis as { WebGL2RenderingContext?: abstract new () => unknown };
  const second = scope.WebGL2RenderingContext;
  return second !== undefined && context instanceof second ? "webgl2" : "webgl";
}

export function kindOf(handle: Handle): string {
  return handle instanceof Float32Array ? "Array" : handle.type;
}

/**
 * GLSL wants a function before those that call it. gpu.js writes them in the reverse order of the calls that it meets and moves one that it
 * meets again, but not what that one calls. Calls of all of them at the start, callers first, which never run, make its order right.
 */
export function inOrderOfCalls(source: string, functions: readonly NativeFunction[]): string {
  if (functions.length < 2) return source;
  const calls = [...functions]
    .reverse()
    .map(({ name, argumentTypes }) => `    order = ${name}(${argumentTypes.map(() => "order").join(", ")});\n`);
  return source.replace("{\n", `{\n  let order = 0.0;\n  if (this.thread.x < 0) {\n${calls.join("")}  }\n`);
}

export function lengthOf(handle: Handle): number {
  return handle instanceof Float32Array ? handle.length : handle.output[0];
}
