/**
 * exp, exp2 and expm1.
 *
 * x = n·ln 2 + r with |r| ≤ ½ln 2 (n by adding and subtracting 1.5·2^52), e^r = 1 + p, p = r + r²·E(r).
 * The factor 2^n goes in as 2^n1·2^n2, n1 = ⌊n/2⌋, so that results near the largest and the smallest number are right (the
 * first product is exact; for float32, JavaScript multiplies by 2^n in float64 and rounds once: the same bits).
 *
 * E: minimax (Remez in 50 digits), even and odd powers evaluated apart (half the latency).
 *
 * Here and in the other files, float32 code does not round where a float32 operation is exact: x − n·ln2High, the
 * subtraction of 1.5·2^23, products with powers of two that do not underflow. A rounding costs V8 two conversions.
 */

import { powerBias, powersOfTwo } from "./binary-exponent.js";

const f = Math.fround;
const pow2 = powersOfTwo;
const bias = powerBias;

/** 1.5·2^52: adding and subtracting it rounds to an integer, half to even. */
const round64 = 6755399441055744;
/** 1.5·2^23, the same in float32. */
const round32 = 12582912;

const log2e64 = 1.4426950408889634;
const log2e32 = 1.4426950216293335;
// ln 2 in two parts, the first with zeros at its end so that n·ln2High is exact for every exponent n.
const ln2High64 = 0.6931471803691238;
const ln2Low64 = 1.9082149292705877e-10;
const ln2High32 = 0.693359375;
const ln2Low32 = -0.00021219444170128554;

/** r²·E(r) = e^r − 1 − r for |r| ≤ 0.35. */
function expTail64(r: number): number {
  const z = r * r;
  const even =
    0.5000000000000001 +
    z * (0.04166666666662412 + z * (0.0013888888917217381 + z * (2.480152129105733e-5 + z * 2.7620090487429893e-7)));
  const odd =
    0.16666666666666674 +
    z * (0.008333333333322207 + z * (0.00019841269886591 + z * (2.7557242336680357e-6 + z * 2.5110049895858716e-8)));
  return z * (even + r * odd);
}

function expTail32(r: number): number {
  const z = f(r * r);
  const even = f(0.5 + f(z * f(0.04166637361049652 + f(z * 0.0013941124780103564))));
  const odd = f(0.16666576266288757 + f(z * 0.008363181725144386));
  return f(z * f(even + f(r * odd)));
}

/** p = e^r − 1 for |r| ≤ 0.35. */
export function expm1Reduced64(r: number): number {
  return r + expTail64(r);
}

/** p = e^r − 1 for |r| ≤ 0.35, in float32. */
export function expm1Reduced32(r: number): number {
  return f(r + expTail32(r));
}

/** e^x. */
export function exp64(x: number): number {
  const a = x > 710 ? 710 : x < -746 ? -746 : x; // NaN passes
  const n = a * log2e64 + round64 - round64;
  const p = expm1Reduced64(a - n * ln2High64 - n * ln2Low64);
  const k = n | 0;
  const k1 = k >> 1;
  return (1 + p) * pow2[k1 + bias] * pow2[k - k1 + bias];
}

/** e^x in float32. */
export function exp32(x: number): number {
  const a = x > 89 ? 89 : x < -104 ? -104 : x;
  const n = f(f(a * log2e32) + round32) - round32;
  const p = expm1Reduced32(f(a - n * ln2High32 - f(n * ln2Low32)));
  return f(f(1 + p) * pow2[(n | 0) + bias]);
}

/** ½e^x, finite for as long as cosh is. */
export function halfExp64(x: number): number {
  const a = x > 711 ? 711 : x < -746 ? -746 : x;
  const n = a * log2e64 + round64 - round64;
  const p = expm1Reduced64(a - n * ln2High64 - n * ln2Low64);
  const k = (n | 0) - 1;
  const k1 = k >> 1;
  return (1 + p) * pow2[k1 + bias] * pow2[k - k1 + bias];
}

/** ½e^x in float32. */
export function halfExp32(x: number): number {
  const a = x > 90 ? 90 : x < -104 ? -104 : x;
  const n = f(f(a * log2e32) + round32) - round32;
  const p = expm1Reduced32(f(a - n * ln2High32 - f(n * ln2Low32)));
  return f(f(1 + p) * pow2[(n | 0) + (bias - 1)]);
}

/** 2^x; exact for integers. */
export function exp264(x: number): number {
  const a = x > 1025 ? 1025 : x < -1076 ? -1076 : x;
  const n = a + round64 - round64;
  const p = expm1Reduced64((a - n) * 0.6931471805599453);
  const k = n | 0;
  const k1 = k >> 1;
  return (1 + p) * pow2[k1 + bias] * pow2[k - k1 + bias];
}

/** 2^x in float32; exact for integers. */
export function exp232(x: number): number {
  const a = x > 129 ? 129 : x < -151 ? -151 : x;
  const n = f(a + round32) - round32;
  const p = expm1Reduced32(f((a - n) * 0.6931471824645996));
  return f(f(1 + p) * pow2[(n | 0) + bias]);
}

/**
 * e^x − 1 without cancellation near 0: 2^n(1 + p) − 1 = (2^n1·p + (2^n1 − 2^−n2))·2^n2.
 *
 * For n = 1 the leading terms cancel to half their size; what the reduction of x rounds away is added to p for that.
 */
export function expm164(x: number): number {
  const a = x > 710 ? 710 : x < -50 ? -50 : x;
  const n = a * log2e64 + round64 - round64;
  const h = a - n * ln2High64; // exact
  const l = n * ln2Low64;
  const r = h - l;
  const p = r + (expTail64(r) + (h - r - l));
  const k = n | 0;
  const k1 = k >> 1;
  const k2 = k - k1;
  const s1 = pow2[k1 + bias];
  const y = (s1 * p + (s1 - pow2[bias - k2])) * pow2[k2 + bias];
  return x === 0 ? x : y;
}

/** e^x − 1 in float32. */
export function expm132(x: number): number {
  const a = x > 89 ? 89 : x < -25 ? -25 : x;
  const n = f(f(a * log2e32) + round32) - round32;
  const h = a - n * ln2High32; // exact
  const l = f(n * ln2Low32);
  const r = f(h - l);
  const p = f(r + f(expTail32(r) + f(f(h - r) - l)));
  const k = n | 0;
  const k1 = k >> 1;
  const k2 = k - k1;
  const s1 = pow2[k1 + bias];
  const y = f(f(s1 * p + f(s1 - pow2[bias - k2])) * pow2[k2 + bias]);
  return x === 0 ? x : y;
}
