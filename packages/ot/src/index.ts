/**
 * Optimal transport: exact, entropic and Newton solvers, barycentres and distances.
 *
 * @packageDocumentation
 */

export {};
