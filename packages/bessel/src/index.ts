/**
 * Modified Bessel functions of any order as fast, differentiable tensor functions, and the distributions on the sphere that stand on them.
 *
 * @packageDocumentation
 */

export {};
