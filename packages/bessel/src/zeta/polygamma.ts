/** The digamma function and its derivatives of a positive number. */

import { hurwitz } from "./scalar.js";

/** ψ(z), z > 0. */
export function digamma(z: number): number {
  let sum = 0;
  let t = z;
  for (; t < 10; t++) sum -= 1 / t;
  const s = 1 / (t * t);
  return sum + Math.log(t) - 0.5 / t - s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s * (1 / 132 - s * (691 / 32760 - s / 12)))))); // prettier-ignore
}

/** ψ⁽ᵏ⁾(z) = (−1)^(k+1) k! ζ(k + 1, z), k ≥ 1. */
export function polygamma(k: number, z: number): number {
  let factorial = 1;
  for (let j = 2; j <= k; j++) factorial *= j;
  return (k % 2 === 0 ? -1 : 1) * factorial * hurwitz(k + 1, z);
}
