/**
 * erf and erfc.
 *
 * |x| < 1: x + x·P(x²). Beyond: erfc(b) = e^(−b²)·Q(w)/(1 + 2b), w = (b − 3)/(b + 3).
 */

import { exp32, exp64 } from "./exp.js";

const f = Math.fround;

function erfSmall64(x: number): number {
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
  return x + x * (even + z * odd);
}

function erfcFactor64(b: number): number {
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

/** Error function. */
export function erf64(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 1)) return x === 0 ? x : erfSmall64(x);
  const b = a > 6.1 ? 6.1 : a;
  const y = 1 - exp64(-b * b) * erfcFactor64(b);
  return x < 0 ? -y : y;
}

/** Error function in float32. */
export function erf32(x: number): number {
  return f(erf64(x));
}

/** 1 − erf(x) without cancellation. */
export function erfc64(x: number): number {
  const a = Math.abs(x);
  if (!(a >= 1)) return 1 - erfSmall64(x);
  const b = a > 28 ? 28 : a;
  const c = f(b);
  const y = exp64(-c * c) * exp64(-(b - c) * (b + c)) * erfcFactor64(b);
  return x < 0 ? 2 - y : y;
}

/** 1 − erf(x) in float32. */
export function erfc32(x: number): number {
  return f(erfc64(x));
}
