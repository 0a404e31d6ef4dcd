/** Features in as many dimensions as are wanted, which are unit vectors by construction. */

import { concat, type Tensor } from "@curv/tensor";
import * as random from "@curv/tensor/random";
import { pixels } from "app-frame/digits";

/** Unit vectors of digits, [n, 784], to unit vectors [n, p]. */
export type FeatureMap = (x: Tensor) => Tensor;

/** Pictures whose distance is this have features with a cosine of e^(−1/2). Different digits are about 1 apart. */
export const lengthScale = 0.7;

/**
 * Random Fourier features √(2/p)·[cos Wx, sin Wx], with W normal of standard deviation 1/ℓ: since cos² + sin² = 1 their length is 1, and
 * their cosines are those of the Gaussian kernel, exp(−|x − y|²/2ℓ²), up to O(p^(−1/2)).
 *
 * @param p - Even.
 * Source: Rahimi & Recht (2007), Random features for large-scale kernel machines.
 */
export function fourierFeatures(p: number, key: random.Key): FeatureMap {
  const W = random.normal(key, { shape: [pixels, p / 2], dtype: "float64" }).div(lengthScale);
  return (x) => {
    const phase = x.matmul(W);
    return concat([phase.cos(), phase.sin()], 1).mul(Math.sqrt(2 / p));
  };
}
