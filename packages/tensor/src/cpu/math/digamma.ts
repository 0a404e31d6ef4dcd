/**
 * ψ = Γ′/Γ.
 *
 * [1, 3): (x − x₀)·P(t)/Q(t), t = x − 1, with its zero x₀ = 1.4616… in two parts, so that it is right to a few ulp there
 * too. [3, 8): down to [2, 3) by ψ(x) = ψ(x − 1) + 1/(x − 1). From 8 on: log x − 1/(2x) − z·S(z), z = 1/x². Below 1:
 * ψ(x) = ψ(x + 1) − 1/x, and the reflection ψ(x) = ψ(1 − x) − π·cot πx.
 * P, Q, S: minimax, `scripts/fit-minimax.py digammaCentre64 digammaTail64`.
 */

import { log64 } from "./log.js";
import { cotPi } from "./sin.js";

/** ψ(1 + t) for 0 ≤ t < 2. */
function centre(t: number): number {
  const p =
    1.2503801375034054 +
    t *
      (1.9498456036594 +
        t *
          (1.084485810523111 +
            t *
              (0.26772612385290745 +
                t *
                  (0.02898871122753205 +
                    t * (0.0011013106827647279 + t * (3.894284764409974e-6 + t * -2.845133404891948e-8))))));
  const q =
    1 +
    t *
      (2.242949068161724 +
        t *
          (1.7986939711386347 +
            t *
              (0.6652781785028306 +
                t * (0.11872575481766111 + t * (0.009439619274774514 + t * 0.00024713153718790174)))));
  // the zero minus 1, in two parts
  return (t - 0.46163214496836236 + 1.5522348162858677e-17) * (p / q);
}

/** ψ(x) for x > 0. */
export function digammaPositive(x: number): number {
  if (x < 1) return centre(x) - 1 / x;
  if (x >= 8) {
    const u = 1 / x;
    const z = u * u;
    const s =
      0.08333333333333288 +
      z *
        (-0.008333333331227035 +
          z *
            (0.003968252371965597 +
              z * (-0.0041662228024247835 + z * (0.00751946214674835 + z * -0.017720683244722046))));
    return log64(x) - (0.5 * u + z * s);
  }
  let sum = 0;
  let y = x;
  while (y >= 3) {
    y -= 1; // exact
    sum += 1 / y;
  }
  return sum + centre(y - 1);
}

/**
 * ψ(x). As in SciPy: ∓Infinity at ±0, NaN at the other poles −1, −2, … and at −Infinity.
 *
 * Error: 3 ulp for x > 0; for x < 0, where it crosses 0 between the poles, 4 ulp of max(1, |π·cot πx|, |result|).
 */
export function digamma64(x: number): number {
  if (x > 0) return digammaPositive(x);
  if (x === 0) return -1 / x;
  const a = -x;
  if (!(Math.floor(a) !== a)) return NaN; // integers, Infinity, NaN
  const next = a < 2 ? centre(a) : digammaPositive(a) + 1 / a; // ψ(1 + a)
  return next + Math.PI * cotPi(a);
}

/** ψ(x) in float32, computed in float64 and rounded once. */
export function digamma32(x: number): number {
  return Math.fround(digamma64(x));
}
