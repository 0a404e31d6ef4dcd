/**
 * Matrix products and factorisations of `@curv/tensor` by the system's BLAS and LAPACK.
 *
 * @packageDocumentation
 */

export { describeBlas, registerBlas, unregisterBlas, type BlasDescription, type BlasOptions } from "./register.js";
