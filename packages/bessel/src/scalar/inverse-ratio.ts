/** The argument at which I_{v+1}/I_v has a given value: the concentration of a von Mises–Fisher distribution from its mean length. */

import { ratioOfI } from "./ratio.js";
import { slopeOfRatioI } from "./ratio-slope.js";

export interface RatioRoot {
  readonly x: number;
  /** Newton steps. */
  readonly iterations: number;
}

/**
 * x with I_{v+1}(x)/I_v(x) = r, 0 ≤ r ≤ 1, by Newton's method from the approximation of Banerjee et al. The ratio is concave and rising,
 * so that from the left the steps cannot pass the root; a step to the left of zero is cut.
 *
 * @param onStep - Is told x after each step.
 * Source: Banerjee, Dhillon, Ghosh & Sra (2005), equation 4.4 for the start; Sra (2012), equation 4 for the step.
 */
export function inverseRatioOfI(v: number, r: number, onStep?: (x: number) => void): RatioRoot {
  if (!(r >= 0 && r <= 1 && v >= 0)) return { x: NaN, iterations: 0 };
  if (r === 0) return { x: 0, iterations: 0 };
  if (r === 1) return { x: Infinity, iterations: 0 };
  let x = banerjee(v, r);
  let previous = Infinity;
  for (let iterations = 0; ; iterations++) {
    const step = (ratioOfI(v, x) - r) / slopeOfRatioI(v, x);
    // Within rounding of the ratio steps stop to shrink.
    if (!(Math.abs(step) < previous) || iterations === 50) return { x, iterations };
    previous = Math.abs(step);
    x = step < 0.9 * x ? x - step : 0.1 * x;
    onStep?.(x);
    if (previous <= 1e-16 * x) return { x, iterations: iterations + 1 };
  }
}

/** Banerjee's estimate r(p − r²)/(1 − r²), p = 2v + 2; right in the limits r → 0 and r → 1. */
export function banerjee(v: number, r: number): number {
  return (r * (2 * v + 2 - r * r)) / ((1 - r) * (1 + r));
}
