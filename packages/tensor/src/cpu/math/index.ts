/**
 * Elementary and special functions of one number, in float64 (`exp64`) and float32 (`exp32`).
 *
 * These are the formulas that the WebAssembly kernels follow operation by operation: float32 versions take and return
 * float32 values and round after every step.
 */

export { acosh32, acosh64, asinh32, asinh64, atanh32, atanh64 } from "./area-hyperbolic.js";
export { acos32, acos64, asin32, asin64 } from "./asin.js";
export { atan232, atan264, atan32, atan64 } from "./atan.js";
export { digamma32, digamma64 } from "./digamma.js";
export { erf32, erf64 } from "./erf.js";
export { erfc32, erfc64 } from "./erfc.js";
export { erfinv32, erfinv64 } from "./erfinv.js";
export { exp232, exp264, exp32, exp64, expm132, expm164 } from "./exp.js";
export { cosh32, cosh64, sinh32, sinh64, tanh32, tanh64 } from "./hyperbolic.js";
export { lgamma32, lgamma64 } from "./lgamma.js";
export { log1032, log1064, log1p32, log1p64, log232, log264, log32, log64 } from "./log.js";
export { logistic32, logistic64, softplus32, softplus64 } from "./logistic.js";
export { polygamma32, polygamma64 } from "./polygamma.js";
export { cbrt32, cbrt64, rsqrt32, rsqrt64 } from "./root.js";
export { integerPower32, integerPower64, pow32, pow64 } from "./power.js";
export { roundHalfEven } from "./rounding.js";
export { cos32, cos64, sin32, sin64 } from "./sin.js";
export { tan32, tan64 } from "./tan.js";
