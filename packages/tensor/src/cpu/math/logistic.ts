/** The logistic function and its integral. */

import { exp32, exp64 } from "./exp.js";
import { log1p32, log1p64 } from "./log.js";

const f = Math.fround;

/** 1/(1 + e^−x) by t = e^−|x|, so that neither end overflows or cancels. */
export function logistic64(x: number): number {
  const t = exp64(-Math.abs(x));
  return (x < 0 ? t : 1) / (1 + t);
}

/** 1/(1 + e^−x) in float32. */
export function logistic32(x: number): number {
  const t = exp32(-Math.abs(x));
  return f((x < 0 ? t : 1) / f(1 + t));
}

/** log(1 + e^x) = max(x, 0) + log1p(e^−|x|). */
export function softplus64(x: number): number {
  return (x < 0 ? 0 : x) + log1p64(exp64(-Math.abs(x)));
}

/** log(1 + e^x) in float32. */
export function softplus32(x: number): number {
  return f((x < 0 ? 0 : x) + log1p32(exp32(-Math.abs(x))));
}
