/** Elementwise functions between layers. */

import { DomainError, erfc, expm1, leakyRelu, relu, sigmoid, softplus, tanh, where, type Tensor } from "@curv/tensor";
import { stateless, type Stateless } from "./layer.js";

/** x Φ(x), Φ the distribution function of the standard normal: exact, not the tanh approximation. */
export function gelu(x: Tensor): Tensor {
  return x.mul(0.5).mul(erfc(x.mul(-Math.SQRT1_2)));
}

/** x σ(x), also called swish. */
export function silu(x: Tensor): Tensor {
  return x.mul(sigmoid(x));
}

/** x for x > 0, eˣ − 1 below. */
export function elu(x: Tensor): Tensor {
  const positive = x.greater(0);
  return where(positive, x, expm1(where(positive, 0, x)));
}

function identity(x: Tensor): Tensor {
  return x;
}

export type ActivationName =
  "elu" | "gelu" | "identity" | "leakyRelu" | "relu" | "sigmoid" | "silu" | "softplus" | "tanh";

const functions: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = {
  elu,
  gelu,
  identity,
  leakyRelu,
  relu,
  sigmoid,
  silu,
  softplus,
  tanh,
};

/** An activation by name, or any function that acts on each element by itself. */
export type ActivationFunction = ActivationName | ((x: Tensor) => Tensor);

export interface Activation extends Stateless<null> {
  readonly name: "activation";
  readonly activation: ActivationFunction;
}

/**
 * An activation as a layer.
 *
 * @example
 * activation("tanh");
 * activation((x) => x.sin());
 */
export function activation(activation: ActivationFunction): Activation {
  const f = activationFunction(activation, "activation", "activation");
  return {
    name: "activation",
    activation,
    init: () => null,
    ...stateless((_params: null, x) => f(x)),
  };
}

/** The function of a name. */
export function activationFunction(
  activation: ActivationFunction,
  caller: string,
  argument: string,
): (x: Tensor) => Tensor {
  if (typeof activation === "function") return activation;
  if (!Object.hasOwn(functions, activation)) {
    throw new DomainError(
      `${caller}: ${argument} is "${String(activation)}"; wants a function or one of ${Object.keys(functions).join(", ")}.`,
    );
  }
  return functions[activation];
}
