/**
 * Matrix products of `@curv/tensor` by the system's BLAS.
 *
 * @packageDocumentation
 */

export { describeBlas, registerBlas, unregisterBlas, type BlasDescription, type BlasOptions } from "./register.js";
