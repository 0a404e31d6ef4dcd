/** Activation functions by the names that TensorFlow.js gives them. */

import { erf, exp, expm1, logSoftmax, minimum, relu, softmax, softplus, tanh, where, type Tensor } from "@curv/tensor";
import { unsupported, weight, type LayerCall, type LayerFunction, type LiveLayer } from "./layer.js";

/** α (eˣ − 1) for x < 0; the branch that is not taken is kept finite, so that its derivative is. */
export function elu(x: Tensor, alpha = 1): Tensor {
  return where(x.greater(0), x, expm1(minimum(x, 0)).mul(alpha));
}

const activations: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  linear: (x) => x,
  relu,
  relu6: (x) => minimum(relu(x), 6),
  sigmoid: (x) => x.sigmoid(),
  hardsigmoid: (x) => minimum(relu(x.mul(0.2).add(0.5)), 1),
  tanh,
  softplus,
  softsign: (x) => x.div(x.abs().add(1)),
  elu: (x) => elu(x),
  // Klambauer et al., Self-normalizing neural networks (2017).
  selu: (x) => elu(x, 1.6732632423543772).mul(1.0507009873554805),
  softmax: (x) => softmax(x),
  logsoftmax: (x) => logSoftmax(x),
  swish: (x) => x.mul(x.sigmoid()),
  silu: (x) => x.mul(x.sigmoid()),
  mish: (x) => x.mul(tanh(softplus(x))),
  gelu: (x) => x.mul(erf(x.mul(Math.SQRT1_2)).add(1)).mul(0.5),
  gelunew: (x) => x.mul(tanh(x.add(x.square().mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI))).add(1)).mul(0.5),
  exponential: exp,
};

/** The function of that name, camelCase or snake_case, as a layer's settings have it. */
export function activationOf(layer: LiveLayer, name: unknown): (x: Tensor) => Tensor {
  if (name === undefined || name === null) return activations.linear;
  const found = typeof name === "string" ? activations[name.replaceAll("_", "").toLowerCase()] : undefined;
  if (found === undefined) throw unsupported(layer, `has the activation ${String(name)}, which is not known`);
  return found;
}

/** The activation that a layer applies to its result. */
export function activated({ layer, config }: LayerCall, y: Tensor): Tensor {
  return activationOf(layer, config.activation)(y);
}

export const activationLayers: Readonly<Record<string, LayerFunction>> = {
  Activation: (call) => activated(call, call.inputs[0]),
  ReLU: ({ inputs: [x], config }) => {
    const limit = config.maxValue as number | null | undefined;
    return limit === null || limit === undefined ? relu(x) : minimum(relu(x), limit);
  },
  LeakyReLU: ({ inputs: [x], config }) => where(x.greater(0), x, x.mul((config.alpha as number | undefined) ?? 0.3)),
  PReLU: (call) => {
    const [x] = call.inputs;
    return where(x.greater(0), x, x.mul(weight(call, "alpha")));
  },
  ELU: ({ inputs: [x], config }) => elu(x, (config.alpha as number | undefined) ?? 1),
  ThresholdedReLU: ({ inputs: [x], config }) =>
    where(x.greater((config.theta as number | undefined) ?? 1), x, x.mul(0)),
  Softmax: (call) => {
    const { config, layer } = call;
    const axis = (config.axis as number | readonly number[] | undefined) ?? -1;
    if (typeof axis !== "number" && axis.length !== 1) throw unsupported(layer, "normalises over several axes");
    if (call.masks[0] !== null) throw unsupported(layer, "is masked");
    return softmax(call.inputs[0], typeof axis === "number" ? axis : axis[0]);
  },
};
