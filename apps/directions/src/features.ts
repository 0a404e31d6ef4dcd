/** Features in as many dimensions as are wanted, which are unit vectors by construction. */

import { concat, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { pixels } from "./digits.js";

/** Unit vectors of digits, [n, 784], to unit vectors [n, p]. */
export type FeatureMap = (x: Tensor) => Tensor;

/** Pictures whose distance is this have features with a cosine of e^(−1/2). Different digits are about 1 apart. */
export const lengthScale = 0.7;

/** Frequencies drawn at a time, which bounds what is in memory beside the features. */
const blockSize = 4096;

/**
 * Random Fourier features √(2/p)·[cos Wx, sin Wx], with W normal of standard deviation 1/ℓ: since cos² + sin² = 1 their length is 1, and
 * their cosines are those of the Gaussian kernel, exp(−|x − y|²/2ℓ²), up to O(p^(−1/2)).
 *
 * @param p - Even.
 * Source: Rahimi & Recht (2007), Random features for large-scale kernel machines.
 */
export function fourierFeatures(p: number, key: random.Key): FeatureMap {
  const frequencies = p / 2;
  const scale = Math.sqrt(2 / p);
  return (x) => {
    const parts: Tensor[] = [];
    for (let start = 0; start < frequencies; start += blockSize) {
      const count = Math.min(blockSize, frequencies - start);
      const W = random.normal(random.foldIn(key, start), { shape: [pixels, count], dtype: "float64" });
      const phase = x.matmul(W).div(lengthScale);
      parts.push(phase.cos().mul(scale), phase.sin().mul(scale));
    }
    return concat(parts, 1);
  };
}
