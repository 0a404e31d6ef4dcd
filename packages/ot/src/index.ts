/**
 * Optimal transport: Sinkhorn and exact solvers, their implicit derivatives to second order, and what is built on them.
 *
 * @packageDocumentation
 */

export {};
