/**
 * Tensors on the GPU by gpu.js: WebGPU, WebGL2 and WebGL, and WebAssembly where there is none.
 *
 * @packageDocumentation
 */

export {};
