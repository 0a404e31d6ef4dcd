/** Initialisers without randomness. */

import { defaultDType, full } from "@curv/tensor";
import type { Initializer } from "./initializer.js";

/** Every element is `value`. */
export function constant(value: number): Initializer {
  return (_key, shape, { dtype = defaultDType() } = {}) => full(shape, value, { dtype });
}

/** Zeros: the usual bias. */
export function zeros(): Initializer {
  return constant(0);
}

/** Ones: the usual gain. */
export function ones(): Initializer {
  return constant(1);
}
