/** A shortcut without images: ten weak causes of a label, and a colour that tells it better, until its meaning changes. */

import { concat, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import type { Environment } from "@curv/hvp/domain";

/** Numbers of an example: ten causal features, two of the colour. */
export const inputs = 12;

/**
 * A fair y₀ ∈ {0, 1}; ten features N(0, 1) + 0.7 (2y₀ − 1); the label y is y₀ flipped with probability 0.25; the colour c is y flipped with
 * probability e; two features (2c − 1) + 0.1 N(0, 1).
 */
export function syntheticEnvironment(key: random.Key, n: number, e: number): Environment {
  const [causeKey, labelKey, colorKey, noiseKey, shadeKey] = random.split(key, 5);
  const flips = (k: random.Key, p: number): Tensor => random.bernoulli(k, p, { shape: [n] }).cast("float32");
  const sign = (bit: Tensor): Tensor => bit.mul(2).sub(1).expandDims(1);
  const cause = flips(causeKey, 0.5);
  const y = cause.sub(flips(labelKey, 0.25)).abs();
  const color = y.sub(flips(colorKey, e)).abs();
  const causal = random.normal(noiseKey, { shape: [n, 10] }).add(sign(cause).mul(0.7));
  const shades = random
    .normal(shadeKey, { shape: [n, 2] })
    .mul(0.1)
    .add(sign(color));
  return { x: concat([causal, shades], 1), y };
}
