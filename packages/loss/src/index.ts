/**
 * Loss functions that are accurate for any logits, with correct second derivatives.
 *
 * @packageDocumentation
 */

export {};
