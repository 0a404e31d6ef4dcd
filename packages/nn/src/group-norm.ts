/** Group normalisation. */

import { DomainError, variance } from "@curv/tensor";
import { checkChannels, checkSize } from "./arguments.js";
import { stateless, type Stateless } from "./layer.js";
import { affineMap, initNorm, readNormOptions, standardize, type NormOptions, type NormParams } from "./normalize.js";

export interface GroupNormOptions extends NormOptions {
  /** Number of channels: axis 1 of the input. */
  readonly features: number;
  /** Number of groups that the channels are split into: 1 normalises each example as a whole, `features` each channel by itself. */
  readonly groups: number;
}

export interface GroupNorm extends Stateless<NormParams> {
  readonly name: "groupNorm";
  readonly options: GroupNormOptions;
}

/**
 * Group norm over [batch, features, ...]: each group of channels of each example is brought to mean 0 and variance 1 (biased), then each
 * channel is scaled and shifted. The same in training and evaluation, and at any batch size.
 *
 * @throws DomainError if the groups do not divide the features.
 * Source: Wu & He, Group Normalization (2018), section 3.
 */
export function groupNorm(options: GroupNormOptions): GroupNorm {
  const caller = "groupNorm";
  const { features, groups } = options;
  const { epsilon, affine } = readNormOptions(options, caller);
  checkSize(features, caller, "features");
  checkSize(groups, caller, "groups");
  if (features % groups !== 0) {
    throw new DomainError(`groupNorm: groups is ${groups}; wants a divisor of features = ${features}.`);
  }
  return {
    name: "groupNorm",
    options,
    init: (_key, initOptions = {}) => initNorm([features], affine, initOptions),
    ...stateless((params: NormParams, x) => {
      checkChannels(x, features, caller);
      const [batch, , ...space] = x.shape;
      const members = space.reduce((product, n) => product * n, features / groups);
      const grouped = x.reshape([batch, groups, members]);
      const mean = grouped.mean(2, { keepDims: true });
      const y = standardize(grouped, mean, variance(grouped, 2, { keepDims: true }), epsilon).reshape(x.shape);
      return affine ? affineMap(params, y, [features], [features, ...space.map(() => 1)], caller) : y;
    }),
  };
}
