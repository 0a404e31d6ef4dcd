/**
 * erfc.
 *
 * x ≤ ¾: ½ − ((x − ½) + (erf(x) − x)), where the differences are exact. Beyond: e^(−b²+g)/(1 + 2b) with b = |x| and
 * g = log((1 + 2b)·e^(b²)·erfc(b)), nearly constant, a polynomial in w = (b − 2)/(b + 2); 2 − that for x < −¾. A factor
 * in the exponent costs less rounding than a product. b² is formed in two parts, since e^(−b²) multiplies its relative
 * error by b² (745 at the end), and the powers of two go in last, so that a subnormal result is rounded once.
 * g: minimax, `scripts/fit-minimax.py erfc64 erfc32`.
 */

import { powerBias, powersOfTwo } from "./binary-exponent.js";
import { erfTail32, erfTail64 } from "./erf.js";
import { expm1Reduced32, expm1Reduced64 } from "./exp.js";

const f = Math.fround;
const pow2 = powersOfTwo;
const bias = powerBias;

const round64 = 6755399441055744; // 1.5·2^52
const round32 = 12582912; // 1.5·2^23

/** g(w). */
function logFactor64(w: number): number {
  const v = w * w;
  const even =
    0.24449664781746278 +
    v *
      (-0.13265669315808476 +
        v *
          (-0.04227268936746942 +
            v *
              (-0.006017066397319923 +
                v *
                  (-0.0022457678313546415 +
                    v *
                      (-0.0006983850165929942 +
                        v *
                          (-0.00011007866438264574 +
                            v *
                              (-8.587663916746105e-5 +
                                v *
                                  (-9.328740878587183e-6 +
                                    v * (-8.064529342665835e-6 + v * 3.766212799158472e-7)))))))));
  const odd =
    -0.07264322397765721 +
    v *
      (0.11889561023126549 +
        v *
          (0.0067270614383915855 +
            v *
              (0.006344898303170669 +
                v *
                  (0.0004460646824180058 +
                    v *
                      (0.0005041129562215476 +
                        v *
                          (6.882643315662512e-5 +
                            v *
                              (3.055568741751758e-5 +
                                v *
                                  (1.4678942740859814e-5 +
                                    v * (5.811096219282474e-7 + v * -2.2549686397229986e-9)))))))));
  return even + w * odd;
}

function logFactor32(w: number): number {
  const v = f(w * w);
  const even = f(
    0.2444966584444046 +
      f(
        v *
          f(
            -0.1326577216386795 +
              f(v * f(-0.04225416108965874 + f(v * f(-0.00611108960583806 + f(v * -0.002261044457554817))))),
          ),
      ),
  );
  const odd = f(
    -0.07264324277639389 + f(v * f(0.11889718472957611 + f(v * f(0.006692956667393446 + f(v * 0.006588664371520281))))),
  );
  return f(even + f(w * odd));
}

/** 1 − erf(x) without cancellation. */
export function erfc64(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0.75)) return 0.5 - (x - 0.5 + erfTail64(x));
  const b = a > 28 ? 28 : a;
  const c = f(b); // 24 bits: c² is exact
  const high = -c * c;
  const low = (b - c) * (b + c); // b² = −high + low
  const d = 1 + 2 * b;
  const w = (b - 2) / (b + 2);
  const lost = (2 * b - (d - 1)) * ((1 - w) * (0.22 - 0.13 * w)); // what d lost in rounding, times 1/d within a fifth
  const g = logFactor64(w) - (low + lost);
  const n = (high + g) * 1.4426950408889634 + round64 - round64; // log2(e)
  const p = expm1Reduced64(high - n * 0.6931471803691238 - (n * 1.9082149292705877e-10 - g)); // ln 2 as in exp.ts
  const k = n | 0;
  const k1 = k >> 1;
  const y = ((1 + p) / d) * pow2[k1 + bias] * pow2[k - k1 + bias];
  return x < 0 ? 2 - y : y;
}

/** 1 − erf(x) in float32. */
export function erfc32(x: number): number {
  const a = Math.abs(x);
  if (!(a > 0.75)) return f(0.5 - f(f(x - 0.5) + erfTail32(x)));
  const y = erfcLarge32(a > 10.5 ? 10.5 : a);
  return x < 0 ? f(2 - y) : y;
}

function erfcLarge32(b: number): number {
  const square = f(b * b);
  // The rounding error of the square, exact in float32: a vector gets it by Dekker's product, JavaScript in float64.
  const low = b * b - square;
  const d = f(1 + 2 * b);
  const w = f(f(b - 2) / f(b + 2));
  const lost = f((2 * b - (d - 1)) * f(f(1 - w) * f(0.2199999988079071 - f(0.12999999523162842 * w))));
  const g = f(logFactor32(w) - f(low + lost));
  const n = f(f(f(g - square) * 1.4426950216293335) + round32) - round32;
  const p = expm1Reduced32(f(-square - n * 0.693359375 - f(f(n * -0.00021219444170128554) - g)));
  return f(f(f(1 + p) / d) * pow2[(n | 0) + bias]);
}
