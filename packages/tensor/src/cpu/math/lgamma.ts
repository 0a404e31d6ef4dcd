/**
 * log|Γ|.
 *
 * [½, 3): (x − 1)(x − 2)·P(t)/Q(t), t = x − ½, right to a few ulp at the zeros 1 and 2 too. [3, 8): down to [2, 3) by
 * Γ(x) = (x − 1)Γ(x − 1). From 8 on: Stirling, x(log x − 1) − ½log x + ½log 2π + S(1/x²)/x. Below ½: Γ(x) = Γ(x + 1)/x,
 * and the reflection Γ(x)Γ(−x) = −π/(x·sin πx). P, Q, S: minimax, `scripts/fit-minimax.py lgammaCentre64`.
 */

import { log64 } from "./log.js";
import { sinPi } from "./sin.js";

/** P(t)/Q(t) = log Γ(x)/((x − 1)(x − 2)), t = x − ½, for ½ ≤ x < 3. */
function centre(t: number): number {
  const p =
    0.7631532572329335 +
    t *
      (4.672246175841777 +
        t *
          (11.19102756188774 +
            t *
              (13.337162493153363 +
                t *
                  (8.334852754941274 +
                    t *
                      (2.648111486492485 +
                        t *
                          (0.38257405508667464 +
                            t * (0.01913578944596217 + t * (9.746716667002932e-5 + t * -7.32011051382755e-7))))))));
  const q =
    1 +
    t *
      (6.886145268256626 +
        t *
          (18.9835975907835 +
            t *
              (26.87352595701379 +
                t *
                  (20.877719064900806 +
                    t *
                      (8.848617529000803 +
                        t * (1.9230584878587236 + t * (0.18615512208340537 + t * 0.005703006650822365)))))));
  return p / q;
}

function stirling(x: number): number {
  const u = 1 / x;
  const z = u * u;
  const s =
    0.0833333333333333 +
    z *
      (-0.0027777777776146844 +
        z *
          (0.0007936506685518719 +
            z * (-0.0005952031852624367 + z * (0.0008373243394689515 + z * -0.001653609993578224))));
  const l = log64(x);
  return x * (l - 1) - (0.5 * l - (0.9189385332046727 + u * s));
}

/** log Γ(x) for x > 0. */
function lgammaPositive(x: number): number {
  if (x < 0.5) return x * (x - 1) * centre(x + 0.5) - log64(x); // Γ(x) = Γ(1 + x)/x
  if (x < 3) return (x - 1) * (x - 2) * centre(x - 0.5) + 0; // + 0: log Γ(1) = 0, not −0
  if (x >= 8) return x < 1.7e308 ? stirling(x) : Infinity;
  let product = 1;
  let y = x;
  while (y >= 3) {
    y -= 1; // exact
    product *= y;
  }
  return log64(product) + (y - 1) * (y - 2) * centre(y - 0.5);
}

/**
 * log|Γ(x)|; Infinity at the poles 0, −1, −2, … and at −Infinity.
 *
 * Error: 3 ulp for x > 0; for x < 0, where it crosses 0 between the poles, 3 ulp of max(1, |log|x||, |result|).
 */
export function lgamma64(x: number): number {
  if (x > 0) return lgammaPositive(x);
  if (x !== x) return NaN;
  const a = -x;
  if (Math.floor(a) === a) return Infinity;
  if (a < 1e-18) return -log64(a); // Γ(x) = 1/x; a·sin πa could underflow
  return log64(Math.PI / (a * Math.abs(sinPi(a)))) - lgammaPositive(a);
}

/** log|Γ(x)| in float32, computed in float64 and rounded once. */
export function lgamma32(x: number): number {
  return Math.fround(lgamma64(x));
}
