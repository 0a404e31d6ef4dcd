/**
 * Tensors on NVIDIA cards: kernels generated in CUDA C, compiled at run time, and the vendor's libraries.
 *
 * @packageDocumentation
 */

export {};
