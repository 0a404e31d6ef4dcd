/**
 * Linear operators, Krylov and classical solvers, eigen-solvers and sketching.
 *
 * @packageDocumentation
 */

export {};
