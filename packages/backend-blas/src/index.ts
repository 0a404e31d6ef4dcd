/**
 * Matrix products and factorisations of @curv/tensor by the system's BLAS and LAPACK.
 *
 * @packageDocumentation
 */

export {};
