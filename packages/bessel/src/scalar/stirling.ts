/** log Γ and log B of positive numbers, without the cancellation of large terms. */

import { reciprocalGamma1p } from "./reciprocal-gamma.js";

const halfLogTwoPi = 0.9189385332046727;

/** S(z) = log Γ(z) − (z − ½)log z + z − ½log 2π, z > 0: by its series from z = 10 on, below by S(z) = S(z + 1) + (z + ½)log(1 + 1/z) − 1. */
export function stirlingRest(z: number): number {
  let below = 0;
  let t = z;
  for (; t < 10; t++) below += (t + 0.5) * Math.log1p(1 / t) - 1;
  const u = 1 / t;
  const s = u * u;
  const series =
    u * (1 / 12 + s * (-1 / 360 + s * (1 / 1260 + s * (-1 / 1680 + s * (1 / 1188 + s * (-691 / 360360 + s * (1 / 156 + s * (-3617 / 122400)))))))); // prettier-ignore
  return below + series;
}

/** log Γ(z), z > 0: to a few ulp of max(1, |value|). */
export function logGamma(z: number): number {
  if (z < 20) return -Math.log(z * reciprocalGamma1p(z));
  return (z - 0.5) * (Math.log(z) - 1) - 0.5 + halfLogTwoPi + stirlingRest(z);
}

/** log(Γ(z + d)/Γ(z)), z > 0, d ≥ 0, in which nothing of size log Γ(z) is left. */
export function logGammaRise(z: number, d: number): number {
  if (z < 10) return logGamma(z + d) - logGamma(z);
  return (z - 0.5) * Math.log1p(d / z) + d * (Math.log(z + d) - 1) + (stirlingRest(z + d) - stirlingRest(z));
}

/** log B(p, q) = log Γ(p)Γ(q)/Γ(p + q). */
export function logBeta(p: number, q: number): number {
  const [small, large] = p < q ? [p, q] : [q, p];
  if (small < 10) return logGamma(small) - logGammaRise(large, small);
  const rest = stirlingRest(small) + stirlingRest(large) - stirlingRest(small + large);
  const share = small / (small + large);
  return halfLogTwoPi - 0.5 * Math.log(large) + (small - 0.5) * Math.log(share) - large * Math.log1p(small / large) + rest;
} // prettier-ignore
