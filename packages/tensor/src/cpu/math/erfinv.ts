/**
 * erfinv.
 *
 * |x| < ¾: x + x·P(t)/Q(t), t = 9/16 − x². Beyond: s + P(t)/Q(t) with s = √(−log(1 − |x|)), t = s − 1.15, where 1 − |x| is
 * exact. In both t ≥ 0, so that the terms of Q do not cancel, and P/Q is a small part of the sum.
 * P, Q: minimax, `scripts/fit-minimax.py erfinvCentre64 erfinvTail64 erfinvCentre32 erfinvTail32`.
 */

import { log32, log64 } from "./log.js";

const f = Math.fround;

/** erfinv(x)/x − 1, t = 9/16 − x². */
function centre64(t: number): number {
  const p =
    0.08455979679682468 +
    t *
      (-0.03983403644951729 +
        t *
          (-1.6040871874684945 +
            t *
              (-3.5931072500847616 +
                t * (-2.8524164985415528 + t * (-0.8094105507720878 + t * -0.055775501413893834)))));
  const q =
    1 +
    t *
      (6.182361977030455 +
        t *
          (14.220213860495262 +
            t * (15.029673242479966 + t * (7.282321819560359 + t * (1.3943808593059035 + t * 0.0676945492907677)))));
  return p / q;
}

/** erfinv(1 − e^(−s²)) − s, t = s − 1.15. */
function tail64(t: number): number {
  const p =
    -0.36423998420447823 +
    t *
      (-1.0244275092255002 +
        t *
          (-1.1844831010236765 +
            t *
              (-0.7169942452480258 +
                t *
                  (-0.23421996478893617 +
                    t *
                      (-0.03875759698126032 +
                        t * (-0.002727184843759597 + t * (-5.595523195016988e-5 + t * -5.706825735632649e-8)))))));
  const q =
    1 +
    t *
      (2.8319188472816847 +
        t *
          (3.517304196574895 +
            t *
              (2.418893252492072 +
                t *
                  (0.9733223530876037 +
                    t *
                      (0.22347022028071512 +
                        t * (0.0266849817343183 + t * (0.0013634218024011647 + t * 1.943194746388727e-5)))))));
  return p / q;
}

function centre32(t: number): number {
  const p = f(
    0.08455973118543625 + f(t * f(-0.35710659623146057 + f(t * f(-0.5981918573379517 + f(t * -0.029758041724562645))))),
  );
  const q = f(1 + f(t * f(2.4301717281341553 + f(t * 1.1551282405853271))));
  return f(p / q);
}

function tail32(t: number): number {
  const p = f(
    -0.3642398715019226 + f(t * f(-0.4437006711959839 + f(t * f(-0.11186715215444565 + f(t * -0.001215440919622779))))),
  );
  const q = f(1 + f(t * f(1.2375555038452148 + f(t * f(0.5416553616523743 + f(t * 0.06012031435966492))))));
  return f(p / q);
}

/** The y with erf(y) = x; ±Infinity at ±1, NaN outside. */
export function erfinv64(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 0.75)) return x === 0 ? x : x + x * centre64(0.5625 - x * x);
  if (a === 1) return x * Infinity;
  const s = Math.sqrt(-log64(1 - a));
  const y = s + tail64(s - 1.15);
  return x < 0 ? -y : y;
}

/** The y with erf(y) = x, in float32. */
export function erfinv32(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 0.75)) return x === 0 ? x : f(x + f(x * centre32(f(0.5625 - f(x * x)))));
  if (a === 1) return x * Infinity;
  const s = f(Math.sqrt(-log32(f(1 - a))));
  const y = f(s + tail32(f(s - 1.149999976158142)));
  return x < 0 ? -y : y;
}
