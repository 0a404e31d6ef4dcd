/**
 * log, log2, log10 and log1p.
 *
 * x = 2^k·(1 + f) with 1 + f about 1, s = f/(2 + f), z = s²: log(1 + f) = f − s(f − z·R(z)), where R is the minimax
 * polynomial of (2·atanh(s)/s − 2)/z (Remez in 50 digits).
 */

import { exponentAboutOne, highWord, isOutside, powerBias, powersOfTwo } from "./binary-exponent.js";

const f = Math.fround;
const pow2 = powersOfTwo;
const bias = powerBias;

// ln 2 in two parts, the first with zeros at its end so that k·ln2High is exact for every exponent k.
const ln2High64 = 0.6931471803691238;
const ln2Low64 = 1.9082149292705877e-10;
const ln2High32 = 0.693359375;
const ln2Low32 = -0.00021219444170128554;

/** The logarithms outside (0, ∞): −Infinity at 0, NaN below, Infinity and NaN as they are. */
function logOutside(x: number): number {
  return x === 0 ? -Infinity : x < 0 ? NaN : x;
}

/** 2^54: brings subnormal numbers among the normal ones. */
const lift = 18014398509481984;

/** s·(f − z·R(z)) = f − log(1 + f). */
function logTail64(m1: number): number {
  const s = m1 / (2 + m1);
  const z = s * s;
  const r =
    0.666666666666667 +
    z *
      (0.3999999999989789 +
        z *
          (0.28571428626650963 +
            z * (0.2222221103180599 + z * (0.18182896203998564 + z * (0.1533149788057244 + z * 0.14619095556025327)))));
  return s * (m1 - z * r);
}

function logTail32(m1: number): number {
  const s = f(m1 / f(2 + m1));
  const z = f(s * s);
  const r = f(0.6666668653488159 + f(z * f(0.39988696575164795 + f(z * 0.2958308756351471))));
  return f(s * f(m1 - f(z * r)));
}

/** Natural logarithm. */
export function log64(x: number): number {
  const high = highWord(x);
  if (isOutside(high)) return logRare64(x);
  const k = exponentAboutOne(high);
  return logSum64(k, x * pow2[bias - k] - 1);
}

/** log(2^k·(1 + m1)). */
function logSum64(k: number, m1: number): number {
  return k * ln2High64 - (logTail64(m1) - k * ln2Low64 - m1);
}

function logRare64(x: number): number {
  if (!(x > 0 && x < Infinity)) return logOutside(x);
  const a = x * lift;
  const k = exponentAboutOne(highWord(a));
  return logSum64(k - 54, a * pow2[bias - k] - 1);
}

/** Natural logarithm in float32. */
export function log32(x: number): number {
  const high = highWord(x); // subnormal float32 numbers are normal in float64
  if (isOutside(high)) return logOutside(x);
  const k = exponentAboutOne(high);
  const m1 = x * pow2[bias - k] - 1; // exact
  return f(k * ln2High32 - f(f(logTail32(m1) - f(k * ln2Low32)) - m1));
}

/** Logarithm to base 2; exact at powers of two. */
export function log264(x: number): number {
  const high = highWord(x);
  if (isOutside(high)) return log2Rare64(x);
  const k = exponentAboutOne(high);
  return log2Sum64(k, x * pow2[bias - k] - 1);
}

/** log2(2^k·(1 + m1)). */
function log2Sum64(k: number, m1: number): number {
  return k + (m1 - logTail64(m1)) * 1.4426950408889634;
}

function log2Rare64(x: number): number {
  if (!(x > 0 && x < Infinity)) return logOutside(x);
  const a = x * lift;
  const k = exponentAboutOne(highWord(a));
  return log2Sum64(k - 54, a * pow2[bias - k] - 1);
}

/** Logarithm to base 2 in float32. */
export function log232(x: number): number {
  const high = highWord(x); // subnormal float32 numbers are normal in float64
  if (isOutside(high)) return logOutside(x);
  const k = exponentAboutOne(high);
  const m1 = x * pow2[bias - k] - 1; // exact
  return f(k + f(f(m1 - logTail32(m1)) * 1.4426950216293335));
}

/** Logarithm to base 10. */
export function log1064(x: number): number {
  const high = highWord(x);
  if (isOutside(high)) return log10Rare64(x);
  const k = exponentAboutOne(high);
  return log10Sum64(k, x * pow2[bias - k] - 1);
}

/** log10(2^k·(1 + m1)). */
function log10Sum64(k: number, m1: number): number {
  return k * 0.3010299955494702 + ((m1 - logTail64(m1)) * 0.4342944819032518 + k * 1.1451100898021838e-10);
}

function log10Rare64(x: number): number {
  if (!(x > 0 && x < Infinity)) return logOutside(x);
  const a = x * lift;
  const k = exponentAboutOne(highWord(a));
  return log10Sum64(k - 54, a * pow2[bias - k] - 1);
}

/** Logarithm to base 10 in float32. */
export function log1032(x: number): number {
  const high = highWord(x); // subnormal float32 numbers are normal in float64
  if (isOutside(high)) return logOutside(x);
  const k = exponentAboutOne(high);
  const m1 = x * pow2[bias - k] - 1; // exact
  return f(k * 0.301025390625 + f(f(f(m1 - logTail32(m1)) * 0.4342944920063019) + f(k * 4.605039066518657e-6)));
}

/** log(1 + x): log(u) + (x − (u − 1))/u with u = 1 + x, the correction added to the low part. */
export function log1p64(x: number): number {
  const u = 1 + x;
  const high = highWord(u);
  if (isOutside(high)) return logOutside(u); // u is never subnormal
  const k = exponentAboutOne(high);
  const m1 = u * pow2[bias - k] - 1;
  const y = k * ln2High64 - (logTail64(m1) - (k * ln2Low64 + (x - (u - 1)) / u) - m1);
  return x === 0 ? x : y;
}

/** log(1 + x) in float32. */
export function log1p32(x: number): number {
  const u = f(1 + x);
  const high = highWord(u);
  if (isOutside(high)) return logOutside(u);
  const k = exponentAboutOne(high);
  const m1 = u * pow2[bias - k] - 1; // exact
  const low = f(f(k * ln2Low32) + f(f(x - f(u - 1)) / u));
  const y = f(k * ln2High32 - f(f(logTail32(m1) - low) - m1));
  return x === 0 ? x : y;
}
