/**
 * Tensors on NVIDIA cards: kernels generated in CUDA C, compiled at run time, and the vendor's libraries.
 *
 * @packageDocumentation
 */

export { cuda, type CudaOptions } from "./open.js";
export { CudaBackend } from "./backend.js";
export { CudaGroup, cudaGroup, type CudaGroupOptions } from "./group.js";
export type { Reduction } from "./lib/nccl.js";
export { cudaDevices, type CudaDevice, type CudaDevices } from "./driver.js";
export { CudaError, type RefusedCall } from "./errors.js";
export type { MatmulPrecision } from "./lib/cublas.js";
export type { MemoryUse } from "./memory-pool.js";
export type { CudaFunctions } from "./registered.js";
export type { Definition, FloatType } from "./codegen/portable.js";
