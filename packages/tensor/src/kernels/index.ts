/**
 * Kernels of one's own on the CPU: what a package needs to bring a WebAssembly function over arrays for a primitive of its own. Expressions
 * over vectors, the functions and modules that hold them, and {@link runArrayKernel}, which runs them, by several threads where there are
 * several.
 *
 * @packageDocumentation
 */

export { runArrayKernel, type ArrayKernel } from "./array-kernel.js";
export { resultArray } from "../cpu/wasm/resident.js";
export {
  FunctionBody,
  ModuleBuilder,
  f64,
  i32,
  op,
  v128,
  type Exports,
  type ImportedFunction,
} from "../cpu/wasm/module.js";
export { node, simd, type Expression } from "../cpu/wasm/expression.js";
export { and, lanes32, lanes64, not, or, select, xor, type FloatLanes } from "../cpu/wasm/lanes.js";
