/**
 * Neural network layers as pure functions, with parameters and state as trees of tensors.
 *
 * @packageDocumentation
 */

export {};
