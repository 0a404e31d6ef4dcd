/** Normalisation: batch normalisation by its moving statistics, as outside of training, and layer normalisation. */

import { mean, rsqrt, type Tensor } from "@curv/tensor";
import { optional, weight, type LayerFunction } from "./layer.js";

/** γ (x − μ)/√(σ² + ε) + β. */
function normalize(
  x: Tensor,
  center: Tensor,
  variance: Tensor,
  epsilon: number,
  gamma: Tensor | null,
  beta: Tensor | null,
): Tensor {
  const scaled = x.sub(center).mul(rsqrt(variance.add(epsilon)));
  const y = gamma === null ? scaled : scaled.mul(gamma);
  return beta === null ? y : y.add(beta);
}

export const normalizationLayers: Readonly<Record<string, LayerFunction>> = {
  BatchNormalization: (call) => {
    const [x] = call.inputs;
    const given = (call.config.axis as number | undefined) ?? -1;
    const axis = given < 0 ? given + x.rank : given;
    const shape = x.shape.map((n, i) => (i === axis ? n : 1));
    const along = (w: Tensor | null): Tensor | null => (w === null ? null : w.reshape(shape));
    return normalize(
      x,
      along(weight(call, "moving_mean"))!,
      along(weight(call, "moving_variance"))!,
      (call.config.epsilon as number | undefined) ?? 1e-3,
      along(optional(call, "gamma")),
      along(optional(call, "beta")),
    );
  },
  LayerNormalization: (call) => {
    const [x] = call.inputs;
    const given = call.config.axis as number | readonly number[];
    const axes = (typeof given === "number" ? [given] : given).map((axis) => (axis < 0 ? axis + x.rank : axis));
    const shape = x.shape.map((n, i) => (axes.includes(i) ? n : 1));
    const center = mean(x, axes, { keepDims: true });
    const variance = mean(x.sub(center).square(), axes, { keepDims: true });
    const along = (w: Tensor | null): Tensor | null => (w === null ? null : w.reshape(shape));
    const epsilon = (call.config.epsilon as number | undefined) ?? 1e-3;
    return normalize(x, center, variance, epsilon, along(optional(call, "gamma")), along(optional(call, "beta")));
  },
};
