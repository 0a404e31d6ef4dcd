/**
 * Tensors on the GPU by gpu.js: WebGPU, WebGL2 and WebGL, and WebAssembly where there is none.
 *
 * @packageDocumentation
 */

export { gpujs, type GpujsOptions } from "./open.js";
export { GpujsBackend, type DeviceInfo, type DeviceMemory } from "./backend.js";
export { GpujsError, type FailureReason } from "./errors.js";
export type { CompiledKernel, Gpu, GpuLibrary, Mode } from "./library.js";
export type { GpujsFunctions } from "./registered.js";
export type { Definition } from "./source-functions.js";
