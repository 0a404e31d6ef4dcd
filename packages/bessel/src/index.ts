/**
 * Bessel functions in log scale, special functions and directional distributions.
 *
 * @packageDocumentation
 */

export {};
