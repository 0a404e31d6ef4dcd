/**
 * Sums, differences and complements of numbers that are given by their logarithms.
 *
 * @packageDocumentation
 */

export { log1mexp, logAddExp, logSubExp } from "./log-space.js";
