/**
 * Linear operators, iterative linear solvers and eigensolvers over vectors and trees of tensors, differentiable implicitly.
 *
 * @packageDocumentation
 */

export {};
