/** Batch normalisation. */

import { defaultDType, ones, ShapeError, TreeError, variance, zeros, type Tensor } from "@curv/tensor";
import { checkChannels, checkLeaf, checkFraction, checkSize, formatShape } from "./arguments.js";
import type { ApplyOptions, Layer } from "./layer.js";
import { affineMap, initNorm, readNormOptions, standardize, type NormOptions, type NormParams } from "./normalize.js";

export interface BatchNormOptions extends NormOptions {
  /** Number of channels: axis 1 of the input. */
  readonly features: number;
  /** Share of the newest batch in the running statistics, as in PyTorch (Keras and Flax name 1 minus it). Default 0.1. */
  readonly momentum?: number;
}

/** Running statistics, used in evaluation mode. */
export interface BatchNormState {
  /** [features], zeros at first. */
  readonly mean: Tensor;
  /** [features], ones at first. */
  readonly variance: Tensor;
}

export interface BatchNorm extends Layer<NormParams, BatchNormState> {
  readonly name: "batchNorm";
  readonly options: BatchNormOptions;
}

/**
 * Batch norm over [batch, features, ...]: y = γ (x − μ)/√(σ² + ε) + β for each channel, with PyTorch's conventions.
 *
 * In training μ and σ² are the mean and the biased variance (divisor n) of the batch and all positions, and derivatives go through them;
 * the new state is (1 − momentum)·old + momentum·batch, for the variance with the unbiased estimate (divisor n − 1). In evaluation mode μ
 * and σ² are the state, so that an example's output depends on that example alone: curvature is measured in this mode. `apply` in training
 * needs no state.
 *
 * @throws TreeError when the state is needed and missing; ShapeError for an input with other channels, or, in training, with one value
 * for each channel.
 * Source: Ioffe & Szegedy, Batch Normalization (2015), algorithms 1 and 2.
 */
export function batchNorm(options: BatchNormOptions): BatchNorm {
  const caller = "batchNorm";
  const { features, momentum = 0.1 } = options;
  const { epsilon, affine } = readNormOptions(options, caller);
  checkSize(features, caller, "features");
  checkFraction(momentum, caller, "momentum", true);

  /** Per-channel values as they broadcast against x. */
  const layout = (x: Tensor): number[] => [features, ...x.shape.slice(2).map(() => 1)];
  const normalize = (params: NormParams, x: Tensor, { mean, variance }: BatchNormState): Tensor => {
    const shape = layout(x);
    const y = standardize(x, mean.reshape(shape), variance.reshape(shape), epsilon);
    return affine ? affineMap(params, y, [features], shape, caller) : y;
  };
  const checkState = (state: BatchNormState | undefined): BatchNormState => {
    if (state === undefined || state === null) {
      throw new TreeError(
        "batchNorm: state is missing; pass {state}, which initState or the last applyWithState returned, or use apply with {train: true}.",
      );
    }
    checkLeaf(state.mean, [features], caller, "state.mean");
    checkLeaf(state.variance, [features], caller, "state.variance");
    return state;
  };

  return {
    name: "batchNorm",
    options,
    init: (_key, initOptions = {}) => initNorm([features], affine, initOptions),
    initState: ({ dtype = defaultDType() } = {}) => ({
      mean: zeros([features], { dtype }),
      variance: ones([features], { dtype }),
    }),
    apply: (params, x, { train = false, state }: ApplyOptions<BatchNormState> = {}) => {
      checkChannels(x, features, caller);
      return normalize(params, x, train ? batchStatistics(x) : checkState(state));
    },
    applyWithState: (params, x, { train = false, state }: ApplyOptions<BatchNormState> = {}) => {
      checkChannels(x, features, caller);
      const old = checkState(state);
      if (!train) return [normalize(params, x, old), old];
      const batch = batchStatistics(x);
      const n = x.size / features;
      const mix = (before: Tensor, now: Tensor): Tensor => before.mul(1 - momentum).add(now.mul(momentum));
      const next = { mean: mix(old.mean, batch.mean), variance: mix(old.variance, batch.variance.mul(n / (n - 1))) };
      return [normalize(params, x, batch), next];
    },
  };
}

/** Mean and biased variance of each channel. */
function batchStatistics(x: Tensor): BatchNormState {
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const count = x.size / x.shape[1];
  if (count < 2) {
    throw new ShapeError(
      `batchNorm: x has shape ${formatShape(x.shape)}: ${count} value for each channel; training wants at least 2.`,
    );
  }
  return { mean: x.mean(axes), variance: variance(x, axes) };
}
