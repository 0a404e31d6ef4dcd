/** Normalisation: batch normalisation by its moving statistics or, while a model trains, by those of the batch; and layer normalisation. */

import { mean, rsqrt, stopGradient, type Tensor } from "@curv/tensor";
import { optional, refuse, weight, type LayerFunction } from "./layer.js";

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
    // Keras writes it as a list.
    const axes = [(call.config.axis as number | readonly number[] | undefined) ?? -1].flat();
    refuse(call.layer, axes.length !== 1, "normalises along several axes");
    const axis = axes[0] < 0 ? axes[0] + x.rank : axes[0];
    const shape = x.shape.map((n, i) => (i === axis ? n : 1));
    const along = (w: Tensor | null): Tensor | null => (w === null ? null : w.reshape(shape));
    const epsilon = (call.config.epsilon as number | undefined) ?? 1e-3;
    const [gamma, beta] = [along(optional(call, "gamma")), along(optional(call, "beta"))];
    const moving = { moving_mean: weight(call, "moving_mean"), moving_variance: weight(call, "moving_variance") };
    if (call.training === undefined) {
      return normalize(x, along(moving.moving_mean)!, along(moving.moving_variance)!, epsilon, gamma, beta);
    }
    // Ioffe & Szegedy (2015), algorithm 1. The moving variance is of the batch's own, biased one, as in TensorFlow.js.
    const others = x.shape.map((_, i) => i).filter((i) => i !== axis);
    const center = mean(x, others, { keepDims: true });
    const variance = mean(x.sub(center).square(), others, { keepDims: true });
    const momentum = (call.config.momentum as number | undefined) ?? 0.99;
    const toward = (old: Tensor, batch: Tensor): Tensor =>
      stopGradient(old.mul(momentum).add(batch.reshape(old.shape).mul(1 - momentum)));
    return {
      outputs: [normalize(x, center, variance, epsilon, gamma, beta)],
      moved: {
        moving_mean: toward(moving.moving_mean, center),
        moving_variance: toward(moving.moving_variance, variance),
      },
    };
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
