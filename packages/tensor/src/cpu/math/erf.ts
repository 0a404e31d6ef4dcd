/**
 * erf.
 *
 * |x| < 1: x + x·P(x²). Beyond: 1 − e^(−b²)·Q(w)/(1 + 2b) with b = |x| and w = (b − 3)/(b + 3).
 * P, Q: minimax (Remez in 50 digits), even and odd powers evaluated apart. From b = 6.1 (float32: 4.1) on, erf is 1.
 */

import { exp32, exp64 } from "./exp.js";

const f = Math.fround;

/** erf(x) − x for |x| < 1. */
export function erfTail64(x: number): number {
  const z = x * x;
  const v = z * z;
  const even =
    0.12837916709551256 +
    v *
      (0.11283791670944185 +
        v *
          (0.005223977606118296 +
            v * (0.00012055293576686918 + v * (1.6447131524503547e-6 + v * 1.37109789045861e-8))));
  const odd =
    -0.3761263890318352 +
    v *
      (-0.02686617064311144 +
        v *
          (-0.0008548325929306829 +
            v * (-1.4924712298094114e-5 + v * (-1.6206313408057644e-7 + v * -7.779465729549996e-10))));
  return x * (even + z * odd);
}

/** erf(x) − x for |x| < 1 in float32. */
export function erfTail32(x: number): number {
  const z = f(x * x);
  const v = f(z * z);
  const even = f(0.12837912142276764 + f(v * f(0.11280179768800735 + f(v * 0.004917549435049295))));
  const odd = f(-0.37612324953079224 + f(v * f(-0.02671130932867527 + f(v * -0.0005631414824165404))));
  return f(x * f(even + f(z * odd)));
}

/** erfc(b)·e^(b²) for 1 ≤ b ≤ 6.1, with errors that are small against 1. */
function erfcx64(b: number): number {
  const w = (b - 3) / (b + 3);
  const v = w * w;
  const even =
    1.2530080582697296 +
    v *
      (-0.047562294353469634 +
        v *
          (-0.11927366341298952 +
            v *
              (-0.023770515026757384 +
                v *
                  (0.0018886927819303768 +
                    v * (-0.00010518769245854216 + v * (5.104704033617726e-6 + v * -1.0150160211447342e-6))))));
  const odd =
    -0.13562110612458125 +
    v *
      (0.12964515870277027 +
        v *
          (0.06830802734477526 +
            v *
              (0.0025293917152257954 +
                v *
                  (-0.000779828804957793 +
                    v * (0.00012504606768547888 + v * (-1.971178616096678e-5 + v * 2.3044777514261685e-6))))));
  return (even + w * odd) / (1 + 2 * b);
}

function erfcx32(b: number): number {
  const w = f(f(b - 3) / f(b + 3));
  const v = f(w * w);
  const even = f(
    1.2530080080032349 + f(v * f(-0.04756438359618187 + f(v * f(-0.11918498575687408 + f(v * -0.02427653968334198))))),
  );
  const odd = f(-0.1356211155653 + f(v * f(0.12964193522930145 + f(v * 0.06858169287443161))));
  return f(f(even + f(w * odd)) / f(1 + 2 * b));
}

/** Error function. */
export function erf64(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 1)) return x === 0 ? x : x + erfTail64(x);
  const b = a > 6.1 ? 6.1 : a;
  const y = 1 - exp64(-b * b) * erfcx64(b);
  return x < 0 ? -y : y;
}

/** Error function in float32. */
export function erf32(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 1)) return x === 0 ? x : f(x + erfTail32(x));
  const b = a > 4.099999904632568 ? 4.099999904632568 : a;
  const y = f(1 - f(exp32(f(-b * b)) * erfcx32(b)));
  return x < 0 ? -y : y;
}
