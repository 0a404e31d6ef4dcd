/**
 * Tensors with derivatives of every order, for the CPU, for CUDA and for the browser's GPU.
 *
 * @packageDocumentation
 */

export { Tensor, isTensor, type TensorLike } from "./tensor.js";
export * from "./create.js";
export {
  defaultDType,
  epsilon,
  isFloat,
  itemSize,
  largest,
  promoteDTypes,
  setDefaultDType,
  smallestNormal,
  type DType,
  type FloatDType,
  type TypedArray,
} from "./dtype.js";
export * from "./errors.js";
export type { Shape } from "./shape.js";
export { type NestedArray } from "./backend/read.js";
export { retain, tidy } from "./scope.js";
export * from "./ops/public.js";
export * from "./transform/public.js";
export { backends, getBackend, registerBackend, use } from "./backend/registry.js";
export {
  loweringOf,
  registerLowering,
  type Backend,
  type Capabilities,
  type Executable,
  type Lowering,
  type Operand,
} from "./backend/backend.js";
export { cpu } from "./cpu/backend.js";
export { useExternalFactorisations, type ExternalFactorisations } from "./cpu/external-factorisations.js";
export { useExternalProducts, type ExternalProducts, type StridedMatrix } from "./cpu/external-products.js";
export { getThreads, setThreads } from "./cpu/wasm/threads.js";
export {
  definePrimitive,
  type Aval,
  type BatchResult,
  type HostArray,
  type LoopForm,
  type Primitive,
  type PrimitiveRecord,
  type Tangent,
} from "./primitives/primitive.js";
export { check } from "./primitives/check.js";
export { bind } from "./transform/trace.js";
