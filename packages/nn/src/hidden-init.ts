/** Which initialiser suits the layer before an activation. */

import type { ActivationFunction } from "./activation.js";
import type { Initializer } from "./init/initializer.js";
import { he, lecun } from "./init/variance-scaling.js";

const rectifiers: readonly ActivationFunction[] = ["elu", "gelu", "leakyRelu", "relu", "silu"];

/** He before activations that lose the negative half of their inputs, LeCun before all others. */
export function hiddenInit(activation: ActivationFunction): Initializer {
  return rectifiers.includes(activation) ? he() : lecun();
}
