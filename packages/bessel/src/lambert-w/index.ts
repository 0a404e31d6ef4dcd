/**
 * Lambert's W, the inverse of w·e^w.
 *
 * @packageDocumentation
 */

export { lambertW, type LambertWOptions } from "./lambert-w.js";
